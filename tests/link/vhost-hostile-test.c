/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile vhost-user front ends and guests: their port stops or closes, and no other port is affected. */
#include "link/stream.h"
#include "link/vhost/guard.h"
#include "support/vhost_world.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	g_assert_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void guest_sends(struct vhost_front *f)
{
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	vhost_front_send(f, NULL, g_bytes_get_data(frame, NULL), 100, 4096);
}

static uint64_t drops(struct vhost_world *w, enum drop_reason why)
{
	return w->segment.drops.count[why];
}

/* --- rings --- */

static void broken_ring_stops_its_port_alone(struct vhost_world *w, gconstpointer data)
{
	struct vhost_front good;
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_world_plug(w, &good);
	vhost_front_start(&good, VHOST_LINUX);
	vring_offer(&w->front.rings[VHOST_FRONT_TX], 0xffff);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(drops(w, DROP_VHOST_RING), ==, 1);
	eventfd_t told;
	g_assert_cmpint(eventfd_read(w->front.error[VHOST_FRONT_TX], &told), ==, 0);
	guest_sends(&w->front); /* the device ignores it now */
	g_assert_cmpuint(w->other.frames->len, ==, 0);
	guest_sends(&good);
	g_assert_cmpuint(w->other.frames->len, ==, 1);
	g_assert_cmpuint(drops(w, DROP_VHOST_RING), ==, 1);

	/* A new driver brings it back. */
	for (unsigned i = 0; i < VHOST_FRONT_QUEUES; i++)
		vhost_front_stop(&w->front, i);
	vhost_front_start(&w->front, VHOST_LINUX);
	guest_sends(&w->front);
	g_assert_cmpuint(w->other.frames->len, ==, 2);
	vhost_front_done(&good);
	vhost_world_turn(w);
}

static void frames_before_the_error_arrive(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	struct vring *v = &w->front.rings[VHOST_FRONT_TX];
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	memcpy(w->front.memory + (3 << 20) + 12, g_bytes_get_data(frame, NULL), 100);
	vring_add(v, &(struct vring_piece){ 3 << 20, 112, false }, 1);
	vring_offer(v, 0xffff);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(w->other.frames->len, ==, 1);
	g_assert_cmpuint(drops(w, DROP_VHOST_RING), ==, 1);
}

static void broken_receive_ring_stops_the_port(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	vring_add(&w->front.rings[VHOST_FRONT_RX], &(struct vring_piece){ 3 << 20, 2048, false }, 1); /* not writable */
	g_autoptr(GBytes) frame = vhost_world_frame(100, 2);
	memory_port_input(&w->other, 0, g_bytes_get_data(frame, NULL), 100);
	g_assert_cmpuint(drops(w, DROP_VHOST_RING), ==, 1);
	memory_port_input(&w->other, 0, g_bytes_get_data(frame, NULL), 100);
	g_assert_cmpuint(drops(w, DROP_VHOST_STOPPED), ==, 1);
}

static void buffers_over_the_rings_themselves_do_no_harm(struct vhost_world *w, gconstpointer data)
{
	enum { FRAMES = 20, LEN = 1500 };
	struct vhost_front good;
	vhost_front_start(&w->front, VHOST_LINUX);
	uint64_t features = vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
	vhost_world_plug(w, &good);
	vhost_front_start(&good, VHOST_LINUX);
	vhost_front_post(&good, FRAMES, VHOST_FRONT_BUFFER);
	for (unsigned i = 0; i < 8; i++)
		vring_add(&w->front.rings[VHOST_FRONT_RX], &(struct vring_piece){ i * 1024, 2048, true }, 1);
	g_autoptr(GBytes) frame = vhost_world_frame(LEN, 2);
	for (unsigned i = 0; i < FRAMES; i++)
		memory_port_input(&w->other, 0, g_bytes_get_data(frame, NULL), LEN);
	guest_sends(&w->front);

	/* The neighbour misses no frame, the back end still answers the front end, and a new driver revives the port. */
	for (unsigned i = 0; i < FRAMES; i++) {
		uint8_t header[NET_HEADER_LEN];
		g_autoptr(GBytes) got = vhost_front_receive(&good, header);
		g_assert_nonnull(got);
		g_assert_cmpmem(g_bytes_get_data(got, NULL), g_bytes_get_size(got), g_bytes_get_data(frame, NULL), LEN);
	}
	guint before = w->other.frames->len;
	guest_sends(&good);
	g_assert_cmpuint(w->other.frames->len, ==, before + 1);
	g_assert_cmpuint(vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES), ==, features);
	for (unsigned i = 0; i < VHOST_FRONT_QUEUES; i++)
		vhost_front_stop(&w->front, i);
	vhost_front_start(&w->front, VHOST_LINUX);
	guest_sends(&w->front);
	g_assert_cmpuint(w->other.frames->len, ==, before + 2);
	vhost_front_done(&good);
	vhost_world_turn(w);
}

