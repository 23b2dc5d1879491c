/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host to guest.  The socket's queue, as the kernel sees it:
 *
 *     | undiscarded | in flight          | not looked at |
 *     ^ front       ^ snd_una            ^ snd_nxt
 *
 * Acknowledged bytes are removed from the front in batches, because each removal is a system call.
 *
 * With SO_PEEK_OFF the kernel remembers where the next peek starts. It is switched on when a flow first needs it; many short flows
 * never do. Without it MSG_PEEK always starts at the front, and bytes seen before are copied again, to a scratch page; to keep that
 * copy small, few bytes are left in flight and acknowledged bytes are removed sooner.
 */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "engine/native/room.h"
#include "engine/native/tcp.h"
#include "lan/flow_hash.h"
#include "lan/port.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ROOMS_MAX 128u
#define PIECES_MAX (1024u - SEEN_PIECES) /* of UIO_MAXIOV */
#define APPETITE_MIN (16u * 1024)
#define APPETITE_MAX NATIVE_TURN_BYTES
#define DISCARD_BYTES (8u * 1024) /* small beside a receive buffer, so that the kernel's window stays open */
#define DISCARD_SMALL 16          /* consumed pieces of any size: the kernel walks over them at every peek */
#define SCRATCH_SIZE (64u * 1024)
/* Without SO_PEEK_OFF */
#define SEEN_MAX (128u * 1024) /* most bytes to copy again */
#define SEEN_PIECES ((SEEN_MAX + APPETITE_MAX) / SCRATCH_SIZE + 1)
#define USELESS_EDGES 4
/* More would enlarge a receive buffer of the usual size, which holds twice as much: data would wait there that its sender takes for
 * received. */
#define LOW_WATER (64 * 1024)
#define TTL 64

struct room_plan {
	struct port_room rooms[ROOMS_MAX];
	unsigned n;
	uint32_t per_room; /* payload bytes */
	size_t ip_len;     /* of the IP header */
	size_t header_len; /* IP and TCP */
	uint32_t segment;
	bool checksum_left; /* the checksum of a packet with several segments is left to the port or the switch */
	bool port_sums;     /* the port completes all checksums */
	struct iovec *iov;  /* room_slice() of each room, one after the other */
};

/* --- the queue --- */

static ssize_t peek(struct native_tcp *t, struct iovec *iov, unsigned n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t r = n == 1 ? recv(t->base.watch.fd, iov->iov_base, iov->iov_len, MSG_PEEK | MSG_DONTWAIT)
			   : recvmsg(t->base.watch.fd, &m, MSG_PEEK | MSG_DONTWAIT);
	return r < 0 ? -errno : r;
}

/* Makes the next peek start at @position. False when the kernel cannot. */
static bool set_position(struct native_tcp *t, uint32_t position)
{
	if (!t->can_peek_off)
		return position == 0;
	if (t->peek_off == (int32_t)position || (t->peek_off < 0 && position == 0))
		return true;
	int offset = (int)position;
	if (setsockopt(t->base.watch.fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) < 0) {
		t->can_peek_off = false;
		t->peek_off = -1;
		return position == 0;
	}
	t->peek_off = offset;
	return true;
}

static uint8_t *scratch(struct engine *e)
{
	if (!e->scratch)
		e->scratch = malloc(SCRATCH_SIZE);
	return e->scratch;
}

/* Puts pieces in front of @iov that absorb @position bytes seen before; returns the number of pieces. */
static unsigned skip_pieces(struct engine *e, uint32_t position, struct iovec *ret)
{
	unsigned n = 0;
	for (; position > 0; n++) {
		uint32_t len = MIN(position, SCRATCH_SIZE);
		ret[n] = (struct iovec){ .iov_base = scratch(e), .iov_len = len };
		position -= len;
	}
	return n;
}

/*
 * Peeks at the queue from @position on, into the @n pieces @iov; @front has room for SEEN_PIECES more. Returns the bytes found, 0
 * for none now or at the end (@ret_end), or a negative errno.
 */
