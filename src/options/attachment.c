/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/attachment.h"

#include "base/macros.h"
#include "link/links.h"
#include "options/port_properties.h"
#include "options/value.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Room for the longest path and every key. */
#define TEXT_SIZE 256

/* --- keys --- */

static const struct link_socket *find_type(enum attachment_kind kind, const char *word)
{
	switch (kind) {
	case ATTACHMENT_FD: return link_socket_find(word, 0, 0);
	/* A socket to connect to does not tell which protocol its owner speaks. */
	case ATTACHMENT_CONNECT: return link_socket_find(word, 0, LINK_SOCKET_TARGET);
	case ATTACHMENT_UDP: break;
	}
	return NULL;
}

static int set_type(struct attachment *p, const char *value, const char **ret_why)
{
	if (p->kind == ATTACHMENT_FD && strcmp(value, "auto") == 0) {
		p->type = NULL;
		return 0;
	}
	const struct link_socket *s = find_type(p->kind, value);
	if (!s) {
		*ret_why = "its type is not one that this option takes (see lanlet run --help)";
		return -EINVAL;
	}
	p->type = s->word;
	return 0;
}

static int set_mac(struct attachment *p, const char *value, const char **ret_why)
{
	struct mac mac;
	if (mac_parse(value, &mac) < 0 || mac_is_group(mac) || mac_is_zero(mac)) {
		*ret_why = "a network card cannot have this MAC";
		return -EINVAL;
	}
	p->identity.pinned = mac;
	return 0;
}

static bool may_be_in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.", c);
}

static int set_name(struct attachment *p, const char *value, const char **ret_why)
{
	size_t len = strlen(value);
	bool good = len > 0 && len < sizeof(p->identity.name);
	for (size_t i = 0; good && i < len; i++)
		good = may_be_in_name(value[i]);
	if (!good) {
		*ret_why = "a port's name has at most 31 characters: letters, digits and any of -_.";
		return -EINVAL;
	}
	memcpy(p->identity.name, value, len + 1);
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct attachment *p, const char *value, const char **ret_why);
} keys[] = { { "type", set_type }, { "mac", set_mac }, { "name", set_name } };

static int set_key(struct attachment *p, char *word, const char **ret_why)
{
	char *name = strsep(&word, "=");
	for (size_t i = 0; word && i < ARRAY_SIZE(keys); i++)
		if (strcmp(name, keys[i].name) == 0)
			return keys[i].set(p, word, ret_why);
	int r = port_property_set(&p->identity.properties, name, word, ret_why);
	if (r == -ENOENT)
		*ret_why = "the keys are type, mac, name, " PORT_PROPERTIES_NAMES;
	return r < 0 ? -EINVAL : 0;
}

/* --- what is attached --- */

static int set_fd(struct attachment *p, char **text)
{
	uint32_t fd;
	if (value_unsigned(strsep(text, ","), 0, INT_MAX, &fd) < 0)
		return -EINVAL;
	p->fd = (int)fd;
	return 0;
}

static int set_path(struct attachment *p, char **text, const char **ret_why)
{
	const char *path = strsep(text, ",");
	size_t len = strlen(path);
	if (!value_is_text(path))
		return -EINVAL;
	if (len >= sizeof(p->path)) {
		*ret_why = "the path is too long for a socket";
		return -EINVAL;
	}
	memcpy(p->path, path, len + 1);
	return 0;
}

static int set_addresses(struct attachment *p, char **text, const char **ret_why)
{
	const char *local = strsep(text, ","), *peer = strsep(text, ",");
	if (!peer || value_endpoint(local, &p->local) < 0 || value_endpoint(peer, &p->peer) < 0)
		return -EINVAL;
	if (ip_is_v4(&p->local.addr) != ip_is_v4(&p->peer.addr)) {
		*ret_why = "one address is IPv4, the other is IPv6";
		return -EINVAL;
	}
	return 0;
}

static int set_what(struct attachment *p, char **text, const char **ret_why)
{
	switch (p->kind) {
	case ATTACHMENT_FD: return set_fd(p, text);
	case ATTACHMENT_CONNECT: p->type = link_socket_find(NULL, 0, LINK_SOCKET_TARGET)->word; return set_path(p, text, ret_why);
	case ATTACHMENT_UDP: return set_addresses(p, text, ret_why);
	}
	return -EINVAL;
}

int attachment_parse(enum attachment_kind kind, const char *text, struct attachment *ret, const char **ret_why)
{
	char copy[TEXT_SIZE], *rest = copy;
	struct attachment p = { .kind = kind, .fd = -1 };
	size_t len = strlen(text);
	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len + 1);
	int r = set_what(&p, &rest, ret_why);
	while (r == 0 && rest)
		r = set_key(&p, strsep(&rest, ","), ret_why);
	if (r == 0)
		*ret = p;
	return r;
}

/* --- lists --- */

static bool endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return ip_equal(&a->addr, &b->addr) && a->port == b->port;
}

static bool type_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool attachment_equal(const struct attachment *a, const struct attachment *b)
{
	return a->kind == b->kind && type_equal(a->type, b->type) && a->fd == b->fd && strcmp(a->path, b->path) == 0 &&
	       endpoint_equal(&a->local, &b->local) && endpoint_equal(&a->peer, &b->peer) &&
	       strcmp(a->identity.name, b->identity.name) == 0 && mac_equal(a->identity.pinned, b->identity.pinned) &&
	       port_properties_equal(&a->identity.properties, &b->identity.properties);
}

int attachment_list_add(struct attachment_list *l, const struct attachment *attachment)
{
	struct attachment *grown = reallocarray(l->at, l->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[l->n++] = *attachment;
	l->at = grown;
	return 0;
}

int attachment_list_copy(const struct attachment_list *from, struct attachment_list *ret)
{
	struct attachment_list copy = { 0 };
	for (size_t i = 0; i < from->n; i++) {
		if (attachment_list_add(&copy, &from->at[i]) < 0) {
			attachment_list_clear(&copy);
			return -ENOMEM;
		}
	}
	*ret = copy;
	return 0;
}

/* The first of @kind from @i on, or the end. */
static size_t next_of_kind(const struct attachment_list *l, size_t i, enum attachment_kind kind)
{
	while (i < l->n && l->at[i].kind != kind)
		i++;
	return i;
}

bool attachment_list_equal(const struct attachment_list *a, const struct attachment_list *b, enum attachment_kind kind)
{
	size_t i = next_of_kind(a, 0, kind), k = next_of_kind(b, 0, kind);
	while (i < a->n && k < b->n && attachment_equal(&a->at[i], &b->at[k])) {
		i = next_of_kind(a, i + 1, kind);
		k = next_of_kind(b, k + 1, kind);
	}
	return i == a->n && k == b->n;
}

void attachment_list_remove(struct attachment_list *l, enum attachment_kind kind)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].kind != kind)
			l->at[kept++] = l->at[i];
	l->n = kept;
}

void attachment_list_clear(struct attachment_list *l)
{
	free(l->at);
	*l = (struct attachment_list){ 0 };
}
