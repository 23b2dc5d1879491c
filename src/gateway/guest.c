/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines.  Every list of what is due has one interval, so it is in the order of its deadlines, and what is due next is its first.  An
 * address of a known guest is put there again when it was heard meanwhile: it is asked for after three to six hours of silence.
 */
#include "gateway/guest.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "lan/frame.h"
#include "lan/port.h"
#include "lan/segment.h"

#include <errno.h>
#include <stdlib.h>

#define WAITING_PER_ADDRESS 16u
#define WAITING_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define ASK_INTERVAL USEC_PER_SEC
#define ASK_TIMES 3u
#define PRESENT_TIME (60 * USEC_PER_SEC)
#define AWAY_TIME (60 * USEC_PER_SEC)
#define SILENT_TIME (3 * 3600 * USEC_PER_SEC) /* an idle connection of a guest lasts 2 h 4 min or more (RFC 5382 REQ-5) */

/* Addresses removed for a new one, so that a payer beyond its share gets down to it. */
#define REMOVE_AT_ONCE 2u
/* Addresses looked at in a search for a payer that has more. */
#define LOOK_MAX 16u

struct guest_waiting {
	struct guest_waiting *next;
	size_t len;
	uint8_t frame[];
};

/* --- payers --- */

static struct payer *payer_new(struct guest_table *t, struct port *port)
{
	struct payer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	payer_init(p);
	p->port = port;
	if (!port)
		return p;
	list_append(&t->payers, &p->node);
	port->payer = p;
	return p;
}

struct payer *guest_payer(struct guest_table *t, struct port *port)
{
	if (!port)
		return t->host;
	return port->payer ? port->payer : payer_new(t, port);
}

/* Others may take @a only when its guest does not answer.  An IPv4 address also says where a machine is that could have been silent. */
static void protect(struct payer *p, struct guest_address *a)
{
	if (a->is_protected || a->guest->state == GUEST_HEARD || p->n_protected >= GUEST_PROTECTED_PER_PORT)
		return;
	a->is_protected = true;
	p->n_protected++;
	if (p->port && p->port->segment && ip_is_v4(&a->addr))
		segment_heard(p->port->segment, p->port);
}

static void charge_address(struct payer *p, struct guest_address *a)
{
	list_append(&p->addresses, &a->of_payer);
	p->n_addresses++;
	protect(p, a);
}

static void discharge_address(struct payer *p, struct guest_address *a)
{
	list_remove(&a->of_payer);
	p->n_addresses--;
	p->n_protected -= a->is_protected;
	a->is_protected = false;
	if (p->last == a)
		p->last = NULL;
}

/* --- packets that wait --- */

static struct guest_waiting *take_waiting(struct guest_table *t, struct guest_address *a)
{
	struct guest_waiting *w = a->waiting;
	if (!w)
		return NULL;
	a->waiting = w->next;
	a->n_waiting--;
	t->waiting_bytes -= w->len;
	a->guest->payer->waiting_bytes -= w->len;
	return w;
}

static void drop_waiting(struct guest_table *t, struct guest_address *a, usec_t now, bool tell)
{
	struct guest_waiting *w;
	while ((w = take_waiting(t, a))) {
		if (tell)
			t->ops->unanswered(t->opaque, now, w->frame, w->len);
		free(w);
	}
}

