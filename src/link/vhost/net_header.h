/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header in front of each frame in a virtqueue (virtio 1.3 §5.1.6), translated to and from the fields of struct frame.
 */
#pragma once

#include "lan/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Without num_buffers, which only VERSION_1 or MRG_RXBUF adds. */
#define NET_HEADER_LEN 12
#define NET_HEADER_LEN_SHORT 10

/* Feature bits (§5.1.3, §6). */
#define VIRTIO_NET_F_CSUM 0
#define VIRTIO_NET_F_GUEST_CSUM 1
#define VIRTIO_NET_F_MTU 3
#define VIRTIO_NET_F_GUEST_TSO4 7
#define VIRTIO_NET_F_GUEST_TSO6 8
#define VIRTIO_NET_F_GUEST_ECN 9
#define VIRTIO_NET_F_HOST_TSO4 11
#define VIRTIO_NET_F_HOST_TSO6 12
#define VIRTIO_NET_F_HOST_ECN 13
#define VIRTIO_NET_F_MRG_RXBUF 15
#define VIRTIO_NET_F_STATUS 16
#define VIRTIO_NET_F_MQ 22
#define VIRTIO_F_ANY_LAYOUT 27
#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO 56

static inline bool feature_has(uint64_t features, unsigned bit)
{
	return features >> bit & 1;
}

static inline size_t net_header_len(uint64_t features)
{
	return feature_has(features, VIRTIO_F_VERSION_1) || feature_has(features, VIRTIO_NET_F_MRG_RXBUF) ? NET_HEADER_LEN
													  : NET_HEADER_LEN_SHORT;
}

/* enum port_offload that a driver with @features accepts. */
unsigned net_header_offloads(uint64_t features);

/*
 * Parses the header @bytes into the offload fields of @f, whose len is set already.  -EBADMSG when it uses a feature that was not
 * negotiated, or offsets outside the frame.
 */
int net_header_parse(const uint8_t bytes[static NET_HEADER_LEN_SHORT], uint64_t features, struct frame *f);

/* Whether @f, a TCP super-frame, has CWR set: only a driver with GUEST_ECN may get it whole. */
bool net_header_needs_ecn(const struct frame *f);

/* Writes NET_HEADER_LEN bytes, the header for @f in @n_buffers chains.  @f needs only offloads that @features allow. */
void net_header_emit(const struct frame *f, uint64_t features, uint16_t n_buffers, uint8_t ret[static NET_HEADER_LEN]);
