/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/errqueue.h"

#include "host/socket_address.h"

#include <time.h> /* before linux/errqueue.h, which needs struct timespec */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

bool native_errqueue_read(int fd, struct native_errqueue *ret)
{
	union socket_address to = { 0 };
	struct iovec iov = { .iov_base = ret->payload, .iov_len = sizeof(ret->payload) };
	_Alignas(struct cmsghdr) char control[256];
	struct msghdr m = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = fd < 0 ? -1 : recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n < 0)
		return false;
	ret->payload_len = (size_t)n;
	ret->dst = socket_address_get(&to);
	ret->is_icmp = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		bool is_v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool is_v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
		if (!is_v4 && !is_v6)
			continue;
		struct sock_extended_err e;
		union socket_address offender = { 0 };
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		memcpy(&offender, CMSG_DATA(c) + sizeof(e), is_v6 ? sizeof(offender.in6) : sizeof(offender.in));
		ret->error = (int)e.ee_errno;
		ret->is_v6 = e.ee_origin == SO_EE_ORIGIN_ICMP6; /* a socket of IPv6 may send IPv4, too */
		ret->is_icmp = ret->is_v6 || e.ee_origin == SO_EE_ORIGIN_ICMP;
		ret->type = e.ee_type;
		ret->code = e.ee_code;
		ret->info = e.ee_info;
		ret->offender = socket_address_get(&offender).addr;
	}
	return true;
}
