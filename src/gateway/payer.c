/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/payer.h"

#include <stdlib.h>

void payer_init(struct payer *p)
{
	p->refs = 1;
	list_init(&p->node);
	list_init(&p->guests);
	list_init(&p->heard);
	list_init(&p->addresses);
	list_init(&p->claims);
	list_init(&p->mappings);
	list_init(&p->half_open);
	list_init(&p->leases6);
	list_init(&p->dns_queries);
	list_init(&p->dns_cached);
}

struct payer *payer_ref(struct payer *p)
{
	if (p)
		p->refs++;
	return p;
}

void payer_unref(struct payer *p)
{
	if (!p || --p->refs > 0)
		return;
	list_remove(&p->node);
	share_done(&p->share);
	free(p->conflict);
	free(p);
}
