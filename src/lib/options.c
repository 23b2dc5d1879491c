/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/options.h"

#include "base/macros.h"
#include "host/socket_facts.h"
#include "host/unix_socket.h"
#include "lan/engine.h"
#include "lan/storm.h"
#include "lanlet.h"
#include "lib/attach.h"
#include "lib/engines.h"
#include "lib/settings.h"
#include "lib/value.h"
#include "link/vde/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 1023 /* libvdeplug copies it into buffers of PATH_MAX and onto the stack */
#define LEASE_TIME_MIN_S 10 /* below that clients do little else than renew */

struct option {
	struct lanlet_option public;
	const char *accepts; /* completes "expected …" */
	/* -EINVAL may come with a reason in *@ret_why, a string that lives for ever. */
	int (*set)(struct settings *s, const char *value, const char **ret_why);
	void (*clear)(struct settings *s);			    /* for repeatable options */
	const char *(*choice)(size_t index, const char **ret_help); /* for options with fixed words; NULL behind the last */
	bool derived; /* the default is settings_check()'s work and its text is for people only */
};

/* Private use: RFC 1918 §3, and RFC 6598 §4 (carriers' shared space, which no host outside owns either). */
static const struct prefix4 private_space[] = {
	{ IP4(10, 0, 0, 0), 8 },
	{ IP4(172, 16, 0, 0), 12 },
	{ IP4(192, 168, 0, 0), 16 },
	{ IP4(100, 64, 0, 0), 10 },
};

static bool is_private(struct prefix4 p)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_space); i++)
		if (p.length >= private_space[i].length && prefix4_contains(private_space[i], p.network))
			return true;
	return false;
}

static int set_subnet(struct settings *s, const char *value, const char **ret_why)
{
	struct prefix4 p;
	int r = prefix4_parse(value, &p);
	if (r == -EDOM)
		*ret_why = "it has bits set behind the prefix";
	if (r < 0)
		return -EINVAL;
	if (p.length < 8 || p.length > 30) {
		*ret_why = "its length is out of range";
		return -EINVAL;
	}
	if (!is_private(p)) {
		*ret_why = "it is not private, real hosts live there";
		return -EINVAL;
	}
	s->subnet = p;
	return 0;
}

static int set_gateway(struct settings *s, const char *value, const char **ret_why)
{
	ip4_t ip;
	if (ip4_parse(value, &ip) < 0 || ip == 0)
		return -EINVAL;
	s->gateway = ip;
	return 0;
}

static int set_dhcp_range(struct settings *s, const char *value, const char **ret_why)
{
	return value_ip4_range(value, &s->dhcp_first, &s->dhcp_last);
}

static int set_lease_time(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t seconds;
	if (value_duration(value, SETTINGS_LEASE_INFINITE, &seconds) < 0 || seconds < LEASE_TIME_MIN_S)
		return -EINVAL;
	s->lease_time_s = seconds;
	return 0;
}

static int set_mtu(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t mtu = SETTINGS_MTU_AUTO;
	if (strcmp(value, "auto") != 0 && value_unsigned(value, SETTINGS_MTU_MIN, SETTINGS_MTU_MAX, &mtu) < 0)
		return -EINVAL;
	s->mtu = mtu;
	return 0;
}

static int set_domain(struct settings *s, const char *value, const char **ret_why)
{
	return value_domain(value, s->domain, sizeof(s->domain));
}

static int add_dns(struct settings *s, const char *value, const char **ret_why)
{
	struct dns_server server;
	if (dns_server_parse(value, &server) < 0)
		return -EINVAL;
	if (dns_server_list_add(&s->dns, &server) < 0) {
		*ret_why = "there are eight already";
		return -EINVAL;
	}
	return 0;
}

static void clear_dns(struct settings *s)
{
	s->dns.count = 0;
}

