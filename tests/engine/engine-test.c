/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of gateway/engine.h, run against every engine on real sockets.  The table lists each engine's known gaps. */
#include "contract.h"
#include "netns.h"

#include "engine/native/native.h"
#include "engine/null/null.h"
#ifdef HAVE_SLIRP
#include "engine/slirp/slirp.h"
#endif

#include <stdio.h>

static const struct engine_row engines[] = {
	{ &null_engine_ops, GAP_OUTSIDE },
	{ &native_engine_ops, 0 },
	{ &native_engine_ops, 0, "native-no-peek-off", .no_peek_off = true },
	{ &native_engine_ops, 0, "native-ipv6", .family = FAMILY_IPV6 },
	{ &native_engine_ops, 0, "native-ipv6-no-peek-off", .no_peek_off = true, .family = FAMILY_IPV6 },
	{ &native_engine_ops, 0, "native-nat64", .family = FAMILY_NAT64 },
#ifdef HAVE_SLIRP
	{ &slirp_engine_ops, GAP_TCP_UNREACHABLE | GAP_OPEN_SOURCE | GAP_CODES | GAP_DONT_FRAGMENT | GAP_OPEN_UDP | GAP_OPENING |
				     GAP_FLOW_DETAILS | GAP_RESET_WHEN_FULL | GAP_IPV6 },
#endif
};

static const struct contract_test *const outside[] = {
	contract_tcp,  contract_udp,     contract_icmp,  contract_gateway,   contract_life, contract_local,
	contract_open, contract_opening, contract_flows, contract_datagrams, contract_lost,
};

static void add_tests(const struct engine_row *row, const struct contract_test *tests)
{
	for (const struct contract_test *t = tests; t->name; t++) {
		if (t->except & 1u << row->family)
			continue;
		char *path = g_strdup_printf("/engine/%s/%s", row->variant ? row->variant : row->ops->name, t->name);
		g_test_add(path, struct fixture, row, t->setup, t->run, teardown);
		g_free(path);
	}
}

static void add_row(const struct engine_row *row)
{
	if (row->gaps & GAP_OUTSIDE) {
		add_tests(row, contract_null);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		if (row->family != FAMILY_IPV6 || outside[i] != contract_datagrams) /* which have clients of IPv4 */
			add_tests(row, outside[i]);
}

static void ipv6_of_the_host_is_tested(void)
{
	g_test_skip("this kernel has no IPv6");
}

int main(int argc, char **argv)
{
	const char *why_not = netns_enter();
	if (why_not) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	bool has_ipv6 = netns_add_ipv6();
	if (!has_ipv6)
		g_test_add_func("/engine/ipv6_of_the_host_is_tested", ipv6_of_the_host_is_tested);
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (has_ipv6 || engines[i].family != FAMILY_IPV6)
			add_row(&engines[i]);
	return g_test_run();
}
