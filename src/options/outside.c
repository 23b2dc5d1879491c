/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT and port forwarding: how guests reach the outside, and how the outside reaches guests. */
#include "base/macros.h"
#include "engine/engines.h"
#include "gateway/engine.h"
#include "options/option.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int set_keep_tcp_ports(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->keep_tcp_ports);
}

static int set_metadata(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->metadata);
}

static int set_link_local(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->link_local);
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

static const char *const udp_filterings[][2] = {
	[ENGINE_FILTER_ADDRESS] = { "address-dependent", "from addresses that the guest has sent to" },
	[ENGINE_FILTER_ENDPOINT_INDEPENDENT] = { "endpoint-independent", "from any address, as games and telephony may need it" },
	[ENGINE_FILTER_ADDRESS_AND_PORT] = { "address-and-port-dependent", "from addresses and ports that the guest has sent to" },
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

static bool same_forwards(const struct settings *a, const struct settings *b)
{
	bool same = a->n_forwards == b->n_forwards;
	for (size_t i = 0; same && i < a->n_forwards; i++)
		same = forward_spec_is_equal(&a->forwards[i], &b->forwards[i]);
	return same;
}

static const struct option options[] = {
	{
		.public = {
			.name = "engine",
			.argument = "NAME",
			.default_value = ENGINE_DEFAULT_NAME,
			.help = "The NAT engine that connects guests to the outside.",
		},
		.set = set_engine,
		.choice = engine_choice,
		.place = OPTION_PLACE(engine),
	},
	{
		.public = {
			.name = "udp-filtering",
			.argument = "WHO",
			.default_value = "address-dependent",
			.help =
				"Which UDP packets from the outside reach a guest through NAT (RFC 4787, REQ-8). The native engine "
				"knows all three, libslirp only the default.",
		},
		.set = set_udp_filtering,
		.choice = udp_filtering_choice,
		.place = OPTION_PLACE(udp_filtering),
	},
	{
		.public = {
			.name = "keep-tcp-ports",
			.default_value = "false",
			.help =
				"Connect to the outside from the source port that the guest uses, where it is 1024 or more and free on the host. "
				"For protocols that look at the port. Only the native engine does this.",
		},
		.accepts = "true or false",
		.set = set_keep_tcp_ports,
		.place = OPTION_PLACE(keep_tcp_ports),
	},
	{
		.public = {
			.name = "host-loopback",
			.default_value = "false",
			.help =
				"Let guests reach services of the host that listen on 127.0.0.1 only, at the gateway's address. "
				"Without it, guests reach services that listen on all addresses.",
		},
		.accepts = "true or false",
		.set = set_host_loopback,
		.place = OPTION_PLACE(host_loopback),
	},
	{
		.public = {
			.name = "metadata",
			.default_value = "false",
			.help =
				"Let guests reach the metadata service of the cloud that the host runs in, such as 169.254.169.254. It gives "
				"the host's credentials to those who ask. Without it, guests get an ICMP error there.",
		},
		.accepts = "true or false",
		.set = set_metadata,
		.place = OPTION_PLACE(metadata),
		.live = true,
	},
	{
		.public = {
			.name = "link-local",
			.default_value = "false",
			.help =
				"Let guests reach link-local addresses of the host's networks, except metadata services. Without it, guests get an "
				"ICMP error at 169.254.0.0/16 and fe80::/10.",
		},
		.accepts = "true or false",
		.set = set_link_local,
		.place = OPTION_PLACE(link_local),
		.live = true,
	},
	{
		.public = {
			.name = "forward",
			.argument = "\"PROTOCOL [ADDRESS:]PORT[-PORT] GUEST:PORT\"",
			.help =
				"Port forwarding (a published port): forwards a host port to a guest. The host listens on 127.0.0.1 "
				"unless ADDRESS is given (* = all addresses). GUEST is a name, a MAC or an address; it need not exist "
				"yet. IPv6 addresses are in brackets. PROTOCOL is tcp or udp. unix:PATH instead of a port listens on a unix socket. \"proxy PORT\", "
				"without GUEST, is a SOCKS 5 and HTTP CONNECT proxy to all guests.",
			.repeatable = true,
		},
		.accepts = "a forward such as \"tcp 8080 web:80\", \"udp 0.0.0.0:5353 192.168.122.10:53\", \"tcp [::1]:8000-8010 web:8000\", "
			   "\"tcp unix:/run/user/1000/web.sock web:80\" or \"proxy 1080\"",
		.set = add_forward,
		.clear = clear_forwards,
		.place = OPTION_PLACES(forwards, n_forwards),
		.same = same_forwards,
		.live = true,
	},
};

const struct option_group options_of_outside = { "NAT and port forwarding", options, ARRAY_SIZE(options) };
