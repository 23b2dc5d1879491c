/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/qemu_arguments.h"

#include "app/failure.h"

#include <string.h>

#define NETDEV_ID "lanlet0"

/* QEMU's option parser ends a value at a comma unless it is doubled. */
static char *with_path(const char *options, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, ",", -1);
	g_autofree char *escaped = g_strjoinv(",,", parts);
	return g_strconcat(options, escaped, NULL);
}

static char *device_value(const char *mac)
{
	return g_strconcat("virtio-net-pci,netdev=" NETDEV_ID ",mac=", mac, NULL);
}

static char *quote(const char *text)
{
	static const char plain[] = "+,-./:=@_";
	for (const char *p = text; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr(plain, *p))
			return g_shell_quote(text);
	return g_strdup(text);
}

static char *netdev_arguments(const char *options, const char *path, const char *mac)
{
	g_autofree char *netdev = with_path(options, path);
	g_autofree char *quoted = quote(netdev);
	g_autofree char *device = device_value(mac);
	return g_strdup_printf("-netdev %s -device %s", quoted, device);
}

char *qemu_arguments_stream(const char *stream_socket, const char *mac)
{
	return netdev_arguments("stream,id=" NETDEV_ID ",server=off,addr.type=unix,addr.path=", stream_socket, mac);
}

char *qemu_arguments_dgram(const char *dgram_socket, const char *local, const char *mac)
{
	g_autofree char *begin = with_path("dgram,id=" NETDEV_ID ",local.type=unix,local.path=", local);
	g_autofree char *options = g_strconcat(begin, ",remote.type=unix,remote.path=", NULL);
	return netdev_arguments(options, dgram_socket, mac);
}

char *qemu_arguments_dgram_new(const char *dgram_socket, const char *directory)
{
	/* A character that no path has, and that makes quote() use single quotes. */
	g_autofree char *local = g_build_filename(directory, "guest-\001.sock", NULL);
	g_autofree char *text = qemu_arguments_dgram(dgram_socket, local, QEMU_NEW_MAC);
	g_auto(GStrv) parts = g_strsplit(text, "\001", 2);
	return g_strjoinv("'$(od -An -N6 -tx1 /dev/urandom | tr -d ' \\n')'", parts);
}

char *qemu_arguments_vde(const char *directory, const char *mac)
{
	return netdev_arguments("vde,id=" NETDEV_ID ",sock=", directory, mac);
}

char *qemu_arguments_vhost(const char *vhost_socket, const char *mac, const char *memory)
{
	g_autofree char *chardev = with_path("socket,id=" NETDEV_ID "c,path=", vhost_socket);
	g_autofree char *quoted = quote(chardev);
	g_autofree char *device = device_value(mac);
	return g_strdup_printf("-m %s -object memory-backend-memfd,id=" NETDEV_ID "m,share=on,size=%s -numa node,memdev=" NETDEV_ID "m "
			       "-chardev %s -netdev vhost-user,id=" NETDEV_ID ",chardev=" NETDEV_ID "c -device %s",
			       memory, memory, quoted, device);
}

bool qemu_arguments_check_memory(const char *memory, GError **error)
{
	size_t digits = strspn(memory, "0123456789");
	if (digits == 0 || digits > 9 || memory[0] == '0' || strlen(memory) != digits + 1 || !strchr("MG", memory[digits]))
		return fail(error, FAILURE_USAGE, "--memory \"%s\": expected a number with M or G, such as 2G", memory);
	return true;
}
