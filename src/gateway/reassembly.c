/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datagram keeps its fragments in a list sorted by offset, without overlaps.  So it is complete when the
 * bytes received equal the end that the last fragment gave; no list of holes is needed.  Each datagram
 * is on two lists, both oldest first: of all datagrams (for expiry) and of its port (for eviction).
 *
 *     (new) → open → complete: returned and freed
 *               │ └→ expired or evicted: freed
 *               └→ dead (overlap, contradicting ends, too many fragments): bytes freed; the datagram stays until it
 *                  expires, so that later fragments of it are refused
 */
#include "gateway/reassembly.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ECN_MASK 0x03
#define ECN_CE 0x03

/* A fragment of either family as it comes. */
struct piece {
	const struct packet *packet;
	uint32_t id;
	uint8_t protocol; /* IPv6: what follows the fragment header */
	size_t offset;    /* of its payload in the datagram's */
	size_t at, len;   /* of its payload in the frame */
	bool more;
};

struct fragment {
	struct list node;
	size_t offset, len;
	uint8_t bytes[];
};

struct owner {
	struct list node;
	struct list datagrams;
	unsigned port_id;
	unsigned n_datagrams;
	size_t bytes;
};

struct datagram {
	struct list by_age;
	struct list of_owner;
	struct owner *owner;
	/* key, together with the owner */
	struct ip_addr src, dst;
	uint32_t id;
	uint8_t protocol;

	usec_t deadline;
	struct list fragments;
	unsigned n_fragments;
	size_t received; /* payload bytes in fragments */
	size_t end;      /* payload bytes of the whole datagram; 0 until the last fragment is there */
	size_t cost;     /* memory charged for it */
	bool has_first, dead, congested;
	struct eth_header eth; /* of the first fragment */
	union {
		struct ipv4_header ip; /* of the first fragment */
		struct ipv6_header ip6;
	};
};

static struct fragment *fragment_of(struct list *node)
{
	return container_of(node, struct fragment, node);
}

static void charge(struct reassembly *r, struct datagram *d, size_t bytes)
{
	d->cost += bytes;
	d->owner->bytes += bytes;
	r->bytes += bytes;
}

static void free_fragments(struct reassembly *r, struct datagram *d)
{
	size_t freed = 0;
	list_for_each(node, &d->fragments) {
		struct fragment *f = fragment_of(node);
		freed += sizeof(*f) + f->len;
		list_remove(node);
		free(f);
	}
	d->cost -= freed;
	d->owner->bytes -= freed;
	r->bytes -= freed;
}

static void free_datagram(struct reassembly *r, struct datagram *d)
{
	struct owner *o = d->owner;
	free_fragments(r, d);
	o->bytes -= d->cost;
	r->bytes -= d->cost;
	o->n_datagrams--;
	r->datagrams--;
	list_remove(&d->by_age);
	list_remove(&d->of_owner);
	free(d);
	if (o->n_datagrams == 0) {
		list_remove(&o->node);
		free(o);
	}
}

static void kill_datagram(struct reassembly *r, struct datagram *d)
{
	free_fragments(r, d);
	d->dead = true;
}

void reassembly_init(struct reassembly *r)
{
	*r = (struct reassembly){ 0 };
	list_init(&r->by_age);
	list_init(&r->owners);
}

void reassembly_done(struct reassembly *r)
{
	list_for_each(node, &r->by_age)
		free_datagram(r, container_of(node, struct datagram, by_age));
}

static struct owner *find_owner(struct reassembly *r, unsigned port_id)
{
	list_for_each(node, &r->owners) {
		struct owner *o = container_of(node, struct owner, node);
		if (o->port_id == port_id)
			return o;
	}
	return NULL;
}

static struct owner *new_owner(struct reassembly *r, unsigned port_id)
{
	struct owner *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->port_id = port_id;
	list_init(&o->datagrams);
	list_append(&r->owners, &o->node);
	return o;
}

static struct owner *largest_owner(struct reassembly *r)
{
	struct owner *largest = NULL;
	list_for_each(node, &r->owners) {
		struct owner *o = container_of(node, struct owner, node);
		if (!largest || o->bytes > largest->bytes)
			largest = o;
	}
	return largest;
}

