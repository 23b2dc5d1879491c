/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/claimed.h"

#include "base/macros.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp/holder.h"
#include "service/dhcp/saving.h"
#include "wire/dhcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What matches() needs of a claim. */
struct client {
	const struct dhcp_claim *claim;
	char name[GUEST_NAME_SIZE]; /* clean; "": it sends none, or one that is invalid */
};

static struct client client_of(const struct dhcp_claim *claim)
{
	struct client c = { .claim = claim };
	if (claim->name_len == 0 || !guest_name_clean(claim->name, claim->name_len, c.name))
		c.name[0] = '\0';
	return c;
}

static bool matches(const struct reservation *r, const struct client *c)
{
	if (r->id_len > 0)
		return r->id_len == c->claim->client_id_len && memcmp(r->id, c->claim->client_id, r->id_len) == 0;
	return r->by_name && c->name[0] && strcmp(c->name, r->name) == 0;
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
	struct client client = client_of(claim);
	for (size_t i = 0; i < t->n; i++) {
		if (!reservation_has_no_mac(&t->all[i]) || !matches(&t->all[i], &client) || is_kept(d, now, &t->all[i]))
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

/* The name of a lease is not what the client sends when the reservation that it had says it. */
static struct dhcp_claim claim_of(const struct dhcp *d, const struct lease *l)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, l->mac);
	bool sent = !r || r->by_name || !r->name[0];
	return (struct dhcp_claim){ l->mac, l->client_id, l->client_id_len, l->name, sent ? strlen(l->name) : 0 };
}

/* Gives @l the first of the @n reservations that is its and has no MAC yet; those without one are the first of the table. */
static void give_back(const struct dhcp *d, const struct reservation *r, struct mac *macs, size_t n, const struct lease *l)
{
	struct dhcp_claim claim = claim_of(d, l);
	struct client client = client_of(&claim);
	size_t i = 0;
	while (i < n && (!mac_is_zero(macs[i]) || !matches(&r[i], &client)))
		i++;
	if (i < n)
		macs[i] = l->mac;
}

static bool was_given(const struct mac *macs, size_t n, struct mac mac)
{
	size_t i = 0;
	while (i < n && !mac_equal(macs[i], mac))
		i++;
	return i < n;
}

/* The clients that have the addresses come first: of several that say the same of themselves, it is theirs. */
int dhcp_claimed_again(const struct dhcp *d, struct reservation_table *new)
{
	size_t n = new->n_without_mac;
	struct mac *macs = n > 0 ? calloc(n, sizeof(*macs)) : NULL;
	if (n == 0 || !macs)
		return n == 0 ? 0 : -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct lease *l = lease_find_ip(&d->leases, new->all[i].ip);
		if (l && l->state == LEASE_BOUND && !reservation_of_mac(new, l->mac))
			give_back(d, &new->all[i], &macs[i], 1, l);
	}
	for (const struct list *node = d->leases.ages.prev; node != &d->leases.ages; node = node->prev) {
		const struct lease *l = container_of(node, struct lease, age);
		if (l->state == LEASE_BOUND && !reservation_of_mac(new, l->mac) && !was_given(macs, n, l->mac))
			give_back(d, new->all, macs, n, l);
	}
	reservation_table_claim_all(new, macs);
	free(macs);
	return 0;
}
