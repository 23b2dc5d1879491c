/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user front end with live rings: it and its guest send messages, write to shared memory, post buffers and kick in any order,
 * while another port sends frames to it.  Input: a byte of features, then operations: one byte says which, the next ones are its
 * arguments (operate() has the list).
 *
 * Messages are read from a socket and rings lie in a memfd that the back end maps, as in real life; the clock is the input's.  Whatever
 * the front end does, when it is gone its port, its mappings and its descriptors are gone too.
 */
#include "base/bytes.h"
#include "base/macros.h"
#include "host/loop.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "link/vhost/guard.h"
#include "link/vhost/vhost.h"
#include "support/memory_port.h"
#include "support/vhost_front.h"
#include "wire/eth.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_SIZE ((size_t)128 * 1024)
#define PAGE ((size_t)4096)
#define RING_SIZE 16u
#define FRAME_MAX ((size_t)65535 + 14)
#define ROUNDS_MAX 200 /* a front end whose call is its kick keeps the loop busy */
#define PIECES 8u

static struct loop loop;
static struct segment segment;
static struct link *link_;

struct bench {
	struct bytes_reader r;
	struct vhost_front front;
	struct memory_port other;
	int spare[2];       /* sockets: User-mode Linux is notified by them */
	size_t memory_size; /* of the file: behind it not even the front end can look */
	usec_t now;
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* --- the back end --- */

static void bus_error(int signal, siginfo_t *info, void *context)
{
	check(guard_handle(info->si_addr));
}

static void start_once(void)
{
	static bool started;
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO };
	if (started)
		return;
	started = true;
	sigaction(SIGBUS, &action, NULL);
	check(loop_init(&loop) == 0);
	check(vhost_link_ops.new(&(struct link_config){ &loop.poller, &segment, NULL, 1500 }, &link_) == 0);
}

static void turn(void *opaque)
{
	struct bench *b = opaque;
	for (unsigned i = 0; i < ROUNDS_MAX && loop_dispatch(&loop, b->now) > 0; i++)
		;
}

