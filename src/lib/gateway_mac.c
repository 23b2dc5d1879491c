/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/gateway_mac.h"

#include "base/log.h"
#include "host/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_NAME "gateway-mac"

/* In QEMU's and libvirt's range, as guests' MACs are: 52:54:00. */
static struct mac make_up(void)
{
	struct mac m = { { 0x52, 0x54, 0x00 } };
	entropy_get(m.b + 3, 3);
	return m;
}

static bool load(const char *path, struct mac *ret)
{
	char text[MAC_TEXT_SIZE] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	struct mac m;
	if (n <= 0 || mac_parse(text, &m) < 0 || mac_is_group(m) || mac_is_zero(m))
		return false;
	*ret = m;
	return true;
}

static int save(const char *path, struct mac m)
{
	char text[MAC_TEXT_SIZE], temporary[PATH_MAX + 8];
	mac_format(m, text);
	text[MAC_TEXT_SIZE - 1] = '\n';
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = write(fd, text, sizeof(text)) == sizeof(text) ? 0 : -EIO;
	close(fd);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	return r;
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
		log_warning(log, "%s: %s; the gateway's MAC will change with the next start", path, strerror(-r));
	return m;
}