static void receive_buffers_without_bytes_do_not_stall_us(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	for (unsigned i = 0; i < VHOST_FRONT_RING; i++)
		vring_add(&w->front.rings[VHOST_FRONT_RX], &(struct vring_piece){ 3 << 20, 0, true }, 1);
	g_autoptr(GBytes) frame = vhost_world_frame(1500, 2);
	for (unsigned i = 0; i < 2; i++)
		memory_port_input(&w->other, i * USEC_PER_SEC, g_bytes_get_data(frame, NULL), 1500);
	g_assert_cmpuint(w->segment.drops.count[DROP_PORT_FULL] + w->segment.drops.count[DROP_VHOST_BUFFER], ==, 1);
}

/* --- memory --- */

static void bus_error(int signal, siginfo_t *info, void *context)
{
	if (!guard_handle(info->si_addr))
		_exit(99);
}

static void memory_that_vanishes_stops_its_port_alone(struct vhost_world *w, gconstpointer data)
{
	struct vhost_front good;
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO }, before;
	sigaction(SIGBUS, &action, &before);
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_world_plug(w, &good);
	vhost_front_start(&good, VHOST_LINUX);
	g_assert_cmpint(ftruncate(w->front.memory_fd, 0), ==, 0);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(drops(w, DROP_VHOST_MEMORY), ==, 1);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(drops(w, DROP_VHOST_MEMORY), ==, 1);
	guest_sends(&good);
	g_assert_cmpuint(w->other.frames->len, ==, 1);
	vhost_front_done(&good);
	vhost_world_turn(w);
	sigaction(SIGBUS, &before, NULL);
}

static void payload_that_vanishes_stops_its_port(struct vhost_world *w, gconstpointer data)
{
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO }, before;
	sigaction(SIGBUS, &action, &before);
	vhost_front_start(&w->front, VHOST_LINUX);
	g_autoptr(GBytes) frame = vhost_world_frame(500, 1);
	memcpy(w->front.memory + (3 << 20) - 1000 + NET_HEADER_LEN, g_bytes_get_data(frame, NULL), 500);
	g_assert_cmpint(ftruncate(w->front.memory_fd, 3 << 20), ==, 0);
	vring_add(&w->front.rings[VHOST_FRONT_TX], &(struct vring_piece){ (3 << 20) - 1000, 9000, false }, 1);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(drops(w, DROP_VHOST_MEMORY), ==, 1);
	sigaction(SIGBUS, &before, NULL);
}

static void payload_that_vanishes_leaves_a_stream_neighbour_alone(struct vhost_world *w, gconstpointer data)
{
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO }, before;
	struct link *link;
	int fds[2];
	sigaction(SIGBUS, &action, &before);
	g_assert_cmpint(stream_link_ops.new(&(struct link_config){ &w->loop.poller, &w->segment, NULL, 1500 }, &link), ==, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	g_assert_cmpint(stream_link_ops.add(link, fds[1], NULL), ==, 0);
	memory_port_done(&w->other); /* it would copy the frame and notice first */
	vhost_front_start(&w->front, VHOST_LINUX);
	g_autoptr(GBytes) frame = vhost_world_frame(500, 1);
	memcpy(w->front.memory + (3 << 20) - 1000 + NET_HEADER_LEN, g_bytes_get_data(frame, NULL), 500);
	g_assert_cmpint(ftruncate(w->front.memory_fd, 3 << 20), ==, 0);
	vring_add(&w->front.rings[VHOST_FRONT_TX], &(struct vring_piece){ (3 << 20) - 1000, 9000, false }, 1);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(w->segment.n_ports, ==, 2);
	g_assert_cmpint(recv(fds[0], (uint8_t[4]){ 0 }, 4, MSG_DONTWAIT), ==, 4);
	close(fds[0]);
	stream_link_ops.free(link, 0);
	memory_port_init(&w->other, &w->segment, "other", VHOST_WORLD_FRAME_MAX);
	sigaction(SIGBUS, &before, NULL);
}