static void evict_oldest(struct reassembly *r, struct owner *o)
{
	struct datagram *d = container_of(o->datagrams.next, struct datagram, of_owner);
	if (!d->dead)
		r->evicted++;
	free_datagram(r, d);
}

/* Makes room for @bytes more and one more datagram of @port_id: evicts the oldest datagrams of the port that is over its limit. */
static void make_room(struct reassembly *r, unsigned port_id, size_t bytes)
{
	for (struct owner *o; (o = find_owner(r, port_id));) {
		if (o->bytes + bytes <= REASSEMBLY_BYTES_PER_PORT && o->n_datagrams < REASSEMBLY_DATAGRAMS_PER_PORT)
			break;
		evict_oldest(r, o);
	}
	while (r->datagrams > 0 && (r->bytes + bytes > REASSEMBLY_BYTES || r->datagrams >= REASSEMBLY_DATAGRAMS))
		evict_oldest(r, largest_owner(r));
}

static struct datagram *find_datagram(struct owner *o, const struct piece *piece)
{
	list_for_each(node, &o->datagrams) {
		struct datagram *d = container_of(node, struct datagram, of_owner);
		if (d->id == piece->id && d->protocol == piece->protocol && ip_equal(&d->src, &piece->packet->src) &&
		    ip_equal(&d->dst, &piece->packet->dst))
			return d;
	}
	return NULL;
}

static struct datagram *new_datagram(struct reassembly *r, usec_t now, unsigned port_id, const struct piece *piece)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct owner *o = d ? find_owner(r, port_id) : NULL;
	if (d && !o)
		o = new_owner(r, port_id);
	if (!o) {
		free(d);
		return NULL;
	}
	*d = (struct datagram){
		.owner = o, .src = piece->packet->src, .dst = piece->packet->dst, .id = piece->id, .protocol = piece->protocol
	};
	d->deadline = usec_add(now, REASSEMBLY_TIMEOUT);
	list_init(&d->fragments);
	list_append(&r->by_age, &d->by_age);
	list_append(&o->datagrams, &d->of_owner);
	o->n_datagrams++;
	r->datagrams++;
	charge(r, d, sizeof(*d));
	return d;
}

static struct fragment *copy_fragment(const struct piece *piece)
{
	struct fragment *f = malloc(sizeof(*f) + piece->len);
	if (!f)
		return NULL;
	*f = (struct fragment){ .offset = piece->offset, .len = piece->len };
	frame_copy(piece->packet->frame, piece->at, f->bytes, f->len);
	return f;
}

enum place {
	PLACE_FREE,
	PLACE_DUPLICATE,
	PLACE_CONFLICT,
};

/* Where @f belongs in @d: in front of *@ret_next.  Searches from the end, where fragments usually belong. */
static enum place find_place(struct datagram *d, const struct fragment *f, bool last, struct list **ret_next)
{
	struct list *head = &d->fragments, *prev = head->prev;
	size_t end = f->offset + f->len;
	while (prev != head && fragment_of(prev)->offset >= f->offset)
		prev = prev->prev;
	struct list *next = prev->next;
	if (next != head) {
		const struct fragment *n = fragment_of(next);
		if (n->offset == f->offset && n->len == f->len && memcmp(n->bytes, f->bytes, f->len) == 0)
			return PLACE_DUPLICATE;
		if (n->offset < end || last)
			return PLACE_CONFLICT;
	}
	if (prev != head && fragment_of(prev)->offset + fragment_of(prev)->len > f->offset)
		return PLACE_CONFLICT;
	if (d->end > 0 && (last || end > d->end))
		return PLACE_CONFLICT;
	*ret_next = next;
	return PLACE_FREE;
}

/* Owns @f.  0, or a negative errno when @d is dead now. */
static int insert(struct reassembly *r, struct datagram *d, const struct piece *piece, struct fragment *f)
{
	const struct packet *p = piece->packet;
	struct list *next;
	switch (find_place(d, f, !piece->more, &next)) {
	case PLACE_DUPLICATE: free(f); return 0;
	case PLACE_CONFLICT:
		free(f);
		kill_datagram(r, d);
		return -EBADMSG;
	case PLACE_FREE: break;
	}
	if (d->n_fragments == REASSEMBLY_FRAGMENTS) {
		free(f);
		kill_datagram(r, d);
		return -ENOBUFS;
	}
	list_append(next, &f->node);
	d->n_fragments++;
	d->received += f->len;
	charge(r, d, sizeof(*f) + f->len);
	d->congested |= (packet_traffic_class(p) & ECN_MASK) == ECN_CE;
	if (!piece->more)
		d->end = f->offset + f->len;
	if (f->offset == 0) {
		d->has_first = true;
		d->eth = p->eth;
		if (packet_is_v4(p))
			d->ip = p->ip;
		else
			d->ip6 = p->ip6;
	}
	return 0;
}