/* The packets leave as a list of their own: releasing one may change the table. */
static struct guest_waiting *take_all_waiting(struct guest_table *t, struct guest_address *a)
{
	struct guest_waiting *first = NULL, **end = &first, *w;
	while ((w = take_waiting(t, a))) {
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	return first;
}

static void release_all(struct guest_table *t, usec_t now, const struct guest_address *a, struct guest_waiting *w)
{
	while (w) {
		struct guest_waiting *next = w->next;
		t->ops->release(t->opaque, now, a, w->frame, w->len);
		free(w);
		w = next;
	}
}

/* --- guests --- */

static uint64_t hash_mac(const struct guest_table *t, struct mac mac)
{
	return hash_bytes(&t->key, mac.b, sizeof(mac.b));
}

struct guest *guest_find(const struct guest_table *t, struct mac mac)
{
	struct hash_node *n = hash_table_find(&t->by_mac, hash_mac(t, mac));
	while (n && !mac_equal(container_of(n, struct guest, node)->mac, mac))
		n = hash_node_next(n);
	return n ? container_of(n, struct guest, node) : NULL;
}

/* A guest that is HEARD of, at the expense of @payer. */
static struct guest *guest_new(struct guest_table *t, usec_t now, struct payer *payer)
{
	struct guest *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->payer = payer_ref(payer);
	g->since = now;
	list_init(&g->addresses);
	list_init(&g->leases);
	list_init(&g->flows.addresses);
	list_init(&g->flows.blocked);
	list_init(&g->flows.away);
	list_init(&g->due);
	list_append(&payer->heard, &g->of_payer);
	return g;
}

/* @g, which is not in the table of MACs and has no address, is not needed. */
static void guest_discard(struct guest *g)
{
	list_for_each(node, &g->leases)
		guest_lease_tie(container_of(node, struct guest_lease, of_guest), NULL);
	list_remove(&g->due);
	list_remove(&g->of_payer);
	list_remove(&g->flows.away);
	payer_unref(g->payer);
	free(g);
}

static void guest_forget(struct guest_table *t, struct guest *g)
{
	if (g->state != GUEST_HEARD)
		hash_table_remove(&t->by_mac, &g->node);
	guest_discard(g);
}

/* Moves @g and what it is charged for to @port. */
static void place(struct guest_table *t, usec_t now, struct guest *g, struct payer *payer)
{
	struct payer *before = g->payer;
	list_remove(&g->due);
	g->state = GUEST_PRESENT;
	g->since = now;
	g->port = payer->port;
	g->payer = payer_ref(payer);
	list_remove(&g->of_payer);
	list_append(&payer->guests, &g->of_payer);
	list_for_each(node, &g->addresses) {
		struct guest_address *a = container_of(node, struct guest_address, of_guest);
		discharge_address(before, a);
		charge_address(payer, a);
	}
	if (!list_empty(&g->addresses))
		t->ops->placed(t->opaque, now, g, before);
	payer_unref(before);
}

void guest_moved_to(struct guest_table *t, usec_t now, struct guest *g, struct port *port)
{
	struct payer *payer = guest_payer(t, port);
	if (payer && g->port != port)
		place(t, now, g, payer);
}

/* The PRESENT guest with @mac at @payer's port. */
static struct guest *guest_at(struct guest_table *t, usec_t now, struct payer *payer, struct mac mac)
{
	struct guest *g = guest_find(t, mac);
	if (g) {
		if (g->port != payer->port)
			place(t, now, g, payer);
		return g;
	}
	g = guest_new(t, now, payer);
	if (!g)
		return NULL;
	g->mac = mac;
	if (hash_table_add(&t->by_mac, &g->node, hash_mac(t, mac)) < 0) {
		guest_discard(g);
		return NULL;
	}
	place(t, now, g, payer);
	return g;
}

/* --- addresses --- */

static uint64_t hash_address(const struct guest_table *t, const struct ip_addr *addr)
{
	return hash_bytes(&t->key, addr->b, sizeof(addr->b));
}

struct guest_address *guest_find_address(struct guest_table *t, const struct ip_addr *addr)
{
	if (t->last && ip_equal(&t->last->addr, addr))
		return t->last;
	struct hash_node *n = hash_table_find(&t->by_address, hash_address(t, addr));
	while (n && !ip_equal(&container_of(n, struct guest_address, node)->addr, addr))
		n = hash_node_next(n);
	if (!n)
		return NULL;
	t->last = container_of(n, struct guest_address, node);
	return t->last;
}

static void due_after(struct list *when, struct guest_address *a, usec_t deadline)
{
	list_remove(&a->due);
	list_append(when, &a->due);
	a->deadline = deadline;
}

/* The address has left its guest, which is forgotten with its last one. */
static void leave_guest(struct guest_table *t, struct guest_address *a)
{
	struct guest *g = a->guest;
	discharge_address(g->payer, a);
	list_remove(&a->of_guest);
	if (g->state == GUEST_HEARD) {
		t->n_asked--;
		g->payer->n_asked--;
	}
	if (list_empty(&g->addresses))
		guest_forget(t, g);
}

static void address_remove(struct guest_table *t, usec_t now, struct guest_address *a, bool tell)
{
	drop_waiting(t, a, now, tell);
	t->ops->gone(t->opaque, now, a->guest, &a->addr);
	if (t->last == a)
		t->last = NULL;
	hash_table_remove(&t->by_address, &a->node);
	slots_remove(&t->by_index, a->index);
	list_remove(&a->due);
	leave_guest(t, a);
	free(a);
}

/* A payer that has more addresses than @payer, the largest of a few; NULL when none is found.  In a full table most are of such payers. */
static struct payer *find_larger(struct guest_table *t, const struct payer *payer)
{
	struct payer *larger = NULL;
	unsigned most = payer->n_addresses + 1;
	for (unsigned i = 0; i < LOOK_MAX; i++) {
		t->hand = t->hand + 1 < t->by_index.n ? t->hand + 1 : 0;
		const struct guest_address *a = slots_get(&t->by_index, t->hand);
		if (!a || a->guest->payer->n_addresses <= most)
			continue;
		larger = a->guest->payer;
		most = larger->n_addresses;
	}
	return larger;
}

/*
 * When @payer has its share, a payer that has more loses the address that was used least recently, or else @payer itself.  False when the
 * table is full and there is no such address.
 */
static bool make_room(struct guest_table *t, usec_t now, struct payer *payer)
{
	for (unsigned removed = 0;; removed++) {
		if (share_allows(payer->n_addresses, 1, t->by_index.used, GUEST_ADDRESSES_MAX, 1))
			return true;
		struct payer *from = find_larger(t, payer);
		if (!from)
			from = payer;
		if (removed == REMOVE_AT_ONCE || list_empty(&from->addresses))
			return removed > 0;
		address_remove(t, now, container_of(from->addresses.next, struct guest_address, of_payer), true);
	}
}

static struct guest_address *address_new(struct guest_table *t, struct guest *g, const struct ip_addr *addr)
{
	struct guest_address *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->addr = *addr;
	a->guest = g;
	list_init(&a->due);
	if (slots_add(&t->by_index, a, &a->index) < 0) {
		free(a);
		return NULL;
	}
	if (hash_table_add(&t->by_address, &a->node, hash_address(t, addr)) < 0) {
		slots_remove(&t->by_index, a->index);
		free(a);
		return NULL;
	}
	list_append(&g->addresses, &a->of_guest);
	charge_address(g->payer, a);
	t->last = a;
	return a;
}

static void address_move(struct guest_table *t, usec_t now, struct guest_address *a, struct guest *to)
{
	struct guest *from = a->guest;
	struct guest_waiting *waiting = take_all_waiting(t, a);
	t->ops->moved(t->opaque, now, &a->addr, from, to);
	leave_guest(t, a);
	list_remove(&a->due);
	a->guest = to;
	a->rank = GUEST_RANK_SEEN;
	list_append(&to->addresses, &a->of_guest);
	charge_address(to->payer, a);
	t->ops->appeared(t->opaque, now, a);
	release_all(t, now, a, waiting);
}

static void heard(struct guest_table *t, usec_t now, struct guest_address *a)
{
	struct payer *payer = a->guest->payer;
	a->seen = now;
	a->wanted = 0;
	a->is_lost = false;
	if (payer->last != a) {
		payer->last = a;
		list_remove(&a->of_payer);
		list_append(&payer->addresses, &a->of_payer);
		list_remove(&a->of_guest);
		list_append(&a->guest->addresses, &a->of_guest);
		protect(payer, a); /* those that were in front of it may have gone */
	}
	if (a->asked == 0 && !list_empty(&a->due))
		return;
	a->asked = 0;
	due_after(&t->known, a, now + SILENT_TIME);
}

/* A new address of the guest with @mac, whose other addresses stay when there is no memory for it. */
static struct guest_address *learn_new(struct guest_table *t, usec_t now, struct payer *payer, struct mac mac, const struct ip_addr *addr)
{
	if (!make_room(t, now, payer))
		return NULL;
	struct guest *g = guest_at(t, now, payer, mac);
	struct guest_address *a = g ? address_new(t, g, addr) : NULL;
	if (!a) {
		if (g && list_empty(&g->addresses))
			guest_forget(t, g);
		return NULL;
	}
	heard(t, now, a);
	t->ops->appeared(t->opaque, now, a);
	return a;
}

struct guest_address *guest_learn(struct guest_table *t, usec_t now, struct port *port, struct mac mac, const struct ip_addr *addr,
				  enum guest_evidence how)
{
	struct payer *payer = guest_payer(t, port);
	struct guest_address *a = guest_find_address(t, addr);
	if (!payer)
		return NULL;
	if (!a)
		return learn_new(t, now, payer, mac, addr);
	bool is_other = a->guest->state == GUEST_HEARD || !mac_equal(a->guest->mac, mac);
	if (is_other && a->guest->state == GUEST_PRESENT && how == GUEST_BY_IP)
		return a;
	bool is_here = !is_other && a->guest->port == payer->port; /* and need not be searched */
	struct guest *g = is_here ? a->guest : guest_at(t, now, payer, mac);
	if (!g)
		return NULL;
	if (is_other)
		address_move(t, now, a, g);
	heard(t, now, a);
	return a;
}

static void ask(struct guest_table *t, usec_t now, struct guest_address *a)
{
	a->asked++;
	due_after(&t->asking, a, now + ASK_INTERVAL);
	t->ops->ask(t->opaque, now, a);
}

/*
 * A guest that scans a network asks for more than may be open at once.  Machines answer within milliseconds, so its oldest request gives
 * way.  Requests for the host do not: its connections wait for them.
 */
static bool make_room_to_ask(struct guest_table *t, usec_t now, struct payer *payer)
{
	if (share_allows(payer->n_asked, 1, t->n_asked, GUEST_ASKED_MAX, 1))
		return true;
	if (payer == t->host || list_empty(&payer->heard))
		return false;
	struct guest *oldest = container_of(payer->heard.next, struct guest, of_payer);
	address_remove(t, now, container_of(oldest->addresses.next, struct guest_address, of_guest), true);
	return true;
}

struct guest_address *guest_expect(struct guest_table *t, usec_t now, const struct ip_addr *addr, struct payer *payer)
{
	struct guest_address *a = guest_find_address(t, addr);
	if (a)
		return a;
	if (!make_room_to_ask(t, now, payer))
		return NULL;
	struct guest *g = guest_new(t, now, payer);
	if (!g)
		return NULL;
	a = address_new(t, g, addr);
	if (!a) {
		guest_discard(g);
		return NULL;
	}
	t->n_asked++;
	payer->n_asked++;
	due_after(&t->asking, a, now + ASK_INTERVAL);
	return a;
}

bool guest_address_is_present(const struct guest_address *a, usec_t now)
{
	return a->guest->state == GUEST_PRESENT && now - a->seen < PRESENT_TIME;
}

void guest_check(struct guest_table *t, usec_t now, struct guest_address *a)
{
	if (a->asked == 0)
		ask(t, now, a);
}

void guest_address_lost(struct guest_address *a, bool is_lost)
{
	struct payer *payer = a->guest->payer;
	a->is_lost = is_lost;
	if (is_lost && payer->last == a)
		payer->last = NULL;
}

bool guest_wait(struct guest_table *t, usec_t now, struct guest_address *a, const struct frame *frame)
{
	struct payer *payer = a->guest->payer;
	if (a->n_waiting >= WAITING_PER_ADDRESS || !share_allows(payer->waiting_bytes, frame->len, t->waiting_bytes, WAITING_BYTES_MAX, 1))
		return false;
	struct guest_waiting *w = malloc(sizeof(*w) + frame->len);
	if (!w)
		return false;
	*w = (struct guest_waiting){ .len = frame->len };
	frame_copy(frame, 0, w->frame, frame->len);
	struct guest_waiting **end = &a->waiting;
	while (*end)
		end = &(*end)->next;
	*end = w;
	a->n_waiting++;
	t->waiting_bytes += frame->len;
	payer->waiting_bytes += frame->len;
	if (a->asked == 0)
		ask(t, now, a);
	return true;
}

void guest_port_gone(struct guest_table *t, usec_t now, struct port *port)
{
	struct payer *payer = port->payer;
	if (!payer)
		return;
	list_for_each(node, &payer->guests) {
		struct guest *g = container_of(node, struct guest, of_payer);
		g->state = GUEST_AWAY;
		g->port = NULL;
		g->since = now;
		g->deadline = now + AWAY_TIME;
		list_append(&t->away, &g->due);
		t->ops->placed(t->opaque, now, g, payer);
	}
	payer->port = NULL;
	port->payer = NULL;
	payer_unref(payer);
}

unsigned guest_view(const struct guest_table *t, uint32_t *cursor, struct guest_view *ret, unsigned max)
{
	unsigned count = 0;
	uint32_t i = *cursor;
	for (uint32_t end = MIN(t->by_index.n, i + 16 * max); i < end && count < max; i++) {
		const struct guest_address *a = slots_get(&t->by_index, i);
		if (!a || a->guest->state == GUEST_HEARD)
			continue;
		ret[count] = (struct guest_view){
			.addr = a->addr,
			.mac = a->guest->mac,
			.port_id = a->guest->port ? a->guest->port->id : 0,
			.seen = a->seen,
			.counters = a->guest->counters,
		};
		memcpy(ret[count++].name, a->guest->name, sizeof(a->guest->name));
	}
	*cursor = i < t->by_index.n ? i : GUEST_VIEW_END;
	return count;
}

/* --- time --- */

static usec_t first_due(const struct list *l)
{
	return list_empty(l) ? USEC_INFINITY : container_of(l->next, struct guest_address, due)->deadline;
}

static struct guest *first_away(const struct guest_table *t)
{
	return list_empty(&t->away) ? NULL : container_of(t->away.next, struct guest, due);
}

usec_t guest_deadline(const struct guest_table *t)
{
	if (!t->host)
		return USEC_INFINITY;
	const struct guest *g = first_away(t);
	return usec_min(usec_min(first_due(&t->asking), first_due(&t->known)), g ? g->deadline : USEC_INFINITY);
}

static void expire_asked(struct guest_table *t, usec_t now, struct guest_address *a)
{
	if (a->asked < ASK_TIMES)
		ask(t, now, a);
	else
		address_remove(t, now, a, true);
}

/* Its connections may only be idle: ask before their flows end. */
static void expire_known(struct guest_table *t, usec_t now, struct guest_address *a)
{
	if (now - a->seen < SILENT_TIME)
		due_after(&t->known, a, now + SILENT_TIME);
	else
		ask(t, now, a);
}

static void expire_away(struct guest_table *t, usec_t now, struct guest *g)
{
	for (bool more = true; more;) {
		more = g->addresses.next->next != &g->addresses; /* @g is freed with its last one */
		address_remove(t, now, container_of(g->addresses.next, struct guest_address, of_guest), false);
	}
}

void guest_expire(struct guest_table *t, usec_t now)
{
	if (!t->host)
		return;
	struct guest *g;
	while (first_due(&t->asking) <= now)
		expire_asked(t, now, container_of(t->asking.next, struct guest_address, due));
	while (first_due(&t->known) <= now)
		expire_known(t, now, container_of(t->known.next, struct guest_address, due));
	while ((g = first_away(t)) && g->deadline <= now)
		expire_away(t, now, g);
}

/* --- life --- */

int guest_table_init(struct guest_table *t, const struct hash_key *key, const struct guest_ops *ops, void *opaque)
{
	*t = (struct guest_table){ .key = *key, .ops = ops, .opaque = opaque };
	list_init(&t->asking);
	list_init(&t->known);
	list_init(&t->away);
	list_init(&t->payers);
	t->host = payer_new(t, NULL);
	return t->host ? 0 : -ENOMEM;
}

void guest_table_done(struct guest_table *t, usec_t now)
{
	if (!t->host)
		return;
	for (uint32_t i = 0; i < t->by_index.n; i++)
		if (slots_get(&t->by_index, i))
			address_remove(t, now, slots_get(&t->by_index, i), false);
	list_for_each(node, &t->payers) {
		struct payer *p = container_of(node, struct payer, node);
		if (!p->port)
			continue;
		p->port->payer = NULL;
		p->port = NULL;
		payer_unref(p);
	}
	payer_unref(t->host);
	t->host = NULL;
	hash_table_done(&t->by_mac);
	hash_table_done(&t->by_address);
	slots_done(&t->by_index);
}