/* "MAC,ADDRESS" or "MAC,ADDRESS,NAME"; @text is written to. */
static int parse_host(char *text, struct settings_host *ret, const char **ret_why)
{
	struct settings_host h = { 0 };
	char *mac = strsep(&text, ","), *ip = strsep(&text, ","), *name = text;
	if (!ip || mac_parse(mac, &h.mac) < 0 || ip4_parse(ip, &h.ip) < 0)
		return -EINVAL;
	if (mac_is_group(h.mac) || mac_is_zero(h.mac)) {
		*ret_why = "no network card has this MAC";
		return -EINVAL;
	}
	if (name && value_label(name, h.name, sizeof(h.name)) < 0) {
		*ret_why = "the name may hold letters, digits and inner hyphens";
		return -EINVAL;
	}
	*ret = h;
	return 0;
}

static int add_host(struct settings *s, const char *value, const char **ret_why)
{
	char text[MAC_TEXT_SIZE + IP4_TEXT_SIZE + SETTINGS_LABEL_MAX + 1];
	struct settings_host host;
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_host(text, &host, ret_why) < 0)
		return -EINVAL;
	struct settings_host *grown = reallocarray(s->hosts, s->n_hosts + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[s->n_hosts++] = host;
	s->hosts = grown;
	return 0;
}

static void clear_hosts(struct settings *s)
{
	free(s->hosts);
	s->hosts = NULL;
	s->n_hosts = 0;
}

/* "NAME,ADDRESS"; @text is written to. */
static int parse_name(char *text, struct settings_name *ret, const char **ret_why)
{
	struct settings_name n = { 0 };
	char *name = strsep(&text, ","), *ip = text;
	if (!ip || value_label(name, n.name, sizeof(n.name)) < 0 || ip4_parse(ip, &n.ip) < 0)
		return -EINVAL;
	if (n.ip == 0 || n.ip >> 24 == 127) {
		*ret_why = "this address means every guest's own machine";
		return -EINVAL;
	}
	*ret = n;
	return 0;
}

static int add_name(struct settings *s, const char *value, const char **ret_why)
{
	char text[SETTINGS_LABEL_MAX + 1 + IP4_TEXT_SIZE];
	struct settings_name name;
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_name(text, &name, ret_why) < 0)
		return -EINVAL;
	struct settings_name *grown = reallocarray(s->names, s->n_names + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[s->n_names++] = name;
	s->names = grown;
	return 0;
}

static void clear_names(struct settings *s)
{
	free(s->names);
	s->names = NULL;
	s->n_names = 0;
}

/* A socket's path. */
static int add_path(struct path_list *l, const char *value, const char **ret_why)
{
	if (!value_is_text(value))
		return -EINVAL;
	if (!unix_path_fits(value)) {
		*ret_why = "the system takes no socket path as long as that";
		return -EINVAL;
	}
	return path_list_add(l, value);
}

static int add_vhost_connect(struct settings *s, const char *value, const char **ret_why)
{
	return add_path(&s->vhost_connect, value, ret_why);
}

static void clear_vhost_connect(struct settings *s)
{
	path_list_clear(&s->vhost_connect);
}

static int add_plug(struct settings *s, enum plug_kind kind, const char *value, const char **ret_why)
{
	struct plug plug;
	struct socket_facts facts;
	if (plug_parse(kind, value, &plug, ret_why) < 0)
		return -EINVAL;
	/* At once, before another descriptor takes the place of one that is not open. */
	int r = kind == PLUG_FD ? socket_facts_get(plug.fd, &facts) : 0;
	if (r < 0) {
		*ret_why = attach_explain_fd(-r);
		return -EINVAL;
	}
	return plug_list_add(&s->plugs, &plug);
}

static int add_fd(struct settings *s, const char *value, const char **ret_why)
{
	return add_plug(s, PLUG_FD, value, ret_why);
}

static void clear_fds(struct settings *s)
{
	plug_list_remove(&s->plugs, PLUG_FD);
}

static int add_connect(struct settings *s, const char *value, const char **ret_why)
{
	return add_plug(s, PLUG_CONNECT, value, ret_why);
}

static void clear_connects(struct settings *s)
{
	plug_list_remove(&s->plugs, PLUG_CONNECT);
}

static int add_udp(struct settings *s, const char *value, const char **ret_why)
{
	return add_plug(s, PLUG_UDP, value, ret_why);
}

static void clear_udps(struct settings *s)
{
	plug_list_remove(&s->plugs, PLUG_UDP);
}

