/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/claim.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "lan/frame.h"

#include <stdlib.h>

static struct claim *of_node(struct list *node)
{
	return container_of(node, struct claim, node);
}

void claims_init(struct claims *t, const struct claim_ops *ops, void *opaque)
{
	*t = (struct claims){ .ops = ops, .opaque = opaque, .next_deadline = USEC_INFINITY };
	list_init(&t->all);
}

static void stop_asking(struct claim *c)
{
	if (c->state == CLAIM_ASKING)
		c->holder->n_challenges--;
}

static void claim_free(struct claims *t, struct claim *c)
{
	stop_asking(c);
	list_remove(&c->node);
	list_remove(&c->of_payer);
	c->by->n_claims--;
	t->n--;
	payer_unref(c->by);
	payer_unref(c->holder);
	free(c);
}

void claims_done(struct claims *t)
{
	if (!t->all.next)
		return;
	list_for_each(node, &t->all)
		claim_free(t, of_node(node));
}

struct claim *claims_find(const struct claims *t, const struct payer *by, struct mac mac, const struct ip_addr *addr)
{
	list_for_each(node, &by->claims) {
		struct claim *c = container_of(node, struct claim, of_payer);
		if (mac_equal(c->mac, mac) && ip_equal(&c->addr, addr))
			return c;
	}
	return NULL;
}

void claims_keep(struct claim *c, const struct frame *frame)
{
	c->frame_len = frame->len <= sizeof(c->frame) ? frame_copy(frame, 0, c->frame, frame->len) : 0;
}

static void set_deadline(struct claims *t, struct claim *c, usec_t when)
{
	c->deadline = when;
	t->next_deadline = usec_min(t->next_deadline, when);
}

static void ask(struct claims *t, usec_t now, struct claim *c)
{
	c->asked++;
	set_deadline(t, c, c->asked < CLAIM_ASK_TIMES ? now + CLAIM_ASK_INTERVAL : c->begun + CLAIM_ANSWER_TIME);
	if (!ip_is_unspecified(&c->asked_addr))
		t->ops->ask(t->opaque, now, c);
}

static void refuse(struct claims *t, usec_t now, struct claim *c)
{
	stop_asking(c);
	c->state = CLAIM_REFUSED;
	c->frame_len = 0;
	set_deadline(t, c, now + CLAIM_MEMORY);
	t->ops->refused(t->opaque, now, c);
}

bool claims_begin(struct claims *t, usec_t now, const struct claim *begin, const struct frame *frame)
{
	if (!share_allows(begin->by->n_claims, 1, t->n, CLAIMS_MAX, 1))
		return false;
	struct claim *c = malloc(sizeof(*c));
	if (!c)
		return false;
	*c = (struct claim){
		.state = CLAIM_ASKING,
		.mac = begin->mac,
		.addr = begin->addr,
		.by = payer_ref(begin->by),
		.holder = payer_ref(begin->holder),
		.asked_mac = begin->asked_mac,
		.asked_addr = begin->asked_addr,
		.n_taken = begin->n_taken,
		.n_lost = begin->n_lost,
		.begun = now,
	};
	list_append(&t->all, &c->node);
	list_append(&c->by->claims, &c->of_payer);
	c->by->n_claims++;
	c->holder->n_challenges++;
	t->n++;
	if (begin->state == CLAIM_REFUSED) {
		refuse(t, now, c);
		return true;
	}
	claims_keep(c, frame);
	ask(t, now, c);
	return true;
}

bool claims_take(struct claims *t, struct claim *c)
{
	if (c->state != CLAIM_GRANTED)
		return false;
	claim_free(t, c);
	return true;
}

void claims_heard(struct claims *t, usec_t now, const struct payer *holder, struct mac mac, const struct ip_addr *addr)
{
	list_for_each(node, &t->all) {
		struct claim *c = of_node(node);
		if (c->state != CLAIM_ASKING || c->holder != holder || now < c->begun + CLAIM_LATE_TIME)
			continue;
		bool answers = ip_is_unspecified(&c->addr) ? mac_equal(c->asked_mac, mac) : ip_equal(&c->addr, addr);
		if (answers)
			refuse(t, now, c);
	}
}

void claims_port_gone(struct claims *t, usec_t now, const struct payer *p)
{
	list_for_each(node, &t->all) {
		struct claim *c = of_node(node);
		if (c->by == p) {
			claim_free(t, c);
		} else if (c->holder == p && c->state == CLAIM_ASKING) {
			c->asked = CLAIM_ASK_TIMES;
			set_deadline(t, c, now);
		}
	}
}

usec_t claims_deadline(const struct claims *t)
{
	return t->next_deadline;
}

/* The frame lies on the stack, because entering it may free the claim; what it does not take is freed here. */
static void grant(struct claims *t, usec_t now, struct claim *c)
{
	uint8_t frame[CLAIM_FRAME_MAX];
	size_t len = c->frame_len;
	struct payer *by = payer_ref(c->by);
	struct mac mac = c->mac;
	struct ip_addr addr = c->addr;
	memcpy(frame, c->frame, len);
	stop_asking(c);
	c->state = CLAIM_GRANTED;
	if (len > 0)
		t->ops->enter(t->opaque, now, c, frame, len);
	c = claims_find(t, by, mac, &addr);
	if (c && c->state == CLAIM_GRANTED) {
		if (len > 0)
			claim_free(t, c);
		else
			set_deadline(t, c, now + CLAIM_MEMORY); /* the next frame takes it */
	}
	payer_unref(by);
}

static void expire_one(struct claims *t, usec_t now, struct claim *c)
{
	if (c->state != CLAIM_ASKING)
		claim_free(t, c);
	else if (c->asked < CLAIM_ASK_TIMES)
		ask(t, now, c);
	else if (t->ops->is_overrun(t->opaque, c))
		refuse(t, now, c);
	else
		grant(t, now, c);
}

static struct claim *first_due(const struct claims *t, usec_t now)
{
	list_for_each(node, &t->all)
		if (of_node(node)->deadline <= now)
			return of_node(node);
	return NULL;
}

/* Entering a frame may change the list, so the search begins anew after each claim. */
void claims_expire(struct claims *t, usec_t now)
{
	struct claim *c;
	if (now < t->next_deadline)
		return;
	while ((c = first_due(t, now)))
		expire_one(t, now, c);
	t->next_deadline = USEC_INFINITY;
	list_for_each(node, &t->all)
		t->next_deadline = usec_min(t->next_deadline, of_node(node)->deadline);
}
