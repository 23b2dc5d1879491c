/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/host_tcp.h"

#include "base/macros.h"

/* The C library's netinet/tcp.h has the first half of struct tcp_info only. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define NETWORK_MTU_MAX 16384u
#define USEC_PER_SEC_U64 1000000ull

bool host_tcp_look(int fd, struct host_tcp *ret)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return false;
	uint64_t rate = info.tcpi_delivery_rate;
	/*
	 * While the guest has little to send, or nothing is acknowledged yet, this is what the congestion window allows. The smoothed round
	 * trip would count the time by which a peer delays its ACKs.
	 */
	uint32_t rtt = MIN(info.tcpi_min_rtt, info.tcpi_rtt);
	if ((rate == 0 || info.tcpi_delivery_rate_app_limited) && rtt > 0)
		rate = MAX(rate, (uint64_t)info.tcpi_snd_cwnd * info.tcpi_snd_mss * USEC_PER_SEC_U64 / rtt);
	*ret = (struct host_tcp){
		.rate = rate,
		.unsent = info.tcpi_notsent_bytes,
		.busy_us = info.tcpi_busy_time,
		.is_local = info.tcpi_pmtu > NETWORK_MTU_MAX,
		.rtt_us = info.tcpi_rtt,
		.in_flight = info.tcpi_unacked,
		.silence_ms = MIN(info.tcpi_last_ack_recv, info.tcpi_last_data_recv),
	};
	return true;
}

uint32_t host_tcp_unacked(int fd)
{
	int unacked = 0;
	return ioctl(fd, SIOCOUTQ, &unacked) < 0 ? UINT32_MAX : (uint32_t)unacked;
}

void host_tcp_limit_unsent(int fd, uint32_t bytes)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

bool host_tcp_is_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, 0) != 0;
}
