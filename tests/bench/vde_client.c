/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vde_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct request {
	uint32_t magic, version, type;
	struct sockaddr_un address;
	char description[9];
} __attribute__((packed));

/* Asks the switch for a port and connects to the socket that it names. */
static int ask(const char *directory, int number, const struct vde_client *c)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/ctl", directory);
	snprintf(own.sun_path, sizeof(own.sun_path), "%s/.%05d-%d", directory, (int)getpid(), number);
	const struct request r = { .magic = 0xfeedface, .version = 3, .address = own, .description = "bench" };
	if (connect(c->control, (struct sockaddr *)&at, sizeof(at)) < 0 || bind(c->data, (struct sockaddr *)&own, sizeof(own)) < 0)
		return -errno;
	errno = EPROTO;
	bool is_connected = send(c->control, &r, sizeof(r) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(r) - 1 &&
			    recv(c->control, &at, sizeof(at), MSG_WAITALL) == (ssize_t)sizeof(at) &&
			    connect(c->data, (struct sockaddr *)&at, sizeof(at)) == 0;
	int error = is_connected ? 0 : -errno;
	unlink(own.sun_path);
	return error;
}

int vde_client_open(const char *directory, int number, struct vde_client *ret)
{
	struct vde_client c = { socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	int r = c.control < 0 || c.data < 0 ? -errno : ask(directory, number, &c);
	if (r < 0) {
		close(c.control);
		close(c.data);
		return r;
	}
	*ret = c;
	return 0;
}