static void receive_buffer_that_vanishes_stops_its_port(struct vhost_world *w, gconstpointer data)
{
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO }, before;
	sigaction(SIGBUS, &action, &before);
	vhost_front_start(&w->front, VHOST_LINUX);
	vring_add(&w->front.rings[VHOST_FRONT_RX], &(struct vring_piece){ 3 << 20, 2048, true }, 1);
	g_assert_cmpint(ftruncate(w->front.memory_fd, 3 << 20), ==, 0);
	g_autoptr(GBytes) frame = vhost_world_frame(100, 2);
	memory_port_input(&w->other, 0, g_bytes_get_data(frame, NULL), 100);
	g_assert_cmpuint(drops(w, DROP_VHOST_MEMORY), ==, 1);
	sigaction(SIGBUS, &before, NULL);
}

static uint64_t set_table(struct vhost_front *f, const uint64_t *regions, unsigned n, const int *fds)
{
	uint8_t payload[8 + 8 * 32] = { (uint8_t)n };
	uint64_t ack;
	memcpy(payload + 8, regions, n * 32);
	vhost_front_tell(f, PROTOCOL_SET_MEM_TABLE, 1 | 8, payload, 8 + n * 32, fds, n);
	vhost_front_hear(f, PROTOCOL_SET_MEM_TABLE, &ack, sizeof(ack));
	return ack;
}

static void impossible_memory_is_refused(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	int fds[] = { w->front.memory_fd, w->front.memory_fd };
	uint64_t behind_the_file[] = { 0, 4096, 0, VHOST_FRONT_MEMORY };
	uint64_t wrapping_offset[] = { 0, 4096, 0, UINT64_MAX - 100 };
	uint64_t overlapping[] = { 0, 8192, 0, 0, 4096, 8192, 1 << 20, 0 };
	uint64_t wrapping[] = { UINT64_MAX - 100, 4096, 0, 0 };
	uint64_t endless[] = { 0, UINT64_MAX, 0, 0 };
	g_assert_cmpuint(w->n_warnings, ==, 0);
	g_assert_cmpuint(set_table(&w->front, behind_the_file, 1, fds), !=, 0);
	g_assert_cmpuint(w->n_warnings, ==, 1); /* the guest has no network now, and the front end need not say so */
	g_assert_cmpuint(set_table(&w->front, wrapping_offset, 1, fds), !=, 0);
	g_assert_cmpuint(set_table(&w->front, overlapping, 2, fds), !=, 0);
	g_assert_cmpuint(set_table(&w->front, wrapping, 1, fds), !=, 0);
	g_assert_cmpuint(set_table(&w->front, endless, 1, fds), !=, 0);
	guest_sends(&w->front); /* its rings are in no region now */
	g_assert_cmpuint(w->other.frames->len, ==, 0);
	vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
}

/* Returns the acknowledgement. */
static uint64_t add_region(struct vhost_front *f, uint64_t at, uint64_t size, uint64_t offset)
{
	uint64_t ack, payload[] = { 0, at, size, at, offset };
	vhost_front_tell(f, PROTOCOL_ADD_MEM_REG, 1 | 8, payload, sizeof(payload), &f->memory_fd, 1);
	vhost_front_hear(f, PROTOCOL_ADD_MEM_REG, &ack, sizeof(ack));
	return ack;
}

/* The rings stay where they are, so that nothing but the region is a reason to refuse. */
static void region_behind_the_end_of_its_file_is_refused(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	g_assert_cmpuint(add_region(&w->front, 0, 4096, VHOST_FRONT_MEMORY - 4096), ==, 0);
	g_assert_cmpuint(add_region(&w->front, 1 << 20, 4096, VHOST_FRONT_MEMORY), !=, 0);
	g_assert_cmpuint(add_region(&w->front, 2 << 20, 8192, VHOST_FRONT_MEMORY - 4096), !=, 0);
	guest_sends(&w->front);
	g_assert_cmpuint(w->other.frames->len, ==, 1);
}

