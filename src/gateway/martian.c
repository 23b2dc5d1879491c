/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/martian.h"

#include "base/macros.h"

#include <errno.h>

/* The first match decides (RFC 1812 §5.3.7, RFC 6890). */
static const struct {
	struct prefix4 prefix;
	enum drop_reason why;
} never_destinations[] = {
	{ { IP4(255, 255, 255, 255), 32 }, DROP_LOCAL_MULTICAST }, /* limited broadcast */
	{ { IP4(224, 0, 0, 0), 4 }, DROP_LOCAL_MULTICAST },        /* no multicast routing; 224.0.0.0/24 is link-local anyway */
	{ { IP4(0, 0, 0, 0), 8 }, DROP_MARTIAN_DESTINATION },      /* connect() there reaches loopback listeners */
	{ { IP4(127, 0, 0, 0), 8 }, DROP_MARTIAN_DESTINATION },    { { IP4(240, 0, 0, 0), 4 }, DROP_MARTIAN_DESTINATION }, /* class E */
};

/* The all-zeros or all-ones host address of a prefix; a prefix of 31 or 32 bits has neither (RFC 3021). */
static bool is_network_or_broadcast(const struct prefix4 *subnet, ip4_t ip)
{
	return subnet->length < 31 && (ip == subnet->network || ip == prefix4_broadcast(*subnet));
}

int martian_check_source(const struct prefix4 *subnet, ip4_t gateway, ip4_t src, enum drop_reason *ret_why)
{
	if (src == gateway) {
		*ret_why = DROP_GATEWAY_ADDRESS;
		return -EPERM;
	}
	if (!prefix4_contains(*subnet, src) || is_network_or_broadcast(subnet, src)) {
		*ret_why = DROP_MARTIAN_SOURCE;
		return -EPERM;
	}
	return 0;
}

int martian_check_destination(const struct prefix4 *subnet, ip4_t gateway, ip4_t dst, enum drop_reason *ret_why)
{
	if (dst == gateway)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(never_destinations); i++) {
		if (prefix4_contains(never_destinations[i].prefix, dst)) {
			*ret_why = never_destinations[i].why;
			return -EPERM;
		}
	}
	if (prefix4_contains(*subnet, dst)) {
		*ret_why = DROP_MARTIAN_DESTINATION;
		return -EPERM;
	}
	return 0;
}
