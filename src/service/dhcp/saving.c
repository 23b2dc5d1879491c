/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/saving.h"

#include "base/macros.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAVES_PER_SECOND 10u
/* Saves that do not wait, after a second without any. */
#define SAVES_AT_ONCE 10u
#define SAVE_INTERVAL (USEC_PER_SEC / SAVES_PER_SECOND)

struct dhcp_ack {
	struct list node;
	struct lease *lease;
	struct sink_udp datagram; /* payload and dst_mac are not valid */
	bool has_dst_mac;
	struct mac dst_mac;
	uint8_t payload[];
};

static void keep(struct sink *sink, usec_t now, const struct sink_udp *datagram)
{
	struct dhcp_saving *s = container_of(sink, struct dhcp_saving, sink);
	struct dhcp_ack *a = malloc(sizeof(*a) + datagram->len);
	if (!a) {
		s->error = -ENOMEM;
		return;
	}
	*a = (struct dhcp_ack){ .lease = s->lease, .datagram = *datagram, .has_dst_mac = datagram->dst_mac };
	if (datagram->dst_mac)
		a->dst_mac = *datagram->dst_mac;
	memcpy(a->payload, datagram->payload, datagram->len);
	dhcp_ack_free(s->lease->ack);
	s->lease->ack = a;
	list_append(&s->acks, &a->node);
}

static const struct sink_ops keeping = { .udp = keep };

void dhcp_saving_init(struct dhcp_saving *s)
{
	*s = (struct dhcp_saving){ .sink = { &keeping } };
	list_init(&s->acks);
	list_init(&s->unsaved);
}

void dhcp_ack_free(struct dhcp_ack *a)
{
	if (!a)
		return;
	list_remove(&a->node);
	a->lease->ack = NULL;
	free(a);
}

void dhcp_saving_done(struct dhcp_saving *s)
{
	list_for_each(node, &s->acks)
		dhcp_ack_free(container_of(node, struct dhcp_ack, node));
	list_for_each(node, &s->unsaved)
		list_remove(node);
}

void dhcp_saving_needed(struct dhcp *d, usec_t now, struct lease *l)
{
	list_remove(&l->unsaved);
	if (d->config.saves)
		list_append(&d->saving.unsaved, &l->unsaved);
	d->saving.due = d->config.saves;
	d->config.env->ops->changed(d->config.env, now);
}

void dhcp_saving_gone(struct dhcp *d, usec_t now, struct mac mac, ip4_t ip)
{
	struct dhcp_saving *s = &d->saving;
	if (s->n_gone < DHCP_GONE_MAX)
		s->gone[s->n_gone] = (struct dhcp_gone){ mac, ip };
	s->n_gone += s->n_gone <= DHCP_GONE_MAX;
	s->due = d->config.saves;
	d->config.env->ops->changed(d->config.env, now);
}

bool dhcp_saving_needs_few(const struct dhcp_saving *s)
{
	return s->n_gone <= DHCP_GONE_MAX;
}

/* What is gone comes first: its MAC or its address may have another lease now. */
void dhcp_saving_for_each(const struct dhcp_saving *s, void (*each)(void *opaque, const struct lease *l), void *opaque)
{
	for (unsigned i = 0; i < MIN(s->n_gone, DHCP_GONE_MAX); i++)
		each(opaque, &(struct lease){ .mac = s->gone[i].mac, .ip = s->gone[i].ip, .state = LEASE_RELEASED });
	list_for_each(node, &s->unsaved) {
		const struct lease *l = container_of(node, struct lease, unsaved);
		if (l->state != LEASE_SET_ASIDE)
			each(opaque, l);
	}
}

/* A client renews after half its time, so that a quarter may be missing: a crash does not end the lease before the client asks again. */
bool dhcp_saving_covers(struct dhcp *d, usec_t now, const struct lease *l)
{
	usec_t saved = l->saved > now ? l->saved - now : 0, granted = l->expires - now;
	if (l->saved != l->expires && (l->expires == USEC_INFINITY || saved < granted / 4 * 3))
		return false;
	d->saving.outdated = d->config.saves;
	return true;
}

int dhcp_saving_ack(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct lease *l, uint32_t lease_time)
{
	struct dhcp_saving *s = &d->saving;
	s->lease = l;
	s->error = 0;
	dhcp_reply_lease(d, now, rq, DHCP_ACK, l, lease_time, &s->sink);
	return s->error;
}

/* Not later than the pace allows SAVES_AT_ONCE of them. */
usec_t dhcp_saving_deadline(const struct dhcp *d)
{
	usec_t ahead = (SAVES_AT_ONCE - 1) * SAVE_INTERVAL;
	if (!d->saving.due)
		return USEC_INFINITY;
	return d->saving.pace > ahead ? d->saving.pace - ahead : 0;
}

static void send_acks(struct dhcp_saving *s, usec_t now, struct sink *out)
{
	list_for_each(node, &s->acks) {
		struct dhcp_ack *a = container_of(node, struct dhcp_ack, node);
		a->datagram.payload = a->payload;
		a->datagram.dst_mac = a->has_dst_mac ? &a->dst_mac : NULL;
		sink_udp(out, now, &a->datagram);
		dhcp_ack_free(a);
	}
}

void dhcp_saving_run(struct dhcp *d, usec_t now, struct sink *out)
{
	struct dhcp_saving *s = &d->saving;
	if (dhcp_saving_deadline(d) > now)
		return;
	s->pace = MAX(s->pace, now) + SAVE_INTERVAL;
	s->due = s->outdated = false;
	d->config.env->ops->save(d->config.env, now);
	list_for_each(node, &s->unsaved)
		list_remove(node);
	s->n_gone = 0;
	send_acks(s, now, out);
}
