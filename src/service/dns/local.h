/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that the gateway answers for by itself, as libvirt's dnsmasq does:
 *
 *   NAME.DOMAIN            guests and the gateway; the domain has no other names, nothing below it is asked outside
 *   NAME                   the same; unknown plain names are not asked outside for addresses (dnsmasq: domain-needed),
 *                          but for other types, so that "com. DS" still works
 *   D.C.B.A.in-addr.arpa   every address of the segment, whatever its prefix length
 *   localhost              127.0.0.1 and ::1 (RFC 6761 §6.3)
 *
 * A value over borrowed names; decides, never sends.
 */
#pragma once

#include "base/usec.h"
#include "service/dns/reply.h"

struct dns_names;

struct dns_local {
	ip4_t gateway;
	struct prefix4 subnet;
	bool has_domain;
	struct dns_name domain;
	char gateway_label[DNS_LABEL_MAX + 1]; /* lower case */
	struct dns_name gateway_name;          /* in the domain */
	struct dns_soa soa;
	struct dns_names *names;
};

struct dns_local_config {
	ip4_t gateway;
	struct prefix4 subnet;
	const char *domain;       /* NULL or "": none */
	const char *gateway_name; /* a single label */
	struct dns_names *names;  /* borrowed */
};

/* -EINVAL when the domain or the gateway's name is no name. */
int dns_local_init(struct dns_local *l, const struct dns_local_config *config);
/* True: the question is ours and @ret answers it.  False: somebody outside knows. */
bool dns_local_answer(const struct dns_local *l, usec_t now, const struct dns_query *q, struct dns_reply *ret);
