/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the API writes addresses and times, and reads the members of bodies. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "control/json.h"
#include "control/request.h"

#include <json-glib/json-glib.h>

void json_ip4(struct json *j, const char *key, ip4_t ip);
void json_ip(struct json *j, const char *key, const struct ip_addr *addr);
/* {"address": …, "port": …} */
void json_endpoint(struct json *j, const char *key, const struct ip_endpoint *e);
void json_mac(struct json *j, const char *key, struct mac mac);
/* A time of the boot clock as Unix seconds; USEC_INFINITY: null. */
void json_time(struct json *j, const char *key, usec_t now, usec_t when);
struct snapshot_bandwidth;
/* The members bandwidth_in and bandwidth_out, as the options have them; null: no limit. */
void json_bandwidth(struct json *j, const struct snapshot_bandwidth *b);
/* "tcp", "udp", "icmp" or the number. */
void json_protocol(struct json *j, const char *key, uint8_t protocol);

/* The body as a JSON object, to be unref'd.  NULL when it is something else, and @r was answered with 400. */
JsonObject *request_object(struct request *r);
/* The member @name of @o as a string: "" when it is not there.  NULL when it is something else, and @r was answered with 400. */
const char *request_text(struct request *r, JsonObject *o, const char *name);
/* The member @name of @o as a boolean, false when it is missing.  Returns false when it is something else, and @r was answered with 400. */
bool request_bool(struct request *r, JsonObject *o, const char *name, bool *ret);
/* Whether @o has no members but @names, up to NULL; else @r was answered with 400. */
bool request_members(struct request *r, JsonObject *o, const char *const *names);
