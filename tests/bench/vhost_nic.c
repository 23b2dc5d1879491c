/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays a virtual machine with a virtio network card: a guest's tap device stands for the driver, a vhost-user back end for the
 * card.  Frames lie in a sealed memfd that both sides map, and are copied once in each direction, by the tap.
 *
 * It behaves like Linux's driver.  A frame is made available as soon as it is read, and after a batch the back end is kicked if it
 * asks for a kick.  Used TX chains are collected without an interrupt while there are free ones.  Interrupts are off while received
 * frames are processed, and their buffers, a page each, are posted again at once.
 */
#include "endpoint.h"

#include "support/vhost_front.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define RING 256u /* QEMU's default */
/* Layout of the memory: the rings, then these. */
#define TABLES_AT ((size_t)1 << 19)
#define RX_AT ((size_t)1 << 20)
#define RX_BUFFER ((size_t)4096)
#define TX_AT (RX_AT + RING * RX_BUFFER)
#define TX_SLOT ((size_t)68 * 1024)
#define MEMORY (TX_AT + RING * TX_SLOT)
/* A TX frame is split as a Linux guest does: headers, then fragments of 32 KiB. */
#define HEAD_PIECE 128u
#define BODY_PIECE (32u * 1024)
#define PIECES_MAX 4u
/* Limits of a turn before the other direction is served: received frames (as NAPI), bytes sent (as tap_front). */
#define BUDGET 64u
#define BATCH_BYTES ((size_t)192 * 1024)
#define RX_PIECES (1 + FRAME_MAX_BYTES / RX_BUFFER)

#define BIT(n) (UINT64_C(1) << (n))
#define FEATURES \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_F_EVENT_IDX) | \
	 BIT(VIRTIO_F_INDIRECT_DESC))
#define OFFLOADS \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO4) | \
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_GUEST_TSO6))

/* struct virtio_net_hdr's flags. */
#define NEEDS_CSUM 1
#define DATA_VALID 2

static_assert(TX_SLOT >= FRAME_MAX_BYTES && TX_SLOT <= HEAD_PIECE + (PIECES_MAX - 1) * BODY_PIECE, "a frame fits its slot and its pieces");

struct nic {
	struct vhost_front front;
	int tap_fd;
	bool tap_ready;
	uint16_t free_slots[RING]; /* a stack: the slot freed last may still be in the cache */
	unsigned n_free;
	uint16_t tx_told, rx_told; /* the available index at the last check whether the back end wants a kick */
};

static void no_turn(void *opaque)
{
}

/* virtio §2.7.10: whether the entry that the other side waits for is among [before, now). */
static bool is_passed(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

static void kick_if_wanted(struct nic *n, unsigned ring, uint16_t *told)
{
	struct vring *v = &n->front.rings[ring];
	if (v->index == *told)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_passed(vring_avail_event(v), v->index, *told))
		eventfd_write(n->front.kick[ring], 1);
	*told = v->index;
}

/* --- from the tap to the back end --- */

static size_t table_of(unsigned slot)
{
	return TABLES_AT + slot * PIECES_MAX * sizeof(struct vring_descriptor);
}

static void describe(struct nic *n, unsigned slot, size_t len)
{
	struct vring_descriptor *table = (void *)(n->front.memory + table_of(slot));
	uint64_t at = VRING_GUEST + TX_AT + slot * TX_SLOT;
	unsigned pieces = 0;
	for (size_t size = HEAD_PIECE; len > 0; size = BODY_PIECE) {
		uint32_t part = (uint32_t)MIN(len, size);
		len -= part;
		table[pieces] = (struct vring_descriptor){ at, part, len > 0 ? VRING_NEXT : 0, (uint16_t)(pieces + 1) };
		at += part;
		pieces++;
	}
	struct vring *v = &n->front.rings[VHOST_FRONT_TX];
	if (pieces == 1)
		v->descriptors[slot] = table[0];
	else
		v->descriptors[slot] =
			(struct vring_descriptor){ VRING_GUEST + table_of(slot), (uint32_t)(pieces * sizeof(*table)), VRING_INDIRECT, 0 };
}

static void collect_sent(struct nic *n)
{
	struct vring_used_entry e;
	while (vring_take(&n->front.rings[VHOST_FRONT_TX], &e))
		n->free_slots[n->n_free++] = (uint16_t)e.id;
}

static void send_frames(struct nic *n)
{
	for (size_t bytes = 0; bytes < BATCH_BYTES && n->n_free > 0;) {
		uint16_t slot = n->free_slots[n->n_free - 1];
		uint8_t *at = n->front.memory + TX_AT + slot * TX_SLOT;
		ssize_t len = read(n->tap_fd, at, FRAME_MAX_BYTES);
		if (len < 0) {
			n->tap_ready = false;
			break;
		}
		at[0] &= (uint8_t)~DATA_VALID; /* a driver never sets it */
		n->n_free--;
		describe(n, slot, (size_t)len);
		vring_offer(&n->front.rings[VHOST_FRONT_TX], slot);
		bytes += (size_t)len;
	}
	kick_if_wanted(n, VHOST_FRONT_TX, &n->tx_told);
}

/* --- from the back end to the tap --- */

/* A tap has no DATA_VALID.  With NEEDS_CSUM the kernel takes the checksum for correct too. */
static void say_needs_csum(uint8_t *header, const uint8_t *frame)
{
	const uint8_t *ip = frame + 14;
	uint16_t ethertype = (uint16_t)(frame[12] << 8 | frame[13]), start = (uint16_t)(14 + (ip[0] & 0xf) * 4);
	uint16_t offset = ip[9] == IPPROTO_TCP ? 16 : 6;
	if (ethertype != 0x0800 || (ip[9] != IPPROTO_TCP && ip[9] != IPPROTO_UDP))
		return;
	header[0] = NEEDS_CSUM;
	memcpy(header + 6, &start, sizeof(start));
	memcpy(header + 8, &offset, sizeof(offset));
}

