/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of IP headers that guests and servers see of each other: DSCP and ECN (RFC 2474, RFC 3168). */
#include "native.h"

#include "host/socket_address.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 5000
#define AF41_ECT0 0x8a
#define EF_CE 0xbb

static void server_starts(struct fixture *f)
{
	server_bind_udp(&f->s, SERVER);
	g_assert_cmpint(setsockopt(f->s.fd, IPPROTO_IP, IP_RECVTOS, &(int){ 1 }, sizeof(int)), ==, 0);
}

/* The TOS of a datagram that is there; @ret_from is its source. */
static uint8_t received_tos(const struct server *s, struct sockaddr_in *ret_from)
{
	uint8_t bytes[64], tos = 0;
	_Alignas(struct cmsghdr) char control[64];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr m = { .msg_name = ret_from, .msg_namelen = sizeof(*ret_from), .msg_iov = &iov, .msg_iovlen = 1 };
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	g_assert_cmpint(recvmsg(s->fd, &m, MSG_DONTWAIT), >=, 0);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			tos = *CMSG_DATA(c);
	return tos;
}

static void guest_sends(struct fixture *f, uint8_t tos)
{
	f->b.tos = tos;
	guest_udp_send(&f->b, GUEST, PORT, SERVER, f->s.port, "x", 1, 63);
}

/* Within one turn, too, where equal datagrams share a message. */
static void dscp_and_ecn_of_datagrams_are_carried_out(struct fixture *f, gconstpointer row)
{
	static const uint8_t wanted[] = { 0, AF41_ECT0, AF41_ECT0, EF_CE, 0 };
	struct sockaddr_in from;
	server_starts(f);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		guest_sends(f, wanted[i]);
	bench_run_for(&f->b, 20);
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
		g_assert_cmphex(received_tos(&f->s, &from), ==, wanted[i]);
}

static void server_sends(struct fixture *f, const struct sockaddr_in *to, int tos)
{
	g_assert_cmpint(setsockopt(f->s.fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), ==, 0);
	server_answer(&f->s, to, "answer", 6);
}

static void assert_guest_has(struct fixture *f, uint8_t tos)
{
	struct recorded_packet *p = bench_datagram(&f->b);
	g_assert_nonnull(p);
	g_assert_cmphex(p->ip.tos, ==, tos);
	recorded_packet_free(p);
}

/* Alone, and in bursts of one size, which are read in other ways. */
static void dscp_and_ecn_of_datagrams_are_carried_in(struct fixture *f, gconstpointer row)
{
	static const uint8_t wanted[] = { 0, AF41_ECT0, EF_CE, 0 };
	struct sockaddr_in from;
	server_starts(f);
	guest_sends(f, 0);
	bench_run_for(&f->b, 20);
	received_tos(&f->s, &from);
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
			for (unsigned k = 0; k < 10; k++)
				server_sends(f, &from, wanted[i]);
		for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
			for (unsigned k = 0; k < 10; k++)
				assert_guest_has(f, wanted[i]);
	}
}

static void dscp_and_ecn_of_pings_are_carried_both_ways(struct fixture *f, gconstpointer row)
{
	f->b.tos = AF41_ECT0;
	guest_ping(&f->b, GUEST, SERVER, 842, 1, "abcdefgh", 8, 63); /* the kernel answers with the TOS of the request */
	struct recorded_packet *m = bench_message(&f->b);
	g_assert_nonnull(m);
	g_assert_cmphex(m->ip.tos, ==, AF41_ECT0);
	recorded_packet_free(m);
}

#define TEST(name) \
	{ \
#name, name, native_setup_plain \
	}

const struct contract_test native_fields[] = {
	TEST(dscp_and_ecn_of_datagrams_are_carried_out),
	TEST(dscp_and_ecn_of_datagrams_are_carried_in),
	TEST(dscp_and_ecn_of_pings_are_carried_both_ways),
	{ 0 },
};
