/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCP server (RFC 2131, 2132, 3046, 3396, 3397, 6842): one subnet, one pool, authoritative.
 * A service of the gateway; pure.  It owns the leases.  Its owner writes them to disk when it says so, before the answer is sent
 * (saving.h).
 *
 * The MAC is the key of a lease.  The client id is recorded and echoed, but is not the key: iPXE and the system that it
 * boots send different ids, and cloned images send the same.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/usec.h"
#include "gateway/guest.h"
#include "gateway/service.h"
#include "service/dhcp/lease.h"
#include "service/dhcp/range.h"
#include "service/dhcp/reservation.h"
#include "service/dhcp/rules.h"
#include "service/dhcp/saving.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dhcp_env;
struct port;

#define DHCP_DNS_MAX 3
#define DHCP_DOMAIN_SIZE 254

enum dhcp_lease_event {
	DHCP_LEASE_GIVEN,
	DHCP_LEASE_RENEWED,
	DHCP_LEASE_RELEASED,
	DHCP_LEASE_EXPIRED,
	DHCP_LEASE_TAKEN,    /* the pool is full and the client did not use its address: another one gets it */
	DHCP_LEASE_DECLINED, /* the client found the address in use by another host */
};

/* What the server asks of the gateway.  These functions do not call the server. */
struct dhcp_env_ops {
	/* Sends an ARP probe for @ip.  An answer is reported by dhcp_address_seen(). */
	void (*probe)(struct dhcp_env *env, usec_t now, ip4_t ip);
	/* The guest with @mac, which need not be attached; NULL when it is not known.  Later ones are told by dhcp_guest_seen(). */
	struct guest *(*guest_of)(struct dhcp_env *env, struct mac mac);
	/* The port behind which @mac is, by what was seen; NULL when it is not known. */
	struct port *(*port_of)(struct dhcp_env *env, usec_t now, struct mac mac);
	/* The address @ip, when a guest behind an attached port uses it, however long it has been silent; NULL when that is not known. */
	const struct guest_address *(*address_at)(struct dhcp_env *env, ip4_t ip);
	/* Whether a host uses @ip, by the neighbour table and not by leases, and its MAC. */
	bool (*in_use)(struct dhcp_env *env, usec_t now, ip4_t ip, struct mac *ret);
	/* Whether all machines on the segment have shown their addresses, but for the one that asks from port @asking. */
	bool (*all_known)(struct dhcp_env *env, const struct port *asking);
	/* The leases have changed, but for ends that renewals put off.  Called any number of times in a turn. */
	void (*changed)(struct dhcp_env *env, usec_t now);
	/* Writes the leases to disk: all, or those that have changed when dhcp_can_save_changes().  ACKs are sent after that. */
	void (*save)(struct dhcp_env *env, usec_t now);
	/* Optional.  What dhcp_rank() says of @ip, or dhcp_name_of() of @mac, may have changed. */
	void (*holder_changed)(struct dhcp_env *env, usec_t now, struct mac mac, ip4_t ip);
	/* Optional.  By a message from port @p, @l was leased, renewed, released or declined; its state after that.  NULL: it expired or
	 * was taken. */
	void (*leased)(struct dhcp_env *env, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what);
	/* Optional.  Whether a guest with another MAC than @mac has told @name, a clean label, to DHCPv6. */
	bool (*name_is_taken)(struct dhcp_env *env, usec_t now, struct mac mac, const char *name);
	/* Optional.  The station @mac has sent a DISCOVER: its system starts, perhaps on another network card than before. */
	void (*starts)(struct dhcp_env *env, usec_t now, struct mac mac);
};

struct dhcp_env {
	const struct dhcp_env_ops *ops;
};

