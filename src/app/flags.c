/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/flags.h"

#include "app/arguments.h"
#include "app/command.h"
#include "app/command/capture_file.h"
#include "app/command/qemu_arguments.h"
#include "app/failure.h"
#include "app/guest_mac.h"
#include "app/paths.h"
#include "control/control.h"

#include <fcntl.h>

static bool set_config(struct arguments *a, const char *value, GError **error)
{
	a->config = value;
	return true;
}

/* The empty string is what a script with an unset variable gives, and never what it means. */
static bool set_directory(const char **at, const char *flag, const char *value, GError **error)
{
	if (value[0] == '\0')
		return fail(error, FAILURE_USAGE, "--%s \"\": expected a directory", flag);
	*at = value;
	return true;
}

static bool set_runtime_dir(struct arguments *a, const char *value, GError **error)
{
	return set_directory(&a->runtime_dir, "runtime-dir", value, error);
}

static bool set_state_dir(struct arguments *a, const char *value, GError **error)
{
	return set_directory(&a->state_dir, "state-dir", value, error);
}

static bool set_ready_fd(struct arguments *a, const char *value, GError **error)
{
	guint64 fd;
	if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT, &fd, NULL) || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return fail(error, FAILURE_USAGE, "--ready-fd \"%s\": expected the number of an open descriptor", value);
	a->ready_fd = (int)fd;
	return true;
}

static bool set_guest(struct arguments *a, const char *value, GError **error)
{
	a->guest = value;
	return true;
}

static bool set_mac(struct arguments *a, const char *value, GError **error)
{
	a->mac = value;
	return guest_mac_check(value, error);
}

static bool set_name(struct arguments *a, const char *value, GError **error)
{
	a->name = value;
	return true;
}

static bool set_vhost_user(struct arguments *a, const char *value, GError **error)
{
	a->vhost_user = true;
	return true;
}

static bool set_dgram(struct arguments *a, const char *value, GError **error)
{
	a->dgram = true;
	return true;
}

static bool set_vde(struct arguments *a, const char *value, GError **error)
{
	a->vde = true;
	return true;
}

static bool set_memory(struct arguments *a, const char *value, GError **error)
{
	a->memory = value;
	return qemu_arguments_check_memory(value, error);
}

static bool set_network(struct arguments *a, const char *value, GError **error)
{
	a->network = value;
	return network_name_check(value, error);
}

static bool set_json(struct arguments *a, const char *value, GError **error)
{
	return a->json = true;
}

static bool set_libvirt(struct arguments *a, const char *value, GError **error)
{
	return a->libvirt = true;
}

static bool set_all(struct arguments *a, const char *value, GError **error)
{
	return a->all = true;
}

static bool set_check(struct arguments *a, const char *value, GError **error)
{
	return a->check = true;
}

static bool set_drops(struct arguments *a, const char *value, GError **error)
{
	return a->drops = true;
}

/* "512M": bytes, by 1024. */
static bool parse_size(const char *text, guint64 *ret)
{
	static const char units[] = "KMGT";
	char *end;
	guint64 n = g_ascii_strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (!g_ascii_isdigit(text[0]) || (*end && (!unit || end[1])) || n > (guint64)G_MAXINT64 >> shift)
		return false;
	*ret = n << shift;
	return true;
}

static bool set_ring(struct arguments *a, const char *value, GError **error)
{
	return (parse_size(value, &a->ring) && a->ring >= CAPTURE_RING_MIN) ||
	       fail(error, FAILURE_USAGE, "--ring \"%s\": expected bytes, 1M at least, as 500M or 2G", value);
}

static bool set_no_open(struct arguments *a, const char *value, GError **error)
{
	return a->no_open = true;
}

static bool set_seconds(double *at, const char *flag, const char *value, GError **error)
{
	char *end;
	double seconds = g_ascii_strtod(value, &end);
	if (end == value || *end || !(seconds >= 0.1 && seconds <= 86400))
		return fail(error, FAILURE_USAGE, "--%s \"%s\": expected seconds, from 0.1 to 86400", flag, value);
	*at = seconds;
	return true;
}

static bool set_timeout(struct arguments *a, const char *value, GError **error)
{
	return set_seconds(&a->timeout, "timeout", value, error);
}

static bool set_wait(struct arguments *a, const char *value, GError **error)
{
	return set_seconds(&a->wait, "wait", value, error);
}

static bool set_pass_fd(struct arguments *a, const char *value, GError **error)
{
	return a->pass_fd = true;
}

static bool set_interval(struct arguments *a, const char *value, GError **error)
{
	return set_seconds(&a->interval, "interval", value, error);
}

/* The server knows what is right. */
#define TEXT_SETTER(member) \
	static bool set_##member(struct arguments *a, const char *value, GError **error) \
	{ \
		a->member = value; \
		return true; \
	}
