/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures what many guests cost lanlet:
 *
 *     crowd LANLET [N]...
 *
 * For each N (100, 1000 and 4000 without any) it starts LANLET with a /16 and attaches N guests to stream.sock.  All but the last few
 * take a lease at once; those do one after another, when the network is nearly full of guests.  Then all ask for the gateway by ARP, one
 * after another, and some announce their address, which every other guest gets.  Prints TAP, and fails when a guest has no lease, no
 * answer, another guest's address, or an announcement is lost.  Figures are printed and not checked, because they depend on the machine:
 * LANLET's CPU time, from the scheduler's statistics of its threads, and its memory without pages shared with other processes.
 *
 * LANLET runs as the user who runs this program.  Nothing leaves the network, because guests talk to the gateway and to one another only.
 */
#include "base/macros.h"
#include "base/usec.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

#include "endpoint.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SUBNET "10.20.0.0/16"
#define GATEWAY IP4(10, 20, 0, 1)
#define GUESTS_MAX 60000u /* the /16 has 65533 addresses */
#define LATE_MAX 20u      /* guests that join one after another: each waits 300 ms for the probe of its address */
#define ANNOUNCING_MAX 50u
#define AT_ONCE 256 /* events */
#define FRAME_MAX 2048u
#define DESCRIPTORS_BESIDES 200u /* what lanlet and this program have open without guests */
/* Nothing arrives for so long: lanlet has done everything.  It looks for loops with three probes to each new port, a second apart. */
#define QUIET_MS 200
#define JOINED_MS 1500
#define RETRY_US (4 * USEC_PER_SEC) /* RFC 2131 §4.1 */
#define ROUNDS_MAX 15u

enum crowd_state { GUEST_SILENT, GUEST_DISCOVERS, GUEST_REQUESTS, GUEST_HAS_LEASE };

struct crowd_guest {
	int fd;
	enum crowd_state state;
	unsigned number;
	uint32_t xid;
	ip4_t address;
	bool has_gateway; /* the gateway has answered its ARP request */
	size_t have;
	uint8_t bytes[LENGTH_BYTES + FRAME_MAX]; /* a frame that has arrived in part */
};

struct crowd {
	char directory[64];
	pid_t lanlet;
	int epoll;
	unsigned n, n_joined, n_answered;
	uint64_t announced; /* announcements that arrived at other guests */
	bool failed;
	struct crowd_guest *guests;
};

static unsigned n_tests, n_failed;

static void tell(bool good, unsigned n, const char *what)
{
	n_failed += !good;
	printf("%s %u %u_guests_%s\n", good ? "ok" : "not ok", ++n_tests, n, what);
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

/* --- lanlet's figures --- */

/* CPU time of all of lanlet's threads, in microseconds. */
static double cpu_us(const struct crowd *c)
{
	char pattern[64];
	glob_t files;
	double total = 0;
	snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/schedstat", (int)c->lanlet);
	if (glob(pattern, 0, NULL, &files) != 0)
		return 0;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		double ns = 0;
		FILE *f = fopen(files.gl_pathv[i], "re");
		if (f && fscanf(f, "%lf", &ns) == 1)
			total += ns / 1000;
		if (f)
			fclose(f);
	}
	globfree(&files);
	return total;
}