/* The answers are not looked at: vhost-message does. */
static void read_answers(struct bench *b)
{
	uint8_t bytes[4096];
	while (recv(b->front.socket, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* --- messages --- */

static uint32_t page_bytes(struct bench *b)
{
	return bytes_get_u8(&b->r) % (MEMORY_SIZE / PAGE + 2) * PAGE;
}

static void put(uint8_t *payload, size_t *len, const void *bytes, size_t n)
{
	memcpy(payload + *len, bytes, n);
	*len += n;
}

static void put_u64(uint8_t *payload, size_t *len, uint64_t value)
{
	put(payload, len, &value, sizeof(value));
}

static void put_u32(uint8_t *payload, size_t *len, uint32_t value)
{
	put(payload, len, &value, sizeof(value));
}

static void put_region(struct bench *b, uint8_t *payload, size_t *len)
{
	put_u64(payload, len, VRING_GUEST + page_bytes(b));
	put_u64(payload, len, page_bytes(b));
	put_u64(payload, len, VRING_USER + page_bytes(b));
	put_u64(payload, len, page_bytes(b));
}

static size_t make_payload(struct bench *b, uint8_t payload[static PROTOCOL_PAYLOAD_MAX])
{
	size_t len = 0;
	unsigned n;
	switch (bytes_get_u8(&b->r) % 7) {
	case 0: break;
	case 1: /* a number: features, mostly */
		put_u64(payload, &len, (uint64_t)bytes_get_be32(&b->r) << 32 | bytes_get_be32(&b->r));
		break;
	case 2: /* state of a ring */
		put_u32(payload, &len, bytes_get_u8(&b->r));
		put_u32(payload, &len, bytes_get_be16(&b->r));
		break;
	case 3: /* addresses of a ring */
		put_u64(payload, &len, bytes_get_u8(&b->r));
		for (n = 0; n < 3; n++)
			put_u64(payload, &len, VRING_USER + 2u * bytes_get_be16(&b->r));
		put_u64(payload, &len, 0);
		break;
	case 4: /* memory */
		n = bytes_get_u8(&b->r) % (PROTOCOL_REGIONS_MAX + 1);
		put_u64(payload, &len, n);
		for (; n > 0; n--)
			put_region(b, payload, &len);
		break;
	case 5: /* one region more, or less */
		put_u64(payload, &len, 0);
		put_region(b, payload, &len);
		break;
	case 6: /* anything */
		len = bytes_get_u8(&b->r);
		for (n = 0; n < len; n++)
			payload[n] = bytes_get_u8(&b->r);
		break;
	}
	return len;
}

static int pick_fd(struct bench *b)
{
	unsigned choice = bytes_get_u8(&b->r);
	const struct vhost_front *f = &b->front;
	switch (choice % 6) {
	case 0: return f->memory_fd;
	case 1: return f->kick[choice / 6 % f->n_rings];
	case 2: return f->call[choice / 6 % f->n_rings];
	case 3: return f->error[choice / 6 % f->n_rings];
	case 4: return b->spare[0]; /* not the front end's own socket, which would keep the connection from ending */
	default: return STDIN_FILENO;
	}
}

static void send_bytes(struct bench *b, const struct iovec *iov, size_t n_iov, const int *fds, unsigned n_fds)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n_iov };
	if (n_fds > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
		*cm = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n_fds * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(cm), fds, n_fds * sizeof(int));
	}
	/* May fail: the back end closes a connection whose front end breaks the rules. */
	(void)!sendmsg(b->front.socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	turn(b);
	read_answers(b);
}

static void send_message(struct bench *b)
{
	uint8_t payload[PROTOCOL_PAYLOAD_MAX];
	int fds[15];
	uint8_t request = bytes_get_u8(&b->r), flags = bytes_get_u8(&b->r);
	unsigned n_fds = flags & 15;
	size_t len = make_payload(b, payload);
	uint32_t header[] = { request, 1 | (flags >> 4 & 8), (uint32_t)len };
	struct iovec iov[] = { { header, sizeof(header) }, { payload, len } };
	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = pick_fd(b);
	send_bytes(b, iov, 2, fds, n_fds);
}

static void send_fragment(struct bench *b)
{
	uint8_t bytes[255];
	size_t len = bytes_get_u8(&b->r);
	for (size_t i = 0; i < len; i++)
		bytes[i] = bytes_get_u8(&b->r);
	if (len > 0)
		send_bytes(b, &(struct iovec){ bytes, len }, 1, NULL, 0);
}

/* --- the guest --- */

static void write_memory(struct bench *b)
{
	size_t at = 2u * bytes_get_be16(&b->r), len = bytes_get_u8(&b->r) % 64;
	for (; len > 0; len--, at++) {
		uint8_t byte = bytes_get_u8(&b->r);
		if (at < b->memory_size)
			b->front.memory[at] = byte;
	}
}

static void kick(struct bench *b)
{
	eventfd_write(b->front.kick[bytes_get_u8(&b->r) % b->front.n_rings], 1);
	turn(b);
}

static void offer_chain(struct bench *b)
{
	struct vring_piece pieces[PIECES];
	uint8_t choice = bytes_get_u8(&b->r);
	unsigned n = 1 + choice / 4 % PIECES;
	struct vring *v = &b->front.rings[choice % VHOST_FRONT_QUEUES];
	for (unsigned i = 0; i < n; i++) {
		pieces[i].at = 2u * bytes_get_be16(&b->r);
		uint16_t len = bytes_get_be16(&b->r);
		pieces[i].len = len & 0x7fff;
		pieces[i].write = (len & 0x8000) != 0;
	}
	if (b->memory_size < MEMORY_SIZE)
		return;
	if (choice & 128)
		vring_add_indirect(v, MEMORY_SIZE - PAGE, pieces, n);
	else
		vring_add(v, pieces, n);
}

static void look_at_used(struct bench *b)
{
	struct vring_used_entry e;
	if (b->memory_size < MEMORY_SIZE)
		return;
	for (unsigned i = 0; i < VHOST_FRONT_QUEUES; i++)
		for (unsigned n = 0; n < RING_SIZE && vring_take(&b->front.rings[i], &e); n++)
			;
}

static void truncate_memory(struct bench *b)
{
	size_t wanted = page_bytes(b), size = MIN(wanted, b->memory_size);
	check(ftruncate(b->front.memory_fd, (off_t)size) == 0);
	b->memory_size = size;
	turn(b);
}

/* --- the others --- */

/* To all, or to the guest, which has sent from 02:00:00:00:00:01 if it plays along. */
static void send_frame(struct bench *b)
{
	static uint8_t bytes[FRAME_MAX];
	uint8_t choice = bytes_get_u8(&b->r);
	size_t len = ETH_HEADER_LEN + bytes_get_be16(&b->r), head = bytes_get_u8(&b->r) % 80;
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, MIN(len, FRAME_MAX));
	memset(bytes, choice, MIN(len, FRAME_MAX));
	memcpy(bytes, choice & 1 ? "\xff\xff\xff\xff\xff\xff" : "\x02\0\0\0\0\1", 6);
	memcpy(bytes + 6, "\x02\0\0\0\0\2", 6);
	for (size_t i = 0; i < head && 12 + i < f.len; i++)
		bytes[12 + i] = bytes_get_u8(&b->r);
	f.gso = choice >> 1 & 3;
	f.gso_size = f.gso == FRAME_GSO_NONE ? 0 : bytes_get_be16(&b->r);
	if (choice & 8) {
		f.checksum = FRAME_CHECKSUM_PARTIAL;
		f.csum_start = bytes_get_u8(&b->r);
		f.csum_offset = bytes_get_u8(&b->r);
	}
	f.ingress = &b->other.port;
	segment_input(&segment, b->now, &b->other.port, &f);
	segment_flush(&segment, b->now);
	turn(b);
}

