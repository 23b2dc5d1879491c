/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint.h"

#include "vde_client.h"

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

struct endpoint_kind {
	const char *name;
	/* Returns the descriptor, or negative errno. */
	int (*open)(const char *where, const struct endpoint_kind *kind, struct endpoint *ret);
	enum endpoint_type type;
	bool has_header;
	unsigned offloads; /* TUN_F_… */
};

static int set_header(int fd, unsigned offloads)
{
	int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 || ioctl(fd, TUNSETOFFLOAD, offloads) < 0)
		return -errno;
	return 0;
}

static int tap_open(const char *spec, const struct endpoint_kind *kind, struct endpoint *ret)
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

static int unix_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	strcpy(ret->sun_path, path);
	return 0;
}

static int unix_connect(const char *path, const struct endpoint_kind *kind, struct endpoint *ret)
{
	struct sockaddr_un sa;
	int r = unix_address(path, &sa);
	if (r < 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER_BYTES }, sizeof(int));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	return fd;
}

static int dgram_bind(const char *path, const struct endpoint_kind *kind, struct endpoint *ret)
{
	char name[sizeof(ret->peer.sun_path)];
	struct sockaddr_un ours;
	if (snprintf(name, sizeof(name), "%s-%d", path, (int)getpid()) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	int r = unix_address(path, &ret->peer);
	if (r == 0)
		r = unix_address(name, &ours);
	if (r < 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&ours, sizeof(ours)) < 0) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	return fd;
}

static int vde_connect(const char *directory, const struct endpoint_kind *kind, struct endpoint *ret)
{
	struct vde_client client; /* its control connection lasts as long as this process */
	int r = vde_client_open(directory, 0, &client);
	return r < 0 ? r : client.data;
}

/* The word before the colon of an endpoint's name. */
static const struct endpoint_kind endpoint_kinds[] = {
	{ "tap", tap_open, ENDPOINT_TAP, false, 0 },
	{ "header-tap", tap_open, ENDPOINT_TAP, true, 0 },
	{ "offload-tap", tap_open, ENDPOINT_TAP, true, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 },
	{ "unix", unix_connect, ENDPOINT_STREAM, false, 0 },
	{ "dgram", dgram_bind, ENDPOINT_DATAGRAM, false, 0 },
	{ "vde", vde_connect, ENDPOINT_DATAGRAM, false, 0 },
};

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
	struct endpoint e = { .type = kind->type };
	e.fd = kind->open(spec + strlen(kind->name) + 1, kind, &e);
	if (e.fd < 0)
		return e.fd;
	*ret = e;
	return 0;
}
