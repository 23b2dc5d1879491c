/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/ip.h"

#include <errno.h>

#define TURN_BYTES (64u << 20)

static struct recorder *recorder_of(struct engine_env *env)
{
	return container_of(env, struct recorder, env);
}

/* Completes the checksum as a port without offloads does (virtio 1.3 §5.1.6.2): the field holds the sum of the pseudo-header. */
static void complete_checksum(uint8_t *bytes, const struct engine_packet *p)
{
	g_assert_cmpuint(p->csum_start + p->csum_offset + 2u, <=, p->len);
	struct checksum c = { 0 };
	checksum_add(&c, bytes + p->csum_start, p->len - p->csum_start);
	uint16_t value = checksum_value(&c);
	bytes[p->csum_start + p->csum_offset] = (uint8_t)(value >> 8);
	bytes[p->csum_start + p->csum_offset + 1] = (uint8_t)value;
}

/* Records a packet and asserts that its IP header and length are right. */
static struct recorded_packet *record(const struct engine_packet *p)
{
	uint8_t *bytes = g_malloc(p->len);
	struct iovec iov[ENGINE_IOV_MAX];
	g_assert_cmpuint(p->n_iov, <=, ENGINE_IOV_MAX);
	memcpy(iov, p->iov, sizeof(iov[0]) * p->n_iov);
	struct frame f = { .iov = iov, .n_iov = p->n_iov, .len = p->len };
	g_assert_cmpuint(frame_copy(&f, 0, bytes, p->len), ==, p->len);

	if (p->checksum_partial)
		complete_checksum(bytes, p);
	struct recorded_packet *rec = g_new0(struct recorded_packet, 1);
	rec->gso_size = p->gso_size;
	if (bytes[0] >> 4 == 6) {
		rec->l4 = family_from_ipv6(bytes, p->len, &rec->ip, &rec->l4_len);
	} else {
		struct bytes_reader r = bytes_reader(bytes, p->len);
		g_assert_cmpint(ipv4_parse(&r, &rec->ip), ==, 0);
		g_assert_cmpuint(rec->ip.total_len, ==, p->len);
		rec->l4_len = r.left;
		rec->l4 = g_memdup2(r.at, r.left);
	}
	g_free(bytes);
	return rec;
}

static void recorder_output(struct engine_env *env, usec_t now, struct guest *guest, const struct engine_packet *p)
{
	struct recorder *r = recorder_of(env);
	struct recorded_packet *rec = record(p);
	g_queue_push_tail(ipv4_is_fragment(&rec->ip) ? &r->fragments : &r->packets, rec);
}

/* The first piece of a room ends in the middle of a header, as a guest's buffers may. */
#define FIRST_PIECE ((size_t)27)

static bool lend_room(struct recorder *r, size_t size, struct port_room *ret)
{
	size_t n = r->room_pieces > 0 ? r->room_pieces : 2;
	struct iovec *iov = arena_alloc(&r->arena, n * sizeof(*iov));
	size_t left = size;
	for (size_t i = 0; iov && i < n; i++) {
		size_t len = i == 0 ? FIRST_PIECE : i == n - 1 ? left : (size - FIRST_PIECE) / (n - 1);
		iov[i] = (struct iovec){ .iov_base = arena_alloc(&r->arena, len), .iov_len = len };
		if (!iov[i].iov_base)
			return false;
		left -= len;
	}
	*ret = (struct port_room){ .iov = iov, .n_iov = (unsigned)n, .size = size };
	return iov != NULL;
}

static unsigned recorder_reserve(struct engine_env *env, usec_t now, struct guest *guest, uint32_t flow, unsigned n, size_t size,
				 struct port_room *ret)
{
	struct recorder *r = recorder_of(env);
	g_assert_cmpuint(size, >, FIRST_PIECE);
	if (r->without_memory > 0) {
		r->without_memory--;
		return 0;
	}
	unsigned lent = 0;
	while (lent < n && lend_room(r, size, &ret[lent]))
		lent++;
	return lent;
}

static void recorder_commit(struct engine_env *env, usec_t now, const struct engine_packet *packets, unsigned k)
{
	for (unsigned i = 0; i < k; i++)
		recorder_output(env, now, NULL, &packets[i]);
}

