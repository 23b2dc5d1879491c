/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP to guests. Three ways to read, chosen by what a socket has delivered so far:
 *
 *     mixed   datagrams of any size, each into memory of the turn, as many at a time as came lately
 *     each    many datagrams of one size: each straight into room that the guest's port lends for that size
 *     joined  the same when the kernel hands over many as one (udp(7), UDP_GRO, switched on for sockets that are busy):
 *             one call spreads them over the rooms, or fills one room for a port that takes super-frames of UDP
 *
 * When a room does not hold what was expected, that room and all later ones are given back to the port; the datagrams are copied and
 * sent afterwards.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "engine/native/room.h"
#include "engine/native/udp_arrival.h"
#include "lan/flow_hash.h"
#include "lan/frame.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define HEADERS_LEN UDP_ARRIVAL_HEADERS_LEN
#define BATCH 64u
#define BATCH_FIRST 4u
#define PIECES_MAX 512u
#define USUAL_BYTES 2048u /* larger datagrams continue in the spill area */
#define SPILL_BYTES IPV4_PACKET_MAX
#define PAYLOAD_MAX (IPV4_PACKET_MAX - HEADERS_LEN)
#define STEADY 8u /* after this many datagrams of one size, expect more of that size */

static void drop(struct engine *e, enum drop_reason why)
{
	e->config.env->ops->drop(e->config.env, why, NULL);
}

/* --- what to expect --- */

static uint8_t *spill_area(struct engine *e)
{
	/* Pages that are never written cost nothing. */
	if (!e->spill)
		e->spill = malloc((size_t)BATCH * SPILL_BYTES);
	return e->spill;
}

/* Records the expected size of the next datagrams: @segment, or 0 when sizes differed. */
static void learn(struct native_datagram *d, size_t segment, unsigned n)
{
	d->expected = segment > 0 && segment <= PAYLOAD_MAX && (n >= STEADY || d->expected == segment) ? (uint16_t)segment : 0;
	if (d->expected > 0 && d->base.engine->udp_gro && !d->gro) {
		d->gro = true;
		setsockopt(d->base.watch.fd, IPPROTO_UDP, UDP_GRO, &(int){ 1 }, sizeof(int));
	}
}

/* --- mixed --- */

/* Passes on a datagram: headers go to the front of its first piece; except for the spilled part it lies in the turn's memory. */
static void pass_on(struct native_datagram *d, usec_t now, uint8_t *bytes, const struct udp_arrival *a)
{
	struct engine_env *env = d->base.engine->config.env;
	size_t here = MIN(a->len, USUAL_BYTES);
	struct iovec iov[2] = { { bytes, HEADERS_LEN + here }, { NULL, a->len - here } };
	if (a->len > here && !(iov[1].iov_base = arena_copy(env->arena, a->iov[1].iov_base, a->len - here))) {
		drop(d->base.engine, DROP_NO_MEMORY);
		return;
	}
	struct engine_packet packet = udp_packet_of(iov, a->len > here ? 2 : 1, HEADERS_LEN + a->len, false);
	packet.headroom = FRAME_HEADROOM;
	udp_packet_headers(d, &a->from, a->len, bytes);
	udp_packet_checksum(bytes, &packet);
	env->ops->output(env, now, d->base.guest, &packet);
}

static void adapt_appetite(struct native_datagram *d, unsigned asked, unsigned got)
{
	if (got == asked)
		d->appetite = (uint8_t)MIN(asked * 2, BATCH);
	else if (got < asked / 4)
		d->appetite = (uint8_t)MAX(asked / 2, BATCH_FIRST);
}

/* Handles a failed read; false when the socket is empty. */
static bool nothing_came(struct native_datagram *d, usec_t now)
{
	if (errno == EAGAIN)
		return false;
	native_udp_drain_errors(d, now);
	return true;
}

static bool receive_mixed(struct native_datagram *d, usec_t now)
{
	struct engine *e = d->base.engine;
	struct mmsghdr m[BATCH];
	struct sockaddr_in from[BATCH];
	struct udp_control control[BATCH];
	struct iovec iov[BATCH][2];
	uint8_t *bytes[BATCH], *spill = spill_area(e);
	unsigned n = 0, want = MAX((unsigned)d->appetite, BATCH_FIRST);
	for (uint8_t *room; spill && n < want && (room = arena_alloc(e->config.env->arena, FRAME_HEADROOM + HEADERS_LEN + USUAL_BYTES));
	     n++) {
		bytes[n] = room + FRAME_HEADROOM;
		iov[n][0] = (struct iovec){ bytes[n] + HEADERS_LEN, USUAL_BYTES };
		iov[n][1] = (struct iovec){ spill + (size_t)n * SPILL_BYTES, SPILL_BYTES };
		udp_arrival_expect(&m[n].msg_hdr, &from[n], &control[n], iov[n], 2);
	}
	if (n == 0) {
		drop(e, DROP_NO_MEMORY);
		return false;
	}
	int got = recvmmsg(d->base.watch.fd, m, n, MSG_DONTWAIT, NULL);
	if (got < 0)
		return nothing_came(d, now);
	struct udp_late_list late = { 0 };
	size_t first = 0;
	unsigned datagrams = 0;
	bool alike = true;
	for (int i = 0; i < got; i++) {
		struct udp_arrival a = udp_arrival_of(d, &m[i].msg_hdr, m[i].msg_len);
		first = i == 0 ? a.segment : first;
		alike = alike && a.segment == first;
		datagrams += udp_arrival_datagrams(&a);
		d->coalesced = udp_arrival_datagrams(&a) > 1;
		if (d->coalesced) {
			udp_late_add(d, &late, &a, 0);
		} else if (a.admitted) {
			udp_late_output(d, now, &late);
			late = (struct udp_late_list){ 0 };
			pass_on(d, now, bytes[i], &a);
		}
	}
	udp_late_output(d, now, &late);
	learn(d, alike ? first : 0, datagrams);
	adapt_appetite(d, n, (unsigned)got);
	return got == (int)n;
}

