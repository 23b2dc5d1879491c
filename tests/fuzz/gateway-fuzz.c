/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of three hostile guests through a whole segment: switch, gateway, ARP, neighbour discovery, router advertisements, echo, null
 * engine.
 * Input: records of { control, step, length be16, frame }.  control & 3: the port (3: the port is detached and
 * attached again); control & 4: IPv4 header checksum, or that behind an IPv6 header, corrected, so that mutations get past it; control & 8:
 * the last bytes are hostile offload metadata (metadata.h); step: time, in 100 ms.
 */
#include "base/macros.h"
#include "engine/null/null.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "metadata.h"
#include "repair.h"
#include "service/arp.h"
#include "service/echo.h"
#include "service/nd.h"
#include "service/ra.h"

#include <stdlib.h>

#define GATEWAY IP4(192, 168, 122, 1)
#define SUBNET \
	{ \
		IP4(192, 168, 122, 0), 24 \
	}
#define N_PORTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } };

struct station {
	struct port port;
	uint64_t frames;
};

struct bench {
	struct segment segment;
	struct gateway gateway;
	struct arp_service arp;
	struct echo_service echo;
	struct nd_service nd;
	struct ra_service ra;
	struct engine *engine;
	struct station guests[N_PORTS];
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* Every byte of a frame that reaches a guest can be read, and no guest but the gateway speaks with its MAC. */
static void take(struct port *p, usec_t now, const struct frame *f)
{
	uint8_t head[14];
	metadata_check(f);
	check((f->len <= p->max_frame || f->gso != FRAME_GSO_NONE) && frame_copy(f, 0, head, sizeof(head)) == sizeof(head));
	if (f->ingress)
		check(memcmp(head + 6, gateway_mac.b, 6) != 0);
	struct checksum sum = { 0 };
	size_t len = 0;
	for (unsigned i = 0; i < f->n_iov; i++) {
		checksum_add(&sum, f->iov[i].iov_base, f->iov[i].iov_len);
		len += f->iov[i].iov_len;
	}
	check(len == f->len);
	container_of(p, struct station, port)->frames++;
}

static void flush(struct port *p, usec_t now)
{
}

static const struct port_ops guest_ops = { .send = take, .flush = flush };

static void plug_in(struct bench *w, unsigned i)
{
	/* One that takes everything, one as small as Ethernet, one as small as IPv4 allows. */
	static const size_t sizes[N_PORTS] = { 65553, 1514, 14 + 576 };
	port_init(&w->guests[i].port, &guest_ops, "guest", sizes[i], sizes[i] - 14);
	if (i == 0)
		w->guests[i].port.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO;
	segment_attach(&w->segment, &w->guests[i].port);
}

static void set_up(struct bench *w)
{
	struct hash_key key = { { 1, 2 } };
	check(segment_init(&w->segment, &(struct segment_config){ .hash_key = key }) == 0);
	struct prefix6 prefix = { .network = { { 0xfd } }, .length = 64 };
	struct gateway_config config = {
		.mac = gateway_mac, .ip = GATEWAY, .subnet = SUBNET, .ip6 = gateway_ip6_of(&prefix), .hash_key = key
	};
	check(gateway_init(&w->gateway, &w->segment, &config) == 0);
	nd_service_init(&w->nd, gateway_mac, &w->gateway.config.ip6);
	ra_service_init(&w->ra, 0, &(struct ra_config){ .mac = gateway_mac, .ip6 = &w->gateway.config.ip6, .domain = "lan", .key = key });
	gateway_add_service(&w->gateway, &w->ra.service);
	gateway_add_service(&w->gateway, &w->nd.service);
	arp_service_init(&w->arp, gateway_mac, GATEWAY);
	echo_service_init(&w->echo, GATEWAY, &w->gateway.config.ip6);
	gateway_add_service(&w->gateway, &w->arp.service);
	gateway_add_service(&w->gateway, &w->echo.service);
	check(null_engine_ops.new(&(struct engine_config){ .env = &w->gateway.env, .gateway = GATEWAY, .subnet = SUBNET }, &w->engine) ==
	      0);
	gateway_set_engine(&w->gateway, &null_engine_ops, w->engine);
	for (unsigned i = 0; i < N_PORTS; i++)
		plug_in(w, i);
}

static void tear_down(struct bench *w, usec_t now)
{
	for (unsigned i = 0; i < N_PORTS; i++)
		segment_detach(&w->segment, now, &w->guests[i].port);
	gateway_set_engine(&w->gateway, NULL, NULL);
	null_engine_ops.free(w->engine);
	gateway_done(&w->gateway, now);
	segment_done(&w->segment);
}

static void guest_sends(struct bench *w, usec_t now, struct station *g, const uint8_t *bytes, size_t len, uint8_t control)
{
	/* Of its own size, so that a sanitizer sees every byte that is read too far. */
	uint8_t *frame = malloc(len);
	check(frame || len == 0);
	if (len > 0)
		memcpy(frame, bytes, len);
	if (control & 4)
		repair_ipv4_checksum(frame, len);
	if (control & 4)
		repair_ipv6_checksum(frame, len);
	/* In two pieces: nothing may rely on one. */
	size_t first = len / 3;
	struct iovec iov[2] = { { frame, first }, { frame + first, len - first } };
	struct frame f = { .iov = iov, .n_iov = 2, .len = len, .ingress = &g->port };
	if (control & 8)
		metadata_take(&f);
	segment_input(&w->segment, now, &g->port, &f);
	segment_flush(&w->segment, now);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench *w = calloc(1, sizeof(*w));
	check(w != NULL);
	set_up(w);
	struct bytes_reader r = bytes_reader(data, size);
	usec_t now = 0;
	while (r.left > 0) {
		uint8_t control = bytes_get_u8(&r);
		now += bytes_get_u8(&r) * 100 * USEC_PER_MSEC;
		size_t len = bytes_get_be16(&r);
		const uint8_t *bytes = bytes_take(&r, MIN(len, r.left));
		if (!bytes)
			break;
		len = (size_t)(r.at - bytes);
		unsigned port = control & 3;
		if (port < N_PORTS) {
			guest_sends(w, now, &w->guests[port], bytes, len, control);
		} else {
			segment_detach(&w->segment, now, &w->guests[len % N_PORTS].port);
			plug_in(w, len % N_PORTS);
		}
		if (gateway_deadline(&w->gateway) <= now) {
			gateway_expire(&w->gateway, now);
			segment_flush(&w->segment, now);
		}
		check(w->segment.arena.used == 0);
	}
	tear_down(w, now);
	free(w);
	return 0;
}
