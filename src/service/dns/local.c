/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In two steps: find() looks up the records of the name, if it is a local one, and answer() selects those of the type.  A
 * name without records of the type is NODATA, one that does not exist NXDOMAIN (RFC 2308 §2.1, §2.2).
 */
#include "service/dns/local.h"

#include "base/macros.h"
#include "service/dns/names.h"

#include <assert.h>
#include <errno.h>

/* Labels of "in-addr.arpa". */
#define REVERSE_LABELS 2u
#define OCTETS 4u
/* Zones of reverse names end at an octet, at most the third: with four every address would be a zone. */
#define REVERSE_ZONE_OCTETS_MAX 3u

/* The records of a name. */
struct node {
	bool exists;
	bool apex;     /* of @zone */
	bool has_zone; /* single labels have none: their negative answers have no SOA and are not cached (RFC 2308 §5) */
	struct dns_name zone;
	struct ip_addr addresses[DNS_NAMES_ADDRESSES_MAX];
	unsigned n_addresses;
	bool has_ptr;
	struct dns_name ptr;
};

int dns_local_init(struct dns_local *l, const struct dns_local_config *config)
{
	*l = (struct dns_local){
		.gateway = config->gateway,
		.subnet = config->subnet,
		.has_domain = config->domain && config->domain[0],
		.names = config->names,
		/* Required by the format only: answers are not cached and zones not transferred. */
		.soa = { .serial = 1, .refresh = 1200, .retry = 180, .expire = 1209600, .minimum = 0 },
	};
	struct dns_name plain;
	if (dns_name_from_text(config->domain ? config->domain : "", &l->domain) < 0 ||
	    dns_name_from_text(config->gateway_name, &plain) < 0 || dns_name_labels(&plain) != 1 ||
	    dns_name_label(&plain, 0, l->gateway_label) < 0 || dns_name_child(l->gateway_label, &l->domain, &l->gateway_name) < 0)
		return -EINVAL;
	l->soa.mname = l->gateway_name;
	return dns_name_child("hostmaster", &l->domain, &l->soa.rname);
}

/* Returns the number of addresses; 0: there is no such host. */
static unsigned find_host(const struct dns_local *l, usec_t now, const char *label, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	if (strcmp(label, l->gateway_label) == 0) {
		ret[0] = ip_from_ip4(l->gateway);
		return 1;
	}
	int n = l->names->ops->find_name(l->names, now, label, ret);
	return n > 0 ? (unsigned)n : 0;
}

/* The gateway's or a guest's addresses, by the first label of @name. */
static void find_first_label(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	char label[DNS_LABEL_MAX + 1];
	if (dns_name_label(name, 0, label) < 0)
		return;
	node->n_addresses = find_host(l, now, label, node->addresses);
	node->exists = node->n_addresses > 0;
}

static bool find_in_domain(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	if (!l->has_domain || !dns_name_within(name, &l->domain))
		return false;
	node->has_zone = true;
	node->zone = l->domain;
	switch (dns_name_labels(name) - dns_name_labels(&l->domain)) {
	case 0: node->exists = node->apex = true; break;
	case 1: find_first_label(l, now, name, node);
	}
	return true;
}

/* What a name of one label is here.  More than an address, a guest's name must not take from a top-level domain. */
static bool is_owned(uint16_t type)
{
	return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_ANY;
}

static bool is_localhost(const struct dns_name *name)
{
	char label[DNS_LABEL_MAX + 1];
	return dns_name_labels(name) == 1 && dns_name_label(name, 0, label) == 0 && strcmp(label, "localhost") == 0;
}

static bool find_plain(const struct dns_local *l, usec_t now, const struct dns_question *q, struct node *node)
{
	if (is_localhost(&q->name)) {
		node->exists = true;
		node->addresses[node->n_addresses++] = ip_from_ip4(IP4(127, 0, 0, 1));
		node->addresses[node->n_addresses++] = (struct ip_addr){ { [15] = 1 } };
		return true;
	}
	if (dns_name_labels(&q->name) != 1 || !is_owned(q->type))
		return false;
	find_first_label(l, now, &q->name, node);
	return node->exists;
}

/* "0" to "255" without leading zeros, as in reverse names. */
static int parse_octet(const char *text)
{
	unsigned value = 0;
	size_t digits = 0;
	for (; text[digits] >= '0' && text[digits] <= '9' && digits < 3; digits++)
		value = value * 10 + (unsigned)(text[digits] - '0');
	if (digits == 0 || text[digits] != '\0' || value > 255 || (digits > 1 && text[0] == '0'))
		return -EINVAL;
	return (int)value;
}

