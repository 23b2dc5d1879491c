/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States of an entry:
 *
 *     asking  -- ARP answer or IP packet -->         known
 *     asking  -- three requests unanswered -->       freed (waiting frames dropped)
 *     known   -- port detached -->                   away -- heard again --> known
 *     away    -- one minute -->                      freed (the engine ends its flows)
 *     known   -- silent for three hours -->          known, requests sent
 *     known   -- three requests unanswered -->       freed (the engine ends its flows)
 *
 * Open addressing with linear probing and backward-shift removal, as in fdb.c.  next_deadline is a lower
 * bound of all deadlines; neighbour_expire() walks the table when it is reached.
 */
#include "gateway/neighbour.h"

#include "base/macros.h"
#include "lan/frame.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS NEIGHBOUR_SLOTS
#define SLOT_MASK (SLOTS - 1)
#define WAITING_PER_NEIGHBOUR 16
#define WAITING_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define ASK_INTERVAL USEC_PER_SEC
#define ASK_TIMES 3
#define PRESENT_TIME (60 * USEC_PER_SEC)
#define AWAY_TIME (60 * USEC_PER_SEC)
#define SILENT_TIME (3 * 3600 * USEC_PER_SEC) /* an idle connection of a guest lasts 2 h 4 min or more (RFC 5382 REQ-5) */

static_assert((SLOTS & SLOT_MASK) == 0, "the number of slots is a power of two");

struct waiting {
	struct waiting *next;
	size_t len;
	uint8_t frame[];
};

enum state {
	FREE,
	ASKING,
	KNOWN,
	AWAY,
};

struct neighbour {
	ip4_t ip;
	struct mac mac;
	uint8_t state; /* enum state */
	uint8_t asked; /* requests sent */
	uint8_t n_waiting;
	uint32_t mtu;
	unsigned port_id;
	usec_t deadline; /* next request, or end */
	usec_t seen;
	struct waiting *waiting; /* oldest first */
};