static void recorder_icmp_error(struct engine_env *env, usec_t now, const struct packet *cause, uint8_t type, uint8_t code, uint32_t info,
				ip4_t from)
{
	struct recorded_error *e = g_new(struct recorded_error, 1);
	*e = (struct recorded_error){
		.guest = family_ip4(&cause->src),
		.dst = family_ip4(&cause->dst),
		.protocol = cause->protocol == IPV6_NEXT_ICMP && !packet_is_v4(cause) ? IP_PROTOCOL_ICMP : cause->protocol,
		.type = type,
		.code = code,
		.info = info,
		.from = from,
	};
	g_queue_push_tail(&recorder_of(env)->errors, e);
}

static bool recorder_icmp_allowed(struct engine_env *env, usec_t now, const struct guest *guest)
{
	struct recorder *r = recorder_of(env);
	if (!r->icmp_held_back)
		return true;
	drop_count(&r->drops, DROP_ICMP_RATE);
	return false;
}

static int recorder_host_address(struct engine_env *env, usec_t now, bool v6, struct ip_addr *ret)
{
	struct recorder *r = recorder_of(env);
	if (v6 != (r->family == FAMILY_IPV6))
		return -ENETUNREACH;
	if (r->host_address_result == 0)
		*ret = family_outside(r->family, r->host_address);
	return r->host_address_result;
}

static void recorder_guest_path(struct engine_env *env, usec_t now, const struct guest *guest, struct engine_path *ret)
{
	*ret = (struct engine_path){ .max_packet = recorder_of(env)->guest_mtu,
				     .offloads = recorder_of(env)->offloads,
				     .crowded = recorder_of(env)->crowded };
}

static void recorder_drop(struct engine_env *env, enum drop_reason why, const struct packet *p)
{
	drop_count(&recorder_of(env)->drops, why);
}

static size_t recorder_guest_mtu(struct engine_env *env, usec_t now, const struct guest *guest)
{
	return recorder_of(env)->guest_mtu;
}

static const struct engine_env_ops recorder_ops = {
	.output = recorder_output,
	.reserve = recorder_reserve,
	.commit = recorder_commit,
	.icmp_error = recorder_icmp_error,
	.icmp_allowed = recorder_icmp_allowed,
	.host_address = recorder_host_address,
	.guest_path = recorder_guest_path,
	.guest_mtu = recorder_guest_mtu,
	.drop = recorder_drop,
};

static void ignore_ask(void *opaque, usec_t now, const struct guest_address *a)
{
}

static void ignore_appeared(void *opaque, usec_t now, struct guest_address *a)
{
}

static void ignore_release(void *opaque, usec_t now, const struct guest_address *a, const void *frame, size_t len)
{
}

static void ignore_unanswered(void *opaque, usec_t now, const void *frame, size_t len)
{
}

static void pass_on_moved(void *opaque, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	struct recorder *r = opaque;
	if (r->engine)
		r->engine_ops->guest_moved(r->engine, now, addr, from, to);
}

static void pass_on_placed(void *opaque, usec_t now, struct guest *g, struct payer *before)
{
	struct recorder *r = opaque;
	if (r->engine)
		r->engine_ops->guest_placed(r->engine, now, g, before);
}

static void pass_on_gone(void *opaque, usec_t now, struct guest *g, const struct ip_addr *addr)
{
	struct recorder *r = opaque;
	if (r->engine)
		r->engine_ops->guest_gone(r->engine, now, g, addr);
}

static const struct guest_ops guest_ops = {
	.ask = ignore_ask,
	.release = ignore_release,
	.unanswered = ignore_unanswered,
	.appeared = ignore_appeared,
	.moved = pass_on_moved,
	.placed = pass_on_placed,
	.gone = pass_on_gone,
};

struct ip_addr recorder_ip(const struct recorder *r, ip4_t ip)
{
	return family_address(r->family, ip);
}

