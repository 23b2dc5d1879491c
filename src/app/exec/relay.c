/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/exec/relay.h"

#include "app/exec/interface.h"
#include "app/failure.h"
#include "base/usec.h"
#include "wire/framing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEASE_TIMEOUT_S 20
#define IP6_PATIENCE USEC_PER_SEC       /* of a command that has an IPv4 address */
#define IP4_PATIENCE (2 * USEC_PER_SEC) /* of one that has an IPv6 address: the network may be for guests without IPv4 */
#define FRAME_MIN 14u
#define BUFFER_SIZE ((size_t)1 << 19)

struct carrier {
	struct exec_relay relay;
	struct dhcp_client dhcp;
	struct dhcp6_client dhcp6;
	struct exec_leases leases;
	usec_t began;
	int signals;
	int report;  /* descriptor to which the leases are written; -1: done */
	uint8_t *in; /* received from the stream, may end with a part of a frame */
	size_t in_len;
	uint8_t *out; /* to send to the stream */
	size_t out_at, out_len;
};

static usec_t clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

/* --- to the network --- */

static bool out_has_room(const struct carrier *c)
{
	return BUFFER_SIZE - c->out_len >= FRAMING_LENGTH_BYTES + EXEC_FRAME_MAX;
}

static void append_out(struct carrier *c, size_t len)
{
	framing_emit(c->out + c->out_len, len);
	c->out_len += FRAMING_LENGTH_BYTES + len;
}

static bool send_out(struct carrier *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->relay.stream, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_len = 0;
	return true;
}

static void take_from_tap(struct carrier *c)
{
	while (out_has_room(c)) {
		ssize_t n = read(c->relay.tap, c->out + c->out_len + FRAMING_LENGTH_BYTES, EXEC_FRAME_MAX);
		if (n < (ssize_t)FRAME_MIN)
			return;
		append_out(c, (size_t)n);
	}
}

/* --- from the network --- */

/* The kernel takes the frame or drops it, like a network card. */
static void put_on_tap(const struct carrier *c, const uint8_t *frame, size_t len)
{
	ssize_t n = write(c->relay.tap, frame, len);
	(void)n;
}

static bool take_from_stream(struct carrier *c, usec_t now)
{
	ssize_t n = recv(c->relay.stream, c->in + c->in_len, BUFFER_SIZE - c->in_len, 0);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->in_len += (size_t)n;
	struct bytes_reader r = bytes_reader(c->in, c->in_len);
	const uint8_t *frame;
	size_t len;
	enum framing_next next;
	while ((next = framing_take(&r, FRAME_MIN, EXEC_FRAME_MAX, &frame, &len)) == FRAMING_FRAME)
		if (!dhcp_client_input(&c->dhcp, now, frame, len) && !dhcp6_client_input(&c->dhcp6, now, frame, len))
			put_on_tap(c, frame, len);
	memmove(c->in, r.at, r.left);
	c->in_len = r.left;
	return next != FRAMING_BROKEN;
}

/* --- the lease --- */

static void dhcp_send(void *opaque, const void *frame, size_t len)
{
	struct carrier *c = opaque;
	if (!out_has_room(c))
		return; /* the network does not read; the client retries */
	memcpy(c->out + c->out_len + FRAMING_LENGTH_BYTES, frame, len);
	append_out(c, len);
}

static void dhcp_bound(void *opaque, const struct dhcp_client_lease *lease)
{
	struct carrier *c = opaque;
	c->leases.has_ip4 = true;
	c->leases.ip4 = *lease;
	if (c->report < 0)
		exec_interface_configure(lease, NULL);
}

static void dhcp_lost(void *opaque)
{
	exec_interface_clear();
}

static const struct dhcp_client_ops dhcp_ops = { .send = dhcp_send, .bound = dhcp_bound, .lost = dhcp_lost };

static void dhcp6_changed(void *opaque, const struct dhcp6_client_state *state)
{
	struct carrier *c = opaque;
	exec_interface_configure6(&c->leases.ip6, state);
	c->leases.ip6 = *state;
}

static const struct dhcp6_client_ops dhcp6_ops = { .send = dhcp_send, .changed = dhcp6_changed };

/*
 * When the command may begin: it has all that the network gives, or has waited long enough for the rest.  A network without IPv6 is known
 * by then: the solicitation of its gateway was sent before the first message to its DHCP server.
 */
static usec_t ready_at(const struct carrier *c)
{
	bool settled = dhcp6_client_is_settled(&c->dhcp6);
	if (c->leases.has_ip4)
		return settled ? c->began : c->began + IP6_PATIENCE;
	return settled && c->dhcp6.has_gateway ? c->began + IP4_PATIENCE : USEC_INFINITY;
}

static void report_when_ready(struct carrier *c, usec_t now)
{
	if (c->report < 0 || ready_at(c) > now)
		return;
	ssize_t n = write(c->report, &c->leases, sizeof(c->leases));
	(void)n; /* if it fails, the reader has exited */
	close(c->report);
	c->report = -1;
}

/* --- the loop --- */