static int add_forward(struct settings *s, const char *value, const char **ret_why)
{
	struct forward_spec spec;
	if (forward_spec_parse(value, &spec, ret_why) < 0)
		return -EINVAL;
	struct forward_spec *grown = reallocarray(s->forwards, s->n_forwards + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[s->n_forwards++] = spec;
	s->forwards = grown;
	return 0;
}

static void clear_forwards(struct settings *s)
{
	free(s->forwards);
	s->forwards = NULL;
	s->n_forwards = 0;
}

static int set_host_loopback(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->host_loopback);
}

static int add_vde(struct settings *s, const char *value, const char **ret_why)
{
	if (!value_is_text(value) || strlen(value) > URL_MAX)
		return -EINVAL;
	if (!vde_relay_is_available()) {
		*ret_why = "lanlet was built without libvdeplug";
		return -EINVAL;
	}
	return path_list_add(&s->vde, value);
}

static void clear_vde(struct settings *s)
{
	path_list_clear(&s->vde);
}

static int set_no_dhcp(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->no_dhcp);
}

static int set_no_gateway(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->no_gateway);
}

static int set_isolate(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->isolate);
}

static int set_multicast_snooping(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->multicast_snooping);
}

static int set_storm_limit(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t limit = 0;
	if (strcmp(value, "off") != 0 && value_unsigned(value, STORM_LIMIT_MIN, STORM_LIMIT_MAX, &limit) < 0)
		return -EINVAL;
	s->storm_limit = limit;
	return 0;
}

static int set_busy_poll(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t us;
	if (value_unsigned(value, 0, SETTINGS_BUSY_POLL_MAX, &us) < 0)
		return -EINVAL;
	s->busy_poll_us = us;
	return 0;
}

static int set_engine(struct settings *s, const char *value, const char **ret_why)
{
	const struct engine_ops *engine = engine_find(value);
	if (!engine)
		return -EINVAL;
	s->engine = engine;
	return 0;
}

static const char *engine_choice(size_t index, const char **ret_help)
{
	const struct engine_ops *engine = engine_at(index);
	if (!engine)
		return NULL;
	*ret_help = engine->summary;
	return engine->name;
}

static const char *const log_levels[][2] = {
	[LOG_LEVEL_ERROR] = { "error", "what keeps the network from working" },
	[LOG_LEVEL_WARNING] = { "warning", "what the operator should look at" },
	[LOG_LEVEL_INFO] = { "info", "guests that come and go, their leases" },
	[LOG_LEVEL_DEBUG] = { "debug", "everything" },
};

static const char *log_level_choice(size_t index, const char **ret_help)
{
	if (index >= ARRAY_SIZE(log_levels))
		return NULL;
	*ret_help = log_levels[index][1];
	return log_levels[index][0];
}

