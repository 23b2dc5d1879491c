/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/rebind.h"

#include "wire/ipv6.h"

#include <errno.h>
#include <string.h>

/* Keys of the parameters of HTTPS and SVCB records (RFC 9460 §14.3.2). */
#define SVC_IPV4_HINT 4u
#define SVC_IPV6_HINT 6u

int dns_domain_list_add(struct dns_domain_list *list, const char *text)
{
	struct dns_name name;
	if (text[0] == '\0' || dns_name_from_text(text, &name) < 0)
		return -EINVAL;
	name = dns_name_fold(&name);
	for (unsigned i = 0; i < list->count; i++)
		if (dns_name_equal(&list->domain[i], &name))
			return 0;
	if (list->count == DNS_DOMAINS_MAX)
		return -ENOSPC;
	list->domain[list->count++] = name;
	return 0;
}

bool dns_domain_list_equal(const struct dns_domain_list *a, const struct dns_domain_list *b)
{
	bool same = a->count == b->count;
	for (unsigned i = 0; same && i < a->count; i++)
		same = dns_name_equal(&a->domain[i], &b->domain[i]);
	return same;
}

bool dns_domain_list_covers(const struct dns_domain_list *list, const struct dns_name *name)
{
	for (unsigned i = 0; i < list->count; i++)
		if (dns_name_within(name, &list->domain[i]))
			return true;
	return false;
}

static bool is_near(const struct ip_addr *a, const struct dns_near *ours)
{
	if (!ip_is_v4(a))
		return ip_is_unspecified(a) || ip_equal(a, &IP6_LOOPBACK) || ipv6_is_link_local(a) ||
		       (ours->prefix.length > 0 && prefix6_contains(&ours->prefix, a));
	ip4_t ip = ip_to_ip4(a);
	return ip >> 24 == 127 || ip >> 24 == 0 || ip >> 16 == 0xa9fe || prefix4_contains(ours->subnet, ip);
}

/* Whether one of the addresses of @size bytes each is near. */
static bool has_near(struct bytes_reader r, size_t size, const struct dns_near *ours, struct ip_addr *ret)
{
	while (r.left >= size) {
		struct ip_addr a = { { [10] = 0xff, [11] = 0xff } };
		bytes_get(&r, a.b + sizeof(a.b) - size, size);
		if (size == sizeof(a.b) || size == 4) {
			*ret = a;
			if (is_near(&a, ours))
				return true;
		}
	}
	return false;
}

static bool has_near_hint(const uint8_t *message, struct bytes_reader r, const struct dns_near *ours, struct ip_addr *ret)
{
	struct dns_name target;
	bytes_skip(&r, sizeof(uint16_t)); /* the priority */
	if (r.failed || dns_name_parse(&r, message, &target) < 0)
		return false;
	while (r.left > 0 && !r.failed) {
		uint16_t key = bytes_get_be16(&r), len = bytes_get_be16(&r);
		const uint8_t *value = bytes_take(&r, len);
		size_t size = key == SVC_IPV4_HINT ? 4 : key == SVC_IPV6_HINT ? 16 : 0;
		if (value && size > 0 && has_near(bytes_reader(value, len), size, ours, ret))
			return true;
	}
	return false;
}

bool dns_rebind_is_in(const uint8_t *answer, size_t len, const struct dns_near *ours, struct ip_addr *ret)
{
	struct dns_header h;
	struct dns_question q;
	struct dns_message_reader m;
	struct dns_record_view v;
	if (dns_message_begin(answer, len, &h, &q, &m) < 0)
		return false;
	while (dns_message_next(&m, &v) > 0 && v.section == DNS_SECTION_ANSWER) {
		struct bytes_reader data = bytes_reader(answer + v.data_at, v.len);
		bool near = v.type == DNS_TYPE_A                                  ? has_near(data, 4, ours, ret)
			    : v.type == DNS_TYPE_AAAA                             ? has_near(data, 16, ours, ret)
			    : v.type == DNS_TYPE_HTTPS || v.type == DNS_TYPE_SVCB ? has_near_hint(answer, data, ours, ret)
										  : false;
		if (near)
			return true;
	}
	return false;
}
