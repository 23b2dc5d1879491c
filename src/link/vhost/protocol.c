/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/protocol.h"

#include "base/bytes.h"
#include "base/macros.h"

#include <errno.h>

enum {
	FLAG_VERSION_MASK = 3,
	FLAG_VERSION = 1,
	FLAG_REPLY = 4,
	FLAG_NEED_REPLY = 8,
};

#define FD_INDEX_MASK 0xff
#define FD_NONE 0x100

enum payload {
	PAYLOAD_NONE,
	PAYLOAD_NUMBER,
	PAYLOAD_RING,
	PAYLOAD_ADDRESS,
	PAYLOAD_FD,
	PAYLOAD_REGIONS,
	PAYLOAD_REGION,
	PAYLOAD_CONFIG,
};

static const struct request {
	bool known;
	enum payload payload;
	unsigned fds; /* most descriptors that may come with it */
	enum protocol_reply reply;
} requests[] = {
	[PROTOCOL_GET_FEATURES] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_NUMBER },
	[PROTOCOL_SET_FEATURES] = { true, PAYLOAD_NUMBER, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_OWNER] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_RESET_OWNER] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_MEM_TABLE] = { true, PAYLOAD_REGIONS, PROTOCOL_REGIONS_MAX, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_VRING_NUM] = { true, PAYLOAD_RING, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_VRING_ADDR] = { true, PAYLOAD_ADDRESS, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_VRING_BASE] = { true, PAYLOAD_RING, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_GET_VRING_BASE] = { true, PAYLOAD_RING, 0, PROTOCOL_REPLY_RING },
	[PROTOCOL_SET_VRING_KICK] = { true, PAYLOAD_FD, 1, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_VRING_CALL] = { true, PAYLOAD_FD, 1, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_VRING_ERR] = { true, PAYLOAD_FD, 1, PROTOCOL_REPLY_ACK },
	[PROTOCOL_GET_PROTOCOL_FEATURES] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_NUMBER },
	[PROTOCOL_SET_PROTOCOL_FEATURES] = { true, PAYLOAD_NUMBER, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_GET_QUEUE_NUM] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_NUMBER },
	[PROTOCOL_SET_VRING_ENABLE] = { true, PAYLOAD_RING, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SEND_RARP] = { true, PAYLOAD_NUMBER, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_NET_SET_MTU] = { true, PAYLOAD_NUMBER, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_BACKEND_REQ_FD] = { true, PAYLOAD_NONE, 1, PROTOCOL_REPLY_ACK },
	[PROTOCOL_GET_CONFIG] = { true, PAYLOAD_CONFIG, 0, PROTOCOL_REPLY_CONFIG },
	[PROTOCOL_SET_CONFIG] = { true, PAYLOAD_CONFIG, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_RESET_DEVICE] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_GET_MAX_MEM_SLOTS] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_NUMBER },
	[PROTOCOL_ADD_MEM_REG] = { true, PAYLOAD_REGION, 1, PROTOCOL_REPLY_ACK },
	[PROTOCOL_REM_MEM_REG] = { true, PAYLOAD_REGION, 1, PROTOCOL_REPLY_ACK },
	[PROTOCOL_SET_STATUS] = { true, PAYLOAD_NUMBER, 0, PROTOCOL_REPLY_ACK },
	[PROTOCOL_GET_STATUS] = { true, PAYLOAD_NONE, 0, PROTOCOL_REPLY_NUMBER },
};

static uint32_t get_u32(struct bytes_reader *r)
{
	uint32_t v;
	bytes_get(r, &v, sizeof(v));
	return v;
}

static uint64_t get_u64(struct bytes_reader *r)
{
	uint64_t v;
	bytes_get(r, &v, sizeof(v));
	return v;
}

int protocol_header_parse(const uint8_t bytes[static PROTOCOL_HEADER_LEN], struct protocol_header *ret)
{
	struct bytes_reader r = bytes_reader(bytes, PROTOCOL_HEADER_LEN);
	uint32_t request = get_u32(&r), flags = get_u32(&r), size = get_u32(&r);
	if ((flags & FLAG_VERSION_MASK) != FLAG_VERSION || flags & FLAG_REPLY || size > PROTOCOL_PAYLOAD_MAX)
		return -EBADMSG;
	*ret = (struct protocol_header){ .request = request, .size = size, .need_reply = flags & FLAG_NEED_REPLY };
	return 0;
}

static const struct request *find(uint32_t request)
{
	return request < ARRAY_SIZE(requests) && requests[request].known ? &requests[request] : NULL;
}