/* The size of a file may be a lie. */
static void more_memory_than_machines_have_is_refused(struct vhost_world *w, gconstpointer data)
{
	const uint64_t half = UINT64_C(1) << 42;
	vhost_front_start(&w->front, VHOST_LINUX);
	int fd = memfd_create("vast", MFD_CLOEXEC), fds[] = { fd, fd };
	g_assert_cmpint(ftruncate(fd, (off_t)(4 * half)), ==, 0);
	uint64_t too_large[] = { 0, 2 * half + 4096, 0, 0 };
	uint64_t too_much[] = { 0, half, 0, 0, 2 * half, half + 4096, 2 * half, 0 };
	g_assert_cmpuint(set_table(&w->front, too_large, 1, fds), !=, 0);
	g_assert_cmpuint(set_table(&w->front, too_much, 2, fds), !=, 0);
	close(fd);
	vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
}

static void region_with_the_rings_can_be_removed(struct vhost_world *w, gconstpointer data)
{
	uint64_t region[] = { 0, VRING_GUEST, VHOST_FRONT_MEMORY, VRING_USER, 0 };
	vhost_front_start(&w->front, VHOST_LINUX);
	uint64_t ack;
	vhost_front_tell(&w->front, PROTOCOL_REM_MEM_REG, 1 | 8, region, sizeof(region), NULL, 0);
	vhost_front_hear(&w->front, PROTOCOL_REM_MEM_REG, &ack, 8);
	guest_sends(&w->front);
	g_assert_cmpuint(w->other.frames->len, ==, 0);
	g_autoptr(GBytes) frame = vhost_world_frame(100, 2);
	memory_port_input(&w->other, 0, g_bytes_get_data(frame, NULL), 100);
	g_assert_cmpuint(drops(w, DROP_VHOST_STOPPED), ==, 1);
}

/* --- messages --- */

static void bad_messages_close_the_connection(struct vhost_world *w, gconstpointer data)
{
	static const uint32_t messages[][3] = {
		{ PROTOCOL_GET_FEATURES, 0, 0 },           /* no version */
		{ PROTOCOL_GET_FEATURES, 1 | 4, 0 },       /* a reply */
		{ PROTOCOL_SET_FEATURES, 1, 0 },           /* empty */
		{ PROTOCOL_SET_MEM_TABLE, 1, UINT32_MAX }, /* too long */
		{ PROTOCOL_SET_VRING_CALL, 1, 0 },
	};
	unsigned before = open_descriptors();
	for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
		int fd = vhost_world_connect(w);
		g_assert_cmpint(write(fd, messages[i], sizeof(messages[i])), ==, sizeof(messages[i]));
		vhost_world_turn(w);
		g_assert_cmpint(read(fd, &(uint8_t){ 0 }, 1), ==, 0);
		close(fd);
		g_assert_cmpuint(drops(w, DROP_VHOST_MESSAGE), ==, i + 1);
	}
	g_assert_cmpuint(open_descriptors(), ==, before);
	vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
}

static void message_byte_by_byte_is_understood(struct vhost_world *w, gconstpointer data)
{
	uint32_t message[] = { PROTOCOL_GET_FEATURES, 1, 0 };
	uint64_t features;
	for (size_t i = 0; i < sizeof(message); i++) {
		g_assert_cmpint(write(w->front.socket, (uint8_t *)message + i, 1), ==, 1);
		vhost_world_turn(w);
	}
	vhost_front_hear(&w->front, PROTOCOL_GET_FEATURES, &features, sizeof(features));
}

static void unexpected_descriptors_are_closed(struct vhost_world *w, gconstpointer data)
{
	unsigned before = open_descriptors();
	int fds[16];
	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = w->front.memory_fd;
	struct vhost_front f;
	vhost_world_plug(w, &f);
	vhost_front_tell(&f, 99, 1, NULL, 0, fds, 8);
	g_assert_false(vhost_front_is_closed(&f));
	vhost_front_tell(&f, 99, 1, NULL, 0, fds, 16);
	g_assert_true(vhost_front_is_closed(&f));
	vhost_front_done(&f);
	vhost_world_turn(w);
	g_assert_cmpuint(open_descriptors(), ==, before);
}

