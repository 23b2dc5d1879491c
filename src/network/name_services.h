/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is who on a network: DHCP and DNS, and what they need from the gateway and the host: the lease file, the name
 * servers outside.  Glue between contracts; it decides nothing by itself.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "network/lease_file.h"
#include "service/dhcp/dhcp.h"
#include "service/dns/names.h"

#include <stdbool.h>

struct dns;
struct engine;
struct engine_ops;
struct gateway;
struct log;
struct poller;
struct resolv_follower;
struct resolver;
struct settings;

/* Zeroed before name_services_init(); nothing is moved after it. */
struct name_services {
	struct gateway *gateway;
	struct log *log;
	struct dhcp dhcp;
	struct dhcp_env dhcp_env;
	bool dhcp_ready;
	struct lease_file lease_file;
	bool keeps_leases;
	void (*leased)(void *opaque, usec_t now, const struct lease *l, enum dhcp_lease_event what);
	void *opaque;
	bool leases_changed; /* since they were last saved */

	struct settings_name *more_names; /* that DNS knows beside guests' */
	size_t n_more_names;

	struct poller *poller;
	struct dns *dns;
	struct dns_names dns_names;
	struct resolver *resolver;
	struct resolv_follower *follower; /* NULL when servers were given */
};

struct name_services_config {
	const struct settings *settings;
	struct gateway *gateway; /* gets the services */
	struct poller *poller;
	/* What DHCP says of leases; may be NULL. */
	void (*leased)(void *opaque, usec_t now, const struct lease *l, enum dhcp_lease_event what);
	void *opaque;
	const char *state_dir; /* where leases are kept; NULL: nowhere */
	struct log *log;
};

/* Negative errno; name_services_done() then frees what was made. */
int name_services_init(struct name_services *n, const struct name_services_config *config, usec_t now);
/* Saves the leases. */
void name_services_done(struct name_services *n, usec_t now);

/*
 * The reservations, names and the lease time of @s take effect.  -ENOMEM or what dhcp_set_reservations() says, and nothing
 * is changed.
 */
int name_services_change(struct name_services *n, const struct settings *s, usec_t now);
/* The servers of @s, or those of the host, are asked from now on.  Negative errno. */
int name_services_change_servers(struct name_services *n, const struct settings *s);

/* DNS over TCP by @engine.  -EOPNOTSUPP when it does not terminate TCP. */
int name_services_serve_tcp(struct name_services *n, const struct engine_ops *ops, struct engine *engine);

/* The hooks of the gateway. */
void name_services_address_seen(struct name_services *n, usec_t now, ip4_t ip, struct mac mac);
void name_services_turn_ends(struct name_services *n, usec_t now);