static ssize_t look(struct native_tcp *t, uint32_t position, struct iovec *front, struct iovec *iov, unsigned n, bool *ret_end)
{
	uint32_t skipped = 0;
	if (!set_position(t, position)) {
		if (!scratch(t->base.engine))
			return -ENOMEM;
		skipped = position;
		unsigned pieces = skip_pieces(t->base.engine, position, front);
		memcpy(front + pieces, iov, n * sizeof(*iov));
		iov = front;
		n += pieces;
	}
	ssize_t r = peek(t, iov, n);
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	if (r < 0)
		return r;
	*ret_end = r == 0;
	if (t->peek_off >= 0)
		t->peek_off += (int32_t)r;
	return r > (ssize_t)skipped ? r - (ssize_t)skipped : 0;
}

static void drop_front(struct native_tcp *t, uint32_t n)
{
	uint8_t buffer[4096];
	while (n > 0) {
		ssize_t r = t->is_tcp ? recv(t->base.watch.fd, NULL, n, MSG_TRUNC | MSG_DONTWAIT)
				      : recv(t->base.watch.fd, buffer, MIN(n, sizeof(buffer)), MSG_DONTWAIT);
		if (r <= 0)
			return;
		n -= (uint32_t)r;
		if (t->peek_off >= 0)
			t->peek_off = MAX(t->peek_off - (int32_t)r, 0);
	}
}

void native_tcp_discard(struct native_tcp *t)
{
	if (t->base.watch.fd >= 0 && t->undiscarded > 0)
		drop_front(t, t->undiscarded);
	t->undiscarded = 0;
	t->small_discards = 0;
}

