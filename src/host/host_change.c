/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/host_change.h"

#include "wire/ipv6.h"
#include "wire/rtnetlink.h"

/* Settled together they are within the second in which flows have to end. */
#define NEWS_AFTER (20 * USEC_PER_MSEC)
#define LOST_AFTER (300 * USEC_PER_MSEC)
/* The longest prefixes of routes that can be ways to the whole internet: VPNs add two halves of 0.0.0.0/0, and 2000::/3. */
#define WIDE_V4 1u
#define WIDE_V6 3u

void host_changes_init(struct host_changes *c)
{
	*c = (struct host_changes){ .news_due = USEC_INFINITY, .lost_due = USEC_INFINITY };
}

static void note_news(struct host_changes *c, usec_t now)
{
	c->pending.news = true;
	c->news_due = usec_min(c->news_due, now + NEWS_AFTER);
}

static void note_any(struct host_changes *c, usec_t now)
{
	c->pending.any = true;
	c->lost_due = usec_min(c->lost_due, now + LOST_AFTER);
	note_news(c, now);
}

static int find(const struct host_change *p, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < p->n_lost; i++)
		if (ip_equal(&p->lost[i], addr))
			return (int)i;
	return -1;
}

static void removed(struct host_changes *c, usec_t now, const struct ip_addr *addr)
{
	struct host_change *p = &c->pending;
	note_news(c, now);
	if (find(p, addr) >= 0)
		return;
	if (p->n_lost == HOST_CHANGE_LOST_MAX) {
		note_any(c, now);
		return;
	}
	p->lost[p->n_lost++] = *addr;
	c->lost_due = usec_min(c->lost_due, now + LOST_AFTER);
}

static void added(struct host_changes *c, usec_t now, const struct ip_addr *addr)
{
	struct host_change *p = &c->pending;
	note_news(c, now);
	int i = find(p, addr);
	if (i < 0)
		return;
	p->lost[i] = p->lost[--p->n_lost];
	if (p->n_lost == 0 && !p->any)
		c->lost_due = USEC_INFINITY;
}

void host_changes_note(struct host_changes *c, usec_t now, const struct rtnetlink_event *e)
{
	/* Link-local addresses come and go with the interfaces of containers. */
	switch (e->type) {
	case RTNETLINK_OTHER: break;
	case RTNETLINK_ADDRESS_ADDED:
		if (!ipv6_is_link_local(&e->addr))
			added(c, now, &e->addr);
		break;
	case RTNETLINK_ADDRESS_REMOVED:
		if (!ipv6_is_link_local(&e->addr))
			removed(c, now, &e->addr);
		break;
	case RTNETLINK_ROUTE_CHANGED:
		if (e->length <= (e->v6 ? WIDE_V6 : WIDE_V4))
			note_news(c, now);
		break;
	case RTNETLINK_OVERRUN: note_any(c, now); break;
	}
}

usec_t host_changes_deadline(const struct host_changes *c)
{
	return usec_min(c->news_due, c->lost_due);
}

bool host_changes_take(struct host_changes *c, usec_t now, struct host_change *ret)
{
	bool news = c->news_due <= now, lost = c->lost_due <= now;
	struct host_change *p = &c->pending;
	if (!news && !lost)
		return false;
	*ret = (struct host_change){ .news = news };
	if (lost) {
		*ret = *p;
		ret->news = news;
		p->n_lost = 0;
		p->any = false;
		c->lost_due = USEC_INFINITY;
	}
	if (news) {
		p->news = false;
		c->news_due = USEC_INFINITY;
	}
	return true;
}
