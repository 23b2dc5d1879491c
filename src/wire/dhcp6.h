/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCPv6 messages (RFC 8415 §8, §9, §21). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/dns_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP6_SERVER_PORT 547
/* Agents and servers of the link (RFC 8415 §7.1). */
#define DHCP6_ALL_AGENTS ((struct ip_addr){ { 0xff, 2, [13] = 1, 0, 2 } })

enum dhcp6_type {
	DHCP6_SOLICIT = 1,
	DHCP6_ADVERTISE = 2,
	DHCP6_REQUEST = 3,
	DHCP6_CONFIRM = 4,
	DHCP6_RENEW = 5,
	DHCP6_REBIND = 6,
	DHCP6_REPLY = 7,
	DHCP6_RELEASE = 8,
	DHCP6_DECLINE = 9,
	DHCP6_INFORMATION_REQUEST = 11,
	DHCP6_RELAY_FORWARD = 12,
	DHCP6_RELAY_REPLY = 13,
};

enum dhcp6_option {
	DHCP6_OPTION_CLIENT_ID = 1,
	DHCP6_OPTION_SERVER_ID = 2,
	DHCP6_OPTION_IA_NA = 3,
	DHCP6_OPTION_IA_TA = 4,
	DHCP6_OPTION_IA_ADDRESS = 5,
	DHCP6_OPTION_REQUESTED = 6,
	DHCP6_OPTION_PREFERENCE = 7,
	DHCP6_OPTION_ELAPSED = 8,
	DHCP6_OPTION_RELAY_MESSAGE = 9,
	DHCP6_OPTION_STATUS = 13,
	DHCP6_OPTION_RAPID_COMMIT = 14,
	DHCP6_OPTION_INTERFACE_ID = 18,
	DHCP6_OPTION_DNS = 23,
	DHCP6_OPTION_SEARCH = 24, /* RFC 3646 §4 */
	DHCP6_OPTION_IA_PD = 25,
	DHCP6_OPTION_REFRESH_TIME = 32,
	DHCP6_OPTION_FQDN = 39,       /* RFC 4704 */
	DHCP6_OPTION_LINK_LAYER = 79, /* of the client, by its relay (RFC 6939) */
};

enum dhcp6_status {
	DHCP6_SUCCESS = 0,
	DHCP6_NO_ADDRESSES = 2,
	DHCP6_NO_BINDING = 3,
	DHCP6_NOT_ON_LINK = 4,
	DHCP6_USE_MULTICAST = 5,
	DHCP6_NO_PREFIXES = 6,
};

/* RFC 4704 §4.1 */
enum dhcp6_fqdn_flag {
	DHCP6_FQDN_SERVER = 1,   /* the server updates the AAAA record */
	DHCP6_FQDN_OVERRIDE = 2, /* although the client wanted it otherwise */
};

#define DHCP6_DUID_MAX 130u /* RFC 8415 §11.1 */
/* More than these are left out. */
#define DHCP6_IAS_MAX 8u
#define DHCP6_ADDRESSES_MAX 8u
#define DHCP6_RELAYS_MAX 8u /* RFC 8415 §7.6, HOP_COUNT_LIMIT */

struct dhcp6_duid {
	size_t len; /* 0: none */
	uint8_t bytes[DHCP6_DUID_MAX];
};

/* DUID-LL, made of an Ethernet address (RFC 8415 §11.4). */
struct dhcp6_duid dhcp6_duid_of_mac(struct mac mac);
static inline bool dhcp6_duid_equal(const struct dhcp6_duid *a, const struct dhcp6_duid *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* An identity association: what the client calls one of its interfaces, with the addresses that it has or wants. */
struct dhcp6_ia {
	uint16_t option; /* DHCP6_OPTION_IA_NA, IA_TA or IA_PD */
	uint32_t iaid;
	unsigned n_addresses;
	struct ip_addr addresses[DHCP6_ADDRESSES_MAX];
};

/* A relay agent on the way from the client (RFC 8415 §9). */
struct dhcp6_relay {
	uint8_t hops;
	struct ip_addr link, peer;
	const uint8_t *interface_id; /* borrowed from the message; NULL: none */
	size_t interface_id_len;
};

struct dhcp6_message {
	uint8_t type;
	uint32_t xid; /* 24 bits */
	struct dhcp6_duid client, server;
	bool rapid_commit;
	bool has_requested; /* there is an option request option */
	bool wants_dns, wants_search, wants_refresh_time, wants_fqdn;
	const uint8_t *name; /* borrowed: the first label of the client's name (option 39); NULL: none */
	size_t name_len;
	bool has_fqdn;
	uint8_t fqdn_flags; /* enum dhcp6_fqdn_flag */
	unsigned n_ias;
	struct dhcp6_ia ias[DHCP6_IAS_MAX];
	struct mac mac;    /* of the client, by the relay next to it; zero: none */
	unsigned n_relays; /* outermost first */
	struct dhcp6_relay relays[DHCP6_RELAYS_MAX];
};

/* Parses a client's message, or one in relays' envelopes.  Borrows @bytes.  -EBADMSG. */
int dhcp6_parse(const void *bytes, size_t len, struct dhcp6_message *ret);

#define DHCP6_DNS_MAX 3u

/* What a server answers a client that has asked for one address. */
struct dhcp6_answer {
	uint8_t type;
	uint32_t xid; /* 24 bits */
	struct dhcp6_duid client, server;
	bool rapid_commit;
	bool refused; /* a status other than success */
	uint32_t iaid, t1, t2;
	struct ip_addr address; /* the first one that is valid for some time; "::": none */
	uint32_t preferred, valid;
	struct ip_addr dns[DHCP6_DNS_MAX];
	unsigned n_dns;
	struct dns_name search; /* the first domain; the root: none */
};

/* -EBADMSG. */
int dhcp6_parse_answer(const void *bytes, size_t len, struct dhcp6_answer *ret);

/* Begins a message, or continues one in an envelope; options follow. */
void dhcp6_put_header(struct bytes_writer *w, enum dhcp6_type type, uint32_t xid);
void dhcp6_put_option(struct bytes_writer *w, enum dhcp6_option code, const void *value, size_t len);
/* Begins an option whose length is not known yet; dhcp6_end() sets it.  Returns where it begins. */
size_t dhcp6_begin(struct bytes_writer *w, enum dhcp6_option code);
void dhcp6_end(struct bytes_writer *w, size_t begun);
void dhcp6_put_status(struct bytes_writer *w, enum dhcp6_status status);
/* Inside of an IA_NA: an address with its lifetimes in seconds. */
void dhcp6_put_address(struct bytes_writer *w, const struct ip_addr *addr, uint32_t preferred, uint32_t valid);
/* Writes the envelope of @relay, and begins its relay message option, which dhcp6_end() ends. */
size_t dhcp6_begin_relay(struct bytes_writer *w, const struct dhcp6_relay *relay);