static int timeout_ms(const struct carrier *c, usec_t now)
{
	usec_t when = usec_min(dhcp_client_deadline(&c->dhcp), dhcp6_client_deadline(&c->dhcp6));
	if (c->report >= 0)
		when = usec_min(when, ready_at(c));
	if (when == USEC_INFINITY)
		return -1;
	return when <= now ? 0 : (int)MIN((when - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t)INT_MAX);
}

enum { AT_COMMAND, AT_SIGNALS, AT_STREAM, AT_TAP, N_FDS };

enum next {
	NEXT_TURN,
	NEXT_COMMAND_ENDED,
	NEXT_NETWORK_ENDED,
};

static enum next turn(struct carrier *c)
{
	bool waiting = c->out_at < c->out_len;
	struct pollfd fds[N_FDS] = {
		[AT_COMMAND] = { .fd = c->relay.command, .events = POLLIN },
		[AT_SIGNALS] = { .fd = c->signals, .events = POLLIN },
		[AT_STREAM] = { .fd = c->relay.stream, .events = (short)(POLLIN | (waiting ? POLLOUT : 0)) },
		[AT_TAP] = { .fd = c->relay.tap, .events = waiting ? 0 : POLLIN },
	};
	if (poll(fds, N_FDS, timeout_ms(c, clock_now())) < 0 && errno != EINTR)
		return NEXT_NETWORK_ENDED;
	usec_t now = clock_now();
	if (fds[AT_COMMAND].revents)
		return NEXT_COMMAND_ENDED;
	if (fds[AT_SIGNALS].revents || (fds[AT_STREAM].revents & ~POLLOUT && !take_from_stream(c, now)))
		return NEXT_NETWORK_ENDED;
	if (fds[AT_TAP].revents)
		take_from_tap(c);
	dhcp_client_expire(&c->dhcp, now);
	dhcp6_client_expire(&c->dhcp6, now);
	report_when_ready(c, now);
	return send_out(c) ? NEXT_TURN : NEXT_NETWORK_ENDED;
}

static void hang_up(const struct carrier *c)
{
	syscall(SYS_pidfd_send_signal, c->relay.command, SIGHUP, NULL, 0);
}

static int catch_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Keeps neither the caller's terminal, pipes nor directory. */
static void detach(void)
{
	setsid();
	prctl(PR_SET_NAME, "lanlet-relay");
	if (chdir("/") < 0)
		_exit(EXIT_FAILURE);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
}

static void run(const struct exec_relay *relay, int report)
{
	detach();
	struct carrier c = {
		.relay = *relay, .report = report, .in = malloc(BUFFER_SIZE), .out = malloc(BUFFER_SIZE), .signals = catch_signals()
	};
	if (!c.in || !c.out || c.signals < 0)
		_exit(EXIT_FAILURE);
	dhcp_client_init(&c.dhcp, &(struct dhcp_client_config){
					  .mac = relay->mac, .name = relay->name, .xid = relay->xid, .ops = &dhcp_ops, .opaque = &c });
	dhcp6_client_init(&c.dhcp6, &(struct dhcp6_client_config){
					    .mac = relay->mac, .name = relay->name, .xid = relay->xid, .ops = &dhcp6_ops, .opaque = &c });
	c.began = clock_now();
	dhcp6_client_start(&c.dhcp6, c.began);
	dhcp_client_start(&c.dhcp, c.began);
	enum next next = send_out(&c) ? NEXT_TURN : NEXT_NETWORK_ENDED;
	while (next == NEXT_TURN)
		next = turn(&c);
	if (next == NEXT_NETWORK_ENDED)
		hang_up(&c);
	dhcp_client_release(&c.dhcp, clock_now());
	dhcp6_client_release(&c.dhcp6, clock_now());
	send_out(&c);
	_exit(EXIT_SUCCESS);
}

/* Forks twice: the child exits at once, so that the relay is not a child of the process that becomes the command. */
static bool fork_relay(const struct exec_relay *relay, const int report[2])
{
	pid_t child = fork();
	if (child == 0) {
		close(report[0]);
		pid_t grandchild = fork();
		if (grandchild == 0)
			run(relay, report[1]);
		_exit(grandchild < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	int status;
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool wait_for_leases(int report, struct exec_leases *ret, GError **error)
{
	struct pollfd p = { .fd = report, .events = POLLIN };
	if (poll(&p, 1, LEASE_TIMEOUT_S * 1000) == 0)
		return fail(error, FAILURE_EXEC, "no DHCP server on the network answered within %d seconds", LEASE_TIMEOUT_S);
	if (read(report, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		return fail(error, FAILURE_EXEC, "the network ended the connection");
	return true;
}

bool exec_relay_start(const struct exec_relay *relay, struct exec_leases *ret, GError **error)
{
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0)
		return fail(error, FAILURE_EXEC, "cannot create a pipe: %s", g_strerror(errno));
	bool good = fork_relay(relay, report) || fail(error, FAILURE_EXEC, "cannot start the relay");
	close(report[1]);
	good = good && wait_for_leases(report[0], ret, error);
	close(report[0]);
	return good;
}
