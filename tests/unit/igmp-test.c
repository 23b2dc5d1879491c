/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IGMP and MLD: messages as Linux sends them. */
#include "wire/igmp.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

#include <errno.h>
#include <glib.h>

#define GROUP IP4(239, 1, 2, 3)

static const struct ip_addr host6 = { { 0xfe, 0x80, [15] = 2 } }, routers6 = { { 0xff, 2, [15] = 0x16 } },
			    nodes6 = { { 0xff, 2, [15] = 1 } };
static const struct ip_addr group6 = { { 0xff, 5, [15] = 0xaa } }, any6;

static void reports_of_versions_1_and_2_name_their_group(void)
{
	static const uint8_t v1[] = { 0x12, 0x00, 0xfc, 0xfa, 239, 1, 2, 3 };
	static const uint8_t v2[] = { 0x16, 0x00, 0xf8, 0xfa, 239, 1, 2, 3 };
	static const uint8_t leave[] = { 0x17, 0x00, 0xf7, 0xfa, 239, 1, 2, 3 };
	struct igmp_message m;
	g_assert_cmpint(igmp_parse(v1, sizeof(v1), &m), ==, 0);
	g_assert_cmphex(m.type, ==, IGMP_V1_REPORT);
	g_assert_cmpint(igmp_parse(v2, sizeof(v2), &m), ==, 0);
	g_assert_cmphex(m.type, ==, IGMP_V2_REPORT);
	g_assert_cmphex(m.group, ==, GROUP);
	g_assert_cmpint(igmp_parse(leave, sizeof(leave), &m), ==, 0);
	g_assert_cmphex(m.type, ==, IGMP_V2_LEAVE);
}

/* TO_EX with no source joins, TO_IN with none leaves (RFC 3376 §4.2.12); auxiliary data is skipped. */
static void report_of_version_3_has_records(void)
{
	static const uint8_t bytes[] = { 0x22, 0, 0xf4, 0xf1, 0, 0, 0, 2, 4, 0, 0, 0, 239, 1, 2, 3, 3, 1, 0, 0, 239, 1, 2, 4, 0, 0, 0, 0 };
	struct igmp_message m;
	struct group_record r;
	g_assert_cmpint(igmp_parse(bytes, sizeof(bytes), &m), ==, 0);
	g_assert_true(group_records_next(&m.records, &r));
	g_assert_cmphex(ip_to_ip4(&r.group), ==, GROUP);
	g_assert_true(group_record_joins(&r) && !group_record_leaves(&r));
	g_assert_true(group_records_next(&m.records, &r));
	g_assert_true(!group_record_joins(&r) && group_record_leaves(&r));
	g_assert_false(group_records_next(&m.records, &r));
}