/* --- rooms --- */

struct loan {
	struct port_room rooms[BATCH];
	unsigned n;
	size_t per_room; /* payload bytes */
	bool partial;    /* the port completes checksums */
	struct engine_packet packets[BATCH];
};

static bool borrow(struct native_datagram *d, usec_t now, unsigned n, size_t per_room, struct loan *ret)
{
	struct engine_env *env = d->base.engine->config.env;
	ret->per_room = per_room;
	ret->n =
		env->ops->reserve(env, now, d->base.guest, flow_hash(&d->base.flow.key.guest, NULL), n, HEADERS_LEN + per_room, ret->rooms);
	return ret->n > 0;
}

/* Makes a packet of room @i, which holds @len bytes of payload in datagrams of @segment bytes. False without memory. */
static bool fill_room(struct native_datagram *d, struct loan *loan, unsigned i, const struct ip_endpoint *from, size_t len, size_t segment)
{
	const struct port_room *room = &loan->rooms[i];
	uint8_t headers[HEADERS_LEN];
	struct iovec *iov = arena_alloc(d->base.engine->config.env->arena, room->n_iov * sizeof(*iov));
	if (!iov)
		return false;
	unsigned n = room_slice(room, 0, HEADERS_LEN + len, iov, MIN(room->n_iov, (unsigned)ENGINE_IOV_MAX));
	struct engine_packet *p = &loan->packets[i];
	*p = udp_packet_of(iov, n, HEADERS_LEN + len, loan->partial);
	p->headroom = room->headroom;
	p->gso_size = len > segment ? (uint16_t)segment : 0;
	udp_packet_headers(d, from, len, headers);
	if (!loan->partial)
		udp_packet_checksum(headers, p);
	room_write(room, headers, HEADERS_LEN);
	return true;
}

static void give_back(struct native_datagram *d, usec_t now, const struct loan *loan, unsigned k, const struct udp_late_list *late)
{
	struct engine_env *env = d->base.engine->config.env;
	env->ops->commit(env, now, loan->packets, k);
	udp_late_output(d, now, late);
}

/* Describes the place for payload in room @i, followed by the spill area; returns the number of pieces, 0 when there are too many. */
static unsigned place_of(struct native_datagram *d, const struct loan *loan, unsigned i, struct iovec *ret, unsigned max)
{
	unsigned n = room_slice(&loan->rooms[i], HEADERS_LEN, loan->per_room, ret, max);
	size_t size = 0;
	for (unsigned k = 0; k < n; k++)
		size += ret[k].iov_len;
	return size == loan->per_room ? n : 0;
}

static struct iovec spill_piece(struct native_datagram *d, unsigned i)
{
	return (struct iovec){ d->base.engine->spill + (size_t)i * SPILL_BYTES, SPILL_BYTES };
}

enum received {
	RECEIVED_ALL,
	RECEIVED_SOME, /* there is more */
	RECEIVED_NO_ROOM,
};

/* Whether the message is a single datagram that is not larger than expected. */
static bool fits_room(const struct native_datagram *d, const struct udp_arrival *a)
{
	return a->admitted && udp_arrival_datagrams(a) == 1 && a->len <= d->expected;
}

