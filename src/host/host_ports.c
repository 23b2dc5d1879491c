/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/host_ports.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define KERNEL_DEFAULT (60999u - 32768u + 1)

unsigned host_ports_for_guests(void)
{
	unsigned first = 0, last = 0;
	char text[32] = "";
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n > 0 && sscanf(text, "%u %u", &first, &last) == 2 && first <= last && last <= UINT16_MAX)
		return (last - first + 1) / 2;
	return KERNEL_DEFAULT / 2;
}
