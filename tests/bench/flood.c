/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floods a network from a guest: raw frames of one kind at a given rate, until standard input ends.
 *
 *     flood KIND DEVICE@NETNS ADDRESS GATEWAY SERVER PORT RATE
 *
 * Frames of most kinds are to a new port, from a new MAC or for a new name each time, so that each costs what the first of a flow costs.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 600
#define BATCH 32u
#define PACE_NS 200000
#define CLOSED_PORT 9
#define DHCP_BYTES 300
#define DHCP_COOKIE 0x63825363u
#define NAME_CHARS 8

struct flood {
	int fd;
	uint32_t address, gateway, server; /* network order */
	uint16_t port;                     /* that is open at the server */
	uint8_t mac[ETH_ALEN], gateway_mac[ETH_ALEN];
	uint32_t number; /* of the frame */
};

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- frames --- */

static uint32_t sum_of(const void *bytes, size_t len, uint32_t sum)
{
	const uint8_t *b = bytes;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	return len % 2 ? sum + ((uint32_t)b[len - 1] << 8) : sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint8_t *put_eth(uint8_t *frame, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
	memcpy(frame, dst, ETH_ALEN);
	memcpy(frame + ETH_ALEN, src, ETH_ALEN);
	memcpy(frame + 2 * ETH_ALEN, &(uint16_t){ htons(type) }, 2);
	return frame + ETH_HLEN;
}

static uint8_t *put_ip(uint8_t *at, uint32_t src, uint32_t dst, uint8_t protocol, size_t len)
{
	struct iphdr h = { .version = 4,
			   .ihl = 5,
			   .tot_len = htons((uint16_t)(sizeof(h) + len)),
			   .ttl = 64,
			   .protocol = protocol,
			   .saddr = src,
			   .daddr = dst };
	h.check = folded(sum_of(&h, sizeof(h), 0));
	memcpy(at, &h, sizeof(h));
	return at + sizeof(h);
}

static size_t put_udp(const struct flood *f, uint8_t *frame, uint32_t dst, uint16_t src_port, uint16_t dst_port, const void *data,
		      size_t len)
{
	struct udphdr u = { .source = htons(src_port), .dest = htons(dst_port), .len = htons((uint16_t)(sizeof(u) + len)) };
	uint8_t *at = put_ip(put_eth(frame, f->gateway_mac, f->mac, ETH_P_IP), f->address, dst, IPPROTO_UDP, sizeof(u) + len);
	memcpy(at, &u, sizeof(u));
	memcpy(at + sizeof(u), data, len);
	return (size_t)(at - frame) + sizeof(u) + len;
}

static uint16_t new_port(const struct flood *f)
{
	return (uint16_t)(1024 + f->number % 64000);
}

static size_t datagram(const struct flood *f, uint8_t *frame, uint16_t port)
{
	return put_udp(f, frame, f->server, new_port(f), port, "small", 5);
}

static size_t udp_closed(const struct flood *f, uint8_t *frame)
{
	return datagram(f, frame, CLOSED_PORT);
}

static size_t udp_open(const struct flood *f, uint8_t *frame)
{
	return datagram(f, frame, f->port);
}

static size_t syn(const struct flood *f, uint8_t *frame, uint16_t port)
{
	struct tcphdr t = {
		.source = htons(new_port(f)), .dest = htons(port), .seq = htonl(f->number), .doff = 5, .syn = 1, .window = htons(65535)
	};
	uint32_t sum = sum_of(&f->address, 4, sum_of(&f->server, 4, IPPROTO_TCP + sizeof(t)));
	t.check = folded(sum_of(&t, sizeof(t), sum));
	uint8_t *at = put_ip(put_eth(frame, f->gateway_mac, f->mac, ETH_P_IP), f->address, f->server, IPPROTO_TCP, sizeof(t));
	memcpy(at, &t, sizeof(t));
	return (size_t)(at - frame) + sizeof(t);
}

static size_t syn_closed(const struct flood *f, uint8_t *frame)
{
	return syn(f, frame, CLOSED_PORT);
}

static size_t syn_open(const struct flood *f, uint8_t *frame)
{
	return syn(f, frame, f->port);
}

/* Asks for the gateway's address: broadcast, and answered. */
static size_t arp(const struct flood *f, uint8_t *frame)
{
	static const uint8_t request[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t broadcast[ETH_ALEN], *at;
	memset(broadcast, 0xff, sizeof(broadcast));
	at = put_eth(frame, broadcast, f->mac, ETH_P_ARP);
	memcpy(at, request, sizeof(request));
	memcpy(at + 8, f->mac, ETH_ALEN);
	memcpy(at + 14, &f->address, 4);
	memset(at + 18, 0, ETH_ALEN);
	memcpy(at + 24, &f->gateway, 4);
	return ETH_HLEN + 28;
}

/* DISCOVER of a new client each time. */
static size_t dhcp(const struct flood *f, uint8_t *frame)
{
	static const uint8_t options[] = { 53, 1, 1, 255 };
	uint8_t message[DHCP_BYTES] = { 1, 1, 6, 0 }, client[ETH_ALEN] = { 0x52, 0x54, 0 }, broadcast[ETH_ALEN];
	uint32_t number = htonl(f->number);
	memset(broadcast, 0xff, sizeof(broadcast));
	memcpy(client + 2, &number, 4);
	memcpy(message + 4, &number, 4);
	memcpy(message + 28, client, ETH_ALEN);
	memcpy(message + 236, &(uint32_t){ htonl(DHCP_COOKIE) }, 4);
	memcpy(message + 240, options, sizeof(options));
	size_t len = put_udp(f, frame, INADDR_BROADCAST, 68, 67, message, sizeof(message));
	put_ip(put_eth(frame, broadcast, f->mac, ETH_P_IP), 0, INADDR_BROADCAST, IPPROTO_UDP, sizeof(struct udphdr) + sizeof(message));
	return len;
}

/* Asks for a new name each time. */
static size_t dns(const struct flood *f, uint8_t *frame)
{
	uint8_t q[64] = { (uint8_t)(f->number >> 8), (uint8_t)f->number, 1, 0, 0, 1 };
	size_t len = 12;
	q[len++] = NAME_CHARS;
	for (unsigned i = 0; i < NAME_CHARS; i++)
		q[len++] = (uint8_t)('a' + (f->number >> 4 * i & 15));
	memcpy(q + len, "\7invalid\0\0\1\0\1", 13);
	return put_udp(f, frame, f->gateway, new_port(f), 53, q, len + 13);
}

static const struct kind {
	const char *name;
	size_t (*make)(const struct flood *f, uint8_t *frame);
} kinds[] = {
	{ "udp-closed", udp_closed },
	{ "udp-open", udp_open },
	{ "syn-closed", syn_closed },
	{ "syn-open", syn_open },
	{ "arp", arp },
	{ "dhcp", dhcp },
	{ "dns", dns },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* --- the device --- */

static void open_device(struct flood *f, const char *name)
{
	struct ifreq r = { 0 };
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	f->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP));
	if (f->fd < 0 || ioctl(f->fd, SIOCGIFHWADDR, &r) < 0)
		die(name);
	memcpy(f->mac, r.ifr_hwaddr.sa_data, ETH_ALEN);
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = (int)if_nametoindex(name) };
	if (bind(f->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	setsockopt(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &(int){ 1 }, sizeof(int));
}

static void find_gateway(struct flood *f)
{
	uint8_t frame[FRAME_BYTES] = { 0 };
	size_t len = arp(f, frame);
	for (unsigned i = 0; i < 100; i++) {
		if (send(f->fd, frame, len, 0) < 0 && errno != ENOBUFS)
			die("ARP");
		struct pollfd p = { .fd = f->fd, .events = POLLIN };
		while (poll(&p, 1, 50) > 0) {
			uint8_t in[FRAME_BYTES];
			ssize_t n = recv(f->fd, in, sizeof(in), 0);
			if (n < ETH_HLEN + 28 || in[ETH_HLEN + 7] != 2 || memcmp(in + ETH_HLEN + 14, &f->gateway, 4) != 0)
				continue;
			memcpy(f->gateway_mac, in + ETH_HLEN + 8, ETH_ALEN);
			return;
		}
	}
	errno = ETIMEDOUT;
	die("the gateway's MAC");
}

static void send_batch(struct flood *f, const struct kind *kind, unsigned n)
{
	static uint8_t frames[BATCH][FRAME_BYTES];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	for (unsigned i = 0; i < n; i++, f->number++) {
		iov[i] = (struct iovec){ frames[i], kind->make(f, frames[i]) };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	/* What the device's queue does not take is lost, as on a wire. */
	sendmmsg(f->fd, m, n, MSG_DONTWAIT);
}

static uint64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static bool is_over(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	return poll(&p, 1, 0) > 0;
}

static void run(struct flood *f, const struct kind *kind, uint64_t rate)
{
	uint64_t begin = now_us(), sent = 0;
	while (!is_over()) {
		uint64_t due = (now_us() - begin) * rate / 1000000 - sent;
		if (due == 0)
			nanosleep(&(struct timespec){ .tv_nsec = PACE_NS }, NULL);
		/* A generator that was preempted does not make up for it. */
		if (due > rate / 100) {
			sent += due - rate / 100;
			due = rate / 100;
		}
		for (unsigned n; due > 0; due -= n, sent += n) {
			n = due < BATCH ? (unsigned)due : BATCH;
			send_batch(f, kind, n);
		}
	}
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc == 8 ? find_kind(argv[1]) : NULL;
	char *at = kind ? strchr(argv[2], '@') : NULL;
	if (!at) {
		fprintf(stderr, "usage: flood KIND DEVICE@NETNS ADDRESS GATEWAY SERVER PORT RATE\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	*at = '\0';
	errno = -netns_enter(at + 1);
	if (errno)
		die(at + 1);
	struct flood f = {
		.address = inet_addr(argv[3]), .gateway = inet_addr(argv[4]), .server = inet_addr(argv[5]), .port = (uint16_t)atoi(argv[6])
	};
	uint64_t rate = strtoull(argv[7], NULL, 10);
	open_device(&f, argv[2]);
	find_gateway(&f);
	puts("ready");
	fflush(stdout);
	run(&f, kind, rate > 0 ? rate : 1);
	printf("{\"frames\": %u}\n", f.number);
	return 0;
}
