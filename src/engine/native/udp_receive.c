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
#include "engine/native/udp_receive.h"
#include "engine/native/room.h"
#include "engine/native/udp_arrival.h"
#include "engine/native/udp_listener.h"
#include "lan/flow_hash.h"
#include "lan/frame.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>

#define BATCH 64u
#define BATCH_FIRST 4u
#define PIECES_MAX 512u
#define USUAL_BYTES 2048u /* larger datagrams continue in the spill area */
#define SPILL_BYTES IPV4_PACKET_MAX
#define PAYLOAD_MAX (IPV4_PACKET_MAX - UDP_ARRIVAL_HEADERS_MAX)
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
static void learn(struct udp_reader *r, size_t segment, unsigned n)
{
	struct udp_habits *h = r->habits;
	h->expected = segment > 0 && segment <= PAYLOAD_MAX && (n >= STEADY || h->expected == segment) ? (uint16_t)segment : 0;
	if (h->expected > 0 && r->engine->udp_gro && !h->gro) {
		h->gro = true;
		setsockopt(r->fd, IPPROTO_UDP, UDP_GRO, &(int){ 1 }, sizeof(int));
	}
}

/* --- mixed --- */

/* Passes on a datagram: headers go in front of its first piece; except for the spilled part it lies in the turn's memory. */
static void pass_on(struct udp_reader *r, usec_t now, const struct udp_arrival *a)
{
	struct engine_env *env = r->engine->config.env;
	size_t here = MIN(a->len, USUAL_BYTES), headers_len = udp_headers_len(a->flow);
	uint8_t *bytes = (uint8_t *)a->iov[0].iov_base - headers_len;
	struct iovec iov[2] = { { bytes, headers_len + here }, { NULL, a->len - here } };
	if (a->len > here && !(iov[1].iov_base = arena_copy(env->arena, a->iov[1].iov_base, a->len - here))) {
		drop(r->engine, DROP_NO_MEMORY);
		return;
	}
	struct engine_packet packet = udp_packet_of(iov, a->len > here ? 2 : 1, headers_len + a->len, headers_len, false);
	packet.headroom = FRAME_HEADROOM;
	udp_packet_headers(a, a->len, bytes);
	udp_packet_checksum(bytes, &packet);
	env->ops->output(env, now, a->flow->base.guest, &packet);
}

static void adapt_appetite(struct udp_habits *h, unsigned asked, unsigned got)
{
	if (got == asked)
		h->appetite = (uint8_t)MIN(asked * 2, BATCH);
	else if (got < asked / 4)
		h->appetite = (uint8_t)MAX(asked / 2, BATCH_FIRST);
}

/* Handles a failed read; false when the socket is empty. */
static bool nothing_came(struct udp_reader *r, usec_t now)
{
	if (errno == EAGAIN)
		return false;
	if (r->listener)
		udp_listener_drain_errors(r->listener, now);
	else
		native_udp_drain_errors(r->flow, now);
	return true;
}

static bool receive_mixed(struct udp_reader *r, usec_t now)
{
	struct engine *e = r->engine;
	struct udp_habits *habits = r->habits;
	struct mmsghdr m[BATCH];
	struct udp_origin origin[BATCH];
	struct iovec iov[BATCH][2];
	uint8_t *spill = spill_area(e);
	unsigned n = 0, want = r->flow ? MAX((unsigned)habits->appetite, BATCH_FIRST) : BATCH_FIRST;
	size_t headers_len = udp_headers_len(r->listener ? NULL : r->flow);
	for (uint8_t *room; spill && n < want && (room = arena_alloc(e->config.env->arena, FRAME_HEADROOM + headers_len + USUAL_BYTES));
	     n++) {
		iov[n][0] = (struct iovec){ room + FRAME_HEADROOM + headers_len, USUAL_BYTES };
		iov[n][1] = (struct iovec){ spill + (size_t)n * SPILL_BYTES, SPILL_BYTES };
		udp_arrival_expect(&m[n].msg_hdr, &origin[n], iov[n], 2);
	}
	if (n == 0) {
		drop(e, DROP_NO_MEMORY);
		return false;
	}
	int got = recvmmsg(r->fd, m, n, MSG_DONTWAIT, NULL);
	if (got < 0)
		return nothing_came(r, now);
	struct udp_late_list late = { 0 };
	size_t first = 0;
	unsigned datagrams = 0;
	bool alike = true;
	for (int i = 0; i < got; i++) {
		struct udp_arrival a = udp_arrival_of(r, now, &m[i].msg_hdr, m[i].msg_len);
		first = i == 0 ? a.segment : first;
		alike = alike && a.segment == first;
		datagrams += udp_arrival_datagrams(&a);
		habits->coalesced = udp_arrival_datagrams(&a) > 1;
		if (habits->coalesced) {
			udp_late_add(e, &late, &a, 0);
		} else if (a.flow) {
			udp_late_output(e, now, &late);
			late = (struct udp_late_list){ 0 };
			pass_on(r, now, &a);
		}
	}
	udp_late_output(e, now, &late);
	learn(r, alike ? first : 0, datagrams);
	adapt_appetite(habits, n, (unsigned)got);
	return got == (int)n;
}

