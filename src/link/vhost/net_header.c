/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/net_header.h"

#include "base/macros.h"
#include "lan/port.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum {
	NEEDS_CSUM = 1,
	DATA_VALID = 2,
	GSO_NONE = 0,
	GSO_TCPV4 = 1,
	GSO_TCPV6 = 4,
	GSO_UDP_L4 = 5,
	GSO_ECN = 0x80,
};

/* Little-endian.  A legacy driver uses the guest's byte order, which is the same on all supported machines. */
struct virtio_net_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

static_assert(sizeof(struct virtio_net_header) == NET_HEADER_LEN, "as on the wire");

unsigned net_header_offloads(uint64_t features)
{
	if (!feature_has(features, VIRTIO_NET_F_GUEST_CSUM))
		return 0;
	unsigned offloads = PORT_OFFLOAD_CHECKSUM;
	if (feature_has(features, VIRTIO_NET_F_GUEST_TSO4))
		offloads |= PORT_OFFLOAD_TSO4;
	if (feature_has(features, VIRTIO_NET_F_GUEST_TSO6))
		offloads |= PORT_OFFLOAD_TSO6;
	if (feature_has(features, VIRTIO_NET_F_GUEST_USO4) && feature_has(features, VIRTIO_NET_F_GUEST_USO6))
		offloads |= PORT_OFFLOAD_USO;
	return offloads;
}

static int parse_checksum(const struct virtio_net_header *h, uint64_t features, struct frame *f)
{
	f->checksum = FRAME_CHECKSUM_COMPLETE;
	if (!(h->flags & NEEDS_CSUM))
		return 0;
	size_t start = le16toh(h->csum_start), offset = le16toh(h->csum_offset);
	if (!feature_has(features, VIRTIO_NET_F_CSUM) || start + offset + sizeof(uint16_t) > f->len)
		return -EBADMSG;
	f->checksum = FRAME_CHECKSUM_PARTIAL;
	f->csum_start = (uint16_t)start;
	f->csum_offset = (uint16_t)offset;
	return 0;
}

/* A driver's GSO type, and the feature that it needs. */
static const struct {
	uint8_t type;
	unsigned feature;
	enum frame_gso gso;
} gso_types[] = {
	{ GSO_TCPV4, VIRTIO_NET_F_HOST_TSO4, FRAME_GSO_TCP4 },
	{ GSO_TCPV6, VIRTIO_NET_F_HOST_TSO6, FRAME_GSO_TCP6 },
	{ GSO_UDP_L4, VIRTIO_NET_F_HOST_USO, FRAME_GSO_UDP },
};

static int parse_gso(const struct virtio_net_header *h, uint64_t features, struct frame *f)
{
	f->gso = FRAME_GSO_NONE;
	f->gso_size = 0;
	if (h->gso_type == GSO_NONE)
		return 0;
	/* §5.1.6.2: segmentation implies a checksum that is left to the device. */
	if (h->gso_size == 0 || !(h->flags & NEEDS_CSUM))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(gso_types); i++) {
		if (gso_types[i].type != (h->gso_type & ~GSO_ECN))
			continue;
		if (!feature_has(features, gso_types[i].feature))
			return -EBADMSG;
		f->gso = gso_types[i].gso;
		f->gso_size = le16toh(h->gso_size);
		return 0;
	}
	return -EBADMSG;
}

int net_header_parse(const uint8_t bytes[static NET_HEADER_LEN_SHORT], uint64_t features, struct frame *f)
{
	struct virtio_net_header h = { 0 };
	struct frame parsed = *f;
	memcpy(&h, bytes, NET_HEADER_LEN_SHORT);
	int r = parse_checksum(&h, features, &parsed);
	if (r == 0)
		r = parse_gso(&h, features, &parsed);
	if (r == 0)
		*f = parsed;
	return r;
}

bool net_header_needs_ecn(const struct frame *f)
{
	uint8_t flags = 0;
	if (f->gso == FRAME_GSO_TCP4 || f->gso == FRAME_GSO_TCP6)
		frame_copy(f, (size_t)f->csum_start + TCP_FLAGS_AT, &flags, sizeof(flags));
	return flags & TCP_CWR;
}

/* Length of the headers: a hint to the driver. */
static size_t header_len(const struct frame *f)
{
	if (f->gso == FRAME_GSO_UDP)
		return (size_t)f->csum_start + UDP_HEADER_LEN;
	uint8_t words = 0;
	frame_copy(f, (size_t)f->csum_start + TCP_DATA_OFFSET_AT, &words, sizeof(words));
	return (size_t)f->csum_start + (size_t)(words >> 4) * 4;
}

static uint8_t gso_type(const struct frame *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(gso_types); i++)
		if (gso_types[i].gso == f->gso)
			return gso_types[i].type;
	return GSO_NONE;
}

void net_header_emit(const struct frame *f, uint64_t features, uint16_t n_buffers, uint8_t ret[static NET_HEADER_LEN])
{
	struct virtio_net_header h = { .num_buffers = htole16(n_buffers) };
	if (f->checksum == FRAME_CHECKSUM_PARTIAL) {
		h.flags = NEEDS_CSUM;
		h.csum_start = htole16(f->csum_start);
		h.csum_offset = htole16(f->csum_offset);
	} else if (f->checksum == FRAME_CHECKSUM_VERIFIED && feature_has(features, VIRTIO_NET_F_GUEST_CSUM)) {
		h.flags = DATA_VALID;
	}
	if (f->gso != FRAME_GSO_NONE) {
		bool ecn = feature_has(features, VIRTIO_NET_F_GUEST_ECN) && net_header_needs_ecn(f);
		h.gso_type = (uint8_t)(gso_type(f) | (ecn ? GSO_ECN : 0));
		h.gso_size = htole16(f->gso_size);
		h.hdr_len = htole16((uint16_t)MIN(header_len(f), f->len));
	}
	memcpy(ret, &h, sizeof(h));
}
