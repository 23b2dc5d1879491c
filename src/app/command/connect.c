/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet connect` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/stdio_relay.h"
#include "app/command/tunnel.h"
#include "app/failure.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connect_flags {
	double wait;
	bool pass_fd;
};

#define PAUSE_USEC (G_USEC_PER_SEC / 5)

/* Errors that can pass while a guest boots: it has no address at first, and then no listening socket. */
static bool may_pass(const GError *error)
{
	return g_error_matches(error, failure_quark(), FAILURE_NOT_FOUND) || g_error_matches(error, failure_quark(), FAILURE_REFUSED) ||
	       g_error_matches(error, failure_quark(), FAILURE_UNREACHABLE) || g_error_matches(error, failure_quark(), FAILURE_TIMEOUT);
}

/* Retries until --wait is over. */
static int open_patiently(const struct arguments *a, guint16 port, GError **error)
{
	const struct connect_flags *own = a->flags;
	gint64 end = g_get_monotonic_time() + (gint64)(own->wait * G_USEC_PER_SEC);
	for (;;) {
		g_autoptr(GError) problem = NULL;
		int fd = tunnel_open(a, a->operands[0], port, &problem);
		if (fd >= 0)
			return fd;
		if (!may_pass(problem) || g_get_monotonic_time() >= end) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return -1;
		}
		g_usleep(PAUSE_USEC);
	}
}

/* ssh's ProxyUseFdpass expects one byte with the descriptor. */
static bool pass_fd(int fd, GError **error)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(STDOUT_FILENO, &m, MSG_NOSIGNAL) == 1)
		return true;
	return fail(error, FAILURE_GENERAL, "cannot pass the connection over standard output, which must be a unix socket: %s",
		    g_strerror(errno));
}

static bool connect_main(const struct arguments *a, GError **error)
{
	const struct connect_flags *own = a->flags;
	guint64 port;
	if (!g_ascii_string_to_unsigned(a->operands[1], 10, 1, G_MAXUINT16, &port, NULL))
		return fail(error, FAILURE_USAGE, "connect \"%s\": expected a port from 1 to 65535", a->operands[1]);
	int fd = open_patiently(a, (guint16)port, error);
	if (fd < 0)
		return false;
	return own->pass_fd ? pass_fd(fd, error) : stdio_relay_run(fd, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "wait",
			.argument = "SECONDS",
			.default_value = "do not try again",
			.help =
				"Try again for SECONDS if the guest has no address yet or does not accept the connection, for example"
				" because it is booting.",
		},
		FLAG_SECONDS(struct connect_flags, wait),
	},
	{
		.option = {
			.name = "pass-fd",
			.help =
				"Pass the connected socket over standard output, which must be a unix socket, and exit, for ssh's "
				"ProxyUseFdpass. No process relays the bytes then.",
		},
		FLAG_SWITCH(struct connect_flags, pass_fd),
	},
	FLAG_END,
};

const struct command command_connect = {
	.name = "connect",
	.summary = "Connect standard input and output to a port of a guest.",
	.description = "Connects to a TCP port of the guest with this name, MAC or address, and relays bytes both ways until"
		       " both sides have ended, as ssh's ProxyCommand: ssh -o 'ProxyCommand lanlet connect %h %p' web. The "
		       "guest sees the gateway as the client. Exits with 5 if there is no such guest or it has no address, 6"
		       " if it does not answer, 7 if it refuses, 8 if no machine has its address.",
	.flags = flags,
	.flags_size = sizeof(struct connect_flags),
	.shares = FLAG_SHARED_NETWORK,
	.operands = "GUEST PORT",
	.min_operands = 2,
	.max_operands = 2,
	.run = connect_main,
};
