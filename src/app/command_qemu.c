/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet qemu`: the arguments for scripts.  The network need not run yet. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/failure.h"
#include "app/paths.h"
#include "app/qemu.h"

#include <errno.h>
#include <stdio.h>

bool command_qemu(const struct arguments *a, GError **error)
{
	g_autofree char *given = a->runtime_dir ? g_canonicalize_filename(a->runtime_dir, NULL) : NULL;
	g_autofree char *dir = given ? g_strdup(given) : path_default_runtime_dir(a->network);
	g_autofree char *socket = path_socket(dir, a->vhost_user ? VHOST_SOCKET : STREAM_SOCKET, error);
	if (!socket)
		return false;
	g_autofree char *mac = a->mac ? g_strdup(a->mac) : a->guest ? qemu_mac_for_guest(a->network, a->guest) : qemu_mac_random();
	g_autofree char *arguments =
		a->vhost_user ? qemu_vhost_arguments(socket, mac, a->memory ? a->memory : QEMU_DEFAULT_MEMORY) : qemu_arguments(socket, mac);
	if (puts(arguments) < 0 || fflush(stdout) != 0)
		return fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
	return true;
}
