/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The networks that the host's interfaces are on. */
#pragma once

#include "base/addr.h"

#define HOST_INTERFACE_SIZE 16 /* IFNAMSIZ */

struct host_network {
	char interface[HOST_INTERFACE_SIZE];
	ip4_t address;
	struct prefix4 prefix;
};

/* Whether @a, an address of either family, is one of the host's.  True if it cannot be told. */
bool host_network_has(const struct ip_addr *a);
/* The first network of an interface that overlaps with @prefix.  -ENOENT when there is none. */
int host_network_find_overlap(struct prefix4 prefix, struct host_network *ret);
