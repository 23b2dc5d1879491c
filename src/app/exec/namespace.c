/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/exec/namespace.h"

#include "app/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"

/* --- why not --- */

/* Settings that forbid user namespaces, with the value that does. */
static const struct {
	const char *path, *value, *remedy;
} switches[] = {
	{ "/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1 allows them" },
	{ "/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000 allows them" },
	{ "/proc/sys/user/max_net_namespaces", "0", "sysctl user.max_net_namespaces=10000 allows them" },
	{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
	  "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for lanlet with \"userns,\", allows them" },
};

static bool file_says(const char *path, const char *value)
{
	g_autofree char *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) && strcmp(g_strstrip(text), value) == 0;
}

static bool refuse(int code, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(switches); i++)
		if (file_says(switches[i].path, switches[i].value))
			return fail(error, FAILURE_EXEC, "ordinary users cannot create user namespaces here: %s", switches[i].remedy);
	const char *hint = code == ENOSPC  ? "; the limits in /proc/sys/user are reached"
			   : code == EPERM ? "; a container or a seccomp filter seems to forbid it"
					   : "";
	return fail(error, FAILURE_EXEC, "cannot create a user namespace: %s%s", g_strerror(code), hint);
}

/* --- entering --- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t len = strlen(text);
	bool good = write(fd, text, len) == (ssize_t)len;
	int saved = errno;
	close(fd);
	errno = saved;
	return good;
}

/* Maps only the caller's own ids: an ordinary user may not map a group before setgroups() is disabled (user_namespaces(7)). */
static bool map_ids(uid_t uid, gid_t gid, GError **error)
{
	g_autofree char *uids = g_strdup_printf("%u %u 1\n", (unsigned)uid, (unsigned)uid);
	g_autofree char *gids = g_strdup_printf("%u %u 1\n", (unsigned)gid, (unsigned)gid);
	if (write_file("/proc/self/uid_map", uids) && write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/gid_map", gids))
		return true;
	return refuse(errno, error);
}

bool exec_namespace_enter(const char *hostname, GError **error)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | (hostname ? CLONE_NEWUTS : 0)) < 0)
		return refuse(errno, error);
	if (!map_ids(uid, gid, error))
		return false;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return refuse(errno, error);
	if (hostname && sethostname(hostname, strlen(hostname)) < 0)
		return fail(error, FAILURE_EXEC, "cannot set the host name %s: %s", hostname, g_strerror(errno));
	return true;
}

/* --- names --- */

/*
 * Sockets of resolvers on the host that the C library asks instead of reading resolv.conf. If something else than a socket is
 * there, it uses DNS, as if the resolver were not installed.
 */
static const char *const host_resolvers[] = {
	"/run/systemd/resolve/io.systemd.Resolve",
	"/run/nscd/socket",
	"/var/run/nscd/socket",
};

static void hide_host_resolvers(void)
{
	struct stat st;
	for (size_t i = 0; i < G_N_ELEMENTS(host_resolvers); i++)
		if (lstat(host_resolvers[i], &st) == 0 && S_ISSOCK(st.st_mode))
			mount("/dev/null", host_resolvers[i], NULL, MS_BIND, NULL);
}

/* Mounts a file with @text over @at. The file has no name afterwards, so nothing has to be cleaned up. */
static bool mount_text(const char *text, const char *at, GError **error)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("lanlet-XXXXXX", &path, error);
	if (fd < 0)
		return false;
	size_t len = strlen(text);
	bool good = write(fd, text, len) == (ssize_t)len && fchmod(fd, 0644) == 0 && mount(path, at, NULL, MS_BIND, NULL) == 0;
	if (!good)
		fail(error, FAILURE_EXEC, "cannot replace %s: %s", at, g_strerror(errno));
	close(fd);
	unlink(path);
	return good;
}

bool exec_namespace_set_resolver(const char *text, GError **error)
{
	hide_host_resolvers();
	return mount_text(text, RESOLV_CONF, error);
}

/*
 * The existing sysfs shows the host's devices. Only the directories that differ are replaced with those of a fresh sysfs, because
 * cgroups and others are mounted below /sys.
 */
void exec_namespace_show_devices(void)
{
	static const char *const parts[] = { "class/net", "devices/virtual/net" };
	static const char staging[] = "/tmp"; /* any directory; it is unmounted again below */
	if (mount("sysfs", staging, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return; /* a container that hides parts of /sys forbids the mount: keep the host's view */
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *from = g_build_filename(staging, parts[i], NULL), *to = g_build_filename("/sys", parts[i], NULL);
		mount(from, to, NULL, MS_BIND, NULL);
	}
	umount2(staging, MNT_DETACH);
}

void exec_namespace_allow_ping(void)
{
	g_autofree char *range = g_strdup_printf("%u %u", (unsigned)getegid(), (unsigned)getegid());
	write_file("/proc/sys/net/ipv4/ping_group_range", range);
}

/* --- capabilities --- */

bool exec_namespace_keep_capabilities(GError **error)
{
	static const unsigned kept[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	bool good = syscall(SYS_capget, &header, data) == 0;
	data[0].inheritable = data[1].inheritable = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		data[CAP_TO_INDEX(kept[i])].inheritable |= CAP_TO_MASK(kept[i]);
	good = good && syscall(SYS_capset, &header, data) == 0;
	for (size_t i = 0; good && i < G_N_ELEMENTS(kept); i++)
		good = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) == 0;
	return good || fail(error, FAILURE_EXEC, "cannot keep capabilities for the command: %s", g_strerror(errno));
}
