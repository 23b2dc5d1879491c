/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet qemu`: prints arguments for scripts. The network need not run yet. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/declare.h"
#include "app/command/qemu_arguments.h"
#include "app/failure.h"
#include "app/guest_mac.h"
#include "app/paths.h"

#include <errno.h>
#include <stdio.h>

struct qemu_flags {
	const char *guest;
	const char *mac;
	bool vhost_user;
	bool dgram;
	bool vde;
	const char *memory;
};

/* The name of the socket. */
static const char *socket_of(const struct qemu_flags *own)
{
	return own->vhost_user ? VHOST_SOCKET : own->dgram ? DGRAM_SOCKET : own->vde ? VDE_DIRECTORY : STREAM_SOCKET;
}

static bool exists(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

/*
 * The directory with the socket for @guest: its own, or that of all guests, @shared, if it cannot have its own, or if a service manager
 * listens on the socket there to start the network.
 */
static char *directory_of(const struct qemu_flags *own, const char *shared, const struct declaration *guest, GError **error)
{
	const char *name = socket_of(own);
	if (!guest->declared || own->vde)
		return g_strdup(shared);
	g_autofree char *path = path_own_socket(shared, own->guest, name, error), *dir = path_guest_directory(shared, own->guest);
	if (!path)
		return NULL;
	return exists(dir, name) || (!guest->is_running && !exists(shared, name)) ? g_steal_pointer(&dir) : g_strdup(shared);
}

/* @shared has the ends of guests that speak by datagrams, which QEMU makes there whether or not the network runs. */
static char *arguments_for(const struct arguments *a, const char *dir, const char *shared, const char *mac, GError **error)
{
	const struct qemu_flags *own = a->flags;
	const char *name = socket_of(own);
	g_autofree char *path = path_socket(dir, name, error);
	if (!path)
		return NULL;
	if (own->vhost_user)
		return qemu_arguments_vhost(path, mac, own->memory ? own->memory : QEMU_DEFAULT_MEMORY);
	if (own->dgram) {
		g_autofree char *local = path_guest_socket(shared, mac, error);
		return local ? qemu_arguments_dgram(path, local, mac) : NULL;
	}
	return own->vde ? qemu_arguments_vde(path, mac) : qemu_arguments_stream(path, mac);
}

static bool qemu_main(const struct arguments *a, GError **error)
{
	const struct qemu_flags *own = a->flags;
	if (own->vhost_user + own->dgram + own->vde > 1)
		return fail(error, FAILURE_USAGE, "--vhost-user, --dgram and --vde are different transports: choose one");
	g_autofree char *given = a->runtime_dir ? g_canonicalize_filename(a->runtime_dir, NULL) : NULL;
	g_autofree char *shared = given ? g_strdup(given) : path_default_runtime_dir(a->network);
	struct declaration guest = { 0 };
	if (own->guest && !declare_guest(a, own->guest, own->mac, &guest, error))
		return false;
	g_autofree char *mac = guest.mac ? guest.mac : own->mac ? g_strdup(own->mac) : guest_mac_random();
	g_autofree char *dir = directory_of(own, shared, &guest, error);
	g_autofree char *arguments = dir ? arguments_for(a, dir, shared, mac, error) : NULL;
	if (!arguments)
		return false;
	if (puts(arguments) < 0 || fflush(stdout) != 0)
		return fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
	return true;
}

static bool store_memory(const struct flag *flag, const char *value, void *at, GError **error)
{
	return qemu_arguments_check_memory(value, error) && flag_store_text(flag, value, at, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "guest",
			.argument = "NAME",
			.help =
				"The guest called NAME: its MAC, which is made from the names of the guest and the network unless NAME is "
				"declared with another (--host, lanlet reserve), and its own sockets, guests/NAME/, where no other "
				"guest can take its place. Declares the guest if need be, so that it is found by this name.",
		},
		FLAG_TEXT(struct qemu_flags, guest),
	},
	{
		.option = {
			.name = "mac",
			.argument = "MAC",
			.default_value = "made from --guest, else random",
			.help = "The guest's MAC.",
		},
		FLAG_MAC(struct qemu_flags, mac),
	},
	{
		.option = {
			.name = "vhost-user",
			.help =
				"Connect by vhost-user, the fastest transport: lanlet reads and writes packets in the guest's memory,"
				" and large packets (TSO) pass at any MTU. The arguments include the size of the guest's memory, see "
				"--memory.",
		},
		FLAG_SWITCH(struct qemu_flags, vhost_user),
	},
	{
		.option = {
			.name = "dgram",
			.help =
				"Connect by datagrams, one for each frame. QEMU creates the guest's own socket at the path in the "
				"arguments.",
		},
		FLAG_SWITCH(struct qemu_flags, dgram),
	},
	{
		.option = {
			.name = "vde",
			.help = "Connect by VDE, for programs that have no other transport.",
		},
		FLAG_SWITCH(struct qemu_flags, vde),
	},
	{
		.option = {
			.name = "memory",
			.argument = "SIZE",
			.default_value = QEMU_DEFAULT_MEMORY,
			.help = "The guest's memory with --vhost-user, such as 512M or 2G.",
		},
		FLAG_STORED(store_memory, const char *, struct qemu_flags, memory),
	},
	FLAG_END,
};

const struct command command_qemu = {
	.name = "qemu",
	.summary = "Print the QEMU arguments that connect a guest to a network.",
	.description = "Prints a single line, quoted for a shell where needed. Every guest needs a MAC of its own: --guest "
		       "gives the same MAC each time, otherwise each line has a new random one. The network does not have to"
		       " run yet.",
	.flags = flags,
	.flags_size = sizeof(struct qemu_flags),
	.run = qemu_main,
};