/* The octets of a reverse name, most significant first, up to the first label that is not one; returns their number. */
static unsigned reverse_octets(const struct dns_name *name, unsigned labels, ip4_t *ret)
{
	ip4_t ip = 0;
	unsigned n = 0;
	for (; n < OCTETS && n + REVERSE_LABELS < labels; n++) {
		char label[DNS_LABEL_MAX + 1];
		int octet = dns_name_label(name, labels - REVERSE_LABELS - 1 - n, label) < 0 ? -EINVAL : parse_octet(label);
		if (octet < 0)
			break;
		ip |= (ip4_t)octet << (24 - 8 * n);
	}
	*ret = ip;
	return n;
}

static void find_pointer(const struct dns_local *l, usec_t now, ip4_t ip, struct node *node)
{
	char label[DNS_LABEL_MAX + 1];
	struct ip_addr addr = ip_from_ip4(ip);
	if (ip == l->gateway)
		node->ptr = l->gateway_name;
	else if (l->names->ops->find_address(l->names, now, &addr, label) < 0 || dns_name_child(label, &l->domain, &node->ptr) < 0)
		return;
	node->exists = node->has_ptr = true;
}

static bool find_reverse(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	static const struct dns_name reverse = { 14, "\7in-addr\4arpa" };
	if (!dns_name_within(name, &reverse))
		return false;
	ip4_t ip;
	unsigned labels = dns_name_labels(name), octets = reverse_octets(name, labels, &ip);
	/* The number of octets that decide whether a name belongs to the segment. */
	unsigned decisive = MAX((l->subnet.length + 7) / 8, 1u), zone_octets = MIN(decisive, REVERSE_ZONE_OCTETS_MAX);
	if (octets < decisive || !prefix4_contains(l->subnet, ip))
		return false;
	node->has_zone = true;
	node->zone = dns_name_parent(name, labels - REVERSE_LABELS - zone_octets);
	if (labels > REVERSE_LABELS + octets)
		return true;
	if (octets == OCTETS) {
		find_pointer(l, now, ip, node);
	} else {
		node->exists = true; /* it has subdomains (RFC 8020 §2) */
		node->apex = octets == zone_octets;
	}
	return true;
}

static bool find(const struct dns_local *l, usec_t now, const struct dns_question *q, struct node *node)
{
	return find_in_domain(l, now, &q->name, node) || find_reverse(l, now, &q->name, node) || find_plain(l, now, q, node);
}

static bool wants(const struct dns_question *q, uint16_t type)
{
	return q->type == type || q->type == DNS_TYPE_ANY;
}

static void add_address(struct dns_reply *reply, const struct dns_question *q, const struct ip_addr *addr)
{
	if (!ip_is_v4(addr) && wants(q, DNS_TYPE_AAAA))
		dns_reply_add(reply, DNS_TYPE_AAAA)->aaaa = *addr;
	else if (ip_is_v4(addr) && wants(q, DNS_TYPE_A))
		dns_reply_add(reply, DNS_TYPE_A)->a = ip_to_ip4(addr);
}

static_assert(DNS_NAMES_ADDRESSES_MAX <= DNS_REPLY_RECORDS_MAX, "a name has no other records than its addresses");

static void answer(const struct dns_local *l, const struct dns_question *q, const struct node *node, struct dns_reply *reply)
{
	if (node->apex && wants(q, DNS_TYPE_SOA))
		dns_reply_add(reply, DNS_TYPE_SOA);
	if (node->apex && wants(q, DNS_TYPE_NS))
		dns_reply_add(reply, DNS_TYPE_NS)->name = l->gateway_name;
	for (unsigned i = 0; i < node->n_addresses; i++)
		add_address(reply, q, &node->addresses[i]);
	if (node->has_ptr && wants(q, DNS_TYPE_PTR))
		dns_reply_add(reply, DNS_TYPE_PTR)->name = node->ptr;
	reply->rcode = node->exists ? DNS_RCODE_NOERROR : DNS_RCODE_NXDOMAIN;
	reply->has_zone = reply->n_answers == 0 && node->has_zone;
	reply->zone = node->zone;
}

bool dns_local_answer(const struct dns_local *l, usec_t now, const struct dns_query *q, struct dns_reply *ret)
{
	struct node node = { 0 };
	if (!find(l, now, &q->question, &node))
		return false;
	*ret = (struct dns_reply){ .soa = &l->soa };
	if (q->edns.version > 0) {
		ret->rcode = DNS_RCODE_BADVERS;
	} else if (q->question.class != DNS_CLASS_IN && q->question.class != DNS_CLASS_ANY) {
		ret->rcode = DNS_RCODE_REFUSED;
	} else {
		ret->authoritative = true;
		answer(l, &q->question, &node, ret);
	}
	return true;
}

bool dns_local_has_plain(const struct dns_local *l, usec_t now, const struct dns_name *name)
{
	struct node node = { 0 };
	if (dns_name_labels(name) == 1)
		find_first_label(l, now, name, &node);
	return node.exists;
}
