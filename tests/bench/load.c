/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The load generator's command line; load.h describes the parts. */
#include "load.h"

#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static const struct load_verb {
	const char *name;
	int (*run)(const struct load_options *o);
} load_verbs[] = {
	{ "serve", load_serve },
	{ "send", load_tcp_send },
	{ "receive", load_tcp_receive },
	{ "rr", load_tcp_rr },
	{ "crr", load_tcp_crr },
	{ "hold", load_tcp_hold },
	{ "udp-send", load_udp_send },
	{ "udp-receive", load_udp_receive },
	{ "floor-send", load_floor_send },
	{ "floor-receive", load_floor_receive },
	{ "relay-rr", load_relay_rr },
	{ "relay-udp", load_relay_udp },
	{ "latency", load_latency },
	{ "age-send", load_age_send },
	{ "age-receive", load_age_receive },
};

uint64_t load_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void load_die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int usage(void)
{
	fprintf(stderr, "usage: load VERB ADDRESS PORT [OPTION]...\n\nverbs:");
	for (size_t i = 0; i < sizeof(load_verbs) / sizeof(load_verbs[0]); i++)
		fprintf(stderr, " %s", load_verbs[i].name);
	fprintf(stderr, "\noptions: --netns PATH --ports N --streams N --ms N --size BYTES --rate PER_SECOND --flows N\n"
			"         --gateway ADDRESS\n");
	return 2;
}

static const struct load_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(load_verbs) / sizeof(load_verbs[0]); i++)
		if (strcmp(load_verbs[i].name, name) == 0)
			return &load_verbs[i];
	return NULL;
}

/* Every number is bounded, so that a wrong one cannot make this program run without end. */
static bool parse_options(int argc, char **argv, struct load_options *o)
{
	static const struct option options[] = {
		{ "netns", required_argument, NULL, 'n' },
		{ "ports", required_argument, NULL, 'p' },
		{ "streams", required_argument, NULL, 'k' },
		{ "ms", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "rate", required_argument, NULL, 'r' },
		{ "flows", required_argument, NULL, 'f' },
		{ "gateway", required_argument, NULL, 'g' },
		{ 0 },
	};
	*o = (struct load_options){ .ports = 1, .streams = 1, .ms = 1000, .size = 64, .rate = 1000, .flows = 1 };
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		uint32_t number = c == 'n' || c == '?' ? 0 : (uint32_t)strtoul(optarg, NULL, 10);
		switch (c) {
		case 'n':
			errno = -netns_enter(optarg);
			if (errno)
				load_die(optarg);
			break;
		case 'p': o->ports = number; break;
		case 'k': o->streams = number; break;
		case 'm': o->ms = number; break;
		case 's': o->size = number; break;
		case 'r': o->rate = number; break;
		case 'f': o->flows = number; break;
		case 'g': o->gateway = inet_addr(optarg); break;
		default: return false;
		}
	}
	return o->ports > 0 && o->streams > 0 && o->streams <= LOAD_STREAMS_MAX && o->ms <= LOAD_MS_MAX && o->size > 0 &&
	       o->size <= LOAD_DATAGRAM_MAX && o->rate > 0;
}

static bool parse_server(const char *address, const char *port, union load_address *ret)
{
	uint16_t number = htons((uint16_t)atoi(port));
	if (strchr(address, ':')) {
		*ret = (union load_address){ .in6 = { .sin6_family = AF_INET6, .sin6_port = number } };
		return inet_pton(AF_INET6, address, &ret->in6.sin6_addr) == 1;
	}
	*ret = (union load_address){ .in = { .sin_family = AF_INET, .sin_port = number } };
	return inet_pton(AF_INET, address, &ret->in.sin_addr) == 1;
}

int main(int argc, char **argv)
{
	struct load_options o;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (!parse_options(argc, argv, &o) || argc - optind != 3)
		return usage();
	const struct load_verb *verb = find_verb(argv[optind]);
	if (!verb || !parse_server(argv[optind + 1], argv[optind + 2], &o.server))
		return usage();
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return verb->run(&o);
}
