/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message is parsed, checked by the rules of its type (RFC 8415 §16), and answered by one reply (§18.3), which has what decide() says.
 */
#include "service/dhcp6/dhcp6.h"

#include "base/macros.h"
#include "gateway/ip6.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/dhcp6/address.h"
#include "service/dhcp6/binding.h"
#include "wire/dhcp.h"

#include <errno.h>

#define MESSAGE_MAX 2048u  /* a client's options in the envelopes of relays */
#define PREFERENCE_MAX 255 /* the client need not wait for other servers (RFC 8415 §21.8) */
#define REFRESH_TIME_MAX 86400u

/* A message that is being answered. */
struct request {
	const struct packet *packet;
	struct dhcp6_message message;
	struct mac mac; /* of the client; zero: it is not known */
	unsigned port_id;
	const char *name; /* of the client, when it was given an address; NULL: none */
	enum dhcp6_type answer;
	bool rapid_commit;
	bool refused;            /* a client that has to use multicast is told that, and nothing else */
	bool had[DHCP6_IAS_MAX]; /* of a RELEASE or DECLINE: the association was bound */
};

static struct dhcp6 *of_service(const struct service *s)
{
	return container_of(s, struct dhcp6, service);
}

/* --- the reply --- */

static void put_duid(struct bytes_writer *w, enum dhcp6_option code, const struct dhcp6_duid *duid)
{
	if (duid->len > 0)
		dhcp6_put_option(w, code, duid->bytes, duid->len);
}

static uint32_t part(uint32_t seconds, uint32_t percent)
{
	return seconds == UINT32_MAX ? UINT32_MAX : (uint32_t)((uint64_t)seconds * percent / 100);
}

static void put_ia_na(struct dhcp6 *d, usec_t now, struct bytes_writer *w, struct request *rq, unsigned index)
{
	const struct dhcp6_ia *ia = &rq->message.ias[index];
	struct ip_addr addr = dhcp6_address_of(d, now, &rq->message, index, rq->mac, rq->packet->eth.src);
	if (rq->answer == DHCP6_REPLY) {
		const struct lease6 *l = dhcp6_binding_give(d, now, rq->packet->port, &rq->message, ia, rq->mac, &addr);
		rq->name = l ? dhcp6_binding_name(d, now, l) : "";
	}
	uint32_t lifetime = d->config.lease_time;
	size_t begun = dhcp6_begin(w, DHCP6_OPTION_IA_NA);
	bytes_put_be32(w, ia->iaid);
	bytes_put_be32(w, part(lifetime, 50));
	bytes_put_be32(w, part(lifetime, 80));
	dhcp6_put_address(w, &addr, lifetime, lifetime);
	/* Others that the client has are not its own any more (RFC 8415 §18.3.4). */
	bool has_others = rq->message.type == DHCP6_RENEW || rq->message.type == DHCP6_REBIND;
	for (unsigned i = 0; has_others && i < ia->n_addresses; i++)
		if (!ip_equal(&ia->addresses[i], &addr))
			dhcp6_put_address(w, &ia->addresses[i], 0, 0);
	dhcp6_end(w, begun);
}

/* RFC 8415 §18.3.7, §18.3.8 */
static void put_unbound_ias(struct bytes_writer *w, const struct request *rq)
{
	for (unsigned i = 0; i < rq->message.n_ias; i++) {
		const struct dhcp6_ia *ia = &rq->message.ias[i];
		if (rq->had[i])
			continue;
		size_t begun = dhcp6_begin(w, (enum dhcp6_option)ia->option);
		bytes_put_be32(w, ia->iaid);
		if (ia->option != DHCP6_OPTION_IA_TA)
			bytes_put_zeros(w, 8);
		dhcp6_put_status(w, DHCP6_NO_BINDING);
		dhcp6_end(w, begun);
	}
}

static void put_refused_ia(struct bytes_writer *w, const struct dhcp6_ia *ia)
{
	size_t begun = dhcp6_begin(w, (enum dhcp6_option)ia->option);
	bytes_put_be32(w, ia->iaid);
	if (ia->option == DHCP6_OPTION_IA_PD) {
		bytes_put_be32(w, 0);
		bytes_put_be32(w, 0);
	}
	dhcp6_put_status(w, ia->option == DHCP6_OPTION_IA_PD ? DHCP6_NO_PREFIXES : DHCP6_NO_ADDRESSES);
	dhcp6_end(w, begun);
}

static void put_ias(struct dhcp6 *d, usec_t now, struct bytes_writer *w, struct request *rq)
{
	for (unsigned i = 0; i < rq->message.n_ias; i++) {
		if (rq->message.ias[i].option == DHCP6_OPTION_IA_NA)
			put_ia_na(d, now, w, rq, i);
		else
			put_refused_ia(w, &rq->message.ias[i]);
	}
}

