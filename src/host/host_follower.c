/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/host_follower.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/host_change.h"
#include "host/poller.h"
#include "wire/rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS (RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)
/* The kernel sends each notification as a datagram of its own, of some hundred bytes. */
#define DATAGRAM_MAX 8192
/* Routing daemons change thousands of routes at once. */
#define DATAGRAMS_PER_LOOK 8

struct host_follower {
	struct host_follower_config config;
	struct watch watch;
	struct host_changes changes;
};

static void note_overrun(struct host_follower *f, usec_t now)
{
	host_changes_note(&f->changes, now, &(struct rtnetlink_event){ .type = RTNETLINK_OVERRUN });
}

/* Messages from others than the kernel are possible: any process may send them to this socket. */
static void datagram_came(struct host_follower *f, usec_t now, const uint8_t *bytes, size_t len, const struct sockaddr_nl *from)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	struct rtnetlink_event e;
	if (from->nl_pid != 0)
		return;
	while (rtnetlink_next(&r, &e))
		host_changes_note(&f->changes, now, &e);
}

/* False when no datagram was left. */
static bool read_datagram(struct host_follower *f, usec_t now)
{
	uint8_t bytes[DATAGRAM_MAX];
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(f->watch.fd, &m, MSG_DONTWAIT);
	if (n < 0 && errno == ENOBUFS) {
		note_overrun(f, now);
		return true;
	}
	if (n < 0)
		return false;
	if (m.msg_flags & MSG_TRUNC)
		note_overrun(f, now);
	datagram_came(f, now, bytes, (size_t)n, &from);
	return true;
}

static void follower_ready(struct watch *w, usec_t now, unsigned events)
{
	struct host_follower *f = container_of(w, struct host_follower, watch);
	unsigned n = 0;
	while (read_datagram(f, now)) {
		if (++n % DATAGRAMS_PER_LOOK == 0 && poller_slice_is_over(f->config.poller, DATAGRAMS_PER_LOOK)) {
			poller_again(f->config.poller, w, events);
			return;
		}
	}
}

static int open_socket(struct host_follower *f)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	int r = bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0 ? -errno : 0;
	if (r == 0)
		r = poller_watch(f->config.poller, &f->watch, fd, POLL_EVENT_IN);
	if (r < 0)
		close(fd);
	return r;
}

int host_follower_new(const struct host_follower_config *config, struct host_follower **ret)
{
	struct host_follower *f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->watch.ready = follower_ready;
	host_changes_init(&f->changes);
	int r = open_socket(f);
	if (r < 0)
		log_warning(config->log,
			    "network: changes of the host's addresses and routes are not followed: netlink: %s; flows of an address that "
			    "is lost end when their peers do not answer",
			    strerror(-r));
	*ret = f;
	return 0;
}

void host_follower_free(struct host_follower *f)
{
	if (!f)
		return;
	if (f->watch.active)
		poller_close(f->config.poller, &f->watch);
	free(f);
}

usec_t host_follower_deadline(const struct host_follower *f)
{
	return host_changes_deadline(&f->changes);
}

void host_follower_expire(struct host_follower *f, usec_t now)
{
	struct host_change change;
	if (host_changes_take(&f->changes, now, &change))
		f->config.changed(f->config.opaque, now, &change);
}
