/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/port_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* States in /proc/net: TCP_LISTEN, and that of a UDP socket without a peer. */
#define STATE_LISTEN 0x0a
#define STATE_UNCONNECTED 0x07

struct socket_row {
	unsigned uid;
	uint64_t inode;
};

/* A row of /proc/net/{tcp,udp}{,6}: number, local address and port, peer, state, queues, timers, retransmits, uid, timeout, inode. */
static bool parse_row(const char *line, bool udp, uint16_t port, struct socket_row *ret)
{
	unsigned local, state, uid;
	uint64_t inode;
	if (sscanf(line, "%*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*u %" SCNu64, &local, &state, &uid, &inode) !=
	    4)
		return false;
	if (local != port || state != (udp ? STATE_UNCONNECTED : STATE_LISTEN))
		return false;
	*ret = (struct socket_row){ uid, inode };
	return true;
}

static bool find_in_table(const char *path, bool udp, uint16_t port, struct socket_row *ret)
{
	char line[512];
	bool found = false;
	FILE *table = fopen(path, "re");
	while (table && !found && fgets(line, sizeof(line), table))
		found = parse_row(line, udp, port, ret);
	if (table)
		fclose(table);
	return found;
}

static bool has_socket(const char *pid, uint64_t inode)
{
	char path[64], want[40], link[64];
	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%" PRIu64 "]", inode);
	DIR *dir = opendir(path);
	bool found = false;
	for (struct dirent *d; dir && !found && (d = readdir(dir));) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, want) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void describe_process(const char *pid, char *ret, size_t size)
{
	char path[64], name[32] = "?";
	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : 0;
	if (fd >= 0)
		close(fd);
	if (n > 0)
		name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	snprintf(ret, size, "%s (process %.16s)", name, pid);
}

static bool find_process(uint64_t inode, char *ret, size_t size)
{
	bool found = false;
	DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && !found && (d = readdir(proc));) {
		found = isdigit((unsigned char)d->d_name[0]) && has_socket(d->d_name, inode);
		if (found)
			describe_process(d->d_name, ret, size);
	}
	if (proc)
		closedir(proc);
	return found;
}

static void describe_user(unsigned uid, char *ret, size_t size)
{
	char buf[1024];
	struct passwd p, *found = NULL;
	if (getpwuid_r(uid, &p, buf, sizeof(buf), &found) == 0 && found)
		snprintf(ret, size, "a program of the user %s", p.pw_name);
	else
		snprintf(ret, size, "a program of the user %u", uid);
}

int port_owner_find(bool udp, uint16_t port, char *ret, size_t size)
{
	struct socket_row row;
	if (!find_in_table(udp ? "/proc/net/udp" : "/proc/net/tcp", udp, port, &row) &&
	    !find_in_table(udp ? "/proc/net/udp6" : "/proc/net/tcp6", udp, port, &row))
		return -ENOENT;
	if (!find_process(row.inode, ret, size))
		describe_user(row.uid, ret, size);
	return 0;
}
