/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/errqueue.h"

#include <time.h> /* before linux/errqueue.h, which needs struct timespec */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static struct ip_endpoint endpoint_of(const struct sockaddr_in *in)
{
	return (struct ip_endpoint){ ip_from_ip4(ntohl(in->sin_addr.s_addr)), ntohs(in->sin_port) };
}

bool native_errqueue_read(int fd, struct native_errqueue *ret)
{
	struct sockaddr_in to = { 0 };
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
	ret->dst = endpoint_of(&to);
	ret->is_icmp = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)
			continue;
		struct sock_extended_err e;
		struct sockaddr_in offender;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		memcpy(&offender, CMSG_DATA(c) + sizeof(e), sizeof(offender));
		ret->error = (int)e.ee_errno;
		ret->is_icmp = e.ee_origin == SO_EE_ORIGIN_ICMP;
		ret->type = e.ee_type;
		ret->code = e.ee_code;
		ret->info = e.ee_info;
		if (offender.sin_family == AF_INET)
			ret->offender = endpoint_of(&offender).addr;
	}
	return true;
}
