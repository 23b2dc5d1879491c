/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/payer.h"

#include <stdlib.h>

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
	free(p);
}