struct guest *recorder_guest_at(struct recorder *r, struct port *port, ip4_t ip)
{
	struct ip_addr addr = recorder_ip(r, ip);
	struct mac mac = { { 2, 0, (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip } };
	struct guest_address *a = guest_learn(&r->guests, 0, port, mac, &addr, GUEST_BY_ARP);
	g_assert_nonnull(a);
	return a->guest;
}

struct guest *recorder_guest(struct recorder *r, ip4_t ip)
{
	return recorder_guest_at(r, &r->port, ip);
}

void recorder_init(struct recorder *r)
{
	*r = (struct recorder){ .guest_mtu = 1500, .host_address_result = -ENETUNREACH };
	arena_init(&r->arena, TURN_BYTES);
	r->env = (struct engine_env){ .ops = &recorder_ops, .arena = &r->arena };
	g_assert_cmpint(guest_table_init(&r->guests, &(struct hash_key){ { 8, 9 } }, &guest_ops, r), ==, 0);
	g_queue_init(&r->packets);
	g_queue_init(&r->fragments);
	g_queue_init(&r->errors);
}

void recorded_packet_free(struct recorded_packet *p)
{
	if (p)
		g_free(p->l4);
	g_free(p);
}

static void free_packet(gpointer p)
{
	recorded_packet_free(p);
}

void recorder_clear(struct recorder *r)
{
	g_queue_clear_full(&r->packets, free_packet);
	g_queue_clear_full(&r->fragments, free_packet);
	g_queue_clear_full(&r->errors, g_free);
	r->drops = (struct drop_counters){ 0 };
	arena_reset(&r->arena);
}

void recorder_done(struct recorder *r)
{
	recorder_clear(r);
	r->engine = NULL;
	guest_table_done(&r->guests, 0);
	arena_done(&r->arena);
}

struct recorded_packet *recorder_packet(struct recorder *r)
{
	return g_queue_pop_head(&r->packets);
}

struct recorded_error *recorder_error(struct recorder *r)
{
	return g_queue_pop_head(&r->errors);
}

uint8_t *recorder_reassemble(struct recorder *r, size_t len)
{
	uint8_t *whole = g_malloc(len);
	size_t have = 0;
	for (GList *l = r->fragments.head; l; l = l->next) {
		const struct recorded_packet *p = l->data;
		g_assert_cmpuint(p->ip.fragment_offset + p->l4_len, <=, len);
		memcpy(whole + p->ip.fragment_offset, p->l4, p->l4_len);
		have += p->l4_len;
	}
	if (have == len)
		return whole;
	g_free(whole);
	return NULL;
}

void packet_bytes_make(struct recorder *r, struct packet_bytes *ret, ip4_t src, ip4_t dst, uint8_t protocol, uint8_t ttl, const void *l4,
		       size_t len)
{
	packet_bytes_make_from(r, ret, recorder_guest(r, src), src, dst, protocol, ttl, l4, len);
}

void packet_bytes_make_from(struct recorder *r, struct packet_bytes *ret, struct guest *from, ip4_t src, ip4_t dst, uint8_t protocol,
			    uint8_t ttl, const void *l4, size_t len)
{
	bool v6 = r->family != FAMILY_IPV4;
	struct ip_header ip = {
		.src = recorder_ip(r, src), .dst = recorder_ip(r, dst), .protocol = family_protocol(r->family, protocol), .hop_limit = ttl
	};
	size_t size = ETH_HEADER_LEN + ip_header_len(&ip.src) + len;
	uint8_t *bytes = arena_alloc(&r->arena, size);
	g_assert_nonnull(bytes);
	struct bytes_writer w = bytes_writer(bytes, size);
	eth_emit(&w, &(struct eth_header){ .src = { { 2, 0, 0, 0, 0, (uint8_t)src } }, .ethertype = v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4 });
	ip_emit(&w, &ip, len);
	bytes_put(&w, l4, len);
	g_assert_false(w.failed);
	if (v6)
		family_l4_to_ipv6(bytes + size - len, len, protocol, &ip.src, &ip.dst);
	ret->frame = frame_of(&ret->iov, bytes, size);
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&ret->frame, &r->port, &r->arena, &ret->packet, &why), ==, 0);
	ret->packet.guest = from;
}