enum protocol_reply protocol_reply_of(uint32_t request)
{
	const struct request *q = find(request);
	return q ? q->reply : PROTOCOL_REPLY_ACK;
}

static struct protocol_region get_region(struct bytes_reader *r)
{
	struct protocol_region region = { .guest = get_u64(r) };
	region.size = get_u64(r);
	region.user = get_u64(r);
	region.offset = get_u64(r);
	return region;
}

/* Each region comes with one descriptor. */
static bool get_regions(struct bytes_reader *r, struct protocol_message *m)
{
	uint32_t n = get_u32(r);
	get_u32(r); /* padding */
	if (n > PROTOCOL_REGIONS_MAX || n != m->n_fds)
		return false;
	m->regions.n = n;
	for (uint32_t i = 0; i < n; i++)
		m->regions.at[i] = get_region(r);
	/* Some front ends send the whole array, unused entries included. */
	bytes_skip(r, r->left);
	return true;
}

static bool get_fd(struct bytes_reader *r, struct protocol_message *m)
{
	uint64_t v = get_u64(r);
	m->fd.index = v & FD_INDEX_MASK;
	m->fd.has_fd = !(v & FD_NONE);
	return m->n_fds == m->fd.has_fd;
}

static bool get_config(struct bytes_reader *r, struct protocol_message *m)
{
	m->config.offset = get_u32(r);
	m->config.size = get_u32(r);
	get_u32(r); /* flags */
	bytes_skip(r, r->left);
	return m->config.size <= PROTOCOL_CONFIG_MAX;
}

static bool get_payload(enum payload kind, struct bytes_reader *r, struct protocol_message *m)
{
	switch (kind) {
	case PAYLOAD_NONE: return true;
	case PAYLOAD_NUMBER: m->number = get_u64(r); return true;
	case PAYLOAD_RING:
		m->ring.index = get_u32(r);
		m->ring.value = get_u32(r);
		return true;
	case PAYLOAD_ADDRESS:
		m->address.index = get_u32(r);
		get_u32(r); /* flags, for dirty logging, which is not offered */
		m->address.descriptors = get_u64(r);
		m->address.used = get_u64(r);
		m->address.available = get_u64(r);
		get_u64(r); /* address of the log */
		return true;
	case PAYLOAD_FD: return get_fd(r, m);
	case PAYLOAD_REGIONS: return get_regions(r, m);
	case PAYLOAD_REGION:
		get_u64(r); /* padding */
		m->regions.n = 1;
		m->regions.at[0] = get_region(r);
		return true;
	case PAYLOAD_CONFIG: return get_config(r, m);
	}
	return false;
}

int protocol_parse(const struct protocol_header *h, const uint8_t *payload, unsigned n_fds, struct protocol_message *ret)
{
	const struct request *q = find(h->request);
	if (!q)
		return -ENOSYS;
	struct protocol_message m = { .request = h->request, .need_reply = h->need_reply, .n_fds = n_fds };
	struct bytes_reader r = bytes_reader(payload, h->size);
	if (n_fds > q->fds || !get_payload(q->payload, &r, &m) || r.failed || r.left > 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

static struct bytes_writer begin(uint8_t *ret, uint32_t request, uint32_t size)
{
	struct bytes_writer w = bytes_writer(ret, PROTOCOL_REPLY_SIZE_MAX);
	uint32_t head[] = { request, FLAG_VERSION | FLAG_REPLY, size };
	bytes_put(&w, head, sizeof(head));
	return w;
}

size_t protocol_emit_number(uint8_t ret[static PROTOCOL_REPLY_SIZE_MAX], uint32_t request, uint64_t value)
{
	struct bytes_writer w = begin(ret, request, sizeof(value));
	bytes_put(&w, &value, sizeof(value));
	return w.len;
}

size_t protocol_emit_ring(uint8_t ret[static PROTOCOL_REPLY_SIZE_MAX], uint32_t request, uint32_t index, uint32_t value)
{
	uint32_t body[] = { index, value };
	struct bytes_writer w = begin(ret, request, sizeof(body));
	bytes_put(&w, body, sizeof(body));
	return w.len;
}

size_t protocol_emit_config(uint8_t ret[static PROTOCOL_REPLY_SIZE_MAX], uint32_t request, uint32_t offset, const uint8_t *bytes,
			    uint32_t size)
{
	uint32_t body[] = { offset, size, 0 };
	struct bytes_writer w = begin(ret, request, bytes ? (uint32_t)sizeof(body) + size : 0);
	if (bytes) {
		bytes_put(&w, body, sizeof(body));
		bytes_put(&w, bytes, size);
	}
	return w.len;
}
