/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/port.h"

#include <stdio.h>

void port_init(struct port *p, const struct port_ops *ops, const char *name, size_t max_frame, size_t mtu)
{
	*p = (struct port){ .ops = ops, .max_frame = max_frame, .mtu = mtu };
	list_init(&p->node);
	list_init(&p->dirty);
	snprintf(p->name, sizeof(p->name), "%s", name);
}