/* lanlet's own memory, in KiB (RssAnon). */
static double memory_kib(const struct crowd *c)
{
	char line[256];
	double kib = 0;
	snprintf(line, sizeof(line), "/proc/%d/status", (int)c->lanlet);
	FILE *f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %lf", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* --- what guests send --- */

static struct mac mac_of(const struct crowd_guest *g)
{
	return (struct mac){ { 0x52, 0x54, 0, 1, (uint8_t)(g->number >> 8), (uint8_t)g->number } };
}

static struct bytes_writer begin_frame(uint8_t bytes[static LENGTH_BYTES + FRAME_MAX], const struct crowd_guest *g, struct mac dst,
				       uint16_t type)
{
	struct bytes_writer w = bytes_writer(bytes, LENGTH_BYTES + FRAME_MAX);
	bytes_put_be32(&w, 0);
	eth_emit(&w, &(struct eth_header){ dst, mac_of(g), type });
	return w;
}

static void send_frame(struct crowd *c, const struct crowd_guest *g, struct bytes_writer *w)
{
	struct bytes_writer length = bytes_writer(w->data, LENGTH_BYTES);
	bytes_put_be32(&length, (uint32_t)(w->len - LENGTH_BYTES));
	if (send(g->fd, w->data, w->len, MSG_NOSIGNAL) != (ssize_t)w->len)
		c->failed = true;
}

static void send_arp(struct crowd *c, const struct crowd_guest *g, struct mac dst, const struct arp_message *m)
{
	uint8_t bytes[LENGTH_BYTES + FRAME_MAX];
	struct bytes_writer w = begin_frame(bytes, g, dst, ETH_TYPE_ARP);
	arp_emit(&w, m);
	bytes_put_zeros(&w, LENGTH_BYTES + ETH_FRAME_MIN - w.len);
	send_frame(c, g, &w);
}

static void ask_for(struct crowd *c, const struct crowd_guest *g, ip4_t target)
{
	send_arp(c, g, MAC_BROADCAST,
		 &(struct arp_message){ .operation = ARP_REQUEST, .sender_mac = mac_of(g), .sender_ip = g->address, .target_ip = target });
}

static void send_dhcp(struct crowd *c, const struct crowd_guest *g, enum dhcp_type type, ip4_t server)
{
	static const uint8_t parameters[] = { DHCP_OPTION_SUBNET_MASK, DHCP_OPTION_ROUTER, DHCP_OPTION_DNS, DHCP_OPTION_MTU };
	uint8_t bytes[LENGTH_BYTES + FRAME_MAX], message[DHCP_DATAGRAM_MIN];
	struct dhcp_writer d;
	char name[16];
	dhcp_writer_init(&d, message, sizeof(message), &(struct dhcp_header){ .op = DHCP_BOOTREQUEST, .xid = g->xid, .chaddr = mac_of(g) });
	dhcp_put_u8(&d, DHCP_OPTION_TYPE, type);
	if (type == DHCP_REQUEST) {
		dhcp_put_be32(&d, DHCP_OPTION_REQUESTED_IP, g->address);
		dhcp_put_be32(&d, DHCP_OPTION_SERVER_ID, server);
	}
	dhcp_put(&d, DHCP_OPTION_HOST_NAME, name, (size_t)snprintf(name, sizeof(name), "guest%u", g->number));
	dhcp_put(&d, DHCP_OPTION_PARAMETERS, parameters, sizeof(parameters));
	size_t len = dhcp_finish(&d);
	struct bytes_writer w = begin_frame(bytes, g, MAC_BROADCAST, ETH_TYPE_IPV4);
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len),
					     .ttl = 64,
					     .protocol = IP_PROTOCOL_UDP,
					     .dst = IP4_BROADCAST });
	udp_emit_ipv4(&w, 0, IP4_BROADCAST, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, message, len);
	send_frame(c, g, &w);
}

static void discover(struct crowd *c, struct crowd_guest *g)
{
	g->state = GUEST_DISCOVERS;
	g->address = 0;
	g->xid++;
	send_dhcp(c, g, DHCP_DISCOVER, 0);
}

/* --- what guests receive --- */

static void take_arp(struct crowd *c, struct crowd_guest *g, struct bytes_reader *r)
{
	struct arp_message m;
	if (arp_parse(r, &m) < 0)
		return;
	if (m.operation == ARP_REQUEST && m.sender_ip == m.target_ip)
		c->announced++;
	else if (m.operation == ARP_REQUEST && g->state == GUEST_HAS_LEASE && m.target_ip == g->address)
		send_arp(c, g, m.sender_mac, &(struct arp_message){ ARP_REPLY, mac_of(g), g->address, m.sender_mac, m.sender_ip });
	else if (m.operation == ARP_REPLY && m.sender_ip == GATEWAY && m.target_ip == g->address && !g->has_gateway) {
		g->has_gateway = true;
		c->n_answered++;
	}
}