static void impossible_indices_are_refused(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	static const uint32_t requests[] = { PROTOCOL_SET_VRING_NUM, PROTOCOL_SET_VRING_BASE, PROTOCOL_SET_VRING_ENABLE };
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		uint64_t ack;
		vhost_front_tell(&w->front, requests[i], 1 | 8, (uint32_t[]){ 16, 1 }, 8, NULL, 0);
		vhost_front_hear(&w->front, requests[i], &ack, 8);
		g_assert_cmpuint(ack, ==, 1);
	}
	uint64_t ack, index = 200;
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_CALL, 1 | 8, &index, 8, &w->front.call[0], 1);
	vhost_front_hear(&w->front, PROTOCOL_SET_VRING_CALL, &ack, 8);
	g_assert_cmpuint(ack, ==, 1);
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_NUM, 1 | 8, (uint32_t[]){ 0, 100 }, 8, NULL, 0);
	vhost_front_hear(&w->front, PROTOCOL_SET_VRING_NUM, &ack, 8);
	g_assert_cmpuint(ack, ==, 1);
}

/* virtio 1.3 §2.7: a power of two, 32768 at most. */
static void impossible_ring_sizes_are_refused(struct vhost_world *w, gconstpointer data)
{
	static const struct {
		uint32_t size;
		uint64_t refused;
	} cases[] = { { 0, 1 }, { 1, 0 }, { 3, 1 }, { 100, 1 }, { 256, 0 }, { 32768, 0 }, { 32769, 1 }, { 65536, 1 } };
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_stop(&w->front, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t ack;
		vhost_front_tell(&w->front, PROTOCOL_SET_VRING_NUM, 1 | 8, (uint32_t[]){ 0, cases[i].size }, 8, NULL, 0);
		vhost_front_hear(&w->front, PROTOCOL_SET_VRING_NUM, &ack, 8);
		g_assert_cmpuint(ack, ==, cases[i].refused);
	}
}

static void frames_that_no_packet_can_be_are_refused(struct vhost_world *w, gconstpointer data)
{
	size_t most = 65535 + 14 + 4;
	g_autoptr(GBytes) frame = vhost_world_frame(most + 1, 1);
	memory_port_done(&w->other);
	memory_port_init(&w->other, &w->segment, "other", most + 1);
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_send(&w->front, NULL, g_bytes_get_data(frame, NULL), most, 4096);
	g_assert_cmpuint(drops(w, DROP_VHOST_HEADER), ==, 0);
	vhost_front_send(&w->front, NULL, g_bytes_get_data(frame, NULL), most + 1, 4096);
	g_assert_cmpuint(drops(w, DROP_VHOST_HEADER), ==, 1);
}

static void set_call(struct vhost_front *f, int fd)
{
	uint64_t index = VHOST_FRONT_TX, ack;
	vhost_front_tell(f, PROTOCOL_SET_VRING_CALL, 1 | 8, &index, sizeof(index), &fd, 1);
	vhost_front_hear(f, PROTOCOL_SET_VRING_CALL, &ack, sizeof(ack));
	g_assert_cmpuint(ack, ==, 0);
}

static void make_blocking(int fd)
{
	g_assert_cmpint(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), ==, 0);
}

static bool no_aio;

/* The kernel's asynchronous I/O can be missing; there is no function of the C library for it that could stand in. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	va_list list;
	long a[6];
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_io_setup && no_aio) {
		errno = EAGAIN;
		return -1;
	}
	va_start(list, number);
	for (size_t i = 0; i < G_N_ELEMENTS(a); i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void set_up_without_aio(struct vhost_world *w, gconstpointer data)
{
	no_aio = true;
	vhost_world_set_up(w, data);
	no_aio = false;
}

static void without_aio_the_front_end_is_called(struct vhost_world *w, gconstpointer data)
{
	uint64_t calls = 0;
	vhost_front_start(&w->front, VHOST_MODERN);
	for (unsigned i = 0; i < 20; i++) {
		guest_sends(&w->front);
		uint64_t n = vhost_front_await_calls(&w->front, VHOST_FRONT_TX);
		g_assert_cmpuint(n, >, 0);
		calls += n;
	}
	g_assert_cmpuint(calls, <=, 21); /* the call that comes with a new descriptor may be late */
}