static void set_low_water(struct native_tcp *t, int bytes)
{
	setsockopt(t->base.watch.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

void native_tcp_consume(struct native_tcp *t, uint32_t n)
{
	t->undiscarded += n;
	t->base.to_guest += n;
	t->small_discards++;
	t->useless_edges = 0;
	if (t->low_water) {
		t->low_water = false;
		set_low_water(t, 1);
	}
	/* Drain long queues completely: once the kernel has closed its window, it reopens it only when much space is free. */
	bool empty = t->tcp.snd_una == t->tcp.snd_nxt && !t->tcp.host_ready;
	if (t->undiscarded >= DISCARD_BYTES || t->small_discards >= DISCARD_SMALL || (empty && t->long_queue)) {
		native_tcp_discard(t);
		if (empty)
			t->long_queue = false;
	}
}

void native_tcp_edge(struct native_tcp *t)
{
	if (!t->tcp.host_ready || t->low_water || !t->is_tcp)
		return;
	/* The last edge was not used yet: the guest's window is closed or its port full. New data need not wake us. */
	if (++t->useless_edges >= USELESS_EDGES) {
		t->low_water = true;
		set_low_water(t, LOW_WATER);
	}
}

/* --- packets --- */

/* Distinguishes a full port, which reports when it has room, from exhausted memory of this turn. */
static enum native_download why_no_room(struct native_tcp *t, usec_t now)
{
	struct engine_env *env = t->base.engine->config.env;
	struct engine_path path;
	env->ops->guest_path(env, now, t->base.guest, &path);
	return path.congested ? NATIVE_DOWNLOAD_BLOCKED : NATIVE_DOWNLOAD_NO_MEMORY;
}

/* Borrows room for up to @len bytes. DONE: got some. */
static enum native_download plan_rooms(struct native_tcp *t, usec_t now, uint32_t len, struct room_plan *plan)
{
	struct engine_env *env = t->base.engine->config.env;
	struct engine_path path;
	env->ops->guest_path(env, now, t->base.guest, &path);
	plan->segment = tcp_flow_segment_size(&t->tcp);
	plan->ip_len = ip_header_len(&t->base.flow.key.guest.addr);
	plan->header_len = plan->ip_len + TCP_HEADER_LEN + tcp_flow_options_len(&t->tcp);
	plan->per_room = plan->segment;
	plan->checksum_left = path.offloads & PORT_OFFLOAD_CHECKSUM;
	plan->port_sums = path.port_sums;
	uint32_t super = (uint32_t)(IPV4_PACKET_MAX - plan->header_len) / plan->segment * plan->segment;
	if (path.offloads & (plan->ip_len == IPV4_HEADER_LEN ? PORT_OFFLOAD_TSO4 : PORT_OFFLOAD_TSO6) && plan->checksum_left && super > 0)
		plan->per_room = super;
	unsigned want = (unsigned)((MIN(len, MAX(t->appetite, APPETITE_MIN)) + plan->per_room - 1) / plan->per_room), pieces = 0;
	size_t size = plan->header_len + MIN(plan->per_room, len);
	const struct flow_key *key = &t->base.flow.key;
	plan->n = env->ops->reserve(env, now, t->base.guest, flow_hash(&key->guest, &key->remote), MIN(want, ROOMS_MAX), size, plan->rooms);
	if (plan->n == 0)
		return why_no_room(t, now);
	for (unsigned i = 0; i < plan->n; i++)
		pieces += plan->rooms[i].n_iov;
	plan->iov = arena_alloc(env->arena, pieces * sizeof(*plan->iov));
	if (plan->iov)
		return NATIVE_DOWNLOAD_DONE;
	env->ops->commit(env, now, NULL, 0);
	return NATIVE_DOWNLOAD_NO_MEMORY;
}

/* The checksum of the @tcp_len bytes of @header and @len bytes in @room from @at on; @partial: of the pseudo-header only. */
static uint16_t tcp_checksum(const struct native_tcp *t, bool partial, const uint8_t *header, size_t tcp_len, const struct port_room *room,
			     size_t at, uint32_t len)
{
	const struct flow_key *key = &t->base.flow.key;
	struct checksum c = { 0 };
	checksum_add_pseudo(&c, &key->remote.addr, &key->guest.addr, IP_PROTOCOL_TCP, tcp_len + len);
	if (partial)
		return checksum_fold(&c);
	checksum_add(&c, header, tcp_len);
	struct iovec iov[ENGINE_IOV_MAX];
	unsigned n = room_slice(room, at, len, iov, ENGINE_IOV_MAX);
	for (unsigned i = 0; i < n; i++)
		checksum_add(&c, iov[i].iov_base, iov[i].iov_len);
	return checksum_value(&c);
}

/* Writes the headers of a packet whose @len bytes of payload are in @room already. */
static void make_packet(struct native_tcp *t, usec_t now, const struct room_plan *plan, const struct port_room *room, uint32_t seq,
			uint32_t len, struct iovec *iov, struct engine_packet *ret)
{
	const struct flow_key *key = &t->base.flow.key;
	uint8_t bytes[IP_HEADER_ROOM + TCP_HEADER_MAX];
	struct tcp_header h;
	tcp_flow_data_header(&t->tcp, now, seq, len, &h);
	h.src_port = key->remote.port;
	h.dst_port = key->guest.port;
	struct bytes_writer tcp = bytes_writer(bytes + plan->ip_len, plan->header_len - plan->ip_len);
	tcp_emit(&tcp, &h);
	bool is_super = len > plan->segment;
	bool partial = is_super ? plan->checksum_left : plan->port_sums;
	uint16_t sum = tcp_checksum(t, partial, tcp.data, tcp.len, room, plan->header_len, len);
	tcp.data[16] = (uint8_t)(sum >> 8);
	tcp.data[17] = (uint8_t)sum;
	struct ip_header ip = { key->remote.addr, key->guest.addr, IP_PROTOCOL_TCP, TTL, .dont_fragment = true };
	struct bytes_writer w = bytes_writer(bytes, plan->ip_len);
	ip_emit(&w, &ip, tcp.len + len);
	size_t size = plan->header_len + len;
	room_write(room, bytes, plan->header_len);
	*ret = (struct engine_packet){
		.iov = iov,
		.n_iov = room_slice(room, 0, size, iov, ENGINE_IOV_MAX),
		.len = size,
		.headroom = room->headroom,
		.checksum_partial = partial,
		.csum_start = (uint16_t)plan->ip_len,
		.csum_offset = TCP_CHECKSUM_AT,
		.gso_size = is_super ? (uint16_t)plan->segment : 0,
	};
}

static void send_found(struct native_tcp *t, usec_t now, const struct room_plan *plan, uint32_t seq, uint32_t found)
{
	struct engine_env *env = t->base.engine->config.env;
	struct engine_packet packets[ROOMS_MAX];
	struct iovec *iov = plan->iov;
	unsigned k = 0;
	for (uint32_t at = 0; at < found; k++) {
		uint32_t len = MIN(plan->per_room, found - at);
		make_packet(t, now, plan, &plan->rooms[k], seq + at, len, iov, &packets[k]);
		iov += plan->rooms[k].n_iov;
		at += len;
	}
	env->ops->commit(env, now, packets, k);
}

static void adapt_appetite(struct native_tcp *t, uint32_t asked, uint32_t found)
{
	if (found == asked)
		t->appetite = MIN(MAX(t->appetite, APPETITE_MIN) * 2, APPETITE_MAX);
	else if (found < t->appetite / 4)
		t->appetite = MAX(t->appetite / 2, APPETITE_MIN);
}

/*
 * Whether to remove acknowledged bytes before the peek instead of skipping them: always without SO_PEEK_OFF, and for a flow that is
 * about to end, because close() needs them removed anyway.
 */
static bool discards_first(const struct native_tcp *t, uint32_t in_flight)
{
	if (t->undiscarded == 0)
		return false;
	return !t->can_peek_off || (t->peer_shut && t->peek_off < 0 && in_flight == 0);
}

/* Describes where up to @wanted bytes of payload go in the rooms, as far as the pieces last; returns the number of bytes. */
static uint32_t payload_places(const struct room_plan *plan, uint32_t wanted, struct iovec iov[static PIECES_MAX], unsigned *ret_n)
{
	uint32_t len = 0;
	unsigned n = 0;
	for (unsigned i = 0; i < plan->n && len < wanted && plan->rooms[i].n_iov <= PIECES_MAX - n; i++) {
		uint32_t part = MIN(wanted - len, plan->per_room);
		n += room_slice(&plan->rooms[i], plan->header_len, part, iov + n, PIECES_MAX - n);
		len += part;
	}
	*ret_n = n;
	return len;
}

enum native_download native_tcp_download(struct native_tcp *t, usec_t now, const struct tcp_action *a)
{
	struct room_plan plan;
	struct iovec iov[PIECES_MAX], front[SEEN_PIECES + PIECES_MAX];
	struct tcp_action ask = *a;
	uint32_t position = t->undiscarded + a->offset;
	if (discards_first(t, a->offset)) {
		native_tcp_discard(t);
		position = a->offset;
	}
	/* A peek from the front cannot pass an urgent mark. */
	if (!t->can_peek_off && !a->again && (position > SEEN_MAX || (t->marked && a->offset > 0)))
		return NATIVE_DOWNLOAD_BLOCKED; /* an ACK will continue it */
	enum native_download planned = plan_rooms(t, now, a->len, &plan);
	if (planned != NATIVE_DOWNLOAD_DONE)
		return planned;
	unsigned n = 0;
	ask.len = payload_places(&plan, a->len, iov, &n);
	bool end = false;
	ssize_t found = look(t, position, front, iov, n, &end);
	uint32_t got = found > 0 ? (uint32_t)found : 0;
	t->base.engine->turn_bytes += got;
	bool at_mark = t->marked && got > 0 && got < ask.len;
	if (got < ask.len && t->peer_shut && !at_mark)
		end = true;
	if (got == ask.len || position + got > DISCARD_BYTES)
		t->long_queue = true;
	if (found >= 0)
		tcp_flow_data_found(&t->tcp, &ask, got, end);
	if (at_mark)
		tcp_flow_host_readable(&t->tcp);
	send_found(t, now, &plan, a->seq, got);
	adapt_appetite(t, ask.len, got);
	return found < 0 ? NATIVE_DOWNLOAD_FAILED : NATIVE_DOWNLOAD_DONE;
}
