/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/reply.h"

#include "base/macros.h"
#include "gateway/sink.h"
#include "service/dhcp/dhcp.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

#define IPV6_ONLY_WAIT 1800
#define MESSAGE_MAX (ETH_MTU - IPV4_HEADER_LEN - UDP_HEADER_LEN)

/* A reply under construction. */
struct reply {
	const struct dhcp *d;
	const struct dhcp_request *rq;
	const struct lease *lease; /* NULL in answers to INFORM and in NAKs */
	struct dhcp_rules_client client;
	const struct dhcp_boot_rule *boot; /* NULL: nothing */
	bool handled[DHCP_OPTION_END];     /* options of parameters and rules that need not be looked at again */
	struct dhcp_writer w;
};

static ip4_t boot_server(const struct reply *r)
{
	return r->boot->server ? r->boot->server : r->d->config.gateway;
}

static void put_subnet_mask(struct reply *r)
{
	dhcp_put_be32(&r->w, DHCP_OPTION_SUBNET_MASK, prefix4_mask(r->d->config.subnet));
}

static void put_router(struct reply *r)
{
	if (!r->d->config.no_router)
		dhcp_put_be32(&r->w, DHCP_OPTION_ROUTER, r->d->config.gateway);
}

static void put_dns(struct reply *r)
{
	const struct dhcp_config *c = &r->d->config;
	uint8_t bytes[4 * DHCP_DNS_MAX];
	struct bytes_writer list = bytes_writer(bytes, sizeof(bytes));
	for (unsigned i = 0; i < c->n_dns; i++)
		bytes_put_be32(&list, c->dns[i]);
	dhcp_put(&r->w, DHCP_OPTION_DNS, bytes, list.len);
}

static void put_host_name(struct reply *r)
{
	if (r->lease && r->lease->name[0])
		dhcp_put(&r->w, DHCP_OPTION_HOST_NAME, r->lease->name, strlen(r->lease->name));
}

static void put_domain(struct reply *r)
{
	if (r->d->config.domain)
		dhcp_put(&r->w, DHCP_OPTION_DOMAIN, r->d->config.domain, strlen(r->d->config.domain));
}

static void put_mtu(struct reply *r)
{
	uint16_t configured = r->d->config.mtu;
	if (configured)
		dhcp_put_be16(&r->w, DHCP_OPTION_MTU, configured);
	else if (r->rq->path_mtu > ETH_MTU)
		dhcp_put_be16(&r->w, DHCP_OPTION_MTU, r->rq->path_mtu);
}

static void put_broadcast(struct reply *r)
{
	dhcp_put_be32(&r->w, DHCP_OPTION_BROADCAST, prefix4_broadcast(r->d->config.subnet));
}

/* The guests' own domain, and @more that follow it. */
static bool put_search_list(struct reply *r, unsigned more)
{
	uint8_t bytes[(DHCP_SEARCH_MAX + 1) * (DHCP_DOMAIN_SIZE + 1)];
	struct bytes_writer list = bytes_writer(bytes, sizeof(bytes));
	if (r->d->config.domain)
		dhcp_put_domain(&list, r->d->config.domain);
	for (unsigned i = 0; i < more; i++)
		dhcp_put_domain(&list, r->d->search[i]);
	return list.len == 0 || dhcp_put(&r->w, DHCP_OPTION_DOMAIN_SEARCH, bytes, list.len);
}

/* As many domains as there is room for. */
static void put_domain_search(struct reply *r)
{
	unsigned more = r->d->n_search;
	while (!put_search_list(r, more) && more > 0)
		more--;
}

static void put_tftp_server(struct reply *r)
{
	char text[IP4_TEXT_SIZE];
	if (!r->boot)
		return;
	ip4_format(boot_server(r), text);
	dhcp_put(&r->w, DHCP_OPTION_TFTP_SERVER, text, strlen(text));
}

static void put_boot_file(struct reply *r)
{
	if (r->boot)
		dhcp_put(&r->w, DHCP_OPTION_BOOT_FILE, r->boot->file, strlen(r->boot->file));
}

/* How long the client does without IPv4, in seconds, before it asks again (RFC 8925 §3.4). */
static void put_ipv6_only(struct reply *r)
{
	if (r->d->config.ipv6_only)
		dhcp_put_be32(&r->w, DHCP_OPTION_IPV6_ONLY, IPV6_ONLY_WAIT);
}