static void take_dhcp(struct crowd *c, struct crowd_guest *g, struct bytes_reader *r)
{
	struct ipv4_header ip;
	struct udp_header udp;
	struct dhcp_message m;
	if (ipv4_parse(r, &ip) < 0 || ip.protocol != IP_PROTOCOL_UDP || udp_parse(r, &udp) < 0 || udp.dst_port != DHCP_CLIENT_PORT)
		return;
	size_t len = udp.len - UDP_HEADER_LEN;
	if (len > r->left || dhcp_parse(r->at, len, &m) < 0 || m.header.xid != g->xid || !mac_equal(m.header.chaddr, mac_of(g)))
		return;
	if (m.type == DHCP_OFFER && g->state == GUEST_DISCOVERS) {
		g->state = GUEST_REQUESTS;
		g->address = m.header.yiaddr;
		send_dhcp(c, g, DHCP_REQUEST, m.server_id);
	} else if (m.type == DHCP_ACK && g->state == GUEST_REQUESTS && m.header.yiaddr == g->address) {
		g->state = GUEST_HAS_LEASE;
		c->n_joined++;
	}
}

static void take_frame(struct crowd *c, struct crowd_guest *g, const uint8_t *bytes, size_t len)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	struct eth_header eth;
	if (eth_parse(&r, &eth) < 0)
		return;
	if (eth.ethertype == ETH_TYPE_ARP)
		take_arp(c, g, &r);
	else if (eth.ethertype == ETH_TYPE_IPV4)
		take_dhcp(c, g, &r);
}

static void read_frames(struct crowd *c, struct crowd_guest *g)
{
	ssize_t n = recv(g->fd, g->bytes + g->have, sizeof(g->bytes) - g->have, 0);
	if (n <= 0) {
		c->failed = c->failed || n == 0 || errno != EAGAIN;
		return;
	}
	g->have += (size_t)n;
	struct bytes_reader r = bytes_reader(g->bytes, g->have);
	while (r.left >= LENGTH_BYTES) {
		struct bytes_reader ahead = r;
		uint32_t len = bytes_get_be32(&ahead);
		c->failed = c->failed || len > FRAME_MAX;
		const uint8_t *frame = bytes_take(&ahead, len);
		if (!frame)
			break;
		take_frame(c, g, frame, len);
		r = ahead;
	}
	memmove(g->bytes, r.at, r.left);
	g->have = r.left;
}

/* Reads what has arrived, after waiting for it up to @ms; false when nothing did. */
static bool read_some(struct crowd *c, int ms)
{
	struct epoll_event events[AT_ONCE];
	int n = epoll_wait(c->epoll, events, AT_ONCE, ms);
	for (int i = 0; i < n; i++)
		read_frames(c, &c->guests[events[i].data.u32]);
	c->failed = c->failed || n < 0;
	return n > 0 && !c->failed;
}

static void read_until_quiet(struct crowd *c, int ms)
{
	while (read_some(c, ms))
		;
}

/* Reads until @count has reached @wanted, for at most RETRY_US; false when it did not. */
static bool read_until(struct crowd *c, const unsigned *count, unsigned wanted)
{
	uint64_t end = now_us() + RETRY_US;
	for (uint64_t now; *count < wanted && !c->failed && (now = now_us()) < end;)
		read_some(c, (int)((end - now) / 1000) + 1);
	return *count >= wanted;
}

/* --- what is measured --- */

static bool attach(struct crowd *c)
{
	char spec[128];
	struct endpoint e;
	snprintf(spec, sizeof(spec), "unix:%s/run/stream.sock", c->directory);
	for (unsigned i = 0; i < c->n; i++) {
		if (endpoint_open(spec, &e) < 0)
			return false;
		c->guests[i] = (struct crowd_guest){ .fd = e.fd, .number = i, .xid = i << 8 };
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, e.fd, &event) < 0)
			return false;
	}
	return true;
}

