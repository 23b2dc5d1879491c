/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The network's addresses over IPv6 end in those of IPv4. */
#define NET6 "2a00:1450:4001:5::"

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static bool run(const char *command)
{
	return system(command) == 0;
}

static bool become_root_of_a_namespace(void)
{
	char uid[64], gid[64];
	snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", uid) && write_file("/proc/self/gid_map", gid);
}

/*
 * Several engines cause the same errors within a second, after floods of others. The mask lifts both of the kernel's limits: per
 * destination (icmp_ratelimit) and in total (icmp_msgs_per_sec, of the namespace or, on older kernels, of the whole system).
 */
static bool send_every_icmp_error(void)
{
	write_file("/proc/sys/net/ipv6/icmp/ratelimit", "0"); /* which the kernel may not have */
	return write_file("/proc/sys/net/ipv4/icmp_ratemask", "0");
}

/* The router: forwards to 198.51.100.0/24, which is on an interface without hosts. */
static void be_router(int told, int tell)
{
	char c;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0 || write(tell, "n", 1) != 1 || read(told, &c, 1) != 1)
		_exit(1);
	bool ok = run("ip link set lo up && ip addr add 10.77.0.1/24 dev router0 && ip link set router0 up"
		      " && ip link add beyond0 type veth peer name beyond1 && ip addr add 198.51.100.1/24 dev beyond0"
		      " && ip link set beyond0 up && ip link set beyond1 up && ip route add prohibit 198.51.100.200/32"
		      " && ip neigh add 198.51.100.202 lladdr 02:00:00:00:00:99 nud permanent dev beyond0") &&
		  write_file("/proc/sys/net/ipv4/ip_forward", "1") && send_every_icmp_error();
	/* The same over IPv6, which the kernel may not have: netns_add_ipv6(). */
	if (write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1"))
		run("ip addr add " NET6 "10.77.0.1/120 dev router0 nodad && ip addr add " NET6 "198.51.100.1/120 dev beyond0 nodad"
		    " && ip route add prohibit " NET6 "198.51.100.200/128"
		    " && ip neigh add " NET6 "198.51.100.202 lladdr 02:00:00:00:00:99 nud permanent dev beyond0");
	if (write(tell, ok ? "y" : "n", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static bool make_router(void)
{
	int down[2], up[2];
	char c = 'n', command[128];
	if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		close(down[1]);
		close(up[0]);
		be_router(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	bool ok = pid > 0 && read(up[0], &c, 1) == 1;
	snprintf(command, sizeof(command), "ip link add host0 type veth peer name router0 && ip link set router0 netns %d", (int)pid);
	ok = ok && run(command) && write(down[1], "g", 1) == 1 && read(up[0], &c, 1) == 1 && c == 'y';
	close(down[1]);
	close(up[0]);
	return ok;
}

bool netns_add_ipv6(void)
{
	return run("ip addr add " NET6 "10.77.0.2/120 dev host0 nodad && ip route add default via " NET6 "10.77.0.1"
		   " && ip addr add " NET6 "203.0.113.5/128 dev lo nodad && ip route add unreachable " NET6 "192.0.2.64/122");
}

const char *netns_enter(void)
{
	if (!become_root_of_a_namespace())
		return "user and network namespaces are not available here";
	if (!run("command -v ip >/dev/null"))
		return "ip (iproute2) is not installed";
	if (!make_router() || !run("ip link set lo up && ip addr add 10.77.0.2/24 dev host0 && ip link set host0 up"
				   " && ip route add default via 10.77.0.1 && ip addr add 203.0.113.5/32 dev lo"
				   " && ip route add unreachable 192.0.2.64/26"
				   " && for a in 169.254.169.254 169.254.7.7 100.100.100.200 168.63.129.16 192.0.0.192;"
				   " do ip addr add $a/32 dev lo || exit 1; done"))
		return "the network namespace could not be set up (veth)";
	if (!send_every_icmp_error())
		return "the kernel's limit of ICMP errors cannot be lifted in a namespace here";
	/* A server's socket takes all it sends at once; unread data fills buffers soon. */
	if (!write_file("/proc/sys/net/ipv4/tcp_wmem", "4096 4194304 4194304") ||
	    !write_file("/proc/sys/net/ipv4/tcp_rmem", "4096 65536 262144"))
		return "socket buffers cannot be set in a namespace here";
	if (!write_file("/proc/sys/net/ipv4/ping_group_range", "0 0"))
		return "ping sockets cannot be allowed in a namespace here";
	return NULL;
}
