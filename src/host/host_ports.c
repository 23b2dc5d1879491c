/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/host_ports.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define DEFAULT_FIRST 32768u
#define DEFAULT_LAST 60999u

void host_ports_range(uint16_t *ret_first, uint16_t *ret_last)
{
	unsigned first = 0, last = 0;
	char text[32] = "";
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	bool valid = n > 0 && sscanf(text, "%u %u", &first, &last) == 2 && first <= last && last <= UINT16_MAX;
	*ret_first = (uint16_t)(valid ? first : DEFAULT_FIRST);
	*ret_last = (uint16_t)(valid ? last : DEFAULT_LAST);
}

unsigned host_ports_for_guests(void)
{
	uint16_t first, last;
	host_ports_range(&first, &last);
	return (last - first + 1u) / 2;
}
