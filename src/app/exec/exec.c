/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `lanlet exec`: runs a command as a guest. This process itself becomes the command, in its own namespaces, so that exit status,
 * signals, terminal and parent are those of a command started directly. A relay process (exec/relay.c) carries the frames.
 */
#include "app/arguments.h"
#include "app/command.h"
#include "app/exec/inherited.h"
#include "app/exec/interface.h"
#include "app/exec/namespace.h"
#include "app/exec/relay.h"
#include "app/failure.h"
#include "app/guest_mac.h"
#include "app/paths.h"
#include "app/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct exec_flags {
	const char *name;
	const char *mac;
};

#define NAME_LEN_MAX 63u

/* A single label of a host name (RFC 1123 §2.1, and inner underscores). */
static bool check_name(const char *name, GError **error)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= NAME_LEN_MAX && g_ascii_isalnum(name[0]) && g_ascii_isalnum(name[len - 1]);
	for (size_t i = 0; good && i < len; i++)
		good = g_ascii_isalnum(name[i]) || name[i] == '-' || name[i] == '_';
	return good || fail(error, FAILURE_USAGE, "--name \"%s\": expected at most %u letters, digits, and inner hyphens and underscores",
			    name, NAME_LEN_MAX);
}

static int connect_stream(const struct arguments *a, GError **error)
{
	g_autofree char *dir = arguments_runtime_dir(a);
	g_autofree char *path = path_socket(dir, STREAM_SOCKET, error);
	if (!path)
		return -1;
	int fd = unix_socket_connect(path);
	if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		fail(error, FAILURE_EXEC, "network %s is not running (%s): lanlet run %s starts it", a->network, dir, a->network);
	else
		fail(error, FAILURE_EXEC, "%s: %s", path, g_strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct mac choose_mac(const struct arguments *a)
{
	const struct exec_flags *own = a->flags;
	g_autofree char *text = own->mac ? g_strdup(own->mac) : own->name ? guest_mac_for(a->network, own->name) : guest_mac_random();
	struct mac mac;
	return mac_parse(text, &mac) == 0 ? mac : (struct mac){ { 0 } };
}

static char *resolver_text(const struct exec_leases *l)
{
	GString *text = g_string_new("# lanlet exec\n");
	char ip4[IP4_TEXT_SIZE], ip6[IP_TEXT_SIZE];
	const char *domain = l->ip4.search[0] ? l->ip4.search : l->ip4.domain[0] ? l->ip4.domain : l->ip6.domain;
	if (domain[0])
		g_string_append_printf(text, "search %s\n", domain);
	for (unsigned i = 0; i < l->ip4.n_dns; i++)
		g_string_append_printf(text, "nameserver %s\n", ip4_format(l->ip4.dns[i], ip4));
	for (unsigned i = 0; i < l->ip6.n_dns; i++)
		g_string_append_printf(text, "nameserver %s\n", ip_format(&l->ip6.dns[i], ip6));
	return g_string_free(text, FALSE);
}

/* Connects this process's network namespace to @stream. */
static bool plug_in(const struct arguments *a, int stream, GError **error)
{
	const struct exec_flags *own = a->flags;
	struct exec_relay relay = { .stream = stream, .mac = choose_mac(a), .name = own->name, .xid = g_random_int() };
	relay.command = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (relay.command < 0)
		return fail(error, FAILURE_EXEC, "pidfd_open: %s: Linux 5.3 or later is needed", g_strerror(errno));
	/* pidfd_open() sets close-on-exec. */
	relay.tap = exec_interface_open(relay.mac, error);
	struct exec_leases leases;
	if (relay.tap < 0 || !exec_relay_start(&relay, &leases, error) || (leases.has_ip4 && !exec_interface_configure(&leases.ip4, error)))
		return false;
	g_autofree char *resolver = resolver_text(&leases);
	exec_namespace_allow_ping();
	exec_namespace_show_devices();
	return exec_namespace_set_resolver(resolver, error);
}

/* Returns only on failure. */
static bool become(const char *const *command, GError **error)
{
	inherited_restore();
	execvp(command[0], (char *const *)(uintptr_t)command);
	enum failure why = errno == ENOENT ? FAILURE_EXEC_NOT_FOUND : FAILURE_EXEC_CANNOT_RUN;
	return fail(error, why, "%s: %s", command[0], g_strerror(errno));
}

static bool exec_main(const struct arguments *a, GError **error)
{
	const struct exec_flags *own = a->flags;
	if (own->name && !check_name(own->name, error))
		return false;
	int stream = connect_stream(a, error);
	return stream >= 0 && exec_namespace_enter(own->name, error) && plug_in(a, stream, error) &&
	       exec_namespace_keep_capabilities(error) && become(a->command, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "name",
			.argument = "NAME",
			.help =
				"Set the command's host name, by which other guests reach it. The MAC is made from it, so that the "
				"address stays the same.",
		},
		FLAG_TEXT(struct exec_flags, name),
	},
	{
		.option = {
			.name = "mac",
			.argument = "MAC",
			.default_value = "made from --name, else random",
			.help = "The guest's MAC.",
		},
		FLAG_MAC(struct exec_flags, mac),
	},
	FLAG_END,
};

const struct command command_exec = {
	.name = "exec",
	.summary = "Run a command as a guest of a network.",
	.description = "Runs COMMAND as a guest of the running network NAME, as the same user and without root. It has its "
		       "own network interface, addresses from DHCP and the network's DNS, and sees nothing of the host's "
		       "network. ping, tcpdump and similar tools work. The exit status is that of COMMAND; 125 if lanlet "
		       "fails, 126 if COMMAND cannot be run, 127 if it is not found.",
	.flags = flags,
	.flags_size = sizeof(struct exec_flags),
	.takes_command = true,
	.run = exec_main,
};
