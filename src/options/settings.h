/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of all options of a network.  options/options.c sets them one by one, in any order; settings_check() then works out
 * what was not given, and refuses contradictions.  A network is built from checked settings only, and what the comments below say holds
 * for those.
 *
 * A struct settings owns its lists.
 */
#pragma once

#include "base/addr.h"
#include "base/log.h"
#include "gateway/engine.h"
#include "options/forward_spec.h"
#include "options/path_list.h"
#include "options/attachment.h"
#include "options/port_properties.h"
#include "options/record.h"
#include "service/dhcp/range.h"
#include "service/dhcp/reservation.h"
#include "service/dhcp/rules.h"
#include "service/dns/rebind.h"
#include "service/dns/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_LEASE_INFINITE UINT32_MAX /* RFC 2131 §3.3 */
#define SETTINGS_BUSY_POLL_MAX 1000u       /* microseconds; a guest that is silent for longer is not about to answer */
#define SETTINGS_MTU_AUTO 0u
#define SETTINGS_MTU_MIN 576u   /* every IPv4 host accepts that (RFC 791 §3.1) */
#define SETTINGS_MTU_MAX 65520u /* the largest multiple of 16 whose frame fits the stream protocol */
/* "NAME.DOMAIN" fits into a DNS name of 253 characters with any NAME of one label. */
#define SETTINGS_LABEL_MAX 63u
#define SETTINGS_DOMAIN_MAX 189u

#define SETTINGS_PATH_MAX 1023u

/* The gateway's name, which no guest can have. */
#define SETTINGS_GATEWAY_NAME "gateway"

/*
 * A guest that is declared: the DHCP reservation (static lease) of its MAC, its name, and what its ports may do.  It has at least one of
 * @ip, @name, @tag and @lease_time_s.
 */
struct settings_host {
	struct mac mac;
	ip4_t ip;                          /* 0: any of the DHCP range */
	char name[SETTINGS_LABEL_MAX + 1]; /* lower case; "": none */
	struct port_properties properties; /* of ports on its own sockets */
	char tag[DHCP_TAG_SIZE];           /* for rules of DHCP; "": none */
	uint32_t lease_time_s;             /* or SETTINGS_LEASE_INFINITE; 0: that of the network */
};

/* Room for "MAC,ADDRESS,NAME" and every property, with the NUL. */
#define SETTINGS_HOST_TEXT_SIZE \
	(MAC_TEXT_SIZE + IP4_TEXT_SIZE + SETTINGS_LABEL_MAX + 1 + PORT_PROPERTIES_TEXT_SIZE + DHCP_TAG_SIZE + \
	 sizeof(",tag=,lease-time=4294967295"))

#define SETTINGS_LEASE_TIME_TEXT_SIZE sizeof("4294967295")

/* As lease-time= takes it; "" for 0, which is the network's. */
void settings_lease_time_format(uint32_t seconds, char text[static SETTINGS_LEASE_TIME_TEXT_SIZE]);
/* @h as the option host takes it; returns @text. */
char *settings_host_format(const struct settings_host *h, char text[static SETTINGS_HOST_TEXT_SIZE]);

/* Of --dhcp-host: "id:…" or "name:…", which is for the guests that say this of themselves.  @ret has nothing else.  -EINVAL. */
int settings_client_parse(const char *text, struct reservation *ret);

#define SETTINGS_CLIENT_TEXT_SIZE (sizeof("name:") + 3 * RESERVATION_ID_MAX)
#define SETTINGS_DHCP_HOST_TEXT_SIZE (SETTINGS_CLIENT_TEXT_SIZE + SETTINGS_HOST_TEXT_SIZE)

/* The client of @r, and @r as the option dhcp-host takes it; both return @text. */
char *settings_client_format(const struct reservation *r, char text[static SETTINGS_CLIENT_TEXT_SIZE]);
char *settings_dhcp_host_format(const struct reservation *r, char text[static SETTINGS_DHCP_HOST_TEXT_SIZE]);
/* Whether @a and @b are for the same client. */
bool settings_same_client(const struct reservation *a, const struct reservation *b);

/* A DNS name beside those of guests. */
struct settings_name {
	char name[SETTINGS_LABEL_MAX + 1]; /* lower case */
	ip4_t ip;
};

/* What --ipv6 says. */
enum settings_ip6 {
	SETTINGS_IP6_OFF,
	SETTINGS_IP6_AUTO, /* a prefix of the network's own, which it keeps */
	SETTINGS_IP6_PREFIX,
};

#define SETTINGS_IP6_MTU_MIN 1280u /* RFC 8200 §5 */

