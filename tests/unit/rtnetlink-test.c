/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as the kernel sends them; those of unusual form are made by hand. */
#include "wire/rtnetlink.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <glib.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

#define MESSAGE_MAX 256

struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[MESSAGE_MAX];
	size_t len;
};

static void put(struct message *m, const void *data, size_t len)
{
	g_assert_cmpuint(m->len + len + 3, <=, sizeof(m->bytes));
	memcpy(m->bytes + m->len, data, len);
	m->len += (len + 3) & ~(size_t)3;
	((struct nlmsghdr *)m->bytes)->nlmsg_len = (uint32_t)m->len;
}

static struct message begin(uint16_t type, const void *fixed, size_t len)
{
	struct message m = { 0 };
	put(&m, &(struct nlmsghdr){ .nlmsg_type = type }, sizeof(struct nlmsghdr));
	put(&m, fixed, len);
	return m;
}

static void attribute(struct message *m, uint16_t type, const void *data, size_t len)
{
	put(m, &(struct rtattr){ .rta_len = (uint16_t)(sizeof(struct rtattr) + len), .rta_type = type }, sizeof(struct rtattr));
	put(m, data, len);
}

static void attribute_address(struct message *m, uint16_t type, const char *text)
{
	uint8_t a[16];
	bool v6 = inet_pton(AF_INET, text, a) != 1;
	if (v6)
		g_assert_cmpint(inet_pton(AF_INET6, text, a), ==, 1);
	attribute(m, type, a, v6 ? 16 : 4);
}

static struct message address_message(uint16_t type, uint8_t family, const char *address, const char *local)
{
	struct message m = begin(type, &(struct ifaddrmsg){ .ifa_family = family, .ifa_prefixlen = 24 }, sizeof(struct ifaddrmsg));
	attribute(&m, IFA_LABEL, "eth0", 5);
	if (address)
		attribute_address(&m, IFA_ADDRESS, address);
	if (local)
		attribute_address(&m, IFA_LOCAL, local);
	return m;
}

static struct message route_message(uint16_t type, uint8_t family, const char *destination, uint8_t length)
{
	struct message m = begin(type, &(struct rtmsg){ .rtm_family = family, .rtm_dst_len = length }, sizeof(struct rtmsg));
	if (destination)
		attribute_address(&m, RTA_DST, destination);
	attribute(&m, RTA_OIF, &(uint32_t){ 7 }, 4);
	return m;
}

static struct rtnetlink_event parse(const struct message *m)
{
	struct bytes_reader r = bytes_reader(m->bytes, m->len);
	struct rtnetlink_event e, more;
	g_assert_true(rtnetlink_next(&r, &e));
	g_assert_false(rtnetlink_next(&r, &more));
	return e;
}

static void expect_address(const struct message *m, enum rtnetlink_type type, const char *text)
{
	struct rtnetlink_event e = parse(m);
	char found[IP_TEXT_SIZE];
	g_assert_cmpint(e.type, ==, type);
	g_assert_cmpstr(ip_format(&e.addr, found), ==, text);
	g_assert_cmpint(e.v6, ==, !ip_is_v4(&e.addr));
}

static void addresses_are_those_of_the_host_not_of_a_peer(void)
{
	struct message m = address_message(RTM_NEWADDR, AF_INET, "192.0.2.7", "192.0.2.7");
	expect_address(&m, RTNETLINK_ADDRESS_ADDED, "192.0.2.7");
	m = address_message(RTM_DELADDR, AF_INET, "192.0.2.8", "192.0.2.7");
	expect_address(&m, RTNETLINK_ADDRESS_REMOVED, "192.0.2.7");
	m = address_message(RTM_NEWADDR, AF_INET6, "2001:db8::7", NULL);
	expect_address(&m, RTNETLINK_ADDRESS_ADDED, "2001:db8::7");
	m = address_message(RTM_DELADDR, AF_INET6, "2001:db8::8", "2001:db8::7");
	expect_address(&m, RTNETLINK_ADDRESS_REMOVED, "2001:db8::7");
}