static void record_joins_by_its_type_and_sources(void)
{
	static const struct {
		uint8_t type;
		uint16_t n_sources;
		bool joins, leaves;
	} rows[] = {
		{ GROUP_IS_INCLUDE, 0, false, true }, { GROUP_IS_INCLUDE, 1, true, false }, { GROUP_IS_EXCLUDE, 0, true, false },
		{ GROUP_TO_INCLUDE, 0, false, true }, { GROUP_TO_INCLUDE, 2, true, false }, { GROUP_TO_EXCLUDE, 3, true, false },
		{ GROUP_ALLOW, 1, true, false },      { GROUP_BLOCK, 1, false, false },     { 99, 1, false, false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct group_record r = { .type = rows[i].type, .n_sources = rows[i].n_sources };
		g_assert_cmpint(group_record_joins(&r), ==, rows[i].joins);
		g_assert_cmpint(group_record_leaves(&r), ==, rows[i].leaves);
	}
}

static void truncated_or_damaged_is_refused(void)
{
	uint8_t bytes[] = { 0x16, 0x00, 0xf8, 0xfa, 239, 1, 2, 3 };
	struct igmp_message m = { .type = 77 };
	for (size_t len = 0; len < sizeof(bytes); len++)
		g_assert_cmpint(igmp_parse(bytes, len, &m), ==, -EBADMSG);
	bytes[7]++;
	g_assert_cmpint(igmp_parse(bytes, sizeof(bytes), &m), ==, -EBADMSG);
	static const uint8_t query_without_group[] = { 0x11, 100, 0xee, 0x9b }; /* its checksum is right */
	g_assert_cmpint(igmp_parse(query_without_group, sizeof(query_without_group), &m), ==, -EBADMSG);
	static const uint8_t promises[] = { 0x22, 0, 0xdd, 0xfd, 0, 0, 0, 1, 0, 0, 0, 1 };
	g_assert_cmpint(igmp_parse(promises, sizeof(promises), &m), ==, -EBADMSG);
	static const uint8_t other[] = { 0x13, 0, 0xec, 0xff, 0, 0, 0, 0 }; /* DVMRP */
	g_assert_cmpint(igmp_parse(other, sizeof(other), &m), ==, -EPROTONOSUPPORT);
	g_assert_cmphex(m.type, ==, 77);
}

static void query_has_the_format_of_rfc_3376(void)
{
	static const uint8_t expected[] = { 0x11, 100, 0xec, 0x1e, 0, 0, 0, 0, 2, 125, 0, 0 };
	uint8_t bytes[64];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	igmp_emit_query(&w, 0, 100, 125);
	g_assert_cmpmem(bytes, w.len, expected, sizeof(expected));
	struct igmp_message m;
	g_assert_cmpint(igmp_parse(bytes, w.len, &m), ==, 0);
	g_assert_cmphex(m.type, ==, IGMP_QUERY);
}

static void mld_query_has_the_format_of_rfc_3810(void)
{
	uint8_t bytes[64];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	mld_emit_query(&w, &host6, &nodes6, &any6, 10000, 125);
	g_assert_cmpuint(w.len, ==, MLD_QUERY_LEN);
	static const uint8_t head[] = { 130, 0 }, delay[] = { 0x27, 0x10, 0, 0 }, tail[] = { 2, 125, 0, 0 };
	g_assert_cmpmem(bytes, 2, head, 2);
	g_assert_cmpmem(bytes + 4, 4, delay, 4);
	g_assert_cmpmem(bytes + 24, 4, tail, 4);
	struct mld_message m;
	g_assert_cmpint(mld_parse(&host6, &nodes6, bytes, w.len, &m), ==, 0);
	g_assert_cmpuint(m.type, ==, MLD_QUERY);
	g_assert_true(ip_equal(&m.group, &any6));
	bytes[9]++;
	g_assert_cmpint(mld_parse(&host6, &nodes6, bytes, w.len, &m), ==, -EBADMSG);
}

/* The first report of a Linux host: fe80::2 to ff02::16, TO_EX {} of ff05::aa. */
static void mld_report_of_version_2_has_records(void)
{
	static const uint8_t bytes[] = { 143, 0, 0x6f, 0x5c, 0, 0, 0, 1, 4, 0, 0, 0, 0xff, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa };
	struct mld_message m;
	struct group_record r;
	g_assert_cmpint(mld_parse(&host6, &routers6, bytes, sizeof(bytes), &m), ==, 0);
	g_assert_true(group_records_next(&m.records, &r));
	g_assert_true(ip_equal(&r.group, &group6) && group_record_joins(&r));
	g_assert_false(group_records_next(&m.records, &r));
	for (size_t len = 0; len < sizeof(bytes); len++)
		g_assert_cmpint(mld_parse(&host6, &routers6, bytes, len, &m), ==, -EBADMSG);
}

#define TEST(name) g_test_add_func("/igmp/" #name, name)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(reports_of_versions_1_and_2_name_their_group);
	TEST(report_of_version_3_has_records);
	TEST(record_joins_by_its_type_and_sources);
	TEST(truncated_or_damaged_is_refused);
	TEST(query_has_the_format_of_rfc_3376);
	TEST(mld_query_has_the_format_of_rfc_3810);
	TEST(mld_report_of_version_2_has_records);
	return g_test_run();
}