static unsigned join_at_once(struct crowd *c, unsigned n)
{
	unsigned round = 0;
	for (bool all = false; !all && round < ROUNDS_MAX && !c->failed; round++) {
		for (unsigned i = 0; i < n; i++) {
			if (c->guests[i].state != GUEST_HAS_LEASE)
				discover(c, &c->guests[i]);
			if (i % AT_ONCE == 0)
				read_some(c, 0);
		}
		all = read_until(c, &c->n_joined, n);
	}
	return round;
}

static void join_in_turn(struct crowd *c, unsigned first)
{
	for (unsigned i = first; i < c->n && !c->failed; i++)
		for (unsigned round = 0; round < ROUNDS_MAX && c->n_joined < i + 1 && !c->failed; round++) {
			discover(c, &c->guests[i]);
			read_until(c, &c->n_joined, i + 1);
		}
}

static int compare_addresses(const void *a, const void *b)
{
	ip4_t x = *(const ip4_t *)a, y = *(const ip4_t *)b;
	return (x > y) - (x < y);
}

static bool have_addresses_of_their_own(const struct crowd *c)
{
	ip4_t *sorted = calloc(c->n, sizeof(*sorted));
	bool good = sorted && c->n_joined == c->n;
	for (unsigned i = 0; good && i < c->n; i++)
		sorted[i] = c->guests[i].address;
	if (good)
		qsort(sorted, c->n, sizeof(*sorted), compare_addresses);
	for (unsigned i = 1; good && i < c->n; i++)
		good = sorted[i] != sorted[i - 1];
	free(sorted);
	return good;
}

static void measure_joins(struct crowd *c)
{
	unsigned late = MIN(LATE_MAX, c->n / 2), n = c->n - late;
	double cpu = cpu_us(c);
	uint64_t start = now_us();
	unsigned rounds = join_at_once(c, n);
	double seconds = (double)(now_us() - start) / USEC_PER_SEC;
	read_until_quiet(c, JOINED_MS);
	printf("# %u leases at once: %.3f ms of CPU each, all after %.1f s, %u times asked at most\n", n, (cpu_us(c) - cpu) / 1000 / n,
	       seconds, rounds);
	cpu = cpu_us(c);
	join_in_turn(c, n);
	read_until_quiet(c, JOINED_MS);
	printf("# %u leases one after another: %.3f ms of CPU each\n", late, (cpu_us(c) - cpu) / 1000 / late);
	tell(have_addresses_of_their_own(c), c->n, "have_addresses_of_their_own");
}

static void measure_arp(struct crowd *c)
{
	double cpu = cpu_us(c);
	for (unsigned i = 0; i < c->n && !c->failed; i++) {
		ask_for(c, &c->guests[i], GATEWAY);
		read_until(c, &c->n_answered, i + 1);
	}
	read_until_quiet(c, QUIET_MS);
	printf("# %u ARP requests for the gateway: %.1f us of CPU each\n", c->n, (cpu_us(c) - cpu) / c->n);
	tell(c->n_answered == c->n, c->n, "get_the_gateways_mac");
}

static void measure_announcements(struct crowd *c)
{
	unsigned n = MIN(ANNOUNCING_MAX, c->n);
	uint64_t wanted = (uint64_t)n * (c->n - 1);
	c->announced = 0; /* lanlet may announce the gateway */
	double cpu = cpu_us(c);
	for (unsigned i = 0; i < n && !c->failed; i++) {
		ask_for(c, &c->guests[i], c->guests[i].address);
		read_some(c, 0);
	}
	read_until_quiet(c, QUIET_MS);
	printf("# %u announcements: %.1f us of CPU each, %.2f us a port\n", n, (cpu_us(c) - cpu) / n, (cpu_us(c) - cpu) / (double)wanted);
	tell(c->announced >= wanted, c->n, "see_every_announcement");
}

