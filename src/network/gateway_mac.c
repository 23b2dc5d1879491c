/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/gateway_mac.h"

#include "base/log.h"
#include "host/entropy.h"
#include "host/state_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "gateway-mac"

/* 52:54:00 is the range of QEMU and libvirt, as for guests. */
static struct mac make_up(void)
{
	struct mac m = { { 0x52, 0x54, 0x00 } };
	entropy_get(m.b + 3, 3);
	return m;
}

static bool load(const char *path, struct mac *ret)
{
	char *text;
	size_t len;
	if (state_file_read(path, &text, &len) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	struct mac m;
	bool good = mac_parse(text, &m) == 0 && !mac_is_group(m) && !mac_is_zero(m);
	if (good)
		*ret = m;
	free(text);
	return good;
}

static int save(const char *path, struct mac m)
{
	char text[MAC_TEXT_SIZE];
	mac_format(m, text);
	text[MAC_TEXT_SIZE - 1] = '\n';
	return state_file_replace(path, text, sizeof(text));
}

struct mac gateway_mac_get(const char *state_dir, struct log *log)
{
	struct mac m;
	if (!state_dir)
		return make_up();
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/" FILE_NAME, state_dir);
	if (load(path, &m))
		return m;
	m = make_up();
	int r = save(path, m);
	if (r < 0)
		log_warning(log, "%s: %s; the gateway will have another MAC after a restart", path, strerror(-r));
	return m;
}
