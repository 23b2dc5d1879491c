/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/vhost_front.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define RINGS_AT ((size_t)0)
#define RX_AT ((size_t)1 << 20)
#define TX_AT ((size_t)2 << 20)
#define TX_SLOT ((size_t)128 * 1024)
#define TX_SLOTS 16
#define FLAG_VERSION 1
#define FLAG_NEED_REPLY 8
#define REPLY_PATIENCE_MS 30000

static void make_descriptors(struct vhost_front *f, unsigned n)
{
	for (unsigned i = f->n_rings; i < n; i++) {
		f->kick[i] = eventfd(0, EFD_CLOEXEC);
		f->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		f->error[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	f->n_rings = MAX(f->n_rings, n);
}

void vhost_front_init(struct vhost_front *f, int socket, void (*turn)(void *opaque), void *opaque)
{
	vhost_front_init_sized(f, socket, VHOST_FRONT_MEMORY, VHOST_FRONT_RING, turn, opaque);
}

void vhost_front_init_sized(struct vhost_front *f, int socket, size_t memory_size, unsigned ring_size, void (*turn)(void *opaque),
			    void *opaque)
{
	*f = (struct vhost_front){
		.socket = socket, .memory_size = memory_size, .ring_size = ring_size, .n_pairs = 1, .turn = turn, .opaque = opaque
	};
	f->memory_fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	g_assert_cmpint(f->memory_fd, >=, 0);
	g_assert_cmpint(ftruncate(f->memory_fd, (off_t)memory_size), ==, 0);
	f->memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, f->memory_fd, 0);
	g_assert_true(f->memory != MAP_FAILED);
	make_descriptors(f, VHOST_FRONT_QUEUES);
}

void vhost_front_done(struct vhost_front *f)
{
	close(f->socket);
	close(f->memory_fd);
	munmap(f->memory, f->memory_size);
	for (unsigned i = 0; i < f->n_rings; i++) {
		close(f->kick[i]);
		close(f->call[i]);
		close(f->error[i]);
	}
}

/* --- messages --- */

void vhost_front_tell(struct vhost_front *f, uint32_t request, uint32_t flags, const void *payload, uint32_t len, const int *fds,
		      unsigned n_fds)
{
	uint32_t header[] = { request, flags, len };
	struct iovec iov[] = { { header, sizeof(header) }, { (void *)(uintptr_t)payload, len } };
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	if (n_fds > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
		*cm = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n_fds * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(cm), fds, n_fds * sizeof(int));
	}
	g_assert_cmpint(sendmsg(f->socket, &m, MSG_NOSIGNAL), ==, (ssize_t)(sizeof(header) + len));
	f->turn(f->opaque);
}

void vhost_front_hear(struct vhost_front *f, uint32_t request, void *payload, uint32_t len)
{
	uint32_t header[3];
	g_assert_cmpint(poll(&(struct pollfd){ .fd = f->socket, .events = POLLIN }, 1, REPLY_PATIENCE_MS), ==, 1);
	g_assert_cmpint(recv(f->socket, header, sizeof(header), MSG_DONTWAIT), ==, sizeof(header));
	g_assert_cmpuint(header[0], ==, request);
	g_assert_cmpuint(header[1], ==, 1 | 4);
	g_assert_cmpuint(header[2], ==, len);
	if (len > 0)
		g_assert_cmpint(recv(f->socket, payload, len, MSG_DONTWAIT), ==, len);
}

uint64_t vhost_front_ask(struct vhost_front *f, uint32_t request)
{
	uint64_t value;
	vhost_front_tell(f, request, FLAG_VERSION, NULL, 0, NULL, 0);
	vhost_front_hear(f, request, &value, sizeof(value));
	return value;
}

uint64_t vhost_front_set(struct vhost_front *f, uint32_t request, uint64_t value)
{
	vhost_front_tell(f, request, FLAG_VERSION | FLAG_NEED_REPLY, &value, sizeof(value), NULL, 0);
	vhost_front_hear(f, request, &value, sizeof(value));
	return value;
}

