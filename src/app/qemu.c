/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/qemu.h"

#include "app/failure.h"

#include <string.h>

/* The prefix of QEMU's and libvirt's guests. */
#define MAC_FORMAT "52:54:00:%02x:%02x:%02x"
#define NETDEV_ID "lanlet0"

char *qemu_mac_for_guest(const char *network, const char *guest)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 digest[32];
	gsize len = sizeof(digest);
	/* The NUL keeps ("ab", "c") and ("a", "bc") apart. */
	g_checksum_update(sum, (const guchar *)network, (gssize)strlen(network) + 1);
	g_checksum_update(sum, (const guchar *)guest, (gssize)strlen(guest));
	g_checksum_get_digest(sum, digest, &len);
	return g_strdup_printf(MAC_FORMAT, digest[0], digest[1], digest[2]);
}

char *qemu_mac_random(void)
{
	guint32 r = g_random_int();
	return g_strdup_printf(MAC_FORMAT, r >> 16 & 0xff, r >> 8 & 0xff, r & 0xff);
}

bool qemu_mac_check(const char *mac, GError **error)
{
	bool good = strlen(mac) == strlen("52:54:00:12:34:56");
	for (size_t i = 0; good && mac[i]; i++)
		good = i % 3 == 2 ? mac[i] == ':' : g_ascii_isxdigit(mac[i]);
	/* The lowest bit of the first octet marks groups. */
	if (!good || g_ascii_xdigit_value(mac[1]) % 2 != 0 || strcmp(mac, "00:00:00:00:00:00") == 0)
		return fail(error, FAILURE_USAGE, "--mac \"%s\": expected the MAC of one card, as 52:54:00:12:34:56", mac);
	return true;
}

/* QEMU's option parser ends a value at a comma unless there are two. */
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

char *qemu_arguments(const char *stream_socket, const char *mac)
{
	return netdev_arguments("stream,id=" NETDEV_ID ",server=off,addr.type=unix,addr.path=", stream_socket, mac);
}

char *qemu_dgram_arguments(const char *dgram_socket, const char *local, const char *mac)
{
	g_autofree char *begin = with_path("dgram,id=" NETDEV_ID ",local.type=unix,local.path=", local);
	g_autofree char *options = g_strconcat(begin, ",remote.type=unix,remote.path=", NULL);
	return netdev_arguments(options, dgram_socket, mac);
}

char *qemu_vde_arguments(const char *directory, const char *mac)
{
	return netdev_arguments("vde,id=" NETDEV_ID ",sock=", directory, mac);
}

char *qemu_vhost_arguments(const char *vhost_socket, const char *mac, const char *memory)
{
	g_autofree char *chardev = with_path("socket,id=" NETDEV_ID "c,path=", vhost_socket);
	g_autofree char *quoted = quote(chardev);
	g_autofree char *device = device_value(mac);
	return g_strdup_printf("-m %s -object memory-backend-memfd,id=" NETDEV_ID "m,share=on,size=%s -numa node,memdev=" NETDEV_ID "m "
			       "-chardev %s -netdev vhost-user,id=" NETDEV_ID ",chardev=" NETDEV_ID "c -device %s",
			       memory, memory, quoted, device);
}

bool qemu_memory_check(const char *memory, GError **error)
{
	size_t digits = strspn(memory, "0123456789");
	if (digits == 0 || digits > 9 || memory[0] == '0' || strlen(memory) != digits + 1 || !strchr("MG", memory[digits]))
		return fail(error, FAILURE_USAGE, "--memory \"%s\": expected a number and M or G, as 2G", memory);
	return true;
}
