/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/check.h"

#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define ROUTES "/proc/net/route"
#define ROUTES6 "/proc/net/ipv6_route"
#define TUN "/dev/net/tun"
#define KVM "/dev/kvm"

/* Each flow takes a descriptor, and a busy guest has some thousand flows. */
#define DESCRIPTORS_GOOD 16384u
#define DESCRIPTORS_POOR 4096u
/* systemd's default; a lower limit was configured. */
#define MEMORY_LOCK_GOOD (8u * 1024 * 1024)

void diagnosis_done(struct diagnosis *d)
{
	g_free(d->text);
	g_free(d->repair);
	*d = (struct diagnosis){ 0 };
}

static void say(struct diagnosis *d, enum finding finding, const char *repair, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void say(struct diagnosis *d, enum finding finding, const char *repair, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	*d = (struct diagnosis){ .finding = finding, .text = g_strdup_vprintf(format, args), .repair = g_strdup(repair) };
	va_end(args);
}

/* --- ping --- */

/* Asks the kernel itself: in a user namespace the sysctl and the process's groups are shown in other numbers than it compares. */
static void check_ping(const struct check_context *p, struct diagnosis *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd >= 0)
		say(ret, FINDING_GOOD, NULL, "guests can ping the outside");
	else if (errno == EACCES)
		say(ret, FINDING_PROBLEM, "sudo sysctl -w net.ipv4.ping_group_range='0 2147483647'",
		    "guests cannot ping the outside: none of your groups may open ping sockets");
	else
		say(ret, FINDING_HINT, NULL, "cannot check whether guests can ping: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* --- name servers --- */

static unsigned count_name_servers(const char *text)
{
	unsigned n = 0;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		const char *word = g_strchug(*line);
		n += g_str_has_prefix(word, "nameserver") && g_ascii_isspace(word[strlen("nameserver")]);
	}
	return n;
}

static void check_name_servers(const struct check_context *p, struct diagnosis *ret)
{
	static const char repair[] = "echo 'nameserver 9.9.9.9' | sudo tee -a " RESOLV_CONF "   (or: lanlet run --dns 9.9.9.9)";
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(RESOLV_CONF, &text, NULL, &error))
		say(ret, FINDING_PROBLEM, repair, "guests cannot look up names: %s", error->message);
	else if (count_name_servers(text) == 0)
		say(ret, FINDING_PROBLEM, repair, "guests cannot look up names: " RESOLV_CONF " has no name server");
	else
		say(ret, FINDING_GOOD, NULL, "guests can ask %u name server%s of " RESOLV_CONF, count_name_servers(text),
		    count_name_servers(text) == 1 ? "" : "s");
}

/* --- limits --- */

static void check_descriptors(const struct check_context *p, struct diagnosis *ret)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		say(ret, FINDING_HINT, NULL, "cannot read the limit of descriptors: %s", g_strerror(errno));
	else if (limit.rlim_max >= DESCRIPTORS_GOOD)
		say(ret, FINDING_GOOD, NULL, "the limit of %llu descriptors allows about as many connections",
		    (unsigned long long)limit.rlim_max);
	else
		say(ret, limit.rlim_max < DESCRIPTORS_POOR ? FINDING_PROBLEM : FINDING_HINT,
		    "echo '* hard nofile 524288' | sudo tee /etc/security/limits.d/lanlet.conf   (and log in again)",
		    "the limit of %llu descriptors is low: guests can have about as many connections", (unsigned long long)limit.rlim_max);
}

static void check_memory_lock(const struct check_context *p, struct diagnosis *ret)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		say(ret, FINDING_HINT, NULL, "cannot read the limit of locked memory: %s", g_strerror(errno));
	else if (limit.rlim_max >= MEMORY_LOCK_GOOD)
		say(ret, FINDING_GOOD, NULL, "guests can lock their memory");
	else
		say(ret, FINDING_HINT, "echo '* hard memlock unlimited' | sudo tee /etc/security/limits.d/lanlet.conf   (and log in again)",
		    "only %llu KiB of memory may be locked: guests with -overcommit mem-lock=on do not start",
		    (unsigned long long)limit.rlim_max / 1024);
}

/* --- devices --- */

static void check_device(const char *path, const char *good, const char *bad, const char *repair, struct diagnosis *ret)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		say(ret, FINDING_HINT, repair, "%s: %s: %s", bad, path, g_strerror(errno));
		return;
	}
	close(fd);
	say(ret, FINDING_GOOD, NULL, "%s", good);
}

static void check_tun(const struct check_context *p, struct diagnosis *ret)
{
	check_device(TUN, "lanlet exec can create its tap device", "lanlet exec cannot create its tap device",
		     "sudo modprobe tun && sudo chmod 0666 " TUN, ret);
}

static void check_kvm(const struct check_context *p, struct diagnosis *ret)
{
	check_device(KVM, "virtual machines can use KVM", "virtual machines run without KVM, many times slower",
		     "sudo modprobe -a kvm kvm_intel kvm_amd; sudo usermod -aG kvm \"$USER\"   (and log in again)", ret);
}