uint32_t vhost_front_stop(struct vhost_front *f, unsigned ring)
{
	uint32_t state[] = { ring, 0 };
	vhost_front_tell(f, PROTOCOL_GET_VRING_BASE, FLAG_VERSION, state, sizeof(state), NULL, 0);
	vhost_front_hear(f, PROTOCOL_GET_VRING_BASE, state, sizeof(state));
	g_assert_cmpuint(state[0], ==, ring);
	return state[1];
}

gboolean vhost_front_is_closed(struct vhost_front *f)
{
	uint8_t byte;
	ssize_t n = recv(f->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* --- starting --- */

void vhost_front_set_memory(struct vhost_front *f)
{
	struct {
		uint32_t n, padding;
		uint64_t guest, size, user, offset;
	} table = { 1, 0, VRING_GUEST, f->memory_size, VRING_USER, 0 };
	vhost_front_tell(f, PROTOCOL_SET_MEM_TABLE, FLAG_VERSION, &table, sizeof(table), &f->memory_fd, 1);
}

static void tell_ring(struct vhost_front *f, uint32_t request, uint32_t ring, uint32_t value)
{
	vhost_front_tell(f, request, FLAG_VERSION, (uint32_t[]){ ring, value }, 8, NULL, 0);
}

void vhost_front_start_ring(struct vhost_front *f, unsigned ring, uint32_t base)
{
	const struct vring *v = &f->rings[ring];
	uint64_t address[] = { ring, VRING_USER + v->descriptors_at, VRING_USER + v->used_at, VRING_USER + v->available_at, 0 };
	uint64_t index = ring;
	tell_ring(f, PROTOCOL_SET_VRING_NUM, ring, v->size);
	tell_ring(f, PROTOCOL_SET_VRING_BASE, ring, base);
	vhost_front_tell(f, PROTOCOL_SET_VRING_ADDR, FLAG_VERSION, address, sizeof(address), NULL, 0);
	vhost_front_tell(f, PROTOCOL_SET_VRING_CALL, FLAG_VERSION, &index, sizeof(index), &f->call[ring], 1);
	vhost_front_tell(f, PROTOCOL_SET_VRING_ERR, FLAG_VERSION, &index, sizeof(index), &f->error[ring], 1);
	vhost_front_tell(f, PROTOCOL_SET_VRING_KICK, FLAG_VERSION, &index, sizeof(index), &f->kick[ring], 1);
	if (feature_has(f->features, VHOST_USER_F_PROTOCOL_FEATURES))
		tell_ring(f, PROTOCOL_SET_VRING_ENABLE, ring, 1);
	vhost_front_calls(f, ring);
}

void vhost_front_start(struct vhost_front *f, uint64_t features)
{
	if (feature_has(features, VHOST_USER_F_PROTOCOL_FEATURES)) {
		uint64_t protocol = vhost_front_ask(f, PROTOCOL_GET_PROTOCOL_FEATURES);
		vhost_front_tell(f, PROTOCOL_SET_PROTOCOL_FEATURES, FLAG_VERSION, &protocol, sizeof(protocol), NULL, 0);
	}
	uint64_t offered = vhost_front_ask(f, PROTOCOL_GET_FEATURES);
	g_assert_cmpuint(features & ~offered, ==, 0);
	f->features = features;
	vhost_front_tell(f, PROTOCOL_SET_OWNER, FLAG_VERSION, NULL, 0, NULL, 0);
	vhost_front_tell(f, PROTOCOL_SET_FEATURES, FLAG_VERSION, &features, sizeof(features), NULL, 0);
	vhost_front_set_memory(f);
	size_t at = RINGS_AT;
	make_descriptors(f, f->n_pairs * VHOST_FRONT_QUEUES);
	for (unsigned i = 0; i < f->n_pairs * VHOST_FRONT_QUEUES; i++) {
		at = vring_init(&f->rings[i], f->memory, at, f->ring_size);
		vhost_front_start_ring(f, i, 0);
	}
}

/* --- frames --- */

void vhost_front_kick(struct vhost_front *f, unsigned ring)
{
	g_assert_cmpint(eventfd_write(f->kick[ring], 1), ==, 0);
	f->turn(f->opaque);
}

uint64_t vhost_front_calls(struct vhost_front *f, unsigned ring)
{
	eventfd_t n;
	return eventfd_read(f->call[ring], &n) == 0 ? n : 0;
}

uint64_t vhost_front_await_calls(struct vhost_front *f, unsigned ring)
{
	poll(&(struct pollfd){ .fd = f->call[ring], .events = POLLIN }, 1, REPLY_PATIENCE_MS);
	return vhost_front_calls(f, ring);
}

void vhost_front_send(struct vhost_front *f, const uint8_t header[NET_HEADER_LEN], const void *frame, size_t len, size_t piece)
{
	size_t header_len = net_header_len(f->features), at = TX_AT + TX_SLOT * (f->next_tx++ % TX_SLOTS);
	struct vring_piece pieces[64];
	unsigned n = 0;
	g_assert_cmpuint(header_len + len, <=, TX_SLOT);
	memset(f->memory + at, 0, header_len);
	if (header)
		memcpy(f->memory + at, header, header_len);
	memcpy(f->memory + at + header_len, frame, len);
	for (size_t done = 0; done < header_len + len; done += piece) {
		g_assert_cmpuint(n, <, G_N_ELEMENTS(pieces));
		pieces[n++] = (struct vring_piece){ at + done, (uint32_t)MIN(piece, header_len + len - done), false };
	}
	unsigned ring = 2 * f->pair + VHOST_FRONT_TX;
	vring_add(&f->rings[ring], pieces, n);
	vhost_front_kick(f, ring);
}

static size_t place(const struct vhost_front *f, unsigned descriptor)
{
	size_t slot = f->rx_size > VHOST_FRONT_BUFFER ? TX_SLOT : VHOST_FRONT_BUFFER;
	return RX_AT + f->pair * (TX_AT - RX_AT) / VHOST_FRONT_PAIRS + descriptor * slot;
}

/* Each descriptor has a buffer of its own, which its index identifies. */
void vhost_front_post(struct vhost_front *f, unsigned n, size_t size)
{
	struct vring *v = &f->rings[2 * f->pair + VHOST_FRONT_RX];
	f->rx_size = size;
	for (unsigned i = 0; i < n; i++)
		vring_add(v, &(struct vring_piece){ place(f, v->next_descriptor), (uint32_t)size, true }, 1);
}

static const uint8_t *received(struct vhost_front *f, uint32_t *ret_len)
{
	struct vring_used_entry e;
	if (!vring_take(&f->rings[2 * f->pair + VHOST_FRONT_RX], &e))
		return NULL;
	*ret_len = e.len;
	return f->memory + place(f, e.id);
}

GBytes *vhost_front_receive(struct vhost_front *f, uint8_t ret_header[NET_HEADER_LEN])
{
	size_t header_len = net_header_len(f->features);
	uint32_t len;
	const uint8_t *at = received(f, &len);
	if (!at)
		return NULL;
	g_assert_cmpuint(len, >, header_len);
	memset(ret_header, 0, NET_HEADER_LEN);
	memcpy(ret_header, at, header_len);
	unsigned n = feature_has(f->features, VIRTIO_NET_F_MRG_RXBUF) ? ret_header[10] | ret_header[11] << 8 : 1;
	GByteArray *bytes = g_byte_array_new();
	g_byte_array_append(bytes, at + header_len, (guint)(len - header_len));
	while (--n > 0) {
		at = received(f, &len);
		g_assert_nonnull(at);
		g_byte_array_append(bytes, at, len);
	}
	return g_byte_array_free_to_bytes(bytes);
}