TEXT_SETTER(remove)
TEXT_SETTER(protocol)
TEXT_SETTER(state)
TEXT_SETTER(port)
TEXT_SETTER(remote)
TEXT_SETTER(after)
TEXT_SETTER(write)
TEXT_SETTER(snaplen)

static bool set_api_listen(struct arguments *a, const char *value, GError **error)
{
	a->api_listen = value;
	return control_check_listen(value) ||
	       fail(error, FAILURE_USAGE, "--api-listen \"%s\": expected an address and a port, as 127.0.0.1:8080 or [::1]:8080", value);
}

static bool set_help(struct arguments *a, const char *value, GError **error)
{
	a->help = true;
	return true;
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "config",
			.argument = "FILE",
			.default_value = "$XDG_CONFIG_HOME/lanlet/NAME.conf if it is there",
			.help = "A file with options of the network. Options on the command line come on top of it.",
		},
		.commands = COMMAND_RUN,
		.set = set_config,
	},
	{
		.option = {
			.name = "runtime-dir",
			.argument = "DIRECTORY",
			.default_value = "$XDG_RUNTIME_DIR/lanlet/NAME",
			.help = "Where this network's sockets are.",
		},
		.commands = COMMANDS_ALL,
		.set = set_runtime_dir,
	},
	{
		.option = {
			.name = "network",
			.argument = "NAME",
			.default_value = NETWORK_DEFAULT_NAME,
			.help = "The network, by its name.",
		},
		.commands = COMMANDS_ASKING,
		.set = set_network,
	},
	{
		.option = {
			.name = "state-dir",
			.argument = "DIRECTORY",
			.default_value = "$XDG_STATE_HOME/lanlet/NAME",
			.help = "Where this network's leases and the gateway's MAC are kept.",
		},
		.commands = COMMAND_RUN,
		.set = set_state_dir,
	},
	{
		.option = {
			.name = "ready-fd",
			.argument = "N",
			.help =
				"A descriptor that the stream socket's path and a line feed are written to, and that is closed then, "
				"once guests "
				"can be plugged in.",
		},
		.commands = COMMAND_RUN,
		.set = set_ready_fd,
	},
	{
		.option = {
			.name = "api-listen",
			.argument = "ADDRESS:PORT",
			.default_value = "api.sock only",
			.help =
				"Serve the API by TCP as well, to whoever has the token that is in the file api.token beside api.sock. "
				"Nothing is encrypted: 127.0.0.1 is a good ADDRESS.",
		},
		.commands = COMMAND_RUN,
		.set = set_api_listen,
	},
	{
		.option = {
			.name = "guest",
			.argument = "NAME",
			.help = "A name for the guest. The MAC is made from this name and the network's.",
		},
		.commands = COMMAND_QEMU,
		.set = set_guest,
	},
	{
		.option = {
			.name = "name",
			.argument = "NAME",
			.help =
				"The command's host name, by which other guests reach it. The MAC is made from it, so that the address "
				"stays the same.",
		},
		.commands = COMMAND_EXEC,
		.set = set_name,
	},
	{
		.option = {
			.name = "mac",
			.argument = "MAC",
			.default_value = "made from the guest's name, else random",
			.help = "The guest's MAC.",
		},
		.commands = COMMAND_QEMU | COMMAND_EXEC,
		.set = set_mac,
	},
	{
		.option = {
			.name = "vhost-user",
			.help =
				"Plug the guest in by vhost-user, which is the fastest way: its memory is shared with the network, and "
				"it sends and "
				"receives large packets whatever its MTU. The arguments say how much memory it has, see --memory.",
		},
		.commands = COMMAND_QEMU,
		.set = set_vhost_user,
	},
	{
		.option = {
			.name = "dgram",
			.help =
				"Plug the guest in by datagrams, one for each frame. The arguments say where its own socket is, which "
				"QEMU makes.",
		},
		.commands = COMMAND_QEMU,
		.set = set_dgram,
	},
	{
		.option = {
			.name = "vde",
			.help = "Plug the guest in by VDE, for programs that know no other way.",
		},
		.commands = COMMAND_QEMU,
		.set = set_vde,
	},
	{
		.option = {
			.name = "memory",
			.argument = "SIZE",
			.default_value = QEMU_DEFAULT_MEMORY,
			.help = "The guest's memory with --vhost-user, as 512M or 2G.",
		},
		.commands = COMMAND_QEMU,
		.set = set_memory,
	},
	{
		.option = {
			.name = "json",
			.help = "Print JSON, as the API has it, for programs.",
		},
		.commands = COMMANDS_LISTING,
		.set = set_json,
	},
	{
		.option = {
			.name = "no-open",
			.help = "Print the link and open nothing.",
		},
		.commands = COMMAND_WEB,
		.set = set_no_open,
	},
	{
		.option = {
			.name = "libvirt",
			.help = "Print JSON as libvirt keeps it in virbr0.status, for tools that read that.",
		},
		.commands = COMMAND_LEASES,
		.set = set_libvirt,
	},
	{
		.option = {
			.name = "timeout",
			.argument = "SECONDS",
			.default_value = "none",
			.help = "How long to wait.",
		},
		.commands = COMMAND_WAIT,
		.set = set_timeout,
	},
	{
		.option = {
			.name = "wait",
			.argument = "SECONDS",
			.default_value = "not at all",
			.help =
				"For how long to try again when the guest has no address yet or does not take the connection: it may be "
				"booting.",
		},
		.commands = COMMAND_CONNECT,
		.set = set_wait,
	},
	{
		.option = {
			.name = "pass-fd",
			.help =
				"Pass the connection itself on to whoever has the other end of standard output, a unix socket, and end, "
				"as ssh's ProxyUseFdpass wants it: no process stands between the two then.",
		},
		.commands = COMMAND_CONNECT,
		.set = set_pass_fd,
	},
	{
		.option = {
			.name = "guest",
			.argument = "GUEST",
			.help = "Only of this guest: its address or name.",
		},
		.commands = COMMAND_FLOWS,
		.set = set_guest,
	},
	{
		.option = {
			.name = "remote",
			.argument = "ADDRESS",
			.help = "Only to or from this address outside.",
		},
		.commands = COMMAND_FLOWS,
		.set = set_remote,
	},
	{
		.option = {
			.name = "port",
			.argument = "PORT",
			.help = "Only with this port on either side.",
		},
		.commands = COMMAND_FLOWS,
		.set = set_port,
	},
	{
		.option = {
			.name = "protocol",
			.argument = "PROTOCOL",
			.help = "Only of this protocol: tcp, udp or icmp.",
		},
		.commands = COMMAND_FLOWS,
		.set = set_protocol,
	},
	{
		.option = {
			.name = "state",
			.argument = "STATE",
			.help = "Only in this state, such as established.",
		},
		.commands = COMMAND_FLOWS,
		.set = set_state,
	},
	{
		.option = {
			.name = "interval",
			.argument = "SECONDS",
			.default_value = "1",
			.help = "How long each measurement takes.",
		},
		.commands = COMMAND_TOP,
		.set = set_interval,
	},
	{
		.option = {
			.name = "all",
			.help = "Also reasons for which nothing was dropped.",
		},
		.commands = COMMAND_DROPS,
		.set = set_all,
	},
	{
		.option = {
			.name = "after",
			.argument = "NUMBER",
			.help = "Begin with the events behind this number that are still remembered. 0: all of them.",
		},
		.commands = COMMAND_EVENTS,
		.set = set_after,
	},
	{
		.option = {
			.name = "remove",
			.argument = "MAC",
			.help = "Take back the reservation for this MAC.",
		},
		.commands = COMMAND_RESERVE,
		.set = set_remove,
	},
	{
		.option = {
			.name = "remove",
			.argument = "NAME",
			.help = "Take back this name.",
		},
		.commands = COMMAND_NAMES,
		.set = set_remove,
	},
	{
		.option = {
			.name = "remove",
			.argument = "LISTEN",
			.help = "Close the proxy that listens there; its connections go on.",
		},
		.commands = COMMAND_PROXY,
		.set = set_remove,
	},
	{
		.option = {
			.name = "write",
			.argument = "FILE",
			.default_value = "standard output",
			.help = "Where to write the capture. What the disk has no room for is lost and counted.",
		},
		.commands = COMMAND_CAPTURE,
		.set = set_write,
	},
	{
		.option = {
			.name = "ring",
			.argument = "SIZE",
			.help =
				"Keep the newest SIZE bytes, as 500M or 2G, in eight files: with --write cap.pcapng these are "
				"cap_00001_TIME.pcapng, "
				"cap_00002_TIME.pcapng and so on, of which the oldest go.",
		},
		.commands = COMMAND_CAPTURE,
		.set = set_ring,
	},
	{
		.option = {
			.name = "drops",
			.help = "Also what is dropped, in a record of its own whose comment has the reason.",
		},
		.commands = COMMAND_CAPTURE,
		.set = set_drops,
	},
	{
		.option = {
			.name = "snaplen",
			.argument = "BYTES",
			.default_value = "all",
			.help = "How much of each frame to keep.",
		},
		.commands = COMMAND_CAPTURE,
		.set = set_snaplen,
	},
	{
		.option = {
			.name = "check",
			.help = "Only say what is wrong with PORT, GUEST or FILTER, and capture nothing.",
		},
		.commands = COMMAND_CAPTURE,
		.set = set_check,
	},
	{
		.option = {
			.name = "help",
			.help = "Show this help.",
		},
		.commands = COMMANDS_ALL,
		.set = set_help,
	},
};

const struct flag *flag_at(size_t index)
{
	return index < G_N_ELEMENTS(flags) ? &flags[index] : NULL;
}
