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

static int set_offload(int fd)
{
	int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0)
		return -errno;
	return 0;
}

static int tap_open(const char *spec, bool offload)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0) };
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
	r = ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : offload ? set_offload(fd) : 0;
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

int endpoint_open(const char *spec, struct endpoint *ret)
{
	const char *colon = strchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : 0;
	bool offload = len == strlen("offload-tap") && strncmp(spec, "offload-tap", len) == 0;
	bool is_tap = offload || (len == strlen("tap") && strncmp(spec, "tap", len) == 0);
	if (!is_tap && (len != strlen("unix") || strncmp(spec, "unix", len) != 0))
		return -EINVAL;
	int fd = is_tap ? tap_open(colon + 1, offload) : unix_connect(colon + 1);
	if (fd < 0)
		return fd;
	*ret = (struct endpoint){ .fd = fd, .is_tap = is_tap };
	return 0;
}
