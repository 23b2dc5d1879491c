/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Room for some large frames; net.core.wmem_max limits it. */
#define SOCKET_BUFFER_BYTES (1024 * 1024)

int netns_enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* What the words before the colon mean. */
static const struct endpoint_kind {
	const char *name;
	bool is_tap;
	bool has_header;
	unsigned offloads; /* TUN_F_… */
} endpoint_kinds[] = {
	{ "tap", true, false, 0 },
	{ "header-tap", true, true, 0 },
	{ "offload-tap", true, true, TUN_F_CSUM | TUN_F_TSO4 },
	{ "unix", false, false, 0 },
};

static int set_header(int fd, unsigned offloads)
{
	int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(fd, TUNSETOFFLOAD, offloads) < 0)
		return -errno;
	return 0;
}

static int tap_open(const char *spec, const struct endpoint_kind *kind)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | (kind->has_header ? IFF_VNET_HDR : 0) };
	const char *at = strchr(spec, '@');
	if (!at || at == spec || at - spec >= IFNAMSIZ)
		return -EINVAL;
	memcpy(ifr.ifr_name, spec, (size_t)(at - spec));
	int r = netns_enter(at + 1);
	if (r < 0)
		return r;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : kind->has_header ? set_header(fd, kind->offloads) : 0;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int unix_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER_BYTES }, sizeof(int));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static const struct endpoint_kind *find_kind(const char *spec)
{
	for (size_t i = 0; i < sizeof(endpoint_kinds) / sizeof(endpoint_kinds[0]); i++) {
		size_t len = strlen(endpoint_kinds[i].name);
		if (strncmp(spec, endpoint_kinds[i].name, len) == 0 && spec[len] == ':')
			return &endpoint_kinds[i];
	}
	return NULL;
}

int endpoint_open(const char *spec, struct endpoint *ret)
{
	const struct endpoint_kind *kind = find_kind(spec);
	if (!kind)
		return -EINVAL;
	const char *where = spec + strlen(kind->name) + 1;
	int fd = kind->is_tap ? tap_open(where, kind) : unix_connect(where);
	if (fd < 0)
		return fd;
	*ret = (struct endpoint){ .fd = fd, .is_tap = kind->is_tap };
	return 0;
}
