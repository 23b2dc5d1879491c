/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/holder.h"

#include "base/log.h"
#include "gateway/payer.h"
#include "lan/port.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp/reply.h"

/* The port through which the lease was made or last renewed; NULL when no client holds it, or the port is gone. */
static struct port *recorded_port(const struct lease *l, usec_t now)
{
	return l && lease_is_held(l, now) && l->payer ? l->payer->port : NULL;
}

/*
 * A MAC that is seen elsewhere on the segment does not take a lease from a client behind a bridge that translates MACs, as long as the
 * bridge uses its address.
 */
static bool is_used_behind_a_bridge(const struct dhcp *d, const struct lease *l)
{
	const struct guest_address *a = l->translated ? d->config.env->ops->address_at(d->config.env, l->ip) : NULL;
	return a && a->guest->payer == l->payer;
}

/* @seen: where the MAC of @l is, NULL when it was not seen. */
static struct port *port_of(const struct dhcp *d, usec_t now, const struct lease *l, struct port *seen)
{
	struct port *recorded = recorded_port(l, now);
	return !seen || (recorded && is_used_behind_a_bridge(d, l)) ? recorded : seen;
}

struct port *dhcp_holder_port(const struct dhcp *d, usec_t now, struct mac mac)
{
	struct dhcp_env *env = d->config.env;
	const struct lease *l = lease_find_mac(&d->leases, mac);
	const struct guest *g = l ? l->holder.guest : NULL;
	return port_of(d, now, l, g && g->port ? g->port : env->ops->port_of(env, now, mac));
}

/* A frame from the client's own MAC has shown where that is: the client may have moved. */
static struct port *client_port(const struct dhcp *d, usec_t now, const struct dhcp_request *rq)
{
	struct mac mac = rq->message.header.chaddr;
	if (mac_equal(mac, rq->port->pinned))
		return rq->port; /* declared: a guest that got a lease for its MAC before it started has none now */
	if (!mac_equal(mac, rq->sender))
		return dhcp_holder_port(d, now, mac);
	return port_of(d, now, lease_find_mac(&d->leases, mac), rq->port);
}

static void log_refused(struct dhcp *d, usec_t now, const struct dhcp_request *rq, const char *why, const struct port *other)
{
	char mac[MAC_TEXT_SIZE];
	log_limited(d->config.log, dhcp_log_limit(d, rq->port), now, LOG_LEVEL_WARNING,
		    "port %s: DHCP message for client %s refused: %s%s%s", rq->port->name, mac_format(rq->message.header.chaddr, mac), why,
		    other ? " " : "", other ? other->name : "");
}

/* @rq would end a lease of a client that is behind no port now, and is not that client's. */
static bool ends_lease_of_absent(const struct dhcp_request *rq, const struct port *holder)
{
	uint8_t type = rq->message.type;
	return !holder && (type == DHCP_RELEASE || type == DHCP_DECLINE) && !mac_equal(rq->message.header.chaddr, rq->sender);
}

bool dhcp_holder_admits(struct dhcp *d, usec_t now, const struct dhcp_request *rq)
{
	if (!rq->port || !rq->port->guarded)
		return true;
	const struct port *holder = client_port(d, now, rq);
	if (holder && holder != rq->port) {
		log_refused(d, now, rq, "that client is behind port", holder);
		return false;
	}
	if (ends_lease_of_absent(rq, holder)) {
		log_refused(d, now, rq, "that client is behind no port now, and this message is from another MAC", NULL);
		return false;
	}
	ip4_t relay = rq->message.header.giaddr;
	const struct guest_address *a = relay ? d->config.env->ops->address_at(d->config.env, relay) : NULL;
	if (!relay || (a && a->guest->port == rq->port))
		return true;
	log_refused(d, now, rq, a ? "its relay (giaddr) is behind port" : "its relay (giaddr) is not behind this port",
		    a ? a->guest->port : NULL);
	return false;
}
