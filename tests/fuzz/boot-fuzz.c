/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network boot: a guest's TFTP packets and HTTP connections.  The input is a list of messages: a byte (bit 0: HTTP, bits 1-2: the guest's
 * port or connection, bits 3-7: time that passes, in tenths of a second), a byte of length, and the bytes.  A TFTP packet other than a
 * request goes to the port of the last transfer.
 */
#include "support/boot_memory.h"

#include "base/arena.h"
#include "gateway/payer.h"
#include "gateway/sink.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/boot/http.h"
#include "service/boot/tftp.h"
#include "wire/tftp.h"
#include "wire/udp.h"

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#define GATEWAY IP4(192, 168, 122, 1)
#define GUEST IP4(192, 168, 122, 7)
#define N_CLIENTS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
	struct local_stream stream;
	bool open, shut;
	size_t room;
};

struct world {
	struct tftp tftp;
	struct boot_http http;
	struct boot_memory memory;
	struct sink sink;
	struct port port;
	struct payer payer;
	struct client clients[N_CLIENTS];
	struct arena arena;
	uint16_t server_port;
	usec_t now;
};

static ssize_t client_send(struct local_stream *s, const void *data, size_t len)
{
	struct client *c = container_of(s, struct client, stream);
	REQUIRE(c->open && !c->shut && len > 0);
	size_t n = MIN(len, c->room);
	c->room -= n;
	return (ssize_t)n;
}

static void client_resume(struct local_stream *s)
{
	REQUIRE(container_of(s, struct client, stream)->open);
}

static void client_shutdown(struct local_stream *s)
{
	struct client *c = container_of(s, struct client, stream);
	REQUIRE(c->open && !c->shut);
	c->shut = true;
}

static void client_close(struct local_stream *s)
{
	struct client *c = container_of(s, struct client, stream);
	REQUIRE(c->open);
	c->open = false;
}

static const struct local_stream_ops client_ops = { client_send, client_resume, client_shutdown, client_close };

static void note_udp(struct sink *s, usec_t now, const struct sink_udp *d)
{
	REQUIRE(d->len >= 4 && d->len <= 1472 && d->dst_port != 0 && d->src_port >= 49152);
	container_of(s, struct world, sink)->server_port = d->src_port;
}

static void ignore_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
}

static const struct sink_ops sink_ops = { .udp = note_udp, .drop = ignore_drop };

static void send_datagram(struct world *w, uint16_t client_port, const uint8_t *payload, size_t len)
{
	uint8_t bytes[400];
	struct bytes_writer out = bytes_writer(bytes, sizeof(bytes));
	bool is_request = len >= 2 && (payload[1] == TFTP_RRQ || payload[1] == TFTP_WRQ);
	uint16_t to = is_request || !w->server_port ? TFTP_PORT : w->server_port;
	eth_emit(&out, &(struct eth_header){ .dst = { { 2 } }, .src = { { 4 } }, .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&out, &(struct ipv4_header){ .total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len),
					       .ttl = 64,
					       .protocol = IP_PROTOCOL_UDP,
					       .src = GUEST,
					       .dst = GATEWAY });
	udp_emit_ipv4(&out, GUEST, GATEWAY, client_port, to, payload, len);
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, out.len);
	struct packet p;
	enum drop_reason why;
	REQUIRE(packet_parse(&f, &w->port, &w->arena, &p, &why) == 0);
	w->tftp.service.ops->input(&w->tftp.service, w->now, &p, &w->sink);
	arena_reset(&w->arena);
}

static void talk(struct world *w, struct client *c, const uint8_t *bytes, size_t len)
{
	const struct stream_service_ops *ops = w->http.streams.ops;
	if (!c->open) {
		*c = (struct client){ .stream = { .ops = &client_ops, .payer = &w->payer }, .open = true };
		c->open = ops->accept(&w->http.streams, w->now, &c->stream);
		if (!c->open)
			return;
	}
	c->room = len == 0 ? 100000 : 300;
	if (len == 0)
		ops->writable(&w->http.streams, w->now, &c->stream);
	else
		REQUIRE(ops->input(&w->http.streams, w->now, &c->stream, bytes, len) <= len);
	if (c->open && len == 1 && bytes[0] == 0) {
		c->open = false;
		ops->closed(&w->http.streams, w->now, &c->stream);
	}
}

static void expire(struct world *w, struct service *s)
{
	while (s->ops->deadline(s) <= w->now)
		s->ops->expire(s, w->now, &w->sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	memset(&w, 0, sizeof(w));
	w.sink.ops = &sink_ops;
	w.memory.files.ops = &boot_memory_ops;
	w.now = USEC_PER_SEC;
	payer_init(&w.payer);
	payer_ref(&w.payer);
	w.payer.port = &w.port;
	w.port.payer = &w.payer;
	arena_init(&w.arena, 1 << 16);
	tftp_init(&w.tftp, &(struct tftp_config){ .gateway = GATEWAY, .files = &w.memory.files });
	boot_http_init(&w.http, &(struct boot_http_config){ .files = &w.memory.files, .sink = &w.sink });
	while (size >= 2) {
		size_t len = MIN((size_t)data[1], size - 2);
		w.now += (data[0] >> 3) * 100 * USEC_PER_MSEC;
		expire(&w, &w.tftp.service);
		expire(&w, &w.http.service);
		if (data[0] & 1)
			talk(&w, &w.clients[data[0] >> 1 & 3], data + 2, len);
		else
			send_datagram(&w, (uint16_t)(2000 + (data[0] >> 1 & 3)), data + 2, len);
		REQUIRE(w.memory.n_open <= w.tftp.n + w.http.n && w.payer.n_transfers == w.tftp.n + w.http.n);
		data += 2 + len;
		size -= 2 + len;
	}
	tftp_done(&w.tftp);
	boot_http_done(&w.http);
	REQUIRE(w.memory.n_open == 0 && w.payer.n_transfers == 0);
	arena_done(&w.arena);
	return 0;
}
