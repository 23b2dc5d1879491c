/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A range of addresses that DHCP leases. */
#pragma once

#include "base/addr.h"

#include <stdint.h>

#define DHCP_RANGES_MAX 16u

struct dhcp_range {
	ip4_t first, last;     /* inclusive */
	uint32_t lease_time_s; /* DHCP_LEASE_INFINITE; 0: that of the network */
};