/* --- rooms --- */

struct loan {
	struct port_room rooms[BATCH];
	unsigned n;
	size_t per_room; /* payload bytes */
	size_t headers_len;
	bool partial; /* the port completes checksums */
	struct engine_packet packets[BATCH];
};

static bool borrow(struct udp_reader *r, usec_t now, unsigned n, size_t per_room, struct loan *ret)
{
	struct engine_env *env = r->engine->config.env;
	const struct native_flow *f = &r->flow->base;
	ret->per_room = per_room;
	ret->headers_len = udp_headers_len(r->flow);
	ret->n = env->ops->reserve(env, now, f->guest, flow_hash(&f->flow.key.guest, NULL), n, ret->headers_len + per_room, ret->rooms);
	return ret->n > 0;
}

/* Makes a packet of room @i, which holds @len bytes of @a's payload in datagrams of @segment bytes. False without memory. */
static bool fill_room(struct loan *loan, unsigned i, const struct udp_arrival *a, size_t len, size_t segment)
{
	const struct port_room *room = &loan->rooms[i];
	uint8_t headers[UDP_ARRIVAL_HEADERS_MAX];
	size_t packet_len = loan->headers_len + len;
	struct iovec *iov = arena_alloc(a->flow->base.engine->config.env->arena, room->n_iov * sizeof(*iov));
	if (!iov)
		return false;
	unsigned n = room_slice(room, 0, packet_len, iov, MIN(room->n_iov, (unsigned)ENGINE_IOV_MAX));
	struct engine_packet *p = &loan->packets[i];
	*p = udp_packet_of(iov, n, packet_len, loan->headers_len, loan->partial);
	p->headroom = room->headroom;
	p->gso_size = len > segment ? (uint16_t)segment : 0;
	udp_packet_headers(a, len, headers);
	if (!loan->partial)
		udp_packet_checksum(headers, p);
	room_write(room, headers, loan->headers_len);
	return true;
}

static void give_back(struct engine *e, usec_t now, const struct loan *loan, unsigned k, const struct udp_late_list *late)
{
	struct engine_env *env = e->config.env;
	env->ops->commit(env, now, loan->packets, k);
	udp_late_output(e, now, late);
}

/* Describes the place for payload in room @i, followed by the spill area; returns the number of pieces, 0 when there are too many. */
static unsigned place_of(const struct loan *loan, unsigned i, struct iovec *ret, unsigned max)
{
	unsigned n = room_slice(&loan->rooms[i], loan->headers_len, loan->per_room, ret, max);
	size_t size = 0;
	for (unsigned k = 0; k < n; k++)
		size += ret[k].iov_len;
	return size == loan->per_room ? n : 0;
}

static struct iovec spill_piece(struct engine *e, unsigned i)
{
	return (struct iovec){ e->spill + (size_t)i * SPILL_BYTES, SPILL_BYTES };
}

enum received {
	RECEIVED_ALL,
	RECEIVED_SOME, /* there is more */
	RECEIVED_NO_ROOM,
};

/* The flow whose guest has lent rooms; NULL: it has ended since. */
static const struct native_datagram *borrower(const struct udp_reader *r)
{
	return r->listener ? r->listener->borrower : r->flow;
}

/* Whether the message is a single datagram of the expected flow that is not larger than expected. */
static bool fits_room(const struct udp_reader *r, const struct udp_arrival *a)
{
	return a->flow && a->flow == borrower(r) && udp_arrival_datagrams(a) == 1 && a->len <= r->habits->expected;
}

