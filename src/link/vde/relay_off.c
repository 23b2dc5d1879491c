/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Built without libvdeplug. */
#include "link/vde/relay.h"

#include <errno.h>

bool vde_relay_is_available(void)
{
	return false;
}

int vde_relay_start(const char *url)
{
	return -EOPNOTSUPP;
}

size_t vde_relay_max_frame(const char *url)
{
	return 0;
}
