/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-user messages: bytes to checked values and back.  A table (protocol.c) says which requests there are, what each carries and how it
 * is answered; request.c carries them out.
 *
 * A message is a header, a payload of the length in the header, and descriptors.  Numbers are in the byte order of the machine, because
 * both ends run on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_HEADER_LEN 12
#define PROTOCOL_PAYLOAD_MAX 512
#define PROTOCOL_FDS_MAX 8
#define PROTOCOL_REGIONS_MAX 8
#define PROTOCOL_CONFIG_MAX 256

#define VHOST_USER_F_PROTOCOL_FEATURES 30

enum protocol_feature {
	PROTOCOL_F_MQ = 0,
	PROTOCOL_F_RARP = 2,
	PROTOCOL_F_REPLY_ACK = 3,
	PROTOCOL_F_NET_MTU = 4,
	PROTOCOL_F_BACKEND_REQ = 5,
	PROTOCOL_F_CONFIG = 9,
	PROTOCOL_F_RESET_DEVICE = 13,
	PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
	PROTOCOL_F_STATUS = 16,
};

enum protocol_request {
	PROTOCOL_GET_FEATURES = 1,
	PROTOCOL_SET_FEATURES = 2,
	PROTOCOL_SET_OWNER = 3,
	PROTOCOL_RESET_OWNER = 4,
	PROTOCOL_SET_MEM_TABLE = 5,
	PROTOCOL_SET_VRING_NUM = 8,
	PROTOCOL_SET_VRING_ADDR = 9,
	PROTOCOL_SET_VRING_BASE = 10,
	PROTOCOL_GET_VRING_BASE = 11,
	PROTOCOL_SET_VRING_KICK = 12,
	PROTOCOL_SET_VRING_CALL = 13,
	PROTOCOL_SET_VRING_ERR = 14,
	PROTOCOL_GET_PROTOCOL_FEATURES = 15,
	PROTOCOL_SET_PROTOCOL_FEATURES = 16,
	PROTOCOL_GET_QUEUE_NUM = 17,
	PROTOCOL_SET_VRING_ENABLE = 18,
	PROTOCOL_SEND_RARP = 19,
	PROTOCOL_NET_SET_MTU = 20,
	PROTOCOL_SET_BACKEND_REQ_FD = 21,
	PROTOCOL_GET_CONFIG = 24,
	PROTOCOL_SET_CONFIG = 25,
	PROTOCOL_RESET_DEVICE = 34,
	PROTOCOL_GET_MAX_MEM_SLOTS = 36,
	PROTOCOL_ADD_MEM_REG = 37,
	PROTOCOL_REM_MEM_REG = 38,
	PROTOCOL_SET_STATUS = 39,
	PROTOCOL_GET_STATUS = 40,
};

struct protocol_header {
	uint32_t request;
	uint32_t size; /* payload bytes */
	bool need_reply;
};

/* -EBADMSG: another version, a reply, or a payload larger than that of any request. */
int protocol_header_parse(const uint8_t bytes[static PROTOCOL_HEADER_LEN], struct protocol_header *ret);

struct protocol_region {
	uint64_t guest, size, user;
	uint64_t offset; /* in the file */
};

struct protocol_message {
	uint32_t request;
	bool need_reply;
	unsigned n_fds; /* that came with it */
	/* The request says which is valid (protocol.c). */
	union {
		uint64_t number;
		struct {
			uint32_t index, value;
		} ring;
		struct {
			uint32_t index;
			uint64_t descriptors, used, available;
		} address;
		struct {
			unsigned index;
			bool has_fd;
		} fd;
		struct {
			unsigned n;
			struct protocol_region at[PROTOCOL_REGIONS_MAX];
		} regions;
		struct {
			uint32_t offset, size;
		} config;
	};
};

/*
 * Parses the request with header @h, @payload and @n_fds descriptors.  -ENOSYS when it is not known, -EBADMSG when its payload or the
 * number of descriptors is wrong.
 */
int protocol_parse(const struct protocol_header *h, const uint8_t *payload, unsigned n_fds, struct protocol_message *ret);

enum protocol_reply {
	PROTOCOL_REPLY_ACK,    /* 0 (success) or another number, sent only if the front end asked for a reply */
	PROTOCOL_REPLY_NUMBER, /* 64 bits */
	PROTOCOL_REPLY_RING,   /* index and value */
	PROTOCOL_REPLY_CONFIG, /* offset, size, flags and bytes */
};

/* The kind of reply to @request; PROTOCOL_REPLY_ACK when it is not known. */
enum protocol_reply protocol_reply_of(uint32_t request);

#define PROTOCOL_REPLY_SIZE_MAX (PROTOCOL_HEADER_LEN + 12 + PROTOCOL_CONFIG_MAX)

/* Each writes a whole reply to @request and returns its length. */
size_t protocol_emit_number(uint8_t ret[static PROTOCOL_REPLY_SIZE_MAX], uint32_t request, uint64_t value);
size_t protocol_emit_ring(uint8_t ret[static PROTOCOL_REPLY_SIZE_MAX], uint32_t request, uint32_t index, uint32_t value);
/* @size is at most PROTOCOL_CONFIG_MAX.  @bytes NULL: the request is refused by a reply without payload. */
size_t protocol_emit_config(uint8_t ret[static PROTOCOL_REPLY_SIZE_MAX], uint32_t request, uint32_t offset, const uint8_t *bytes,
			    uint32_t size);