static void put_names(const struct dhcp6 *d, struct bytes_writer *w, const struct dhcp6_message *m)
{
	if (m->wants_dns || !m->has_requested)
		dhcp6_put_option(w, DHCP6_OPTION_DNS, d->config.ip6->address.b, sizeof(d->config.ip6->address.b));
	if ((m->wants_search || !m->has_requested) && d->search.len > 1)
		dhcp6_put_option(w, DHCP6_OPTION_SEARCH, d->search.bytes, d->search.len);
}

/* The server answers for the name itself, whatever the client wants to do about it (RFC 4704 §6). */
static void put_fqdn(const struct dhcp6 *d, struct bytes_writer *w, const struct request *rq)
{
	struct dns_name name;
	if (!rq->message.has_fqdn || !rq->message.wants_fqdn || !rq->name || d->search.len <= 1 ||
	    dns_name_child(rq->name, &d->search, &name) < 0)
		return;
	bool overrides = !(rq->message.fqdn_flags & DHCP6_FQDN_SERVER);
	size_t begun = dhcp6_begin(w, DHCP6_OPTION_FQDN);
	bytes_put_u8(w, DHCP6_FQDN_SERVER | (overrides ? DHCP6_FQDN_OVERRIDE : 0));
	dns_name_emit(w, &name);
	dhcp6_end(w, begun);
}

static void put_refresh_time(const struct dhcp6 *d, struct bytes_writer *w)
{
	uint8_t bytes[4];
	struct bytes_writer value = bytes_writer(bytes, sizeof(bytes));
	bytes_put_be32(&value, MIN(d->config.lease_time, REFRESH_TIME_MAX));
	dhcp6_put_option(w, DHCP6_OPTION_REFRESH_TIME, bytes, sizeof(bytes));
}

/* Whether all addresses of the client belong to the segment (RFC 8415 §18.3.3). */
static bool is_on_link(const struct dhcp6 *d, const struct dhcp6_message *m)
{
	for (unsigned i = 0; i < m->n_ias; i++)
		for (unsigned k = 0; k < m->ias[i].n_addresses; k++)
			if (!prefix6_contains(&d->config.ip6->prefix, &m->ias[i].addresses[k]))
				return false;
	return true;
}

static void put_answer(struct dhcp6 *d, usec_t now, struct bytes_writer *w, struct request *rq)
{
	const struct dhcp6_message *m = &rq->message;
	if (rq->refused) {
		dhcp6_put_status(w, DHCP6_USE_MULTICAST);
		return;
	}
	switch (m->type) {
	case DHCP6_CONFIRM: dhcp6_put_status(w, is_on_link(d, m) ? DHCP6_SUCCESS : DHCP6_NOT_ON_LINK); return;
	case DHCP6_RELEASE:
	case DHCP6_DECLINE:
		dhcp6_put_status(w, DHCP6_SUCCESS);
		put_unbound_ias(w, rq);
		return;
	case DHCP6_INFORMATION_REQUEST:
		if (m->wants_refresh_time)
			put_refresh_time(d, w);
		break;
	default: put_ias(d, now, w, rq); put_fqdn(d, w, rq);
	}
	if (rq->answer == DHCP6_ADVERTISE)
		dhcp6_put_option(w, DHCP6_OPTION_PREFERENCE, (uint8_t[]){ PREFERENCE_MAX }, 1);
	if (rq->rapid_commit)
		dhcp6_put_option(w, DHCP6_OPTION_RAPID_COMMIT, NULL, 0);
	put_names(d, w, m);
}

