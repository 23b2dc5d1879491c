/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/claimed.h"

#include "service/dhcp/dhcp.h"
#include "service/dhcp/holder.h"
#include "service/dhcp/saving.h"
#include "wire/dhcp.h"

#include <string.h>

static bool matches(const struct reservation *r, const struct dhcp_claim *c)
{
	char name[GUEST_NAME_SIZE];
	if (r->id_len > 0)
		return r->id_len == c->client_id_len && memcmp(r->id, c->client_id, r->id_len) == 0;
	return r->by_name && c->name_len > 0 && guest_name_clean(c->name, c->name_len, name) && strcmp(name, r->name) == 0;
}

/* Whether the MAC that has claimed @r keeps it.  A lease of one that is not attached any more ends. */
static bool is_kept(struct dhcp *d, usec_t now, const struct reservation *r)
{
	struct lease *l = mac_is_zero(r->mac) ? NULL : lease_find_mac(&d->leases, r->mac);
	if (!l || l->ip != r->ip || !lease_is_held(l, now))
		return false;
	if (l->state != LEASE_BOUND || dhcp_holder_port(d, now, r->mac))
		return true;
	lease_let_go(&d->leases, l);
	dhcp_saving_needed(d, now, l);
	return false;
}

void dhcp_claimed(struct dhcp *d, usec_t now, const struct dhcp_claim *claim)
{
	const struct reservation_table *t = &d->reservations;
	if (t->n_without_mac == 0 || reservation_of_mac(t, claim->mac))
		return;
	for (size_t i = 0; i < t->n; i++) {
		if (!reservation_has_no_mac(&t->all[i]) || !matches(&t->all[i], claim) || is_kept(d, now, &t->all[i]))
			continue;
		reservation_table_claim(&d->reservations, &t->all[i], claim->mac);
		return;
	}
}

/* A client may leave out in a renewal what it has said before. */
void dhcp_claimed_by_message(struct dhcp *d, usec_t now, const struct dhcp_message *m)
{
	const struct lease *l = lease_find_mac(&d->leases, m->header.chaddr);
	struct dhcp_claim claim = { m->header.chaddr, m->client_id, m->client_id_len, m->name, m->name_len };
	if (l && claim.client_id_len == 0) {
		claim.client_id = l->client_id;
		claim.client_id_len = l->client_id_len;
	}
	if (l && claim.name_len == 0) {
		claim.name = l->name;
		claim.name_len = strlen(l->name);
	}
	dhcp_claimed(d, now, &claim);
}

void dhcp_claimed_again(struct dhcp *d)
{
	for (size_t i = 0; i < d->reservations.n && d->reservations.n_without_mac > 0; i++) {
		const struct reservation *r = &d->reservations.all[i];
		const struct lease *l = reservation_has_no_mac(r) && mac_is_zero(r->mac) ? lease_find_ip(&d->leases, r->ip) : NULL;
		if (!l || l->state != LEASE_BOUND)
			continue;
		/* No time is needed: nobody has claimed it yet. */
		dhcp_claimed(d, 0, &(struct dhcp_claim){ l->mac, l->client_id, l->client_id_len, l->name, strlen(l->name) });
	}
}