static int set_log_level(struct settings *s, const char *value, const char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_levels); i++) {
		if (strcmp(value, log_levels[i][0]) == 0) {
			s->log_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const udp_filterings[][2] = {
	[ENGINE_FILTER_ADDRESS] = { "address-dependent", "addresses that the guest has sent to" },
	[ENGINE_FILTER_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "anybody, for games and telephony behind strict networks" },
	[ENGINE_FILTER_ADDRESS_AND_PORT] = { "address-and-port-dependent", "addresses and ports that the guest has sent to" },
};

static const char *udp_filtering_choice(size_t index, const char **ret_help)
{
	if (index >= ARRAY_SIZE(udp_filterings))
		return NULL;
	*ret_help = udp_filterings[index][1];
	return udp_filterings[index][0];
}

static int set_udp_filtering(struct settings *s, const char *value, const char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(udp_filterings); i++) {
		if (strcmp(value, udp_filterings[i][0]) == 0) {
			s->udp_filtering = (enum engine_filtering)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct option options[] = {
	{
		.public = {
			.name = "subnet",
			.argument = "PREFIX",
			.default_value = "192.168.122.0/24",
			.help = "The network's addresses: a private IPv4 prefix of any length from 8 to 30.",
		},
		.accepts =
			"a prefix of length 8 to 30 inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10, such as "
			"192.168.122.0/24",
		.set = set_subnet,
	},
	{
		.public = {
			.name = "gateway",
			.argument = "ADDRESS",
			.default_value = "the subnet's first address",
			.help = "The gateway's own address: the guests' router, DHCP and DNS server.",
		},
		.accepts = "an IPv4 address inside the subnet",
		.set = set_gateway,
		.derived = true,
	},
	{
		.public = {
			.name = "dhcp-range",
			.argument = "FIRST-LAST",
			.default_value = "all addresses on the gateway's larger side",
			.help =
				"The addresses that DHCP gives out, both ends included. Reservations may lie outside of it. FIRST,LAST is "
				"the same.",
		},
		.accepts = "two IPv4 addresses in order, as 192.168.122.2-192.168.122.254",
		.set = set_dhcp_range,
		.derived = true,
	},
	{
		.public = {
			.name = "lease-time",
			.argument = "TIME",
			.default_value = "3600",
			.help =
				"How long a guest may use its address before it has to renew: seconds, or a number with s, m, h, d or w "
				"behind it, or \"infinite\".",
		},
		.accepts = "at least 10 seconds, as 3600, 90m, 12h, 7d or infinite",
		.set = set_lease_time,
	},
	{
		.public = {
			.name = "mtu",
			.argument = "auto|N",
			.default_value = "auto",
			.help =
				"Largest IP packet, told to guests by DHCP. auto is 65520 for guests whose whole way is known to carry "
				"it, as QEMU's -netdev stream does, and 1500 for others.",
		},
		.accepts = "auto or a number from 576 to 65520",
		.set = set_mtu,
	},
	{
		.public = {
			.name = "domain",
			.argument = "NAME",
			.default_value = "lanlet.internal",
			.help = "The domain that guests' names live in: a guest called web is web and web.NAME.",
		},
		.accepts = "a domain name of at most 189 characters: letters, digits and inner hyphens between dots",
		.set = set_domain,
	},
	{
		.public = {
			.name = "dns",
			.argument = "ADDRESS[:PORT]",
			.default_value = "follow the host",
			.help =
				"A DNS server to send guests' questions to, instead of those that the host uses. Write [ADDRESS]:PORT "
				"when an IPv6 address has a port.",
			.repeatable = true,
		},
		.accepts = "an IPv4 or IPv6 address, as 9.9.9.9, 127.0.0.1:5353, 2620:fe::fe, fe80::1%eth0 or [::1]:5353, eight in all",
		.set = add_dns,
		.clear = clear_dns,
		.derived = true,
	},
	{
		.public = {
			.name = "host",
			.argument = "MAC,ADDRESS[,NAME]",
			.help =
				"A reservation: the guest with this MAC always gets this address, and NAME is its name whatever it calls "
				"itself.",
			.repeatable = true,
		},
		.accepts = "a MAC, an address of the subnet and optionally a name, as 52:54:00:12:34:56,192.168.122.10,web",
		.set = add_host,
		.clear = clear_hosts,
	},
	{
		.public = {
			.name = "fd",
			.argument = "N[,type=TYPE][,mac=MAC][,name=NAME]",
			.help =
				"A socket that the program which started lanlet left open as descriptor N: a connection is a guest, a listening "
				"socket, or a unix datagram socket with a path, is for many. TYPE is stream, dgram, seqpacket or vhost; the socket "
				"says which unless it is vhost. mac= lets nobody but the card with this MAC speak, name= is what the port is called.",
			.repeatable = true,
		},
		.accepts = "the number of an open socket, as 3, 4,type=vhost or 5,mac=52:54:00:12:34:56,name=web",
		.set = add_fd,
		.clear = clear_fds,
	},
	{
		.public = {
			.name = "connect",
			.argument = "PATH[,type=TYPE][,mac=MAC][,name=NAME]",
			.help =
				"A unix socket where a guest listens, such as QEMU's -netdev stream,server=on: connects to it, as soon as it is "
				"there, and again whenever the connection ends. TYPE is stream, which needs not be said, or vhost.",
			.repeatable = true,
		},
		.accepts = "the path of a socket, as /run/vm/web.sock or /run/vm/web.sock,type=vhost,mac=52:54:00:12:34:56,name=web",
		.set = add_connect,
		.clear = clear_connects,
	},
	{
		.public = {
			.name = "udp",
			.argument = "LOCAL,PEER[,mac=MAC][,name=NAME]",
			.help =
				"One guest by UDP, such as QEMU's -netdev dgram with local.type=inet: datagrams between the addresses LOCAL, which "
				"is ours, and PEER. Anybody who can send from PEER's address is that guest, and nothing is encrypted.",
			.repeatable = true,
		},
		.accepts = "two addresses with ports, as 127.0.0.1:5001,127.0.0.1:5002 or [::1]:5001,[::1]:5002",
		.set = add_udp,
		.clear = clear_udps,
	},
	{
		.public = {
			.name = "name",
			.argument = "NAME,ADDRESS",
			.help =
				"A name that the gateway's DNS server answers for with this address, beside the names of guests: NAME alone and "
				"NAME.DOMAIN.",
			.repeatable = true,
		},
		.accepts = "a name of letters, digits and inner hyphens and an IPv4 address, as db,192.168.122.20",
		.set = add_name,
		.clear = clear_names,
	},
	{
		.public = {
			.name = "vhost-connect",
			.argument = "PATH",
			.help =
				"A socket where a vhost-user front end listens, such as QEMU with server=on: connects to it, as soon as it is "
				"there, and again whenever the connection ends.",
			.repeatable = true,
		},
		.accepts = "the path of a unix socket, without control characters",
		.set = add_vhost_connect,
		.clear = clear_vhost_connect,
	},
	{
		.public = {
			.name = "forward",
			.argument = "\"PROTOCOL [ADDRESS:]PORT[-PORT] GUEST:PORT\"",
			.help =
				"Takes those who come to a port of this machine, of 127.0.0.1 unless another ADDRESS is given (* is all), to a "
				"guest, which is a name, a MAC or an address and may get it later. PROTOCOL is tcp or udp; unix:PATH may stand "
				"instead of a port.",
			.repeatable = true,
		},
		.accepts = "as \"tcp 8080 web:80\", \"udp 0.0.0.0:5353 192.168.122.10:53\", \"tcp [::1]:8000-8010 web:8000\" or "
			   "\"tcp unix:/run/user/1000/web.sock web:80\"",
		.set = add_forward,
		.clear = clear_forwards,
	},
	{
		.public = {
			.name = "vde",
			.argument = "URL",
			.help =
				"Another VDE network to join, by a URL of libvdeplug, as vde:///run/other.ctl, udp://5555->host:5555, vxvde://239.1.2.3 or "
				"vxlan://239.1.2.3: as soon as it is there, and again whenever the connection ends. Let one member of such a network have "
				"the gateway and DHCP, see --no-gateway and --no-dhcp. A URL can run programs (cmd://).",
			.repeatable = true,
		},
		.accepts = "a URL of libvdeplug or the directory of a VDE switch, at most 1023 characters and no control characters",
		.set = add_vde,
		.clear = clear_vde,
	},
	{
		.public = {
			.name = "no-dhcp",
			.default_value = "false",
			.help = "Gives out no addresses: somebody else on the segment does, or guests have theirs already.",
		},
		.accepts = "true or false",
		.set = set_no_dhcp,
	},
	{
		.public = {
			.name = "no-gateway",
			.default_value = "false",
			.help =
				"Is a switch only: no gateway address, so no way outside, no DNS and no DHCP. For the members of a network that spans hosts, "
				"all but one.",
		},
		.accepts = "true or false",
		.set = set_no_gateway,
	},
	{
		.public = {
			.name = "host-loopback",
			.default_value = "false",
			.help =
				"Guests that connect to the gateway's address also reach services of the host that listen on 127.0.0.1 "
				"only. Without it they reach those that listen on all addresses.",
		},
		.accepts = "true or false",
		.set = set_host_loopback,
	},
	{
		.public = {
			.name = "isolate",
			.default_value = "false",
			.help =
				"Keeps guests from one another: each reaches the gateway, the outside and what other switches bring in, but no "
				"other guest.",
		},
		.accepts = "true or false",
		.set = set_isolate,
	},
	{
		.public = {
			.name = "multicast-snooping",
			.default_value = "true",
			.help =
				"Multicast goes to the guests that have joined its group by IGMP or MLD, who are asked now and then, instead of to all. "
				"Groups of the link, such as mDNS, always go to all.",
		},
		.accepts = "true or false",
		.set = set_multicast_snooping,
	},
	{
		.public = {
			.name = "storm-limit",
			.argument = "N|off",
			.default_value = "10000",
			.help =
				"How many frames per second each port may send to everybody: broadcast, multicast that nobody has asked for, and "
				"destinations that are not known. What is more is dropped and counted.",
		},
		.accepts = "off or a number from 10 to 10000000",
		.set = set_storm_limit,
	},
	{
		.public = {
			.name = "busy-poll",
			.argument = "USEC",
			.default_value = "0",
			.help =
				"How many microseconds to look for more work before sleeping, while that pays: answers come sooner, guests by "
				"vhost-user need not wake lanlet, and a processor is kept busy for that long. 0 is never.",
		},
		.accepts = "a number from 0 to 1000",
		.set = set_busy_poll,
	},
	{
		.public = {
			.name = "engine",
			.argument = "NAME",
			.default_value = ENGINE_DEFAULT_NAME,
			.help = "What carries guests' traffic to the outside.",
		},
		.set = set_engine,
		.choice = engine_choice,
	},
	{
		.public = {
			.name = "udp-filtering",
			.argument = "WHO",
			.default_value = "address-dependent",
			.help = "Who outside may answer to the port that a guest's UDP port has become (RFC 4787, REQ-8). "
				"The native engine knows all three, libslirp the default only.",
		},
		.set = set_udp_filtering,
		.choice = udp_filtering_choice,
	},
	{
		.public = {
			.name = "log-level",
			.argument = "LEVEL",
			.default_value = "info",
			.help = "The least important lines that are still logged.",
		},
		.set = set_log_level,
		.choice = log_level_choice,
	},
};

static const struct option *option_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].public.name, name) == 0)
			return &options[i];
	return NULL;
}