/* Writes the next received frame to the tap and its buffers' heads to @heads; returns false when there is no frame. */
static bool receive_frame(struct nic *n, uint16_t heads[RX_PIECES], unsigned *ret_n)
{
	struct vring *v = &n->front.rings[VHOST_FRONT_RX];
	struct vring_used_entry e;
	struct iovec iov[RX_PIECES];
	if (!vring_take(v, &e))
		return false;
	uint8_t *header = n->front.memory + RX_AT + e.id * RX_BUFFER;
	unsigned n_buffers = MIN(header[10] | (unsigned)header[11] << 8, (unsigned)RX_PIECES);
	for (unsigned i = 0;; i++) {
		heads[i] = (uint16_t)e.id;
		iov[i] = (struct iovec){ .iov_base = n->front.memory + RX_AT + e.id * RX_BUFFER, .iov_len = e.len };
		if (i + 1 >= n_buffers || !vring_take(v, &e))
			break;
	}
	if (header[0] & DATA_VALID)
		say_needs_csum(header, header + NET_HEADER_LEN);
	/* A frame that the tap refuses is lost, as on a wire. */
	ssize_t r = writev(n->tap_fd, iov, (int)n_buffers);
	(void)r;
	*ret_n = n_buffers;
	return true;
}

static void receive_frames(struct nic *n)
{
	struct vring *v = &n->front.rings[VHOST_FRONT_RX];
	uint16_t heads[RX_PIECES];
	unsigned n_heads;
	for (unsigned i = 0; i < BUDGET && receive_frame(n, heads, &n_heads); i++)
		for (unsigned k = 0; k < n_heads; k++)
			vring_offer(v, heads[k]);
	kick_if_wanted(n, VHOST_FRONT_RX, &n->rx_told);
}

/* --- the loop --- */

static bool has_used(const struct vring *v)
{
	return __atomic_load_n(&v->used[1], __ATOMIC_ACQUIRE) != v->taken;
}

/* Asks for interrupts before a wait; returns false when there is work already. */
static bool may_sleep(struct nic *n)
{
	struct vring *rx = &n->front.rings[VHOST_FRONT_RX], *tx = &n->front.rings[VHOST_FRONT_TX];
	*vring_used_event(rx) = rx->taken;
	if (n->n_free == 0)
		*vring_used_event(tx) = (uint16_t)(tx->taken + RING / 2);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (n->n_free == 0)
		collect_sent(n);
	return !has_used(rx) && !(n->tap_ready && n->n_free > 0);
}

static void watch(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };
	g_assert_cmpint(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e), ==, 0);
}

/* Runs until the back end is gone. */
static void run(struct nic *n)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch(epoll_fd, n->tap_fd, EPOLLIN | EPOLLET);
	watch(epoll_fd, n->front.call[VHOST_FRONT_RX], EPOLLIN | EPOLLET);
	watch(epoll_fd, n->front.call[VHOST_FRONT_TX], EPOLLIN | EPOLLET);
	watch(epoll_fd, n->front.socket, EPOLLIN);
	for (;;) {
		struct epoll_event events[4];
		int count = epoll_wait(epoll_fd, events, 4, may_sleep(n) ? -1 : 0);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == n->front.socket)
				return;
			if (events[i].data.fd == n->tap_fd)
				n->tap_ready = true;
		}
		receive_frames(n);
		collect_sent(n);
		if (n->tap_ready)
			send_frames(n);
	}
}

static void start(struct nic *n, int socket, bool offloads)
{
	struct vhost_front *f = &n->front;
	vhost_front_init_sized(f, socket, MEMORY, RING, no_turn, NULL);
	g_assert_cmpint(fcntl(f->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
	vhost_front_start(f, offloads ? FEATURES | OFFLOADS : FEATURES);
	for (uint16_t i = 0; i < RING; i++) {
		f->rings[VHOST_FRONT_RX].descriptors[i] =
			(struct vring_descriptor){ VRING_GUEST + RX_AT + i * RX_BUFFER, RX_BUFFER, VRING_WRITE, 0 };
		vring_offer(&f->rings[VHOST_FRONT_RX], i);
		n->free_slots[n->n_free++] = i;
	}
	eventfd_write(f->kick[VHOST_FRONT_RX], 1);
	n->rx_told = f->rings[VHOST_FRONT_RX].index;
	/* Used TX chains cause an interrupt only when no free one is left. */
	*vring_used_event(&f->rings[VHOST_FRONT_TX]) = (uint16_t)-1;
}

int main(int argc, char **argv)
{
	struct endpoint tap, socket;
	if (argc != 3) {
		fprintf(stderr, "usage: vhost_nic offload-tap:NAME@NETNS|header-tap:NAME@NETNS unix:PATH\n");
		return 2;
	}
	int r = endpoint_open(argv[1], &tap);
	if (r == 0)
		r = endpoint_open(argv[2], &socket);
	if (r < 0) {
		fprintf(stderr, "vhost_nic: %s\n", strerror(-r));
		return 1;
	}
	struct nic *n = g_new0(struct nic, 1);
	n->tap_fd = tap.fd;
	start(n, socket.fd, strncmp(argv[1], "offload-", 8) == 0);
	puts("ready");
	fflush(stdout);
	run(n);
	vhost_front_done(&n->front);
	g_free(n);
	return 0;
}
