/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/guest_mac.h"

#include "app/failure.h"

#include <string.h>

/* The prefix that QEMU and libvirt use for guests. */
#define MAC_FORMAT "52:54:00:%02x:%02x:%02x"

char *guest_mac_for(const char *network, const char *guest)
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

char *guest_mac_random(void)
{
	guint32 r = g_random_int();
	return g_strdup_printf(MAC_FORMAT, r >> 16 & 0xff, r >> 8 & 0xff, r & 0xff);
}

bool guest_mac_check(const char *mac, GError **error)
{
	bool good = strlen(mac) == strlen("52:54:00:12:34:56");
	for (size_t i = 0; good && mac[i]; i++)
		good = i % 3 == 2 ? mac[i] == ':' : g_ascii_isxdigit(mac[i]);
	/* The lowest bit of the first octet marks group addresses. */
	if (!good || g_ascii_xdigit_value(mac[1]) % 2 != 0 || strcmp(mac, "00:00:00:00:00:00") == 0)
		return fail(error, FAILURE_USAGE, "--mac \"%s\": expected a unicast MAC such as 52:54:00:12:34:56", mac);
	return true;
}