/* The call that comes with a new descriptor may be on its way. */
static void fill_calls(struct vhost_front *f)
{
	int fd = f->call[VHOST_FRONT_TX];
	g_assert_cmpint(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), ==, 0);
	while (eventfd_write(fd, UINT64_MAX - 1) < 0)
		vhost_front_calls(f, VHOST_FRONT_TX);
}

/* A thread that waits for this front end serves it alone, and ends with it. */
static void without_aio_a_full_call_descriptor_stops_its_own_front_end_only(struct vhost_world *w, gconstpointer data)
{
	struct vhost_front other;
	vhost_world_plug(w, &other);
	vhost_front_start(&w->front, VHOST_MODERN);
	vhost_front_start(&other, VHOST_MODERN);
	alarm(60);
	fill_calls(&w->front);
	make_blocking(w->front.call[VHOST_FRONT_TX]);
	for (unsigned i = 0; i < 5; i++)
		guest_sends(&w->front);
	g_assert_cmpuint(w->other.frames->len, ==, 5);
	for (unsigned i = 0; i < 3; i++) {
		guest_sends(&other);
		g_assert_cmpuint(vhost_front_await_calls(&other, VHOST_FRONT_TX), >, 0);
	}
	vhost_front_done(&other);
	alarm(0);
}

/* The front end can make it blocking; the alarm ends the test if lanlet blocks. */
static void call_descriptor_that_is_full_and_blocks_does_not_stop_us(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	alarm(60);
	for (unsigned i = 0; i < 2; i++) {
		fill_calls(&w->front);
		make_blocking(w->front.call[VHOST_FRONT_TX]);
		guest_sends(&w->front);
		g_assert_cmpuint(w->other.frames->len, ==, i + 1);
		eventfd_t count;
		g_assert_cmpint(eventfd_read(w->front.call[VHOST_FRONT_TX], &count), ==, 0);
		g_assert_cmpuint(count, >=, UINT64_MAX - 1);
	}
	alarm(0);
}

static void kick_descriptor_that_is_full_does_not_stop_us(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	alarm(60);
	g_assert_cmpint(eventfd_write(w->front.kick[VHOST_FRONT_TX], UINT64_MAX - 1), ==, 0);
	make_blocking(w->front.kick[VHOST_FRONT_TX]);
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_ENABLE, 1, (uint32_t[]){ VHOST_FRONT_TX, 0 }, 8, NULL, 0);
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	for (unsigned i = 0; i < 3; i++) {
		vring_add(&w->front.rings[VHOST_FRONT_TX], &(struct vring_piece){ 3 << 20, 112, false }, 1);
		memcpy(w->front.memory + (3 << 20) + 12, g_bytes_get_data(frame, NULL), 100);
	}
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_ENABLE, 1, (uint32_t[]){ VHOST_FRONT_TX, 1 }, 8, NULL, 0);
	g_assert_cmpuint(w->other.frames->len, ==, 3);
	alarm(0);
}

