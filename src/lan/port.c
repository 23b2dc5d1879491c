/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/port.h"

#include "lan/segment.h"
#include "wire/eth.h"

#include <stdio.h>
#include <string.h>

void port_init(struct port *p, const struct port_ops *ops, const char *name, size_t max_frame, size_t mtu)
{
	*p = (struct port){
		.ops = ops,
		.max_frame = max_frame,
		.mtu = mtu,
		.agreed_mtu = ETH_MTU,
		.shown_mtu = ETH_MTU,
		.loop.next_probe = USEC_INFINITY,
	};
	list_init(&p->node);
	list_init(&p->dirty);
	list_init(&p->server);
	list_init(&p->hiding);
	list_init(&p->macs);
	list_init(&p->loop.due);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->log_limit = (struct log_limit){ .kind = "port", .name = p->name };
}

void port_identify(struct port *p, const char *kind, const struct port_identity *identity)
{
	if (identity) {
		p->pinned = identity->pinned;
		p->guard = identity->properties.guard;
		p->may_serve_dhcp = identity->properties.may_serve_dhcp;
		p->may_route = identity->properties.may_route;
		p->bandwidth = identity->properties.bandwidth;
		segment_settle_port(p->segment, p);
	}
	if (identity && identity->name[0] != '\0')
		memcpy(p->name, identity->name, sizeof(p->name));
	else
		snprintf(p->name, sizeof(p->name), "%s%u", kind, p->id);
}