/* Options that a client may ask for, but for the mask.  unasked: sent to a client without a parameter request list. */
static const struct {
	uint8_t code;
	bool unasked;
	void (*put)(struct reply *r);
} parameters[] = {
	{ DHCP_OPTION_ROUTER, true, put_router },
	{ DHCP_OPTION_DNS, true, put_dns },
	{ DHCP_OPTION_HOST_NAME, true, put_host_name },
	{ DHCP_OPTION_DOMAIN, true, put_domain },
	{ DHCP_OPTION_MTU, false, put_mtu },
	{ DHCP_OPTION_BROADCAST, true, put_broadcast },
	{ DHCP_OPTION_IPV6_ONLY, false, put_ipv6_only },
	{ DHCP_OPTION_DOMAIN_SEARCH, false, put_domain_search },
	{ DHCP_OPTION_TFTP_SERVER, false, put_tftp_server },
	{ DHCP_OPTION_BOOT_FILE, false, put_boot_file },
};

/* True: a rule has decided about the option. */
static bool put_by_rule(struct reply *r, uint8_t code)
{
	const struct dhcp_option_rule *rule = dhcp_rules_option(&r->d->config.rules, code, &r->client);
	if (rule && rule->len > 0)
		dhcp_put(&r->w, code, rule->value, rule->len);
	return rule;
}

static void put_parameter(struct reply *r, uint8_t code)
{
	if (r->handled[code])
		return;
	r->handled[code] = true;
	if (put_by_rule(r, code))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if (parameters[i].code == code)
			parameters[i].put(r);
}

/*
 * In the client's order (RFC 2132 §9.8), which matters when there is no room for all.  The mask comes first (RFC 2132 §3.3), whether it was
 * asked for or not: a client without one takes that of the address's class.
 */
static void put_parameters(struct reply *r)
{
	const struct dhcp_message *m = &r->rq->message;
	const struct dhcp_rules *rules = &r->d->config.rules;
	put_subnet_mask(r);
	for (size_t i = 0; i < ARRAY_SIZE(parameters) && !m->has_parameters; i++)
		if (parameters[i].unasked)
			put_parameter(r, parameters[i].code);
	for (size_t i = 0; i < m->n_parameters; i++)
		if (dhcp_rules_may_set(m->parameters[i]))
			put_parameter(r, m->parameters[i]);
	for (size_t i = 0; i < rules->n_options; i++)
		if ((!m->has_parameters || rules->options[i].forced) && dhcp_rules_apply(rules, &rules->options[i].when, &r->client))
			put_parameter(r, rules->options[i].code);
}

/*
 * The file that the client boots (RFC 2132 §9.5): a short name in the field of that name, a long one, a URL, in option 67 asked or not.  A
 * client that boots by HTTP takes only offers of its own class (UEFI 2.10 §24.7.3.2).
 */
static void put_boot(struct reply *r)
{
	static const char http_client[] = "HTTPClient";
	const struct dhcp_message *m = &r->rq->message;
	if (!r->boot)
		return;
	if (!dhcp_put_file(&r->w, r->boot->file))
		put_parameter(r, DHCP_OPTION_BOOT_FILE);
	if (m->vendor_class_len >= strlen(http_client) && memcmp(m->vendor_class, http_client, strlen(http_client)) == 0) {
		r->handled[DHCP_OPTION_VENDOR_CLASS] = true;
		dhcp_put(&r->w, DHCP_OPTION_VENDOR_CLASS, http_client, strlen(http_client));
	}
}

/*
 * RFC 4702 §4: the server answers for the name itself, so that it "updates DNS" whatever the client wishes (S, and O when that is not what
 * it asked for); a client whose name was refused is told that nothing was entered (N).
 */
static void put_fqdn(struct reply *r)
{
	const struct dhcp_message *m = &r->rq->message;
	if (!m->has_fqdn)
		return;
	bool named = r->lease->name[0], asked = m->fqdn_flags & DHCP_FQDN_SERVER_UPDATES;
	unsigned flags = m->fqdn_flags & DHCP_FQDN_ENCODED;
	flags |= named ? DHCP_FQDN_SERVER_UPDATES : DHCP_FQDN_NO_UPDATES;
	flags |= named != asked ? DHCP_FQDN_OVERRIDDEN : 0;
	dhcp_put_fqdn(&r->w, (uint8_t)flags, r->lease->name, r->d->config.domain);
}

/* Sends T1 and T2 with their default values (RFC 2131 §4.4.5), so that all clients use the same. */
static void put_lease_time(struct reply *r, uint32_t seconds)
{
	dhcp_put_be32(&r->w, DHCP_OPTION_LEASE_TIME, seconds);
	if (seconds == DHCP_LEASE_INFINITE)
		return;
	dhcp_put_be32(&r->w, DHCP_OPTION_T1, seconds / 2);
	dhcp_put_be32(&r->w, DHCP_OPTION_T2, (uint32_t)((uint64_t)seconds * 7 / 8));
}

/* The longest message that the client accepts and that needs no fragmentation. */
static size_t size_limit(const struct dhcp_request *rq)
{
	uint16_t path = MAX(rq->path_mtu, (uint16_t)DHCP_DATAGRAM_MIN);
	uint16_t datagram = MIN(rq->message.max_size, path);
	return (size_t)MIN(datagram, (uint16_t)ETH_MTU) - IPV4_HEADER_LEN - UDP_HEADER_LEN;
}