/* --- the subnet --- */

struct host_route {
	char interface[32];
	struct prefix4 prefix;
};

/* Parses a line of /proc/net/route, whose addresses are 32-bit words in host byte order. False for the heading. */
static bool parse_route(const char *line, struct host_route *ret)
{
	unsigned destination, gateway, flags, mask;
	int n, unused;
	if (sscanf(line, "%31s %x %x %x %d %d %d %x %n", ret->interface, &destination, &gateway, &flags, &unused, &unused, &unused, &mask,
		   &n) < 8)
		return false;
	ret->prefix.network = GUINT32_FROM_BE(destination);
	ret->prefix.length = 0;
	for (guint32 m = GUINT32_FROM_BE(mask); m & 0x80000000u; m <<= 1)
		ret->prefix.length++;
	return true;
}

static bool overlap(struct prefix4 a, struct prefix4 b)
{
	return prefix4_contains(a.length < b.length ? a : b, a.length < b.length ? b.network : a.network);
}

static void check_subnet(const struct check_context *p, struct diagnosis *ret)
{
	g_autofree char *text = NULL;
	char network[IP4_TEXT_SIZE];
	ip4_format(p->subnet.network, network);
	if (!g_file_get_contents(ROUTES, &text, NULL, NULL)) {
		say(ret, FINDING_HINT, NULL,
		    "cannot check whether a route of the host overlaps the guests' subnet: " ROUTES " is not readable");
		return;
	}
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		struct host_route route;
		char other[IP4_TEXT_SIZE];
		if (!parse_route(*line, &route) || route.prefix.length == 0 || !overlap(route.prefix, p->subnet))
			continue;
		say(ret, FINDING_HINT, "lanlet run --subnet 10.122.0.0/24   (or subnet = 10.122.0.0/24 in the configuration file)",
		    "guests cannot reach the host's network %s/%u on %s: it overlaps their own subnet %s/%u",
		    ip4_format(route.prefix.network, other), route.prefix.length, route.interface, network, p->subnet.length);
		return;
	}
	say(ret, FINDING_GOOD, NULL, "no route of the host overlaps the guests' subnet %s/%u", network, p->subnet.length);
}

/* A line of ROUTES6: destination, its length in hexadecimal, four fields, metric and more; the interface is the last one. */
static bool is_default_route6(const char *line)
{
	g_auto(GStrv) fields = g_strsplit(line, " ", 3);
	return g_strv_length(fields) == 3 && strspn(fields[0], "0") == 32 && strcmp(fields[1], "00") == 0 && !g_str_has_suffix(line, " lo");
}

static void check_ipv6(const struct check_context *p, struct diagnosis *ret)
{
	g_autofree char *text = NULL;
	bool found = false;
	if (!p->ipv6_prefix) {
		say(ret, FINDING_GOOD, NULL, "off; lanlet run --ipv6 auto gives guests IPv6");
		return;
	}
	if (g_file_get_contents(ROUTES6, &text, NULL, NULL)) {
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
		for (char **line = lines; *line; line++)
			found |= is_default_route6(g_strchomp(*line));
	}
	if (found)
		say(ret, FINDING_GOOD, NULL, "guests have addresses of %s, and the host has a route to the IPv6 internet", p->ipv6_prefix);
	else
		say(ret, FINDING_HINT, "ip -6 route   shows the host's routes",
		    "guests have addresses of %s for each other and the gateway, but the host has no route to the IPv6 internet",
		    p->ipv6_prefix);
}

static void check_dhcp_servers(const struct check_context *p, struct diagnosis *ret)
{
	if (p->foreign_dhcp_server)
		say(ret, FINDING_PROBLEM, "stop that DHCP server or disconnect it: lanlet ports and lanlet events show its port",
		    "another DHCP server answers on the segment: %s; guests get addresses from either, "
		    "unless lanlet drops its answers (rogue-dhcp in lanlet drops)",
		    p->foreign_dhcp_server);
	else
		say(ret, FINDING_GOOD, NULL, "no other DHCP server answers on the segment");
}

static void check_conflicts(const struct check_context *p, struct diagnosis *ret)
{
	if (p->conflict)
		say(ret, FINDING_PROBLEM,
		    "give each guest a MAC and an address of its own (lanlet qemu --guest NAME does); if both are one guest: guard=off",
		    "%s", p->conflict);
	else
		say(ret, FINDING_GOOD, NULL, "no two ports used one MAC or address in the last minute");
}

static const struct check checks[] = {
	{ "ping", false, check_ping },
	{ "names", false, check_name_servers },
	{ "descriptors", false, check_descriptors },
	{ "memory-lock", false, check_memory_lock },
	{ "tun", false, check_tun },
	{ "kvm", false, check_kvm },
	{ "subnet", false, check_subnet },
	{ "ipv6", true, check_ipv6 },
	{ "dhcp-servers", true, check_dhcp_servers },
	{ "conflicts", true, check_conflicts },
};

const struct check *check_at(size_t index)
{
	return index < ARRAY_SIZE(checks) ? &checks[index] : NULL;
}
