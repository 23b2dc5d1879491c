/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/guest_ref.h"

#include "lib/value.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(GUEST_REF_TEXT_SIZE >= MAC_TEXT_SIZE && GUEST_REF_TEXT_SIZE >= IP4_TEXT_SIZE, "a name is the longest");

int guest_ref_parse(const char *text, struct guest_ref *ret)
{
	struct guest_ref g = { 0 };
	if (ip4_parse(text, &g.ip) == 0)
		g.kind = GUEST_REF_ADDRESS;
	else if (mac_parse(text, &g.mac) == 0)
		g.kind = GUEST_REF_MAC;
	else if (value_label(text, g.name, sizeof(g.name)) == 0)
		g.kind = GUEST_REF_NAME;
	else
		return -EINVAL;
	*ret = g;
	return 0;
}

const char *guest_ref_format(const struct guest_ref *g, char ret[static GUEST_REF_TEXT_SIZE])
{
	switch (g->kind) {
	case GUEST_REF_ADDRESS:
		return ip4_format(g->ip, ret);
	case GUEST_REF_MAC:
		return mac_format(g->mac, ret);
	default:
		return strcpy(ret, g->name);
	}
}

bool guest_ref_is_equal(const struct guest_ref *a, const struct guest_ref *b)
{
	return a->kind == b->kind && a->ip == b->ip && mac_equal(a->mac, b->mac) && strcmp(a->name, b->name) == 0;
}