static struct port *guest_port(struct bench *b)
{
	struct port *p = container_of(segment.ports.prev, struct port, node);
	return p == &b->other.port ? NULL : p;
}

/* As an engine writes to a guest's memory. */
static void lend(struct bench *b)
{
	struct port_room rooms[8];
	struct frame frames[8];
	struct port *p = guest_port(b);
	uint8_t choice = bytes_get_u8(&b->r);
	size_t size = ETH_HEADER_LEN + bytes_get_be16(&b->r) % 9000;
	if (!p)
		return;
	unsigned n = p->ops->reserve(p, choice, 1 + choice % 8, size, rooms);
	check(n <= 1u + choice % 8);
	for (unsigned i = 0; i < n; i++) {
		size_t there = 0;
		for (unsigned k = 0; k < rooms[i].n_iov; k++) {
			memset(rooms[i].iov[k].iov_base, choice, rooms[i].iov[k].iov_len);
			there += rooms[i].iov[k].iov_len;
		}
		check(there == rooms[i].size && there >= size && rooms[i].iov[0].iov_len >= ETH_HEADER_LEN);
		frames[i] = (struct frame){ .iov = rooms[i].iov, .n_iov = rooms[i].n_iov, .len = size };
	}
	p->ops->commit(p, b->now, frames, choice & 64 ? n : n / 2);
	turn(b);
}

static void operate(struct bench *b)
{
	switch (bytes_get_u8(&b->r) % 10) {
	case 0: send_message(b); break;
	case 1: send_fragment(b); break;
	case 2: write_memory(b); break;
	case 3: kick(b); break;
	case 4: offer_chain(b); break;
	case 5: send_frame(b); break;
	case 6: lend(b); break;
	case 7: truncate_memory(b); break;
	case 8: b->now += (usec_t)bytes_get_u8(&b->r) * 10000; break;
	case 9: look_at_used(b); break;
	}
}

static uint64_t features(uint8_t choice)
{
	static const uint8_t bits[] = { VIRTIO_NET_F_MRG_RXBUF,  VIRTIO_F_EVENT_IDX,      VIRTIO_F_INDIRECT_DESC, VIRTIO_NET_F_CSUM,
					VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_HOST_TSO4 };
	uint64_t value = UINT64_C(1) << VIRTIO_F_VERSION_1;
	if (choice & 128)
		value |= UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES;
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		if (choice & 1 << i)
			value |= UINT64_C(1) << bits[i];
	return value;
}

static int lowest_free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	check(fd >= 0);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench b = { .r = bytes_reader(data, size), .memory_size = MEMORY_SIZE };
	int fds[2];
	start_once();
	int free_before = lowest_free_descriptor();
	check(segment_init(&segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }) == 0);
	memory_port_init(&b.other, &segment, "other", FRAME_MAX);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	check(vhost_link_ops.add(link_, fds[1], NULL) == 0);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b.spare) == 0);
	vhost_front_init_sized(&b.front, fds[0], MEMORY_SIZE, RING_SIZE, turn, &b);
	vhost_front_start(&b.front, features(bytes_get_u8(&b.r)));
	while (b.r.left > 0 && !b.r.failed)
		operate(&b);
	vhost_front_done(&b.front);
	close(b.spare[0]);
	close(b.spare[1]);
	turn(&b);
	check(segment.n_ports == 1 && lowest_free_descriptor() == free_before);
	memory_port_done(&b.other);
	segment_done(&segment);
	return 0;
}