static enum received receive_each(struct udp_reader *r, usec_t now, struct loan *loan)
{
	struct engine *e = r->engine;
	struct udp_habits *habits = r->habits;
	struct mmsghdr m[BATCH];
	struct udp_origin origin[BATCH];
	struct iovec iov[PIECES_MAX];
	unsigned n = 0, used = 0, k = 0;
	if (!borrow(r, now, MAX((unsigned)habits->appetite, BATCH_FIRST), habits->expected, loan))
		return RECEIVED_NO_ROOM;
	for (unsigned pieces; n < loan->n && PIECES_MAX - used > 1; n++, used += pieces) {
		pieces = place_of(loan, n, iov + used, PIECES_MAX - used - 1);
		if (pieces == 0)
			break;
		iov[used + pieces++] = spill_piece(e, n);
		udp_arrival_expect(&m[n].msg_hdr, &origin[n], iov + used, pieces);
	}
	int got = n > 0 ? recvmmsg(r->fd, m, n, MSG_DONTWAIT, NULL) : 0;
	struct udp_late_list late = { 0 };
	if (got <= 0) {
		int error = errno;
		give_back(e, now, loan, 0, &late);
		errno = error;
		return n == 0 ? RECEIVED_NO_ROOM : nothing_came(r, now) ? RECEIVED_SOME : RECEIVED_ALL;
	}
	bool as_expected = true;
	for (int i = 0; i < got; i++) {
		struct udp_arrival a = udp_arrival_of(r, now, &m[i].msg_hdr, m[i].msg_len);
		bool filled = as_expected && fits_room(r, &a) && fill_room(loan, k, &a, a.len, a.len);
		k += filled;
		if (!filled)
			udp_late_add(e, &late, &a, 0);
		as_expected = filled && a.len == habits->expected;
		habits->coalesced = habits->coalesced || (udp_arrival_datagrams(&a) > 1 && a.segment == habits->expected);
	}
	give_back(e, now, loan, k, &late);
	if (!as_expected && !habits->coalesced && k + 1 < (unsigned)got)
		habits->expected = 0;
	adapt_appetite(habits, n, (unsigned)got);
	return got == (int)n ? RECEIVED_SOME : RECEIVED_ALL;
}

static enum received receive_joined(struct udp_reader *r, usec_t now, struct loan *loan, bool super)
{
	struct engine *e = r->engine;
	struct udp_habits *habits = r->habits;
	struct udp_origin origin;
	struct iovec iov[PIECES_MAX];
	struct msghdr h;
	unsigned rooms = 0, used = 0;
	size_t per_room = super ? PAYLOAD_MAX / habits->expected * habits->expected : habits->expected;
	if (!borrow(r, now, super ? 1 : BATCH, per_room, loan))
		return RECEIVED_NO_ROOM;
	for (unsigned pieces; rooms < loan->n && PIECES_MAX - used > 1; rooms++, used += pieces) {
		pieces = place_of(loan, rooms, iov + used, PIECES_MAX - used - 1);
		if (pieces == 0)
			break;
	}
	iov[used++] = spill_piece(e, 0);
	udp_arrival_expect(&h, &origin, iov, used);
	ssize_t got = rooms > 0 ? recvmsg(r->fd, &h, MSG_DONTWAIT) : 0;
	struct udp_late_list late = { 0 };
	if (got < 0 || rooms == 0) {
		int error = errno;
		give_back(e, now, loan, 0, &late);
		errno = error;
		return rooms == 0 ? RECEIVED_NO_ROOM : nothing_came(r, now) ? RECEIVED_SOME : RECEIVED_ALL;
	}
	struct udp_arrival a = udp_arrival_of(r, now, &h, (size_t)got);
	bool fits = a.flow && a.flow == borrower(r) && (a.segment == habits->expected || fits_room(r, &a));
	unsigned k = 0;
	size_t at = 0;
	while (fits && k < rooms && (at < a.len || k == 0)) {
		size_t len = MIN(per_room, a.len - at);
		if (!fill_room(loan, k, &a, len, a.segment))
			break;
		at += len;
		k++;
	}
	if (k == 0 || at < a.len)
		udp_late_add(e, &late, &a, at);
	give_back(e, now, loan, k, &late);
	habits->coalesced = udp_arrival_datagrams(&a) > 1;
	if (a.flow && !fits)
		learn(r, a.segment, udp_arrival_datagrams(&a));
	return RECEIVED_SOME;
}

bool udp_read_should_wait(struct engine *e, usec_t now, const struct guest *guest)
{
	struct engine_path path;
	e->config.env->ops->guest_path(e->config.env, now, guest, &path);
	return path.crowded;
}

bool udp_read(struct udp_reader *r, usec_t now)
{
	const struct udp_habits *h = r->habits;
	struct engine_env *env = r->engine->config.env;
	size_t len = udp_headers_len(r->flow) + h->expected;
	/* A datagram that must be fragmented for the guest cannot be read straight into its memory. */
	if (h->expected == 0 || !r->flow || !spill_area(r->engine) ||
	    (len > GUEST_MTU_MIN && len > env->ops->guest_mtu(env, now, r->flow->base.guest)))
		return receive_mixed(r, now);
	struct loan loan;
	struct engine_path path;
	env->ops->guest_path(env, now, r->flow->base.guest, &path);
	loan.partial = path.port_sums;
	bool super = loan.partial && path.offloads & PORT_OFFLOAD_USO;
	enum received got = h->coalesced ? receive_joined(r, now, &loan, super) : receive_each(r, now, &loan);
	return got == RECEIVED_NO_ROOM ? receive_mixed(r, now) : got == RECEIVED_SOME;
}
