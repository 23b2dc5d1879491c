/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that carry data of one TCP connection, for tests of what joins them. */
#pragma once

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

/* Headers of Ethernet, IP and TCP, without options. */
#define TCP_SEGMENT_HEADERS_LEN 54
#define TCP_SEGMENT_HEADERS6_LEN 74

/* Writes a frame with @len bytes of data, zeros, from sequence number @seq on; both checksums are right.  Returns its length. */
size_t tcp_segment_make(uint8_t *buf, size_t size, struct mac dst, struct mac src, uint32_t seq, size_t len);
/* The same over IPv6. */
size_t tcp_segment_make6(uint8_t *buf, size_t size, struct mac dst, struct mac src, uint32_t seq, size_t len);
