/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile frames into a switch with every policy: a pinned port, isolated ones, an uplink, a small storm limit, a gateway.  Input: records
 * of u8 control (bits 0–1 port, bit 2 correct the IPv4 checksum, bit 3 partial checksum, bit 4 instead of the bytes here send what that
 * port was sent last, bit 5 another frame of the same batch follows, bit 6 the last bytes are hostile offload metadata (metadata.h)), u8
 * time in tenths of a second, be16 length, frame.  A frame of a batch has its TCP checksum corrected with bit 2, too, so that segments for
 * the gateway are joined.
 */
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "metadata.h"
#include "repair.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_PORTS 5u
#define BATCH_MAX 100u

enum { PINNED, GUEST, SMALL_GUEST, UPLINK, GATEWAY };

struct peer {
	struct port port;
	uint8_t last[65553];
	size_t last_len;
	uint64_t sent;
};

struct bench {
	struct segment segment;
	struct peer peers[N_PORTS];
	uint8_t *batch[BATCH_MAX];
	unsigned n_batch;
};

static const struct mac pinned_mac = { { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 } };
static const struct mac gateway_mac = { { 0x52, 0x54, 0x00, 0xa0, 0xb0, 0xc0 } };
static const size_t sizes[N_PORTS] = { 65553, 65553, 600, 1514, 65553 };

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void take(struct port *port, usec_t now, const struct frame *f)
{
	struct peer *p = container_of(port, struct peer, port);
	check(f->len <= port->max_frame || f->gso != FRAME_GSO_NONE);
	check(port->offloads != 0 || (f->gso == FRAME_GSO_NONE && f->checksum != FRAME_CHECKSUM_PARTIAL));
	check(f->joined == 0 || f->gso == FRAME_GSO_TCP4 || f->gso == FRAME_GSO_TCP6);
	metadata_check(f);
	check(!f->ingress || f->ingress == port || !f->ingress->isolated || !port->isolated);
	p->last_len = frame_copy(f, 0, p->last, sizeof(p->last));
	check(p->last_len == f->len);
}

static void flush(struct port *p, usec_t now)
{
}

static const struct port_ops peer_ops = { .send = take, .flush = flush };

static void ignore_flush(void *opaque, usec_t now)
{
}

static void set_gateway(struct bench *w, struct port *p)
{
	p->offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4;
	segment_set_gateway(&w->segment,
			    &(struct segment_gateway){ .port = p, .mac = gateway_mac, .ip = IP4(192, 168, 122, 1), .flush = ignore_flush });
}

static void set_up(struct bench *w)
{
	struct segment_config config = { .hash_key = { { 1, 2 } }, .isolate = true, .snooping = true, .storm_limit = 30 };
	check(segment_init(&w->segment, &config) == 0);
	for (unsigned i = 0; i < N_PORTS; i++) {
		struct port *p = &w->peers[i].port;
		port_init(p, &peer_ops, "peer", sizes[i], sizes[i] - 14);
		p->uplink = i == UPLINK || i == GATEWAY;
		if (i == UPLINK)
			p->offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO;
		if (i == PINNED)
			p->pinned = pinned_mac;
		if (i == GATEWAY)
			set_gateway(w, p);
		else
			segment_attach(&w->segment, p);
		check(p->isolated == !p->uplink);
	}
}

static void tear_down(struct bench *w, usec_t now)
{
	for (unsigned i = 0; i < N_PORTS; i++)
		segment_detach(&w->segment, now, &w->peers[i].port);
	segment_done(&w->segment);
}

static void end_batch(struct bench *w, usec_t now)
{
	segment_flush(&w->segment, now);
	check(w->segment.arena.used == 0 && gro_is_empty(&w->segment.gro));
	for (; w->n_batch > 0; w->n_batch--)
		free(w->batch[w->n_batch - 1]);
}

static void sends_single(struct bench *w, usec_t now, struct peer *p, uint8_t *frame, size_t len, uint8_t control)
{
	size_t first = len / 3;
	struct iovec iov[2] = { { frame, first }, { frame + first, len - first } };
	struct frame f = { .iov = iov, .n_iov = 2, .len = len, .ingress = &p->port };
	if (control & 8 && len >= 54) {
		f.checksum = FRAME_CHECKSUM_PARTIAL;
		f.csum_start = 34;
		f.csum_offset = 6;
	}
	if (control & 64)
		metadata_take(&f);
	segment_input(&w->segment, now, &p->port, &f);
}

static void sends(struct bench *w, usec_t now, struct peer *p, const uint8_t *bytes, size_t len, uint8_t control)
{
	/* Of its own size, so that a sanitizer sees every byte that is read too far. */
	uint8_t *frame = malloc(len);
	bool more = control & 32 && w->n_batch + 1 < BATCH_MAX;
	check(frame || len == 0);
	if (len > 0)
		memcpy(frame, bytes, len);
	if (control & 4)
		repair_ipv4_checksum(frame, len);
	if (control & 4 && more) {
		repair_tcp4_checksum(frame, len);
		repair_ipv6_checksum(frame, len);
	}
	if (more || w->n_batch > 0)
		segment_input_batch(&w->segment, now, &p->port, frame, len, more);
	else
		sends_single(w, now, p, frame, len, control);
	w->batch[w->n_batch++] = frame;
	p->sent++;
	check(p->port.counters.rx_frames == p->sent);
	if (!more)
		end_batch(w, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench *w = calloc(1, sizeof(*w));
	check(w != NULL);
	set_up(w);
	struct bytes_reader r = bytes_reader(data, size);
	usec_t now = USEC_PER_SEC;
	while (r.left > 0) {
		uint8_t control = bytes_get_u8(&r);
		now += bytes_get_u8(&r) * 100 * USEC_PER_MSEC;
		size_t len = bytes_get_be16(&r);
		const uint8_t *bytes = bytes_take(&r, MIN(len, r.left));
		if (!bytes)
			break;
		if (segment_deadline(&w->segment) <= now) {
			end_batch(w, now);
			segment_expire(&w->segment, now);
			segment_flush(&w->segment, now);
			check(segment_deadline(&w->segment) > now);
		}
		struct peer *p = &w->peers[control & 3];
		if (control & 16)
			sends(w, now, p, p->last, p->last_len, control);
		else
			sends(w, now, p, bytes, (size_t)(r.at - bytes), control);
	}
	end_batch(w, now);
	tear_down(w, now);
	free(w);
	return 0;
}