static void fill(int fd)
{
	uint8_t bytes[4096] = { 0 };
	g_assert_cmpint(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	g_assert_cmpint(errno, ==, EAGAIN);
	g_assert_cmpint(fcntl(fd, F_SETFL, 0), ==, 0);
}

/* The front end reads at ends[0]. */
static void check_call_by(struct vhost_world *w, const int ends[2])
{
	uint8_t bytes[64];
	vhost_front_start(&w->front, VHOST_MODERN);
	set_call(&w->front, ends[1]);
	g_assert_cmpint(read(ends[0], bytes, sizeof(bytes)), ==, sizeof(uint64_t));
	guest_sends(&w->front);
	g_assert_cmpint(read(ends[0], bytes, sizeof(bytes)), ==, sizeof(uint64_t));
	alarm(60);
	fill(ends[1]);
	guest_sends(&w->front);
	close(ends[0]);
	close(ends[1]);
	guest_sends(&w->front); /* without SIGPIPE */
	alarm(0);
	g_assert_cmpuint(w->other.frames->len, ==, 3);
}

static void call_by_a_pipe_is_heard_and_its_end_harmless(struct vhost_world *w, gconstpointer data)
{
	int ends[2];
	g_assert_cmpint(pipe(ends), ==, 0);
	check_call_by(w, ends);
}

/* virtio_uml's. */
static void call_by_a_socket_is_heard_and_its_end_harmless(struct vhost_world *w, gconstpointer data)
{
	int ends[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
	check_call_by(w, ends);
}

static void call_descriptor_of_a_wrong_type_is_harmless(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	int null = open("/dev/null", O_RDONLY);
	set_call(&w->front, null);
	guest_sends(&w->front);
	set_call(&w->front, w->front.memory_fd);
	guest_sends(&w->front);
	g_assert_cmpuint(w->other.frames->len, ==, 2);
	close(null);
}

static void check_kick_is_refused(struct vhost_world *w, const int ends[2])
{
	uint64_t index = VHOST_FRONT_TX, ack;
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_KICK, 1 | 8, &index, sizeof(index), &ends[0], 1);
	vhost_front_hear(&w->front, PROTOCOL_SET_VRING_KICK, &ack, sizeof(ack));
	g_assert_cmpuint(ack, ==, 1);
	close(ends[0]);
	close(ends[1]);
}

static void kick_descriptor_other_than_an_eventfd_is_refused(struct vhost_world *w, gconstpointer data)
{
	int ends[2];
	vhost_front_start(&w->front, VHOST_MODERN);
	g_assert_cmpint(pipe(ends), ==, 0);
	check_kick_is_refused(w, ends);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
	check_kick_is_refused(w, ends);
}

static void thousand_reconnects_leave_nothing_behind(struct vhost_world *w, gconstpointer data)
{
	unsigned before = open_descriptors();
	for (unsigned i = 0; i < 1000; i++) {
		struct vhost_front f;
		vhost_world_plug(w, &f);
		if (i % 2)
			vhost_front_start(&f, VHOST_LINUX);
		if (i % 4 == 3)
			guest_sends(&f);
		vhost_front_done(&f);
		vhost_world_turn(w);
	}
	g_assert_cmpuint(open_descriptors(), ==, before);
	g_assert_cmpuint(w->segment.n_ports, ==, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/vhost-hostile/" #name, struct vhost_world, NULL, vhost_world_set_up, name, vhost_world_tear_down)
	TEST(broken_ring_stops_its_port_alone);
	TEST(frames_before_the_error_arrive);
	TEST(broken_receive_ring_stops_the_port);
	TEST(buffers_over_the_rings_themselves_do_no_harm);
	TEST(receive_buffers_without_bytes_do_not_stall_us);
	TEST(memory_that_vanishes_stops_its_port_alone);
	TEST(payload_that_vanishes_stops_its_port);
	TEST(payload_that_vanishes_leaves_a_stream_neighbour_alone);
	TEST(receive_buffer_that_vanishes_stops_its_port);
	TEST(impossible_memory_is_refused);
	TEST(region_behind_the_end_of_its_file_is_refused);
	TEST(more_memory_than_machines_have_is_refused);
	TEST(region_with_the_rings_can_be_removed);
	TEST(bad_messages_close_the_connection);
	TEST(message_byte_by_byte_is_understood);
	TEST(unexpected_descriptors_are_closed);
	TEST(impossible_indices_are_refused);
	TEST(impossible_ring_sizes_are_refused);
	TEST(frames_that_no_packet_can_be_are_refused);
	TEST(call_descriptor_that_is_full_and_blocks_does_not_stop_us);
#define TEST_WITHOUT_AIO(name) \
	g_test_add("/vhost-hostile/" #name, struct vhost_world, NULL, set_up_without_aio, name, vhost_world_tear_down)
	TEST_WITHOUT_AIO(without_aio_the_front_end_is_called);
	TEST_WITHOUT_AIO(without_aio_a_full_call_descriptor_stops_its_own_front_end_only);
	TEST(kick_descriptor_that_is_full_does_not_stop_us);
	TEST(call_by_a_pipe_is_heard_and_its_end_harmless);
	TEST(call_by_a_socket_is_heard_and_its_end_harmless);
	TEST(call_descriptor_of_a_wrong_type_is_harmless);
	TEST(kick_descriptor_other_than_an_eventfd_is_refused);
	TEST(thousand_reconnects_leave_nothing_behind);
	return g_test_run();
}