static size_t header_len(const struct datagram *d)
{
	return ip_is_v4(&d->src) ? ipv4_header_len(&d->ip) : IPV6_HEADER_LEN;
}

/* The header of the whole datagram, or of its @len first bytes with @more. */
static void emit_header(const struct datagram *d, struct bytes_writer *w, size_t len, bool more)
{
	uint8_t mark = d->congested ? ECN_CE : 0; /* RFC 3168 §5.3 */
	if (ip_is_v4(&d->src)) {
		struct ipv4_header ip = d->ip;
		ip.total_len = (uint16_t)(ipv4_header_len(&ip) + len);
		ip.more_fragments = more;
		ip.tos |= mark;
		ipv4_emit(w, &ip);
	} else {
		struct ipv6_header ip = d->ip6;
		ip.payload_len = (uint16_t)len;
		ip.next_header = d->protocol; /* headers in front of the fragment header were for routers on the way */
		ip.traffic_class |= mark;
		ipv6_emit(w, &ip);
	}
}

/* A packet with the first @len payload bytes of @d. */
static int build(const struct datagram *d, size_t len, bool more, struct arena *arena, struct packet *ret)
{
	struct {
		struct frame frame;
		struct iovec iov;
	} *made = arena_alloc(arena, sizeof(*made));
	size_t size = ETH_HEADER_LEN + header_len(d) + len;
	struct bytes_writer w = bytes_writer(arena_alloc(arena, size), size);
	if (!made || !w.data)
		return -ENOBUFS;
	eth_emit(&w, &d->eth);
	emit_header(d, &w, len, more);
	for (const struct list *node = d->fragments.next; node != &d->fragments; node = node->next) {
		const struct fragment *f = container_of(node, const struct fragment, node);
		if (f->offset >= len)
			break;
		bytes_put(&w, f->bytes, f->len);
	}
	made->frame = frame_of(&made->iov, w.data, w.len);
	enum drop_reason why;
	return packet_parse(&made->frame, NULL, arena, ret, &why);
}

static int complete(const struct datagram *d, const struct packet *last, struct packet *ret_whole)
{
	bool v4 = ip_is_v4(&d->src); /* the length field of IPv6 does not count the header */
	if (d->end + (v4 ? header_len(d) : 0) > UINT16_MAX)
		return -EBADMSG;
	struct packet whole;
	int error = build(d, d->end, false, last->arena, &whole);
	if (error < 0)
		return error;
	whole.port = last->port;
	whole.guest = last->guest;
	if (!v4)
		whole.ip6.came_in_fragments = true;
	*ret_whole = whole;
	return 1;
}

/* The first fragment shows the upper layer's header, or what it is could be hidden (RFC 7112 §5). */
static bool shows_upper_layer(const struct piece *piece)
{
	const struct packet *p = piece->packet;
	const uint8_t *bytes = frame_linear(p->frame, piece->at, piece->len, p->arena);
	struct bytes_reader r = bytes_reader(bytes, bytes ? piece->len : 0);
	uint8_t protocol = ipv6_skip_extensions(&r, piece->protocol);
	return !r.failed && protocol != IPV6_NEXT_FRAGMENT && r.left >= (protocol == IP_PROTOCOL_TCP ? TCP_HEADER_LEN : UDP_HEADER_LEN);
}

