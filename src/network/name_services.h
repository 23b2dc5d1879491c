/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wires DHCP and DNS to the gateway and to the host: the lease file, the resolver for servers outside.  Glue between contracts; it
 * makes no decisions.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "network/guest_names.h"
#include "network/host_names.h"
#include "network/lease_file.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp6/dhcp6.h"

#include <stdbool.h>

struct dns;
struct engine;
struct engine_ops;
struct gateway;
struct log;
struct poller;
struct resolver;
struct settings;

/* Zeroed before name_services_init(); nothing is moved after it. */
struct name_services {
	struct gateway *gateway;
	struct log *log;
	struct dhcp dhcp;
	struct dhcp_env dhcp_env;
	bool dhcp_ready;
	bool serves_dhcp;
	struct dhcp6 dhcp6; /* when serves_dhcp6 */
	struct dhcp6_env dhcp6_env;
	bool serves_dhcp6;
	void (*leased6)(void *opaque, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what);
	struct lease_file lease_file;
	bool keeps_leases;
	void (*leased)(void *opaque, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what);
	const char *(*name_attached)(void *opaque, const struct guest *guest); /* NULL: no port gives a name */
	void *opaque;
	bool leases_changed; /* in this turn */

	struct poller *poller;
	struct dns *dns;
	struct guest_names names;
	struct resolver *resolver;
	struct host_names host_names;
};

struct name_services_config {
	const struct settings *settings;
	struct gateway *gateway; /* gets the services */
	struct poller *poller;
	/* Events of leases; may be NULL. */
	void (*leased)(void *opaque, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what);
	void (*leased6)(void *opaque, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what);
	/* As guest_names.find_attached. */
	const struct guest *(*find_attached)(void *opaque, usec_t now, const char *name);
	/* The name that a guest without a name of its own has because of its port; "": none. */
	const char *(*name_attached)(void *opaque, const struct guest *guest);
	void *opaque;
	const char *state_dir;   /* for the lease file; NULL: there is none */
	struct hash_key ip6_key; /* as dhcp6_config.key; with IPv6 only */
	struct log *log;
};

/* Negative errno; name_services_done() then frees what was made. */
int name_services_init(struct name_services *n, const struct name_services_config *config, usec_t now);
/* Saves the leases. */
void name_services_done(struct name_services *n, usec_t now);

/*
 * Puts the reservations, names, DHCP rules and lease time of @s into effect.  -ENOMEM, or an error of dhcp_set_reservations(), and nothing
 * is changed.
 */
int name_services_change(struct name_services *n, const struct settings *s, usec_t now);
/* Forwards queries to the servers of @s, or to those of the host if it has none. */
void name_services_change_servers(struct name_services *n, const struct settings *s);

/* Serves DNS over TCP through @engine.  -EOPNOTSUPP: the engine does not terminate TCP. */
int name_services_serve_tcp(struct name_services *n, const struct engine_ops *ops, struct engine *engine);

/* Hooks of the gateway. */
void name_services_address_seen(struct name_services *n, usec_t now, struct port *p, ip4_t ip, struct mac mac);
/* The lease of the guest with @mac has ended, or its lease or reservation has changed: sets the guest's name and the rank of @addr. */
void name_services_holder_changed(struct name_services *n, usec_t now, struct mac mac, const struct ip_addr *addr);
/*
 * Ports are guarded from now on.  An address that a guest took before, which is another one's by lease or reservation, is looked at again
 * with its next packet.
 */
void name_services_guard_begins(struct name_services *n, usec_t now);
/* As gateway_hooks.rank, guest_seen and guest_placed. */
enum guest_rank name_services_rank(const struct name_services *n, usec_t now, const struct ip_addr *addr, struct guest_holder *ret);
void name_services_guest_seen(struct name_services *n, usec_t now, struct guest_address *a);
void name_services_guest_placed(struct name_services *n, usec_t now, struct guest *guest);
/* The port behind which the client with @l is; NULL: it is not attached. */
struct port *name_services_lease6_port(const struct name_services *n, usec_t now, const struct lease6 *l);
void name_services_turn_ends(struct name_services *n, usec_t now);