const struct lanlet_option *lanlet_option_at(size_t index)
{
	return index < ARRAY_SIZE(options) ? &options[index].public : NULL;
}

const char *lanlet_option_choice(const struct lanlet_option *option, size_t index, const char **ret_help)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (&options[i].public == option && options[i].choice)
			return options[i].choice(index, ret_help);
	return NULL;
}

/* "a, b or c" from the words that @o chooses from. */
static void list_choices(const struct option *o, char *ret, size_t size)
{
	const char *help, *word = o->choice(0, &help);
	ret[0] = '\0';
	for (size_t i = 1, len = 0; word && len < size; i++) {
		const char *next = o->choice(i, &help);
		len += (size_t)snprintf(ret + len, size - len, "%s%s", i == 1 ? "" : next ? ", " : " or ", word);
		word = next;
	}
}

static void explain(const struct option *o, const char *value, const char *why, char *error, size_t size)
{
	char words[160];
	if (o->choice)
		list_choices(o, words, sizeof(words));
	snprintf(error, size, "%s \"%s\"%s%s: expected %s", o->public.name, value, why ? ": " : "", why ? why : "",
		 o->choice ? words : o->accepts);
}

void option_set_defaults(struct settings *s)
{
	*s = (struct settings){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *why, *value = options[i].public.default_value;
		if (!value || options[i].derived)
			continue;
		int r = options[i].set(s, value, &why);
		assert(r == 0);
		(void)r;
	}
}

int option_set(struct settings *s, const char *name, const char *value, char *error, size_t size)
{
	const struct option *o = option_find(name);
	if (!o) {
		snprintf(error, size, "%s: there is no such option", name);
		return -ENOENT;
	}
	if (o->clear && value[0] == '\0') {
		o->clear(s);
		return 0;
	}
	const char *why = NULL;
	int r = o->set(s, value, &why);
	if (r == -EINVAL)
		explain(o, value, why, error, size);
	else if (r < 0)
		snprintf(error, size, "%s: %s", name, strerror(-r));
	return r;
}