struct dhcp_config {
	struct dhcp_env *env;     /* borrowed */
	struct log *log;          /* borrowed, may be NULL */
	struct hash_key hash_key; /* for tables; does not affect which address a guest gets */
	ip4_t gateway;            /* also the server identifier */
	bool ipv6_only;           /* answers only clients that can do without IPv4, and tells them to (option 108, RFC 8925) */
	bool no_router;           /* there is nothing behind the gateway: it is not sent as the router (option 3) */
	struct mac gateway_mac;
	struct prefix4 subnet;
	ip4_t first, last; /* the pool, inclusive; may contain the gateway */
	/* In ascending order, not overlapping, inside the pool, of which the rest is not leased.  None: all of it is. */
	struct dhcp_range ranges[DHCP_RANGES_MAX];
	unsigned n_ranges;
	uint32_t lease_time;      /* seconds, at least 1; DHCP_LEASE_INFINITE */
	const char *domain;       /* copied; NULL: no domain */
	const char *gateway_name; /* a label that no guest may have; copied; NULL: no name */
	ip4_t dns[DHCP_DNS_MAX];  /* empty: the gateway */
	unsigned n_dns;
	bool saves;                             /* leases are kept on disk: env->save */
	uint16_t mtu;                           /* for option 26; 0: the MTU of the client's port if over 1500 */
	const struct reservation *reservations; /* copied */
	size_t n_reservations;
	struct dhcp_rules rules; /* copied */
};

/* Another DHCP server on the segment, seen answering clients. */
struct dhcp_foreign {
	ip4_t server; /* 0: none seen */
	struct mac mac;
	usec_t seen;
	bool told;    /* the log has it */
	bool dropped; /* its answers were, by the guard */
};

/* A MAC that has declined addresses. */
struct dhcp_decliner {
	struct mac mac;
	usec_t until; /* when none of its declines counts any more */
};

#define DHCP_DECLINERS_MAX 64

/* Domains that clients search beside their own. */
#define DHCP_SEARCH_MAX 12u

struct dhcp {
	struct service service;
	struct dhcp_config config; /* its strings are the copies below, and its rules are owned; the rest is borrowed */
	char domain[DHCP_DOMAIN_SIZE];
	char search[DHCP_SEARCH_MAX][DHCP_DOMAIN_SIZE];
	unsigned n_search;
	char gateway_name[GUEST_NAME_SIZE];
	struct reservation_table reservations;
	struct lease_table leases;
	unsigned shared; /* addresses that are shared among ports (share.h) */
	struct dhcp_saving saving;
	struct list probes; /* struct dhcp_probe, by deadline */
	unsigned n_probes;
	struct dhcp_decliner decliners[DHCP_DECLINERS_MAX]; /* private to share.c */
	struct dhcp_foreign foreign;
	struct log_limit log_limit; /* for lines that no port has caused */
};

/*
 * -EINVAL: pool or gateway outside the subnet, invalid domain, or a reservation without a valid MAC or name.  -ERANGE: a reserved
 * address is outside the subnet or the gateway's.  -EEXIST: a MAC, address or name is reserved twice.  -ENOMEM.
 */
int dhcp_init(struct dhcp *d, const struct dhcp_config *config);
void dhcp_done(struct dhcp *d);

/*
 * Replaces the reservations.  A guest that has to change its address because of them gets a NAK when it renews.
 * Errors as dhcp_init(); then nothing is changed.
 */
int dhcp_set_reservations(struct dhcp *d, const struct reservation *r, size_t n);

/* Sets the domains, copied, that clients search behind their own one (option 119).  Invalid and repeated ones are skipped. */
void dhcp_set_search(struct dhcp *d, const char *const *domains, size_t n);

/* Replaces the rules by @rules, a copy that is taken over. */
void dhcp_set_rules(struct dhcp *d, struct dhcp_rules *rules);

/* @p is the answer of another DHCP server on the segment, to a guest or to all.  It is remembered and reported.  @dropped: guests do not
 * get it. */
void dhcp_foreign_seen(struct dhcp *d, usec_t now, const struct packet *p, bool dropped);