static void address_without_or_of_another_family_is_another_message(void)
{
	struct message m = address_message(RTM_NEWADDR, AF_INET, NULL, NULL);
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
	m = address_message(RTM_NEWADDR, AF_INET, "2001:db8::7", NULL);
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
	m = address_message(RTM_NEWADDR, AF_APPLETALK, "192.0.2.7", "192.0.2.7");
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
	m = address_message(RTM_NEWLINK, AF_INET, "192.0.2.7", "192.0.2.7");
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
}

static void routes_have_their_destination(void)
{
	struct message m = route_message(RTM_NEWROUTE, AF_INET, NULL, 0);
	struct rtnetlink_event e = parse(&m);
	g_assert_cmpint(e.type, ==, RTNETLINK_ROUTE_CHANGED);
	g_assert_cmpuint(e.length, ==, 0);
	g_assert_false(e.v6);
	m = route_message(RTM_DELROUTE, AF_INET6, "2000::", 3);
	e = parse(&m);
	g_assert_cmpint(e.type, ==, RTNETLINK_ROUTE_CHANGED);
	g_assert_cmpuint(e.length, ==, 3);
	g_assert_true(e.v6);
	expect_address(&m, RTNETLINK_ROUTE_CHANGED, "2000::");
	m = route_message(RTM_NEWROUTE, AF_INET, NULL, 24);
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
	m = route_message(RTM_NEWROUTE, AF_INET, "192.0.2.0", 33);
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
}

static void several_messages_come_in_order(void)
{
	struct message a = address_message(RTM_NEWADDR, AF_INET, "192.0.2.7", "192.0.2.7"), b = begin(NLMSG_OVERRUN, "", 0);
	uint8_t both[2 * MESSAGE_MAX];
	struct rtnetlink_event e;
	memcpy(both, a.bytes, a.len);
	memcpy(both + a.len, b.bytes, b.len);
	struct bytes_reader r = bytes_reader(both, a.len + b.len);
	g_assert_true(rtnetlink_next(&r, &e));
	g_assert_cmpint(e.type, ==, RTNETLINK_ADDRESS_ADDED);
	g_assert_true(rtnetlink_next(&r, &e));
	g_assert_cmpint(e.type, ==, RTNETLINK_OVERRUN);
	g_assert_false(rtnetlink_next(&r, &e));
}

static void message_that_is_cut_ends_the_datagram(void)
{
	struct message m = address_message(RTM_NEWADDR, AF_INET, "192.0.2.7", "192.0.2.7");
	struct rtnetlink_event e;
	for (size_t len = 0; len < m.len; len++) {
		struct bytes_reader r = bytes_reader(m.bytes, len);
		g_assert_false(rtnetlink_next(&r, &e));
	}
	((struct nlmsghdr *)m.bytes)->nlmsg_len = sizeof(struct nlmsghdr) - 1;
	struct bytes_reader r = bytes_reader(m.bytes, m.len);
	g_assert_false(rtnetlink_next(&r, &e));
}

static void attribute_that_exceeds_its_message_is_not_read(void)
{
	struct message m = address_message(RTM_NEWADDR, AF_INET, NULL, NULL);
	size_t at = m.len;
	attribute_address(&m, IFA_LOCAL, "192.0.2.7");
	struct rtattr a = { .rta_len = 12, .rta_type = IFA_LOCAL };
	memcpy(m.bytes + at, &a, sizeof(a));
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
	a.rta_len = 3; /* less than its header: would not advance */
	memcpy(m.bytes + at, &a, sizeof(a));
	g_assert_cmpint(parse(&m).type, ==, RTNETLINK_OTHER);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/rtnetlink/" #name, name)
	TEST(addresses_are_those_of_the_host_not_of_a_peer);
	TEST(address_without_or_of_another_family_is_another_message);
	TEST(routes_have_their_destination);
	TEST(several_messages_come_in_order);
	TEST(message_that_is_cut_ends_the_datagram);
	TEST(attribute_that_exceeds_its_message_is_not_read);
#undef TEST
	return g_test_run();
}
