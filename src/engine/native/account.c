/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/account.h"

#include "base/macros.h"
#include "lan/port.h"

#include <stdlib.h>
#include <string.h>

struct native_payer *native_payer_get(struct flow_table *payers, const struct port *port)
{
	struct flow_key key = { 0 };
	unsigned id = port ? port->id : 0;
	static_assert(sizeof(id) <= sizeof(key.guest.addr.b), "a port's number fits an address");
	memcpy(key.guest.addr.b, &id, sizeof(id));
	struct flow *f = flow_table_find(payers, &key);
	if (f)
		return container_of(f, struct native_payer, flow);
	struct native_payer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->flow.key = key;
	if (flow_table_add(payers, &p->flow) == 0)
		return p;
	free(p);
	return NULL;
}

void native_payer_put(struct flow_table *payers, struct native_payer *p)
{
	if (!p || p->account.n_flows > 0)
		return;
	flow_table_remove(payers, &p->flow);
	free(p);
}
