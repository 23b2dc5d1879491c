/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/exec/interface.h"

#include "app/failure.h"
#include "service/dhcp/client.h"
#include "service/dhcp6/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"
#define MTU_DEFAULT 1500

static struct ifreq request_for(const char *name)
{
	struct ifreq r = { 0 };
	g_strlcpy(r.ifr_name, name, sizeof(r.ifr_name));
	return r;
}

static void put_address(struct sockaddr *to, ip4_t ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
	memcpy(to, &in, sizeof(in));
}

static bool set_up(int s, const char *name)
{
	struct ifreq r = request_for(name);
	if (ioctl(s, SIOCGIFFLAGS, &r) < 0)
		return false;
	r.ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, &r) == 0;
}

static bool set_mac(int s, struct mac mac)
{
	struct ifreq r = request_for(EXEC_INTERFACE);
	r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(r.ifr_hwaddr.sa_data, mac.b, sizeof(mac.b));
	return ioctl(s, SIOCSIFHWADDR, &r) == 0;
}

static bool set_address(int s, ip4_t ip)
{
	struct ifreq r = request_for(EXEC_INTERFACE);
	put_address(&r.ifr_addr, ip);
	return ioctl(s, SIOCSIFADDR, &r) == 0;
}

static bool set_mask(int s, unsigned length)
{
	struct ifreq r = request_for(EXEC_INTERFACE);
	put_address(&r.ifr_netmask, prefix4_mask((struct prefix4){ .length = length }));
	return ioctl(s, SIOCSIFNETMASK, &r) == 0;
}

static bool set_mtu(int s, int mtu)
{
	struct ifreq r = request_for(EXEC_INTERFACE);
	r.ifr_mtu = mtu;
	return ioctl(s, SIOCSIFMTU, &r) == 0;
}

static bool add_default_route(int s, ip4_t router)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	put_address(&route.rt_dst, 0);
	put_address(&route.rt_genmask, 0);
	put_address(&route.rt_gateway, router);
	return ioctl(s, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

static int control_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int open_device(GError **error)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	const char *hint = errno == EACCES || errno == EPERM    ? ": distributions let all users open it (chmod 0666 " TUN_DEVICE ")"
			   : errno == ENOENT || errno == ENODEV ? ": the kernel's module tun is not loaded, or a container hides it"
								: "";
	fail(error, FAILURE_EXEC, "%s: %s%s", TUN_DEVICE, g_strerror(errno), hint);
	return -1;
}

/*
 * Addresses are in use at once, also those that the kernel makes of advertisements: the MAC is the command's own, and the switch drops
 * claims of others to its addresses (RFC 4862 §5.1).  The kernel heeds the larger one of the two settings.
 */
static void skip_duplicate_detection(const char *setting)
{
	int fd = open(setting, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* no IPv6, or /proc is read-only: the command waits for it */
	ssize_t n = write(fd, "0", 1);
	(void)n;
	close(fd);
}

int exec_interface_open(struct mac mac, GError **error)
{
	int fd = open_device(error);
	if (fd < 0)
		return -1;
	struct ifreq r = request_for(EXEC_INTERFACE);
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	int s = control_socket();
	bool good = s >= 0 && ioctl(fd, TUNSETIFF, &r) == 0 && set_mac(s, mac);
	skip_duplicate_detection("/proc/sys/net/ipv6/conf/all/accept_dad");
	skip_duplicate_detection("/proc/sys/net/ipv6/conf/" EXEC_INTERFACE "/accept_dad");
	good = good && set_up(s, EXEC_INTERFACE) && set_up(s, "lo");
	if (!good) {
		fail(error, FAILURE_EXEC, "cannot create a tap device: %s", g_strerror(errno));
		close(fd);
		fd = -1;
	}
	if (s >= 0)
		close(s);
	return fd;
}

bool exec_interface_configure(const struct dhcp_client_lease *lease, GError **error)
{
	int s = control_socket();
	bool good = s >= 0 && set_mtu(s, lease->mtu ? lease->mtu : MTU_DEFAULT) && set_address(s, lease->address) &&
		    set_mask(s, lease->prefix_length) && (lease->router == 0 || add_default_route(s, lease->router));
	if (!good)
		fail(error, FAILURE_EXEC, "cannot set up " EXEC_INTERFACE ": %s", g_strerror(errno));
	if (s >= 0)
		close(s);
	return good;
}

void exec_interface_clear(void)
{
	int s = control_socket();
	if (s < 0)
		return;
	set_address(s, 0);
	close(s);
}

static void change_address6(unsigned long request, const struct ip_addr *address)
{
	struct in6_ifreq r = { .ifr6_prefixlen = 128, .ifr6_ifindex = (int)if_nametoindex(EXEC_INTERFACE) };
	int s = ip_is_unspecified(address) ? -1 : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return;
	memcpy(&r.ifr6_addr, address->b, sizeof(address->b));
	ioctl(s, request, &r);
	close(s);
}

/* The address of the prefix that the kernel has made of an advertisement has the route to the segment. */
void exec_interface_configure6(const struct dhcp6_client_state *before, const struct dhcp6_client_state *now)
{
	if (ip_equal(&before->address, &now->address))
		return;
	change_address6(SIOCDIFADDR, &before->address);
	change_address6(SIOCSIFADDR, &now->address);
}