/* The turn ends, and packets are sent after this returns: saves the leases if that is due, and sends the ACKs that waited for it. */
void dhcp_turn_ends(struct dhcp *d, usec_t now, struct sink *out);
/* What is saved together with the leases has changed; @soon: now, or with the next save. */
void dhcp_save(struct dhcp *d, bool soon);
/* Whether leases have changed since they were saved, if only by renewals. */
bool dhcp_is_unsaved(const struct dhcp *d);

/* ARP from port @p showed that @mac uses @ip.  If that ends a probe, the server's deadline becomes @now. */
void dhcp_address_seen(struct dhcp *d, usec_t now, struct port *p, ip4_t ip, struct mac mac);

/* @g is a guest whose MAC may have a lease. */
void dhcp_guest_seen(struct dhcp *d, struct guest *g);

/*
 * The MAC of the guest with the host name @name, one label, case-insensitive: for which it is reserved, or which has it by a lease.  It may
 * have no address.  -ENOENT.
 */
int dhcp_holder_of_name(const struct dhcp *d, usec_t now, const char *name, struct mac *ret);
/* Whether the guest with @mac may have the name @name, a clean label: no other guest has it by a lease or a reservation. */
bool dhcp_may_have_name(const struct dhcp *d, usec_t now, struct mac mac, const char *name);
/* The address of the guest with @mac: of its reservation always, of another guest while it has a lease.  -ENOENT. */
int dhcp_find_mac(const struct dhcp *d, usec_t now, struct mac mac, ip4_t *ret);
/* The name of the guest with the leased or reserved address @ip.  -ENOENT: no such guest, or it has no name. */
int dhcp_find_address(const struct dhcp *d, usec_t now, ip4_t ip, char ret[static GUEST_NAME_SIZE]);

/* The reserved or leased name of the guest with @mac; "": it has none. */
const char *dhcp_name_of(const struct dhcp *d, usec_t now, struct mac mac);

/* By which rank @ip belongs to a guest, which is then *@ret.  GUEST_RANK_SEEN: it is neither reserved nor leased. */
enum guest_rank dhcp_rank(const struct dhcp *d, usec_t now, ip4_t ip, struct guest_holder *ret);

/*
 * Calls @each for every lease to be saved: the active ones, and expired and released ones whose address is still kept for
 * the guest (see lease_is_active()).  Least recently used first.
 */
void dhcp_for_each_lease(const struct dhcp *d, void (*each)(void *opaque, const struct lease *l), void *opaque);
/* Whether the saved leases are right again when dhcp_for_each_unsaved() has replaced those with the same MAC or address. */
bool dhcp_can_save_changes(const struct dhcp *d);
/* Calls @each for every lease that has changed since all were saved: those that are not BOUND have ended, whatever is offered since. */
void dhcp_for_each_unsaved(const struct dhcp *d, void (*each)(void *opaque, const struct lease *l), void *opaque);

/* The limit for log lines that port @p has caused; NULL: a port that is not known. */
struct log_limit *dhcp_log_limit(struct dhcp *d, struct port *p);

/* A lease from before a restart. */
struct dhcp_saved_lease {
	struct mac mac;
	ip4_t ip;
	usec_t expires;   /* may be in the past: the address is then kept for the guest */
	const char *name; /* any text, cleaned here; "" or NULL: no name */
	const uint8_t *client_id;
	size_t client_id_len;
};

/*
 * Restores a saved lease, instead of earlier ones of its MAC and its address; does not report a change.  For the time before the first
 * message.  -EADDRNOTAVAIL: this MAC may not have the address any more.  -EINVAL: the MAC cannot be a guest's, or the client id is too
 * long.  -ENOSPC: too many leases.  -ENOMEM.
 */
int dhcp_restore(struct dhcp *d, usec_t now, const struct dhcp_saved_lease *saved);