struct settings {
	struct prefix4 subnet;  /* private, /8 to /30 */
	ip4_t gateway;          /* a host address of the subnet; 0 before the check: the first one */
	struct mac gateway_mac; /* zero: the one that is kept in the state directory */
	/*
	 * From the first to the last address of the DHCP ranges; 0 before the check: all addresses above or below the gateway.  The ranges
	 * are in ascending order, do not overlap, and do not have the gateway in them.  None: the range was not given, and is all of it.
	 */
	ip4_t dhcp_first, dhcp_last;
	struct dhcp_range dhcp_ranges[DHCP_RANGES_MAX];
	unsigned n_dhcp_ranges;
	enum settings_ip6 ip6;
	bool ipv6_only;                       /* guests reach IPv4 destinations by NAT64 */
	struct prefix6 prefix6;               /* unique local, /64; with SETTINGS_IP6_PREFIX */
	uint32_t lease_time_s;                /* or SETTINGS_LEASE_INFINITE */
	unsigned mtu;                         /* SETTINGS_MTU_AUTO, or MIN to MAX */
	char domain[SETTINGS_DOMAIN_MAX + 1]; /* lower case, no dot at the end */
	bool local_only;                      /* the domain has no names but those of guests and of the user */
	struct dns_domain_list rebind_ok;     /* domains outside that may have addresses of guests (service/dns/rebind.h) */
	struct dns_route_list dns_routes;     /* of domains that have servers of their own */
	struct dns_server_list dns;           /* servers to forward queries to; none: those of the host */
	/* Distinct MACs, addresses and names; addresses are 0 or host addresses of the subnet, also outside the DHCP range. */
	struct settings_host *hosts; /* each list and its length stand together, see OPTION_PLACES() */
	size_t n_hosts;
	struct attachment_list attachments; /* distinct descriptors, paths and names */
	struct settings_name *names;        /* distinct, of each other and of hosts' names */
	size_t n_names;
	struct settings_record *records; /* distinct; a CNAME is alone at its name */
	size_t n_records;
	struct reservation *dhcp_hosts; /* without MACs; distinct addresses and names, of hosts' too */
	size_t n_dhcp_hosts;
	struct dhcp_tag_rule *dhcp_tags;
	size_t n_dhcp_tags;
	struct dhcp_option_rule *dhcp_options;
	size_t n_dhcp_options;
	struct dhcp_boot_rule *dhcp_boots;
	size_t n_dhcp_boots;
	/* Directories whose files guests may read by TFTP and HTTP; "": none. */
	char tftp_root[SETTINGS_PATH_MAX + 1], http_root[SETTINGS_PATH_MAX + 1];
	struct forward_spec *forwards; /* no two need the same host port */
	size_t n_forwards;
	bool host_loopback;
	bool keep_tcp_ports;
	bool metadata, link_local; /* guests may reach them (gateway/closed.h) */
	unsigned busy_poll_us;     /* 0: none */
	bool isolate;
	struct bandwidth bandwidth; /* of all guests together; zeroed: no limit */
	bool unguarded;             /* ports whose properties leave it open are not guarded */
	bool multicast_snooping;
	bool no_dhcp, no_gateway; /* without a gateway there is no DHCP server either */
	struct path_list vde;     /* URLs of VDE networks to join */
	unsigned storm_limit;     /* frames per second for each port; 0: no limit */
	const struct engine_ops *engine;
	enum engine_filtering udp_filtering;
	enum log_level log_level;
};

/* Frees the lists.  option_set_defaults() initializes a struct settings. */
void settings_done(struct settings *s);

/* The closed destinations that guests may reach (enum closed_group). */
unsigned settings_opened(const struct settings *s);

/* Removes the host with @mac, or the name.  -ENOENT. */
int settings_remove_host(struct settings *s, struct mac mac);
/* The one for the same client as @r.  -ENOENT. */
int settings_remove_dhcp_host(struct settings *s, const struct reservation *r);
/* With all its records. */
int settings_remove_name(struct settings *s, const char *name);
/* -ENOENT: there is no such record. */
int settings_remove_record(struct settings *s, const struct settings_record *record);

/* Appends the hosts, dhcp_hosts and names of @more.  -ENOMEM, and @s is unchanged. */
int settings_append(struct settings *s, const struct settings *more);

/* -ENOMEM. */
int settings_copy(const struct settings *from, struct settings *ret);

/*
 * Works out what was not given.  -EINVAL when options contradict one another: @error then has one line that names them, and @s is
 * unchanged.
 */
int settings_check(struct settings *s, char *error, size_t size);
