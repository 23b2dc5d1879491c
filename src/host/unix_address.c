/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/unix_address.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

#define NAME_OFFSET offsetof(struct sockaddr_un, sun_path)

static bool is_abstract(const struct unix_address *a)
{
	return a->name.sun_path[0] == '\0';
}

const char *unix_address_format(const struct unix_address *a, char buf[static UNIX_ADDRESS_TEXT_SIZE])
{
	size_t len = a->len - NAME_OFFSET;
	if (!is_abstract(a))
		len = strnlen(a->name.sun_path, len);
	for (size_t i = 0; i < len; i++) {
		char c = a->name.sun_path[i];
		buf[i] = c > ' ' && c <= '~' ? c : '?';
	}
	if (is_abstract(a))
		buf[0] = '@';
	buf[len] = '\0';
	return buf;
}

bool unix_address_take(const struct sockaddr_un *name, size_t len, struct unix_address *ret)
{
	if (len <= NAME_OFFSET || name->sun_family != AF_UNIX)
		return false;
	*ret = (struct unix_address){ .len = (socklen_t)MIN(len, sizeof(ret->name)) };
	memcpy(&ret->name, name, ret->len);
	return true;
}

bool unix_address_equal(const struct unix_address *a, const struct unix_address *b)
{
	return a->len == b->len && memcmp(&a->name, &b->name, a->len) == 0;
}

int unix_connect_back(int fd, const struct unix_address *a)
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	struct unix_address found;
	if (!is_abstract(a) && a->name.sun_path[0] != '/')
		return -ENOTDIR;
	if (connect(fd, (const struct sockaddr *)&a->name, a->len) < 0 || getpeername(fd, (struct sockaddr *)&name, &len) < 0)
		return -errno;
	if (unix_address_take(&name, len, &found) && unix_address_equal(&found, a))
		return 0;
	/* Disconnects from the other socket. */
	(void)connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(sa_family_t));
	return -EXDEV;
}