static bool read_piece6(const struct packet *p, struct piece *ret)
{
	uint8_t header[IPV6_FRAGMENT_HEADER_LEN];
	if (p->l4_len < sizeof(header) || frame_copy(p->frame, p->l4_offset, header, sizeof(header)) < sizeof(header))
		return false;
	struct bytes_reader r = bytes_reader(header, sizeof(header));
	ret->protocol = bytes_get_u8(&r);
	bytes_skip(&r, 1);
	uint16_t offset = bytes_get_be16(&r);
	ret->offset = offset & 0xfff8u;
	ret->more = offset & 1;
	ret->id = bytes_get_be32(&r);
	ret->at = p->l4_offset + sizeof(header);
	ret->len = p->l4_len - sizeof(header);
	return ret->offset > 0 || shows_upper_layer(ret);
}

/* RFC 791 §3.2: all but the last fragment have a multiple of 8 bytes.  The "ping of death" ends behind byte 65535. */
static bool is_possible(const struct piece *piece)
{
	size_t ip_len = packet_is_v4(piece->packet) ? IPV4_HEADER_LEN : 0; /* which the payload length of IPv6 does not count */
	return piece->len > 0 && (!piece->more || piece->len % 8 == 0) && piece->offset + piece->len <= IPV4_PACKET_MAX - ip_len;
}

static bool read_piece(const struct packet *p, struct piece *ret)
{
	*ret = (struct piece){ .packet = p };
	if (!packet_is_v4(p))
		return read_piece6(p, ret) && is_possible(ret);
	ret->id = p->ip.id;
	ret->protocol = p->ip.protocol;
	ret->offset = p->ip.fragment_offset;
	ret->more = p->ip.more_fragments;
	ret->at = p->l4_offset;
	ret->len = p->l4_len;
	return is_possible(ret);
}

/* A fragment that is the whole datagram has nothing to do with others of the same key (RFC 6946 §4). */
static int pass_atomic(const struct piece *piece, struct packet *ret_whole)
{
	const struct packet *p = piece->packet;
	struct fragment *f = copy_fragment(piece);
	if (!f)
		return -ENOBUFS;
	struct datagram d = { .src = p->src, .dst = p->dst, .protocol = piece->protocol, .end = piece->len, .eth = p->eth, .ip6 = p->ip6 };
	list_init(&d.fragments);
	list_append(&d.fragments, &f->node);
	int r = complete(&d, p, ret_whole);
	free(f);
	return r;
}

int reassembly_input(struct reassembly *r, usec_t now, const struct packet *p, struct packet *ret_whole)
{
	struct piece piece;
	if (!read_piece(p, &piece))
		return -EBADMSG;
	if (!packet_is_v4(p) && piece.offset == 0 && !piece.more)
		return pass_atomic(&piece, ret_whole);
	unsigned port_id = p->port ? p->port->id : 0;
	make_room(r, port_id, sizeof(struct datagram) + sizeof(struct fragment) + piece.len);
	struct owner *o = find_owner(r, port_id);
	struct datagram *d = o ? find_datagram(o, &piece) : NULL;
	if (d && d->dead)
		return -EBADMSG;
	struct fragment *f = copy_fragment(&piece);
	if (f && !d)
		d = new_datagram(r, now, port_id, &piece);
	if (!f || !d) {
		free(f);
		return -ENOBUFS;
	}
	int result = insert(r, d, &piece, f);
	if (result < 0 || d->end == 0 || d->received != d->end)
		return result;
	result = complete(d, p, ret_whole);
	free_datagram(r, d);
	return result;
}

usec_t reassembly_deadline(const struct reassembly *r)
{
	if (list_empty(&r->by_age))
		return USEC_INFINITY;
	return container_of(r->by_age.next, struct datagram, by_age)->deadline;
}

enum reassembly_expired reassembly_expire(struct reassembly *r, usec_t now, struct arena *arena, struct packet *ret_first)
{
	while (reassembly_deadline(r) <= now) {
		struct datagram *d = container_of(r->by_age.next, struct datagram, by_age);
		bool dead = d->dead;
		bool answerable = !dead && d->has_first && build(d, fragment_of(d->fragments.next)->len, true, arena, ret_first) == 0;
		free_datagram(r, d);
		if (!dead) /* a dead one was counted when it was killed */
			return answerable ? REASSEMBLY_EXPIRED_ANSWERABLE : REASSEMBLY_EXPIRED;
	}
	return REASSEMBLY_NOTHING_DUE;
}

unsigned reassembly_take_evicted(struct reassembly *r)
{
	unsigned n = r->evicted;
	r->evicted = 0;
	return n;
}
