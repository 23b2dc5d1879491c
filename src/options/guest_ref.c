/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/guest_ref.h"

#include "options/value.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define GUEST_REF_WHOLE_SIZE 256 /* more than the longest name of DNS (RFC 1035 §2.3.4) */
#define GUEST_REF_DOMAIN "lanlet"

static_assert(GUEST_REF_TEXT_SIZE >= MAC_TEXT_SIZE && GUEST_REF_TEXT_SIZE >= IP_TEXT_SIZE, "a name is the longest");

int guest_ref_parse(const char *text, struct guest_ref *ret)
{
	struct guest_ref g = { 0 };
	if (ip_parse(text, &g.ip) == 0)
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

/* Removes ".@domain" from the end of @name.  Whether it was there. */
static bool cut_domain(char *name, const char *domain)
{
	size_t len = strlen(name), domain_len = strlen(domain);
	if (domain_len == 0 || len <= domain_len + 1 || name[len - domain_len - 1] != '.' ||
	    strcasecmp(name + len - domain_len, domain) != 0)
		return false;
	name[len - domain_len - 1] = '\0';
	return true;
}

int guest_ref_parse_in(const char *text, const char *domain, struct guest_ref *ret)
{
	char name[GUEST_REF_WHOLE_SIZE];
	size_t len = strlen(text);
	if (len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, len + 1);
	if (len > 1 && name[len - 1] == '.') /* the dot of the root */
		name[len - 1] = '\0';
	if (!cut_domain(name, domain))
		cut_domain(name, GUEST_REF_DOMAIN);
	return guest_ref_parse(name, ret);
}

const char *guest_ref_format(const struct guest_ref *g, char ret[static GUEST_REF_TEXT_SIZE])
{
	switch (g->kind) {
	case GUEST_REF_ADDRESS: return ip_format(&g->ip, ret);
	case GUEST_REF_MAC: return mac_format(g->mac, ret);
	default: return strcpy(ret, g->name);
	}
}

bool guest_ref_is_equal(const struct guest_ref *a, const struct guest_ref *b)
{
	return a->kind == b->kind && ip_equal(&a->ip, &b->ip) && mac_equal(a->mac, b->mac) && strcmp(a->name, b->name) == 0;
}
