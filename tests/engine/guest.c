/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include "base/macros.h"
#include "wire/checksum.h"

#define WINDOW 65535
#define ISS 0xfffff000u /* wraps soon */

void guest_tcp_init(struct guest_tcp *t, struct bench *b, ip4_t ip, uint16_t port, ip4_t peer, uint16_t peer_port)
{
	*t = (struct guest_tcp){
		.b = b, .ip = ip, .peer = peer, .port = port, .peer_port = peer_port, .next = ISS, .acked = ISS, .mss = 1460, .ttl = 63
	};
	t->received = g_byte_array_new();
	g_ptr_array_add(b->tcp, t);
}

void guest_tcp_done(struct guest_tcp *t)
{
	g_ptr_array_remove_fast(t->b->tcp, t);
	g_byte_array_unref(t->received);
}

void guest_tcp_segment(struct guest_tcp *t, uint8_t flags, const void *data, size_t len)
{
	uint8_t *bytes = g_malloc(TCP_HEADER_MAX + len);
	struct bytes_writer w = bytes_writer(bytes, TCP_HEADER_MAX + len);
	struct tcp_header h = {
		.src_port = t->port,
		.dst_port = t->peer_port,
		.seq = t->next,
		.ack = flags & TCP_ACK ? t->expected : 0,
		.flags = flags,
		.window = WINDOW,
		.has_mss = flags & TCP_SYN && t->mss > 0,
		.mss = t->mss,
		.has_window_scale = flags & TCP_SYN,
		.window_scale = 7,
		.has_timestamps = true, /* which libslirp must not see */
	};
	tcp_emit(&w, &h);
	bytes_put(&w, data, len);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, t->ip, t->peer, IP_PROTOCOL_TCP, (uint16_t)w.len);
	checksum_add(&c, bytes, w.len);
	uint16_t value = checksum_value(&c);
	bytes[16] = (uint8_t)(value >> 8);
	bytes[17] = (uint8_t)value;
	bench_input(t->b, t->ip, t->peer, IP_PROTOCOL_TCP, t->ttl, bytes, w.len);
	g_free(bytes);
	t->next += (uint32_t)len + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
}

void guest_tcp_syn(struct guest_tcp *t)
{
	guest_tcp_segment(t, TCP_SYN, NULL, 0);
}

static bool is_answered(void *opaque)
{
	const struct guest_tcp *t = opaque;
	return t->established || t->reset_seen || !g_queue_is_empty(&t->b->messages) || !g_queue_is_empty(&t->b->r.errors);
}

bool guest_tcp_connect(struct guest_tcp *t)
{
	guest_tcp_syn(t);
	bench_until(t->b, is_answered, t);
	return t->established;
}

static size_t usable_window(const struct guest_tcp *t)
{
	size_t in_flight = t->next - t->acked;
	return in_flight < t->peer_window ? t->peer_window - in_flight : 0;
}

static bool may_send(void *t)
{
	return ((struct guest_tcp *)t)->reset_seen || usable_window(t) > 0;
}

static bool all_acknowledged(void *opaque)
{
	const struct guest_tcp *t = opaque;
	return t->reset_seen || t->next == t->acked;
}

bool guest_tcp_send(struct guest_tcp *t, const void *data, size_t len)
{
	const uint8_t *at = data;
	while (len > 0) {
		if (!bench_until(t->b, may_send, t) || t->reset_seen)
			return false;
		size_t n = MIN(MIN(len, usable_window(t)), (size_t)MAX(t->peer_mss, 1));
		guest_tcp_segment(t, TCP_ACK | TCP_PSH, at, n);
		at += n;
		len -= n;
	}
	return bench_until(t->b, all_acknowledged, t) && !t->reset_seen;
}

void guest_tcp_fin(struct guest_tcp *t)
{
	guest_tcp_segment(t, TCP_FIN | TCP_ACK, NULL, 0);
}

void guest_tcp_reset(struct guest_tcp *t)
{
	guest_tcp_segment(t, TCP_RST | TCP_ACK, NULL, 0);
}

static void acknowledge(struct guest_tcp *t)
{
	guest_tcp_segment(t, TCP_ACK, NULL, 0);
}

static void take_syn(struct guest_tcp *t, const struct tcp_header *h)
{
	t->syn_seen = true;
	t->expected = h->seq + 1;
	t->peer_port = h->src_port;
	t->peer_mss = h->has_mss ? h->mss : 536;
	if (!(h->flags & TCP_ACK))
		return;
	t->established = true;
	acknowledge(t);
}

void guest_tcp_input(struct guest_tcp *t, const struct tcp_header *h, const uint8_t *payload, size_t len, size_t gso_size)
{
	if (h->flags & TCP_RST) {
		t->reset_seen = true;
		return;
	}
	if (h->flags & TCP_ACK && (int32_t)(h->ack - t->acked) > 0 && (int32_t)(h->ack - t->next) <= 0)
		t->acked = h->ack;
	t->peer_window = h->window;
	t->urgent_seen |= (h->flags & TCP_URG) != 0;
	if (h->flags & TCP_SYN) {
		take_syn(t, h);
		return;
	}
	t->established |= t->syn_seen;
	t->largest = MAX(t->largest, gso_size > 0 ? MIN(len, gso_size) : len);
	if (h->seq != t->expected) {
		/* The sequence number before the expected one is a keepalive probe (RFC 9293 §3.8.4). */
		if (len > 0 || h->flags & TCP_FIN || h->seq + 1 == t->expected)
			acknowledge(t);
		return;
	}
	g_byte_array_append(t->received, payload, (guint)len);
	t->expected += (uint32_t)len;
	if (h->flags & TCP_FIN) {
		t->fin_seen = true;
		t->expected++;
	}
	if (len > 0 || h->flags & TCP_FIN)
		acknowledge(t);
}

void guest_udp_send(struct bench *b, ip4_t ip, uint16_t port, ip4_t peer, uint16_t peer_port, const void *data, size_t len, uint8_t ttl)
{
	uint8_t *bytes = g_malloc(UDP_HEADER_LEN + len);
	struct bytes_writer w = bytes_writer(bytes, UDP_HEADER_LEN + len);
	udp_emit_ipv4(&w, ip, peer, port, peer_port, data, len);
	bench_input(b, ip, peer, IP_PROTOCOL_UDP, ttl, bytes, w.len);
	g_free(bytes);
}

void guest_ping(struct bench *b, ip4_t ip, ip4_t peer, uint16_t id, uint16_t seq, const void *data, size_t len, uint8_t ttl)
{
	uint8_t *bytes = g_malloc(ICMP4_HEADER_LEN + len);
	struct bytes_writer w = bytes_writer(bytes, ICMP4_HEADER_LEN + len);
	icmp4_emit(&w, &(struct icmp4_header){ .type = ICMP4_ECHO_REQUEST, .rest = (uint32_t)id << 16 | seq }, data, len);
	bench_input(b, ip, peer, IP_PROTOCOL_ICMP, ttl, bytes, w.len);
	g_free(bytes);
}