static void reply(struct dhcp6 *d, usec_t now, struct request *rq, struct sink *out)
{
	const struct dhcp6_message *m = &rq->message;
	const struct packet *p = rq->packet;
	uint8_t bytes[MESSAGE_MAX];
	size_t envelopes[DHCP6_RELAYS_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	for (unsigned i = 0; i < m->n_relays; i++)
		envelopes[i] = dhcp6_begin_relay(&w, &m->relays[i]);
	dhcp6_put_header(&w, rq->answer, m->xid);
	put_duid(&w, DHCP6_OPTION_SERVER_ID, &d->duid);
	put_duid(&w, DHCP6_OPTION_CLIENT_ID, &m->client);
	put_answer(d, now, &w, rq);
	for (unsigned i = m->n_relays; i-- > 0;)
		dhcp6_end(&w, envelopes[i]);
	if (w.failed) {
		sink_drop(out, DROP_DHCP_IGNORED, p);
		return;
	}
	sink_udp(out, now,
		 &(struct sink_udp){
			 .src = *gateway_ip6_towards(d->config.ip6, &p->src),
			 .dst = p->src,
			 .src_port = DHCP6_SERVER_PORT,
			 .dst_port = m->n_relays > 0 ? DHCP6_SERVER_PORT : DHCP6_CLIENT_PORT,
			 .dst_mac = &p->eth.src,
			 .payload = bytes,
			 .len = w.len,
		 });
}

/* --- checks --- */

enum server_id {
	SERVER_ID_OURS,
	SERVER_ID_NONE,
	SERVER_ID_ANY, /* none, or ours */
};

/* RFC 8415 §16: what a message of each type must have; others are discarded. */
static const struct rule {
	uint8_t type;
	bool needs_client;
	bool may_have_ias;
	bool is_told_to_use_multicast; /* when it was sent to the server's address; else it is discarded then */
	enum server_id server;
	enum dhcp6_type answer;
} rules[] = {
	{ DHCP6_SOLICIT, true, true, false, SERVER_ID_NONE, DHCP6_ADVERTISE },
	{ DHCP6_REQUEST, true, true, true, SERVER_ID_OURS, DHCP6_REPLY },
	{ DHCP6_CONFIRM, true, true, false, SERVER_ID_NONE, DHCP6_REPLY },
	{ DHCP6_RENEW, true, true, true, SERVER_ID_OURS, DHCP6_REPLY },
	{ DHCP6_REBIND, true, true, false, SERVER_ID_NONE, DHCP6_REPLY },
	{ DHCP6_RELEASE, true, true, true, SERVER_ID_OURS, DHCP6_REPLY },
	{ DHCP6_DECLINE, true, true, true, SERVER_ID_OURS, DHCP6_REPLY },
	{ DHCP6_INFORMATION_REQUEST, false, false, false, SERVER_ID_ANY, DHCP6_REPLY },
};

static const struct rule *rule_of(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

static bool has_addresses(const struct dhcp6_message *m)
{
	for (unsigned i = 0; i < m->n_ias; i++)
		if (m->ias[i].n_addresses > 0)
			return true;
	return false;
}

static bool keeps(const struct dhcp6 *d, const struct dhcp6_message *m, const struct rule *rule)
{
	bool ours = dhcp6_duid_equal(&m->server, &d->duid);
	if (rule->needs_client && m->client.len == 0)
		return false;
	if (!rule->may_have_ias && m->n_ias > 0)
		return false;
	if (m->type == DHCP6_CONFIRM && !has_addresses(m))
		return false;
	switch (rule->server) {
	case SERVER_ID_OURS: return ours;
	case SERVER_ID_NONE: return m->server.len == 0;
	default: return ours || m->server.len == 0;
	}
}

/* Makes of @rq->message what is to be answered.  False: nothing. */
static bool decide(const struct dhcp6 *d, struct request *rq)
{
	const struct dhcp6_message *m = &rq->message;
	const struct rule *rule = rule_of(m->type);
	if (!rule || !keeps(d, m, rule))
		return false;
	rq->answer = rule->answer;
	rq->rapid_commit = m->type == DHCP6_SOLICIT && m->rapid_commit;
	if (rq->rapid_commit)
		rq->answer = DHCP6_REPLY;
	rq->refused = m->n_relays == 0 && !ipv6_is_multicast(&rq->packet->dst);
	return !rq->refused || rule->is_told_to_use_multicast;
}

/*
 * Behind a relay that does not say the client's MAC, it is not known.  A guest that plays relay does not get what belongs to the MAC of a
 * guest behind another port.
 */
static struct mac mac_of(const struct dhcp6 *d, usec_t now, const struct packet *p, const struct dhcp6_message *m)
{
	if (m->n_relays == 0)
		return p->eth.src;
	bool is_guarded = p->port && p->port->guarded && d->config.env && !mac_is_zero(m->mac);
	const struct port *port = is_guarded ? d->config.env->ops->port_of(d->config.env, now, m->mac) : NULL;
	struct mac unknown = { { 0 } };
	return port && port != p->port ? unknown : m->mac;
}

static void end_leases(struct dhcp6 *d, usec_t now, struct request *rq)
{
	const struct dhcp6_message *m = &rq->message;
	enum dhcp_lease_event what = m->type == DHCP6_RELEASE ? DHCP_LEASE_RELEASED : DHCP_LEASE_DECLINED;
	for (unsigned i = 0; i < m->n_ias; i++)
		if (m->ias[i].option == DHCP6_OPTION_IA_NA)
			rq->had[i] = dhcp6_binding_end(d, now, rq->packet->port, m, &m->ias[i], rq->mac, what);
}

/* After a restart without saved leases, a client may decline what it was given before. */
static void decline(struct dhcp6 *d, usec_t now, struct request *rq, struct sink *out)
{
	const struct dhcp6_message *m = &rq->message;
	struct mac sender = rq->packet->eth.src;
	for (unsigned i = 0; i < m->n_ias; i++) {
		struct ip_addr addr = dhcp6_address_of(d, now, m, i, rq->mac, sender);
		for (unsigned k = 0; k < m->ias[i].n_addresses; k++)
			if (ip_equal(&m->ias[i].addresses[k], &addr) && !dhcp6_address_declined(d, m, &m->ias[i], sender, rq->port_id))
				sink_drop(out, DROP_DHCP_SHARE, rq->packet);
	}
}

/* What the message changes before it is answered; what is given is recorded with the answer. */
static void act(struct dhcp6 *d, usec_t now, struct request *rq, struct sink *out)
{
	const struct dhcp6_message *m = &rq->message;
	if (rq->refused)
		return;
	if (d->config.env && m->client.len > 0 && !mac_is_zero(rq->mac))
		d->config.env->ops->identified(d->config.env, now, rq->mac, m);
	if (m->type == DHCP6_DECLINE)
		decline(d, now, rq, out);
	if (m->type == DHCP6_DECLINE || m->type == DHCP6_RELEASE)
		end_leases(d, now, rq);
}

/* --- the service --- */

static bool is_for_servers(const struct dhcp6 *d, const struct ip_addr *dst)
{
	static const struct ip_addr agents = DHCP6_ALL_AGENTS, servers = { { 0xff, 5, [13] = 1, 0, 3 } };
	return ip_equal(dst, &agents) || ip_equal(dst, &servers) || gateway_ip6_has(d->config.ip6, dst);
}

static enum service_verdict dhcp6_input(struct service *service, usec_t now, const struct packet *p, struct sink *out)
{
	struct dhcp6 *d = of_service(service);
	struct udp_view udp;
	if (p->ip_error != 0 || packet_is_v4(p) || p->dst_port != DHCP6_SERVER_PORT || !is_for_servers(d, &p->dst))
		return SERVICE_NOT_MINE;
	int error = packet_udp(p, &udp);
	struct request rq = { .packet = p, .port_id = p->port ? p->port->id : 0 };
	if (error == -EPROTOTYPE)
		return SERVICE_NOT_MINE;
	if (error == 0)
		error = dhcp6_parse(udp.payload, udp.len, &rq.message);
	rq.mac = mac_of(d, now, p, &rq.message);
	if (error < 0) {
		sink_drop(out, error == -ENOMEM ? DROP_NO_MEMORY : DROP_DHCP_MALFORMED, p);
	} else if (!decide(d, &rq)) {
		sink_drop(out, DROP_DHCP_IGNORED, p);
	} else {
		act(d, now, &rq, out);
		reply(d, now, &rq, out);
	}
	return SERVICE_TAKEN;
}

static usec_t dhcp6_deadline(const struct service *service)
{
	const struct lease6 *l = lease6_first_to_end(&of_service(service)->leases);
	return l ? l->expires : USEC_INFINITY;
}

static void dhcp6_expire(struct service *service, usec_t now, struct sink *out)
{
	dhcp6_binding_expire(of_service(service), now);
}

static const struct service_ops dhcp6_ops = {
	.name = "dhcp6",
	.input = dhcp6_input,
	.deadline = dhcp6_deadline,
	.expire = dhcp6_expire,
};

void dhcp6_init(struct dhcp6 *d, const struct dhcp6_config *config)
{
	*d = (struct dhcp6){ .service = { &dhcp6_ops }, .config = *config };
	lease6_table_init(&d->leases, &config->key);
	list_init(&d->unsaved);
	if (!config->domain || dns_name_from_text(config->domain, &d->search) < 0)
		d->search.len = 0;
	d->config.domain = NULL;
	d->duid = dhcp6_duid_of_mac(config->mac); /* which the network keeps */
}

void dhcp6_set_lease_time(struct dhcp6 *d, uint32_t seconds)
{
	d->config.lease_time = seconds;
}

void dhcp6_done(struct dhcp6 *d)
{
	lease6_table_done(&d->leases);
}

int dhcp6_holder_of_name(const struct dhcp6 *d, usec_t now, const char *name, struct mac *ret)
{
	const struct lease6 *l = lease6_find_name(&d->leases, name);
	if (!l || !lease6_is_active(l, now))
		return -ENOENT;
	*ret = l->mac;
	return 0;
}

const char *dhcp6_name_of(const struct dhcp6 *d, usec_t now, struct mac mac)
{
	const struct lease6 *l = NULL;
	while ((l = lease6_find_mac(&d->leases, mac, l)) != NULL)
		if (lease6_is_active(l, now) && l->name[0])
			return l->name;
	return "";
}

const struct lease6 *dhcp6_find_address(const struct dhcp6 *d, usec_t now, const struct ip_addr *addr)
{
	const struct lease6 *l = lease6_find_address(&d->leases, addr);
	return l && lease6_is_active(l, now) ? l : NULL;
}