static void apply_rules(struct reply *r)
{
	const struct dhcp_message *m = &r->rq->message;
	r->client = (struct dhcp_rules_client){ .message = m, .reservation = reservation_of_mac(&r->d->reservations, m->header.chaddr) };
	r->boot = dhcp_rules_boot(&r->d->config.rules, &r->client);
}

/* The fields of RFC 2131 §4.3.1, table 3, and the options that every reply has. */
static void begin(struct reply *r, enum dhcp_type type, uint8_t buf[static MESSAGE_MAX])
{
	const struct dhcp_message *m = &r->rq->message;
	struct dhcp_header h = {
		.op = DHCP_BOOTREPLY,
		.xid = m->header.xid,
		.broadcast = m->header.broadcast,
		.ciaddr = type == DHCP_ACK ? m->header.ciaddr : 0,
		.yiaddr = r->lease ? r->lease->ip : 0,
		.siaddr = r->boot ? boot_server(r) : 0,
		.giaddr = m->header.giaddr,
		.chaddr = m->header.chaddr,
	};
	/* A relay must broadcast the NAK: the client may have a wrong address (RFC 2131 §4.3.2). */
	if (type == DHCP_NAK && h.giaddr)
		h.broadcast = true;
	dhcp_writer_init(&r->w, buf, size_limit(r->rq), &h);
	dhcp_put_u8(&r->w, DHCP_OPTION_TYPE, (uint8_t)type);
	dhcp_put_be32(&r->w, DHCP_OPTION_SERVER_ID, r->d->config.gateway);
	if (m->relay_len > 0)
		dhcp_put_last(&r->w, DHCP_OPTION_RELAY, m->relay, m->relay_len);
	if (m->client_id_len > 0) /* RFC 6842 §3 */
		dhcp_put(&r->w, DHCP_OPTION_CLIENT_ID, m->client_id, m->client_id_len);
}

/*
 * RFC 2131 §4.1: sends to the relay, to the address that the client has, to the address that it will have, or by broadcast.
 * @client_has 0: the client has no address, or may not keep it (NAK).
 */
static void deliver(struct reply *r, usec_t now, ip4_t client_has, struct sink *out)
{
	static const struct mac broadcast = MAC_BROADCAST;
	const struct dhcp_header *h = &r->rq->message.header;
	struct sink_udp datagram = {
		.src = ip_from_ip4(r->d->config.gateway),
		.dst = ip_from_ip4(IP4_BROADCAST),
		.src_port = DHCP_SERVER_PORT,
		.dst_port = DHCP_CLIENT_PORT,
		.dst_mac = &broadcast,
		.payload = r->w.message,
		.len = dhcp_finish(&r->w),
	};
	ip4_t will_have = r->lease && !h->broadcast ? r->lease->ip : 0;
	if (h->giaddr) {
		datagram.dst = ip_from_ip4(h->giaddr);
		datagram.dst_port = DHCP_SERVER_PORT;
		datagram.dst_mac = NULL;
	} else if (client_has || will_have) {
		datagram.dst = ip_from_ip4(client_has ? client_has : will_have);
		datagram.dst_mac = &h->chaddr;
	}
	sink_udp(out, now, &datagram);
}

void dhcp_reply_lease(const struct dhcp *d, usec_t now, const struct dhcp_request *rq, enum dhcp_type type, const struct lease *l,
		      uint32_t lease_time, struct sink *out)
{
	uint8_t buf[MESSAGE_MAX];
	struct reply r = { .d = d, .rq = rq, .lease = l };
	apply_rules(&r);
	begin(&r, type, buf);
	put_lease_time(&r, lease_time);
	put_boot(&r);
	put_parameters(&r);
	put_fqdn(&r);
	deliver(&r, now, rq->message.header.ciaddr, out);
}

void dhcp_reply_inform(const struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out)
{
	uint8_t buf[MESSAGE_MAX];
	struct reply r = { .d = d, .rq = rq };
	apply_rules(&r);
	begin(&r, DHCP_ACK, buf);
	put_boot(&r);
	put_parameters(&r);
	ip4_t ciaddr = rq->message.header.ciaddr;
	deliver(&r, now, ciaddr ? ciaddr : rq->source, out);
}

void dhcp_reply_nak(const struct dhcp *d, usec_t now, const struct dhcp_request *rq, const char *why, struct sink *out)
{
	uint8_t buf[MESSAGE_MAX];
	struct reply r = { .d = d, .rq = rq };
	begin(&r, DHCP_NAK, buf);
	dhcp_put(&r.w, DHCP_OPTION_MESSAGE, why, strlen(why));
	deliver(&r, now, 0, out);
}
