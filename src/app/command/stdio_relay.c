/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One blocking thread for each direction, so that neither waits for the other, whatever kind of file standard input and output
 * are. Their file status flags are left alone, because other processes share them. splice() does not work here: it holds the
 * pipe's lock while it waits for the socket and so blocks the process at the other end of the pipe.
 */
#include "app/command/stdio_relay.h"

#include "app/failure.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)256 * 1024)

/* Waits and returns true if the error is temporary; standard input and output can be non-blocking. */
static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	return errno == EINTR || (errno == EAGAIN && (poll(&p, 1, -1) >= 0 || errno == EINTR));
}

static int write_all(int to, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(to, bytes, len);
		if (n < 0 && !wait_for(to, POLLOUT))
			return -errno;
		bytes += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

/* Returns 0 at the end of @from, or a negative errno. */
static int copy(int from, int to)
{
	g_autofree char *piece = g_malloc(PIECE_BYTES);
	for (;;) {
		ssize_t n = read(from, piece, PIECE_BYTES);
		if (n == 0)
			return 0;
		if (n < 0 && !wait_for(from, POLLIN))
			return -errno;
		int r = n < 0 ? 0 : write_all(to, piece, (size_t)n);
		if (r < 0)
			return r;
	}
}

static void *send_input(void *opaque)
{
	int fd = GPOINTER_TO_INT(opaque);
	copy(STDIN_FILENO, fd); /* if the guest stops reading, it resets the connection, and the other direction reports that */
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* Waits until both directions are shut. */
static void wait_for_hangup(int fd)
{
	struct pollfd p = { .fd = fd };
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

bool stdio_relay_run(int fd, GError **error)
{
	signal(SIGPIPE, SIG_IGN);
	g_autoptr(GThread) input = g_thread_try_new("input", send_input, GINT_TO_POINTER(fd), error);
	if (!input)
		return false;
	int r = copy(fd, STDOUT_FILENO);
	if (r == -ECONNRESET)
		return fail(error, FAILURE_GENERAL, "the guest reset the connection");
	if (r == -EPIPE)
		return true; /* the reader has closed the pipe on purpose */
	if (r < 0)
		return fail(error, FAILURE_GENERAL, "cannot write: %s", g_strerror(-r));
	close(STDOUT_FILENO);
	wait_for_hangup(fd);
	return true;
}