static enum received receive_each(struct native_datagram *d, usec_t now, struct loan *loan)
{
	struct mmsghdr m[BATCH];
	struct sockaddr_in from[BATCH];
	struct udp_control control[BATCH];
	struct iovec iov[PIECES_MAX];
	unsigned n = 0, used = 0, k = 0;
	if (!borrow(d, now, MAX((unsigned)d->appetite, BATCH_FIRST), d->expected, loan))
		return RECEIVED_NO_ROOM;
	for (unsigned pieces; n < loan->n && PIECES_MAX - used > 1; n++, used += pieces) {
		pieces = place_of(d, loan, n, iov + used, PIECES_MAX - used - 1);
		if (pieces == 0)
			break;
		iov[used + pieces++] = spill_piece(d, n);
		udp_arrival_expect(&m[n].msg_hdr, &from[n], &control[n], iov + used, pieces);
	}
	int got = n > 0 ? recvmmsg(d->base.watch.fd, m, n, MSG_DONTWAIT, NULL) : 0;
	struct udp_late_list late = { 0 };
	if (got <= 0) {
		int error = errno;
		give_back(d, now, loan, 0, &late);
		errno = error;
		return n == 0 ? RECEIVED_NO_ROOM : nothing_came(d, now) ? RECEIVED_SOME : RECEIVED_ALL;
	}
	bool as_expected = true;
	for (int i = 0; i < got; i++) {
		struct udp_arrival a = udp_arrival_of(d, &m[i].msg_hdr, m[i].msg_len);
		bool filled = as_expected && fits_room(d, &a) && fill_room(d, loan, k, &a.from, a.len, a.len);
		k += filled;
		if (!filled)
			udp_late_add(d, &late, &a, 0);
		as_expected = filled && a.len == d->expected;
		d->coalesced = d->coalesced || (udp_arrival_datagrams(&a) > 1 && a.segment == d->expected);
	}
	give_back(d, now, loan, k, &late);
	if (!as_expected && !d->coalesced && k + 1 < (unsigned)got)
		d->expected = 0;
	adapt_appetite(d, n, (unsigned)got);
	return got == (int)n ? RECEIVED_SOME : RECEIVED_ALL;
}

static enum received receive_joined(struct native_datagram *d, usec_t now, struct loan *loan, bool super)
{
	struct sockaddr_in from;
	struct udp_control control;
	struct iovec iov[PIECES_MAX];
	struct msghdr h;
	unsigned rooms = 0, used = 0;
	size_t per_room = super ? PAYLOAD_MAX / d->expected * d->expected : d->expected;
	if (!borrow(d, now, super ? 1 : BATCH, per_room, loan))
		return RECEIVED_NO_ROOM;
	for (unsigned pieces; rooms < loan->n && PIECES_MAX - used > 1; rooms++, used += pieces) {
		pieces = place_of(d, loan, rooms, iov + used, PIECES_MAX - used - 1);
		if (pieces == 0)
			break;
	}
	iov[used++] = spill_piece(d, 0);
	udp_arrival_expect(&h, &from, &control, iov, used);
	ssize_t got = rooms > 0 ? recvmsg(d->base.watch.fd, &h, MSG_DONTWAIT) : 0;
	struct udp_late_list late = { 0 };
	if (got < 0 || rooms == 0) {
		int error = errno;
		give_back(d, now, loan, 0, &late);
		errno = error;
		return rooms == 0 ? RECEIVED_NO_ROOM : nothing_came(d, now) ? RECEIVED_SOME : RECEIVED_ALL;
	}
	struct udp_arrival a = udp_arrival_of(d, &h, (size_t)got);
	bool fits = a.admitted && (a.segment == d->expected || fits_room(d, &a));
	unsigned k = 0;
	size_t at = 0;
	while (fits && k < rooms && (at < a.len || k == 0)) {
		size_t len = MIN(per_room, a.len - at);
		if (!fill_room(d, loan, k, &a.from, len, a.segment))
			break;
		at += len;
		k++;
	}
	if (k == 0 || at < a.len)
		udp_late_add(d, &late, &a, at);
	give_back(d, now, loan, k, &late);
	d->coalesced = udp_arrival_datagrams(&a) > 1;
	if (a.admitted && !fits)
		learn(d, a.segment, udp_arrival_datagrams(&a));
	return RECEIVED_SOME;
}

void native_udp_deliver(struct native_datagram *d, usec_t now, const void *datagram, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)datagram, len };
	struct udp_arrival a = { .iov = &iov, .n_iov = 1, .len = len, .segment = len, .from = d->base.flow.key.remote, .admitted = true };
	struct udp_late_list list = { 0 };
	d->mapping.active = now;
	d->base.to_guest += len;
	udp_late_add(d, &list, &a, 0);
	udp_late_output(d, now, &list);
}

bool native_udp_receive(struct native_datagram *d, usec_t now)
{
	/* Datagrams of the peer keep a flow alive that was opened for it. */
	if (d->peer.port != 0)
		d->mapping.active = now;
	struct engine_env *env = d->base.engine->config.env;
	/* A datagram that must be fragmented for the guest cannot be read straight into its memory. */
	if (d->expected == 0 || !spill_area(d->base.engine) || HEADERS_LEN + d->expected > d->base.guest->mtu)
		return receive_mixed(d, now);
	struct loan loan;
	struct engine_path path;
	env->ops->guest_path(env, now, d->base.guest, &path);
	loan.partial = path.port_sums;
	bool super = loan.partial && path.offloads & PORT_OFFLOAD_USO;
	enum received r = d->coalesced ? receive_joined(d, now, &loan, super) : receive_each(d, now, &loan);
	return r == RECEIVED_NO_ROOM ? receive_mixed(d, now) : r == RECEIVED_SOME;
}