int neighbour_init(struct neighbour_table *t, const struct hash_key *key, const struct neighbour_ops *ops, void *opaque)
{
	struct neighbour *slots = calloc(SLOTS, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	*t = (struct neighbour_table){ .slots = slots, .key = *key, .ops = ops, .opaque = opaque, .next_deadline = USEC_INFINITY };
	return 0;
}

static void drop_waiting(struct neighbour_table *t, struct neighbour *n, usec_t now, bool tell)
{
	while (n->waiting) {
		struct waiting *w = n->waiting;
		n->waiting = w->next;
		t->waiting_bytes -= w->len;
		if (tell)
			t->ops->unanswered(t->opaque, now, w->frame, w->len);
		free(w);
	}
	n->n_waiting = 0;
}

/* The first slot from @i on that is not free; SLOTS when there is none. */
static unsigned next_taken(const struct neighbour_table *t, unsigned i)
{
	while (i < SLOTS) {
		uint64_t rest = t->taken[i / 64] >> (i % 64);
		if (rest)
			return i + (unsigned)__builtin_ctzll(rest);
		i = (i / 64 + 1) * 64;
	}
	return SLOTS;
}

#define for_each_taken(i, t) for (unsigned i = next_taken(t, 0); i < SLOTS; i = next_taken(t, i + 1))

void neighbour_done(struct neighbour_table *t)
{
	if (!t->slots)
		return;
	for_each_taken(i, t)
		drop_waiting(t, &t->slots[i], 0, false);
	free(t->slots);
	t->slots = NULL;
}

static unsigned home_slot(const struct neighbour_table *t, ip4_t ip)
{
	return (unsigned)hash_bytes(&t->key, &ip, sizeof(ip)) & SLOT_MASK;
}

static bool is_slot_of(const struct neighbour *n, ip4_t ip)
{
	return n->state != FREE && n->ip == ip;
}

/* The entry of @ip, or the free slot where it belongs. */
static struct neighbour *find(struct neighbour_table *t, ip4_t ip)
{
	if (is_slot_of(&t->slots[t->last], ip))
		return &t->slots[t->last];
	unsigned i = home_slot(t, ip);
	while (t->slots[i].state != FREE && t->slots[i].ip != ip)
		i = (i + 1) & SLOT_MASK;
	t->last = i;
	return &t->slots[i];
}

static void remove_entry(struct neighbour_table *t, struct neighbour *n)
{
	unsigned hole = (unsigned)(n - t->slots);
	drop_waiting(t, n, 0, false);
	t->used--;
	for (unsigned i = (hole + 1) & SLOT_MASK; t->slots[i].state != FREE; i = (i + 1) & SLOT_MASK) {
		unsigned home = home_slot(t, t->slots[i].ip);
		if (((i - home) & SLOT_MASK) >= ((i - hole) & SLOT_MASK)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct neighbour){ .state = FREE };
	t->taken[hole / 64] &= ~(UINT64_C(1) << hole % 64);
}

static unsigned count_of_port(const struct neighbour_table *t, unsigned port_id)
{
	unsigned n = 0;
	for_each_taken(i, t)
		n += t->slots[i].port_id == port_id;
	return n;
}

static void set_deadline(struct neighbour_table *t, struct neighbour *n, usec_t when)
{
	n->deadline = when;
	t->next_deadline = usec_min(t->next_deadline, when);
}

/* A new entry in the free slot where @ip belongs; NULL when there is no room for it. */
static struct neighbour *add(struct neighbour_table *t, struct neighbour *slot, ip4_t ip, unsigned port_id)
{
	/* Counting is slow, but only a port that invents addresses adds entries all the time. */
	if (t->used >= NEIGHBOURS_MAX ||
	    (port_id != 0 && t->used >= NEIGHBOURS_PER_PORT && count_of_port(t, port_id) >= NEIGHBOURS_PER_PORT))
		return NULL;
	unsigned at = (unsigned)(slot - t->slots);
	t->used++;
	t->taken[at / 64] |= UINT64_C(1) << at % 64;
	*slot = (struct neighbour){ .ip = ip, .port_id = port_id, .mtu = NEIGHBOUR_MTU_MIN, .state = ASKING };
	return slot;
}

static void release_waiting(struct neighbour_table *t, usec_t now, struct neighbour *n)
{
	struct mac mac = n->mac;
	struct waiting *w = n->waiting;
	n->waiting = NULL;
	n->n_waiting = 0;
	while (w) {
		struct waiting *next = w->next;
		t->waiting_bytes -= w->len;
		t->ops->release(t->opaque, now, mac, w->frame, w->len);
		free(w);
		w = next;
	}
}

bool neighbour_learn(struct neighbour_table *t, usec_t now, ip4_t ip, struct mac mac, unsigned port_id, enum neighbour_source how,
		     size_t ip_len)
{
	struct neighbour *n = find(t, ip);
	if (n->state == FREE)
		n = add(t, n, ip, port_id);
	if (!n)
		return false;
	bool other = n->state != ASKING && !mac_equal(n->mac, mac);
	if (other && how == NEIGHBOUR_BY_IP && n->state == KNOWN)
		return true; /* an IP packet must not move an address (spoofing) */
	if (other)
		n->mtu = NEIGHBOUR_MTU_MIN;
	if ((other || n->state == ASKING) && t->ops->appeared)
		t->ops->appeared(t->opaque, now, ip, mac);
	n->mac = mac;
	n->port_id = port_id;
	n->mtu = MAX(n->mtu, (uint32_t)ip_len);
	n->seen = now;
	if (n->state != KNOWN) {
		n->state = KNOWN;
		n->asked = 0;
		set_deadline(t, n, now + SILENT_TIME);
		release_waiting(t, now, n);
	}
	return true;
}

bool neighbour_find(struct neighbour_table *t, ip4_t ip, struct mac *ret)
{
	const struct neighbour *n = find(t, ip);
	if (n->state != KNOWN && n->state != AWAY)
		return false;
	*ret = n->mac;
	return true;
}

bool neighbour_is_known(struct neighbour_table *t, ip4_t ip)
{
	return find(t, ip)->state == KNOWN;
}

bool neighbour_is_present(struct neighbour_table *t, usec_t now, ip4_t ip, struct mac *ret)
{
	const struct neighbour *n = find(t, ip);
	return n->state == KNOWN && now - n->seen < PRESENT_TIME && neighbour_find(t, ip, ret);
}

size_t neighbour_mtu(struct neighbour_table *t, ip4_t ip)
{
	const struct neighbour *n = find(t, ip);
	return n->state == FREE ? NEIGHBOUR_MTU_MIN : n->mtu;
}

static void ask(struct neighbour_table *t, usec_t now, struct neighbour *n)
{
	n->asked++;
	set_deadline(t, n, now + ASK_INTERVAL);
	t->ops->ask(t->opaque, now, n->ip);
}

bool neighbour_wait(struct neighbour_table *t, usec_t now, ip4_t ip, const struct frame *frame)
{
	struct neighbour *n = find(t, ip);
	if (n->state == FREE)
		n = add(t, n, ip, 0);
	if (!n || n->n_waiting >= WAITING_PER_NEIGHBOUR || frame->len > WAITING_BYTES_MAX - t->waiting_bytes)
		return false;
	struct waiting *w = malloc(sizeof(*w) + frame->len);
	if (!w)
		return false;
	*w = (struct waiting){ .len = frame->len };
	frame_copy(frame, 0, w->frame, frame->len);
	struct waiting **end = &n->waiting;
	while (*end)
		end = &(*end)->next;
	*end = w;
	n->n_waiting++;
	t->waiting_bytes += frame->len;
	if (n->asked == 0)
		ask(t, now, n);
	return true;
}

void neighbour_port_gone(struct neighbour_table *t, usec_t now, unsigned port_id)
{
	for_each_taken(i, t) {
		struct neighbour *n = &t->slots[i];
		if (n->state == KNOWN && n->port_id == port_id) {
			n->state = AWAY;
			set_deadline(t, n, now + AWAY_TIME);
		}
	}
}

void neighbour_for_each_on_port(struct neighbour_table *t, usec_t now, unsigned port_id, void (*each)(void *opaque, usec_t now, ip4_t ip),
				void *opaque)
{
	for_each_taken(i, t)
		if (t->slots[i].state == KNOWN && t->slots[i].port_id == port_id)
			each(opaque, now, t->slots[i].ip);
}

unsigned neighbour_view(const struct neighbour_table *t, unsigned *slot, struct neighbour_view *ret, unsigned max)
{
	unsigned count = 0, i = next_taken(t, *slot);
	for (; i < SLOTS && count < max; i = next_taken(t, i + 1)) {
		const struct neighbour *n = &t->slots[i];
		if (n->state == ASKING)
			continue;
		ret[count++] = (struct neighbour_view){
			.ip = n->ip, .mac = n->mac, .port_id = n->state == KNOWN ? n->port_id : 0, .seen = n->seen
		};
	}
	*slot = i;
	return count;
}

usec_t neighbour_deadline(const struct neighbour_table *t)
{
	return t->next_deadline;
}

/* Does what is due for @n; true when @n is to be removed. */
static bool expire_one(struct neighbour_table *t, usec_t now, struct neighbour *n)
{
	if (n->state == ASKING) {
		if (n->asked < ASK_TIMES) {
			ask(t, now, n);
			return false;
		}
		drop_waiting(t, n, now, true);
		return true;
	}
	if (n->state == KNOWN && now - n->seen < SILENT_TIME) {
		n->asked = 0;
		set_deadline(t, n, n->seen + SILENT_TIME);
		return false;
	}
	/* Its connections may only be idle: ask before their flows end. */
	if (n->state == KNOWN && n->asked < ASK_TIMES) {
		ask(t, now, n);
		return false;
	}
	t->ops->gone(t->opaque, now, n->ip);
	return true;
}

void neighbour_expire(struct neighbour_table *t, usec_t now)
{
	if (now < t->next_deadline)
		return;
	t->next_deadline = USEC_INFINITY;
	for (unsigned i = next_taken(t, 0); i < SLOTS;) {
		struct neighbour *n = &t->slots[i];
		if (now >= n->deadline && expire_one(t, now, n)) {
			remove_entry(t, n); /* may move another entry to this slot */
			i = next_taken(t, i);
			continue;
		}
		t->next_deadline = usec_min(t->next_deadline, n->deadline);
		i = next_taken(t, i + 1);
	}
}
