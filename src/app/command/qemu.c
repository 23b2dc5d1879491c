/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet qemu`: the arguments for scripts.  The network need not run yet. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/qemu_arguments.h"
#include "app/failure.h"
#include "app/guest_mac.h"
#include "app/paths.h"

#include <errno.h>
#include <stdio.h>

static char *arguments_for(const struct arguments *a, const char *dir, const char *mac, GError **error)
{
	const char *name = a->vhost_user ? VHOST_SOCKET : a->dgram ? DGRAM_SOCKET : a->vde ? VDE_DIRECTORY : STREAM_SOCKET;
	g_autofree char *path = path_socket(dir, name, error);
	if (!path)
		return NULL;
	if (a->vhost_user)
		return qemu_arguments_vhost(path, mac, a->memory ? a->memory : QEMU_DEFAULT_MEMORY);
	if (a->dgram) {
		g_autofree char *local = path_guest_socket(dir, mac, error);
		return local ? qemu_arguments_dgram(path, local, mac) : NULL;
	}
	return a->vde ? qemu_arguments_vde(path, mac) : qemu_arguments_stream(path, mac);
}

bool command_qemu(const struct arguments *a, GError **error)
{
	if (a->vhost_user + a->dgram + a->vde > 1)
		return fail(error, FAILURE_USAGE, "--vhost-user, --dgram and --vde are different ways to plug in: choose one");
	g_autofree char *given = a->runtime_dir ? g_canonicalize_filename(a->runtime_dir, NULL) : NULL;
	g_autofree char *dir = given ? g_strdup(given) : path_default_runtime_dir(a->network);
	g_autofree char *mac = a->mac ? g_strdup(a->mac) : a->guest ? guest_mac_for(a->network, a->guest) : guest_mac_random();
	g_autofree char *arguments = arguments_for(a, dir, mac, error);
	if (!arguments)
		return false;
	if (puts(arguments) < 0 || fflush(stdout) != 0)
		return fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
	return true;
}