static void measure(struct crowd *c)
{
	double empty = memory_kib(c), cpu = cpu_us(c);
	bool good = attach(c);
	read_until_quiet(c, QUIET_MS);
	printf("# %u guests attached: %.3f ms of CPU and %.1f KiB each\n", c->n, (cpu_us(c) - cpu) / 1000 / c->n,
	       (memory_kib(c) - empty) / c->n);
	tell(good, c->n, "attach");
	measure_joins(c);
	measure_arp(c);
	measure_announcements(c);
	printf("# at the end: %.1f KiB a guest\n", (memory_kib(c) - empty) / c->n);
	tell(!c->failed, c->n, "stay_attached");
}

/* --- lanlet and its network --- */

/* Starts lanlet; false when it is not ready within ten seconds. */
static bool start(struct crowd *c, const char *program)
{
	char run[96], state[96], ready[16];
	int fds[2];
	snprintf(run, sizeof(run), "%s/run", c->directory);
	snprintf(state, sizeof(state), "%s/state", c->directory);
	if (pipe(fds) < 0)
		return false;
	c->lanlet = fork();
	if (c->lanlet == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		if (!freopen("/dev/null", "w", stdout)) /* the lines for QEMU */
			_exit(127);
		snprintf(ready, sizeof(ready), "%d", fds[1]);
		execl(program, program, "run", "crowd", "--subnet", SUBNET, "--runtime-dir", run, "--state-dir", state, "--config",
		      "/dev/null", "--log-level", "warning", "--ready-fd", ready, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	char byte;
	bool good = c->lanlet > 0 && poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, 10000) == 1 && read(fds[0], &byte, 1) == 1;
	close(fds[0]);
	return good;
}

static void stop(struct crowd *c)
{
	char command[96];
	for (unsigned i = 0; i < c->n; i++)
		if (c->guests[i].fd > 0)
			close(c->guests[i].fd);
	if (c->lanlet > 0) {
		kill(c->lanlet, SIGTERM);
		waitpid(c->lanlet, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", c->directory);
	if (system(command) != 0)
		printf("# %s is left behind\n", c->directory);
}

static void run_crowd(const char *program, unsigned n)
{
	struct crowd c = { .directory = "/tmp/lanlet-crowd-XXXXXX", .n = n, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	c.guests = calloc(n, sizeof(*c.guests));
	if (!c.guests || c.epoll < 0 || !mkdtemp(c.directory)) {
		tell(false, n, strerror(errno));
	} else {
		bool good = start(&c, program);
		tell(good, n, "find_lanlet");
		if (good)
			measure(&c);
		stop(&c);
	}
	close(c.epoll);
	free(c.guests);
}

/* Returns how many descriptors a process may have. */
static unsigned raise_descriptors(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return (unsigned)MIN(limit.rlim_cur, (rlim_t)UINT32_MAX);
}

int main(int argc, char **argv)
{
	static const char *const usual[] = { "100", "1000", "4000" };
	const char *const *counts = argc > 2 ? (const char *const *)argv + 2 : usual;
	size_t n_counts = argc > 2 ? (size_t)argc - 2 : ARRAY_SIZE(usual);
	unsigned descriptors = raise_descriptors();
	if (argc < 2) {
		fputs("Usage: crowd LANLET [N]...\n", stderr);
		return EXIT_FAILURE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n_counts; i++) {
		unsigned n = (unsigned)atoi(counts[i]);
		if (n < 2 || n > GUESTS_MAX)
			tell(false, n, "cannot_be_measured");
		else if (n + DESCRIPTORS_BESIDES > descriptors)
			printf("ok %u %u_guests # SKIP %u descriptors are needed, the limit is %u (ulimit -Hn)\n", ++n_tests, n,
			       n + DESCRIPTORS_BESIDES, descriptors);
		else
			run_crowd(argv[1], n);
	}
	printf("1..%u\n", n_tests);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
