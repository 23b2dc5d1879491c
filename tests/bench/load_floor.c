/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least CPU that any helper needs.  A second process plays the guest and writes blocks of 64 KiB to a memfd that both map; this
 * process sends each block to a TCP socket with one call.  In the other direction this process receives into the memfd and the guest
 * reads.  It does nothing else, so its CPU is the cost of one copy between a guest and the kernel.
 *
 * The blocks form a ring; eventfds wake the side that waits for the other.
 */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define BLOCKS 16u
#define GRACE_MS 10000

struct shared {
	uint64_t filled, emptied; /* blocks since the start */
	uint32_t len[BLOCKS];
	uint8_t blocks[BLOCKS][BLOCK_BYTES] __attribute__((aligned(4096)));
};

struct ring {
	struct shared *memory;
	int filled_fd, emptied_fd;
};

static void ring_new(struct ring *ret)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) < 0)
		load_die("memfd");
	ret->memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ret->filled_fd = eventfd(0, EFD_CLOEXEC);
	ret->emptied_fd = eventfd(0, EFD_CLOEXEC);
	if (ret->memory == MAP_FAILED || ret->filled_fd < 0 || ret->emptied_fd < 0)
		load_die("ring");
	memset(ret->memory, 0, sizeof(*ret->memory));
	close(fd);
}

/* Waits until @counter differs from @value. */
static uint64_t wait_for(const uint64_t *counter, uint64_t value, int fd)
{
	uint64_t now;
	while ((now = __atomic_load_n(counter, __ATOMIC_ACQUIRE)) == value) {
		eventfd_t n;
		eventfd_read(fd, &n);
	}
	return now;
}

static void wait_for_room(struct ring *r)
{
	uint64_t filled = r->memory->filled;
	if (filled >= BLOCKS)
		wait_for(&r->memory->emptied, filled - BLOCKS, r->emptied_fd);
}

/* Counts one block more; wakes the other side only if it may be waiting. */
static void count_up(uint64_t *counter, bool may_wait, int fd)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
	if (may_wait)
		eventfd_write(fd, 1);
}

static void fill(struct ring *r, uint32_t len)
{
	struct shared *m = r->memory;
	m->len[m->filled % BLOCKS] = len;
	count_up(&m->filled, m->filled - __atomic_load_n(&m->emptied, __ATOMIC_SEQ_CST) <= 1, r->filled_fd);
}

static void empty(struct ring *r)
{
	struct shared *m = r->memory;
	count_up(&m->emptied, __atomic_load_n(&m->filled, __ATOMIC_SEQ_CST) - m->emptied >= BLOCKS - 1, r->emptied_fd);
}

/* --- the guest --- */

static void write_for_ever(struct ring *r)
{
	for (uint8_t pattern = 0;; pattern++) {
		wait_for_room(r);
		memset(r->memory->blocks[r->memory->filled % BLOCKS], pattern, BLOCK_BYTES);
		fill(r, BLOCK_BYTES);
	}
}

static void read_for_ever(struct ring *r)
{
	static uint8_t copy[BLOCK_BYTES];
	for (;;) {
		uint64_t at = r->memory->emptied;
		wait_for(&r->memory->filled, at, r->filled_fd);
		memcpy(copy, r->memory->blocks[at % BLOCKS], r->memory->len[at % BLOCKS]);
		__asm__ volatile("" ::"r"(copy) : "memory");
		empty(r);
	}
}

static pid_t start_guest(struct ring *r, void (*run)(struct ring *r))
{
	pid_t pid = fork();
	if (pid < 0)
		load_die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(r);
	_exit(0);
}

/* --- the helper --- */

static int connect_for(const struct load_options *o, enum load_op op, uint32_t ms)
{
	struct load_request request = { .magic = LOAD_MAGIC, .op = op, .ms = ms };
	struct timeval limit = { .tv_sec = GRACE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		load_die("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, &o->server.any, load_address_len(&o->server)) < 0)
		load_die("connect");
	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		load_die("send");
	return fd;
}

static double cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t send_block(struct ring *r, int fd)
{
	uint64_t at = r->memory->emptied;
	wait_for(&r->memory->filled, at, r->filled_fd);
	ssize_t n = send(fd, r->memory->blocks[at % BLOCKS], BLOCK_BYTES, MSG_NOSIGNAL);
	if (n != BLOCK_BYTES)
		load_die("send");
	empty(r);
	return (size_t)n;
}

static size_t receive_block(struct ring *r, int fd)
{
	wait_for_room(r);
	ssize_t n = recv(fd, r->memory->blocks[r->memory->filled % BLOCKS], BLOCK_BYTES, 0);
	if (n <= 0)
		load_die("recv");
	fill(r, (uint32_t)n);
	return (size_t)n;
}

static int copy(const struct load_options *o, enum load_op op, void (*guest)(struct ring *r), size_t (*step)(struct ring *r, int fd))
{
	struct ring r;
	ring_new(&r);
	int fd = connect_for(o, op, o->ms + GRACE_MS);
	pid_t pid = start_guest(&r, guest);
	uint64_t begin = load_now_us(), stop = begin + o->ms * (uint64_t)1000, now, bytes = 0;
	double cpu = cpu_seconds();
	while ((now = load_now_us()) < stop)
		bytes += step(&r, fd);
	cpu = cpu_seconds() - cpu;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	printf("{\"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"cpu\": %.6f}\n", bytes, (double)(now - begin) / 1e6, cpu);
	return bytes > 0 ? 0 : 1;
}

int load_floor_send(const struct load_options *o)
{
	return copy(o, LOAD_SINK, write_for_ever, send_block);
}

int load_floor_receive(const struct load_options *o)
{
	return copy(o, LOAD_SOURCE, read_for_ever, receive_block);
}
