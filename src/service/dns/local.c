/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In two steps: look_up() collects what is known of a name, and answer() selects the records of the type.  In zones that are ours, a
 * name without records of the type is NODATA, and one that does not exist NXDOMAIN (RFC 2308 §2.1, §2.2); other names are ours only
 * in the types that we have.
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

/* Labels of the reverse names of single IPv6 addresses below their zone, of a /64 prefix. */
#define REVERSE6_NIBBLES 16u

/* What is known of a name. */
struct node {
	bool exists;
	bool apex; /* of @zone */
	/* The name is in a zone of ours.  Others have none: their negative answers have no SOA and are not cached (RFC 2308 §5). */
	bool has_zone;
	struct dns_name zone;
	struct ip_addr addresses[DNS_NAMES_ADDRESSES_MAX]; /* of a guest or the gateway */
	unsigned n_addresses;
	bool has_ptr;
	struct dns_name ptr;
	const struct dns_owner *given, *host; /* NULL: the table does not have it */
};

static struct dns_name reverse_zone6(const struct prefix6 *prefix)
{
	struct dns_name address = dns_name_of_address(&prefix->network);
	return dns_name_parent(&address, REVERSE6_NIBBLES);
}

int dns_local_init(struct dns_local *l, const struct dns_local_config *config)
{
	*l = (struct dns_local){
		.gateway = config->gateway,
		.subnet = config->subnet,
		.has_domain = config->domain && config->domain[0],
		.shares_domain = config->shares_domain,
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
	if (config->ip6 && config->ip6->on)
		l->ip6 = *config->ip6;
	if (l->ip6.on)
		l->reverse6 = reverse_zone6(&l->ip6.prefix);
	return dns_name_child("hostmaster", &l->domain, &l->soa.rname);
}

/* Returns the number of addresses; 0: there is no such host. */
static unsigned find_host(const struct dns_local *l, usec_t now, const char *label, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	if (strcmp(label, l->gateway_label) == 0) {
		ret[0] = ip_from_ip4(l->gateway);
		ret[1] = l->ip6.address;
		return l->ip6.on ? 2 : 1;
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
}

/* All below it, too. */
static bool is_localhost(const struct dns_name *name)
{
	static const struct dns_name localhost = { 11, "\11localhost" };
	return dns_name_within(name, &localhost);
}

static void look_in_domain(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	if (!l->has_domain || !dns_name_within(name, &l->domain))
		return;
	unsigned below = dns_name_labels(name) - dns_name_labels(&l->domain);
	if (!l->shares_domain) {
		node->has_zone = true;
		node->zone = l->domain;
		node->exists = node->apex = below == 0;
	}
	if (below != 1)
		return;
	find_first_label(l, now, name, node);
	/* A name of one label in /etc/hosts is in the domain, too, as with expand-hosts of dnsmasq under libvirt. */
	char label[DNS_LABEL_MAX + 1];
	struct dns_name plain;
	if (!node->host && dns_name_label(name, 0, label) == 0 && dns_name_from_text(label, &plain) == 0)
		node->host = dns_records_find(&l->hosts, &plain);
}

static void look_for_plain(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	if (is_localhost(name)) {
		node->addresses[node->n_addresses++] = ip_from_ip4(IP4(127, 0, 0, 1));
		node->addresses[node->n_addresses++] = IP6_LOOPBACK;
	} else if (dns_name_labels(name) == 1) {
		find_first_label(l, now, name, node);
	}
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

static void look_for_pointer(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	char label[DNS_LABEL_MAX + 1];
	struct ip_addr addr;
	if (dns_name_to_address(name, &addr) < 0)
		return;
	if ((ip_is_v4(&addr) && ip_to_ip4(&addr) == l->gateway) || gateway_ip6_has(&l->ip6, &addr))
		node->ptr = l->gateway_name;
	else if (l->names->ops->find_address(l->names, now, &addr, label) < 0 || dns_name_child(label, &l->domain, &node->ptr) < 0)
		return;
	node->has_ptr = true;
}

/* Whether @name is a reverse name of the segment. */
static void look_in_reverse_zone(const struct dns_local *l, const struct dns_name *name, struct node *node)
{
	static const struct dns_name reverse = { 14, "\7in-addr\4arpa" };
	if (!dns_name_within(name, &reverse))
		return;
	ip4_t ip;
	unsigned labels = dns_name_labels(name), octets = reverse_octets(name, labels, &ip);
	/* The number of octets that decide whether a name belongs to the segment. */
	unsigned decisive = MAX((l->subnet.length + 7) / 8, 1u), zone_octets = MIN(decisive, REVERSE_ZONE_OCTETS_MAX);
	if (octets < decisive || !prefix4_contains(l->subnet, ip))
		return;
	node->has_zone = true;
	node->zone = dns_name_parent(name, labels - REVERSE_LABELS - zone_octets);
	if (labels == REVERSE_LABELS + octets && octets < OCTETS) {
		node->exists = true; /* it has subdomains (RFC 8020 §2) */
		node->apex = octets == zone_octets;
	}
}

static bool is_nibble(const struct dns_name *name, unsigned label)
{
	char text[DNS_LABEL_MAX + 1];
	return dns_name_label(name, label, text) == 0 && strspn(text, "0123456789abcdef") == 1 && text[1] == '\0';
}

/* The same for IPv6. */
static void look_in_reverse_zone6(const struct dns_local *l, const struct dns_name *name, struct node *node)
{
	if (!l->ip6.on || !dns_name_within(name, &l->reverse6))
		return;
	unsigned below = dns_name_labels(name) - dns_name_labels(&l->reverse6), nibbles = 0;
	while (nibbles < below && is_nibble(name, nibbles))
		nibbles++;
	node->has_zone = true;
	node->zone = l->reverse6;
	node->apex = below == 0;
	node->exists = nibbles == below && below < REVERSE6_NIBBLES; /* it has subdomains (RFC 8020 §2) */
}

static void look_up(const struct dns_local *l, usec_t now, const struct dns_name *name, struct node *node)
{
	*node = (struct node){ .given = dns_records_find(&l->given, name), .host = dns_records_find(&l->hosts, name) };
	look_in_domain(l, now, name, node);
	look_in_reverse_zone(l, name, node);
	look_in_reverse_zone6(l, name, node);
	look_for_plain(l, now, name, node);
	look_for_pointer(l, now, name, node);
	node->exists |= node->n_addresses > 0 || node->has_ptr || node->given || node->host;
}

static bool has_stored(const struct dns_owner *o, uint16_t type)
{
	return dns_owner_next(o, NULL, type) != NULL;
}

static bool has_stored_address(const struct dns_owner *o)
{
	return has_stored(o, DNS_TYPE_A) || has_stored(o, DNS_TYPE_AAAA);
}

static const struct dns_stored *alias_of(const struct node *node)
{
	return dns_owner_next(node->given, NULL, DNS_TYPE_CNAME);
}

/*
 * Whether the answer to @type is ours when the name is in no zone of ours.  A and AAAA belong together: of a host that has an IPv4
 * address here, the IPv6 address is not asked outside.  More than what it has, a guest's name must not take from a top-level domain.
 */
static bool is_owned(const struct node *node, uint16_t type)
{
	if (alias_of(node))
		return true;
	switch (type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA: return node->n_addresses > 0 || has_stored_address(node->given) || has_stored_address(node->host);
	case DNS_TYPE_ANY: return node->n_addresses > 0 || node->has_ptr || (node->given && node->given->first) || node->host;
	case DNS_TYPE_PTR: return node->has_ptr || has_stored(node->given, type) || has_stored(node->host, type);
	default: return has_stored(node->given, type);
	}
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

static void add_stored(struct dns_reply *reply, const struct dns_owner *o, uint16_t type)
{
	for (const struct dns_stored *s = NULL; (s = dns_owner_next(o, s, type));)
		dns_reply_add(reply, type)->stored = s;
}

/* Of what the user has given, of guests, and of the host, the first that has addresses tells them all. */
static void add_addresses(struct dns_reply *reply, const struct dns_question *q, const struct node *node)
{
	const struct dns_owner *o = has_stored_address(node->given) ? node->given : node->n_addresses > 0 ? NULL : node->host;
	for (unsigned i = 0; !has_stored_address(node->given) && i < node->n_addresses; i++)
		add_address(reply, q, &node->addresses[i]);
	if (wants(q, DNS_TYPE_A))
		add_stored(reply, o, DNS_TYPE_A);
	if (wants(q, DNS_TYPE_AAAA))
		add_stored(reply, o, DNS_TYPE_AAAA);
}

static void add_pointers(struct dns_reply *reply, const struct dns_question *q, const struct node *node)
{
	if (!wants(q, DNS_TYPE_PTR))
		return;
	if (has_stored(node->given, DNS_TYPE_PTR)) {
		add_stored(reply, node->given, DNS_TYPE_PTR);
	} else if (node->has_ptr) {
		reply->pointer = node->ptr;
		dns_reply_add(reply, DNS_TYPE_PTR)->name = &reply->pointer;
	} else {
		add_stored(reply, node->host, DNS_TYPE_PTR);
	}
}

static bool is_added_apart(uint16_t type)
{
	return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_PTR;
}

static void add_others(struct dns_reply *reply, const struct dns_question *q, const struct dns_owner *given)
{
	for (const struct dns_stored *s = given ? given->first : NULL; s; s = s->next)
		if (wants(q, s->type) && !is_added_apart(s->type))
			dns_reply_add(reply, s->type)->stored = s;
}

static_assert(DNS_NAMES_ADDRESSES_MAX + 2 * DNS_RECORDS_PER_NAME + DNS_REPLY_LINKS_MAX <= DNS_REPLY_RECORDS_MAX,
	      "all that a name has fits");

static void answer(const struct dns_local *l, const struct dns_question *q, const struct node *node, struct dns_reply *reply)
{
	if (node->apex && wants(q, DNS_TYPE_SOA))
		dns_reply_add(reply, DNS_TYPE_SOA);
	if (node->apex && wants(q, DNS_TYPE_NS))
		dns_reply_add(reply, DNS_TYPE_NS)->name = &l->gateway_name;
	unsigned before = reply->n_answers;
	add_addresses(reply, q, node);
	add_pointers(reply, q, node);
	add_others(reply, q, node->given);
	reply->rcode = node->exists ? DNS_RCODE_NOERROR : DNS_RCODE_NXDOMAIN;
	reply->has_zone = reply->n_answers == before && !(node->apex && before > 0) && node->has_zone;
	reply->zone = node->zone;
}

/*
 * Follows CNAME records from the name in @q as far as they are ours.  Adds them to @reply, and leaves the node of the last name in
 * @node.  A chain without an end is cut (RFC 1034 §5.2.2).
 */
static const struct dns_name *follow_aliases(const struct dns_local *l, usec_t now, const struct dns_question *q, struct node *node,
					     struct dns_reply *reply)
{
	const struct dns_name *name = &q->name;
	const struct dns_stored *alias;
	look_up(l, now, name, node);
	while (!wants(q, DNS_TYPE_CNAME) && (alias = alias_of(node)) && reply->n_links < DNS_REPLY_LINKS_MAX) {
		dns_reply_add(reply, DNS_TYPE_CNAME)->stored = alias;
		struct bytes_reader r = bytes_reader(alias->data, alias->len);
		struct dns_name *target = &reply->links[reply->n_links];
		if (dns_name_parse(&r, alias->data, target) < 0)
			break;
		reply->n_links++;
		name = target;
		look_up(l, now, name, node);
	}
	return name;
}

enum dns_local_verdict dns_local_answer(const struct dns_local *l, usec_t now, const struct dns_query *q, struct dns_reply *ret)
{
	struct node node;
	dns_reply_init(ret, &l->soa);
	const struct dns_question *question = &q->question;
	follow_aliases(l, now, question, &node, ret);
	bool ours = node.has_zone || is_localhost(&question->name) || is_owned(&node, question->type);
	if (!ours && ret->n_links == 0)
		return DNS_LOCAL_OUTSIDE;
	if (q->edns.version > 0) {
		*ret = (struct dns_reply){ .rcode = DNS_RCODE_BADVERS };
	} else if (question->class != DNS_CLASS_IN && question->class != DNS_CLASS_ANY) {
		*ret = (struct dns_reply){ .rcode = DNS_RCODE_REFUSED };
	} else {
		ret->authoritative = true;
		if (!ours)
			return DNS_LOCAL_ALIAS;
		answer(l, question, &node, ret);
	}
	return DNS_LOCAL_ANSWERED;
}

bool dns_local_exists(const struct dns_local *l, usec_t now, const struct dns_name *name)
{
	struct node node;
	look_up(l, now, name, &node);
	return node.exists;
}

void dns_local_set_given(struct dns_local *l, struct dns_records *records)
{
	dns_records_done(&l->given);
	l->given = *records;
}

void dns_local_set_hosts(struct dns_local *l, struct dns_records *records)
{
	dns_records_done(&l->hosts);
	l->hosts = *records;
}

void dns_local_done(struct dns_local *l)
{
	dns_records_done(&l->given);
	dns_records_done(&l->hosts);
}
