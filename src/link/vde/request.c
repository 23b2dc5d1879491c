/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vde/request.h"

#include "base/bytes.h"
#include "base/macros.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The low byte of the type field; the other bytes are the wanted port. */
#define TYPE_MASK 0xffu
#define TYPE_PORT_SHIFT 8
enum {
	TYPE_NEW_PORT = 0,
	TYPE_NEW_PORT_0 = 1, /* reserved for management by vde_switch; an ordinary port here */
};

#define V1_MAC_LEN 6

static_assert(sizeof(struct sockaddr_un) == VDE_ADDRESS_LEN, "as it is sent");

static uint32_t get_u32(struct bytes_reader *r)
{
	uint32_t v;
	bytes_get(r, &v, sizeof(v));
	return v;
}

/* Is @path absolute and NUL-terminated within its field? */
static bool is_absolute(const char *path)
{
	return path[0] == '/' && memchr(path, '\0', VDE_PATH_SIZE);
}

static int parse_type(uint32_t type, unsigned *ret_port)
{
	if ((type & TYPE_MASK) != TYPE_NEW_PORT && (type & TYPE_MASK) != TYPE_NEW_PORT_0)
		return -EPROTONOSUPPORT;
	*ret_port = type >> TYPE_PORT_SHIFT;
	return 0;
}

/* -EBADMSG also for abstract and unnamed sockets, which have no owner in the file system. */
static int parse_address(struct bytes_reader *r, char path[static VDE_PATH_SIZE])
{
	uint16_t family;
	bytes_get(r, &family, sizeof(family));
	bytes_get(r, path, VDE_PATH_SIZE);
	if (r->failed)
		return -EAGAIN;
	return family == AF_UNIX && is_absolute(path) ? 0 : -EBADMSG;
}

/* The rest of the message up to a NUL, with unprintable bytes replaced. */
static int parse_description(struct bytes_reader *r, char ret[static VDE_DESCRIPTION_MAX + 1])
{
	if (r->left > VDE_DESCRIPTION_MAX)
		return -EBADMSG;
	size_t len = 0;
	for (uint8_t c; r->left > 0 && (c = bytes_get_u8(r)) != '\0';)
		ret[len++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	ret[len] = '\0';
	return 0;
}

static int parse_head(struct bytes_reader *r, struct vde_request *q)
{
	uint32_t magic = get_u32(r), type = get_u32(r);
	if (r->failed)
		return -EAGAIN;
	if (magic != VDE_MAGIC)
		return -EBADMSG;
	/* Later versions have their number where version 1 has its type. */
	q->version = type <= TYPE_NEW_PORT_0 ? 1 : type;
	if (q->version == 1)
		bytes_skip(r, V1_MAC_LEN);
	else if (q->version == 3)
		type = get_u32(r);
	else
		return -EPROTONOSUPPORT;
	return r->failed ? -EAGAIN : parse_type(type, &q->port);
}

int vde_request_parse(const uint8_t *bytes, size_t len, struct vde_request *ret)
{
	struct vde_request q;
	struct bytes_reader r = bytes_reader(bytes, len);
	int error = parse_head(&r, &q);
	if (error == 0)
		error = parse_address(&r, q.path);
	if (error == 0)
		error = parse_description(&r, q.description);
	if (error == 0)
		*ret = q;
	return error;
}
