/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "wire/dhcp.h"

#include <errno.h>
#include <glib.h>

/* A DHCPDISCOVER of udhcpc 1.35, MAC 52:54:00:12:34:56. */
static const uint8_t discover_head[] = { 0x01, 0x01, 0x06, 0x00, 0x3c, 0x5a, 0x11, 0xd2, 0x00, 0x03, 0x80, 0x00 };
static const uint8_t discover_options[] = {
	0x63, 0x82, 0x53, 0x63,                                                       /* magic cookie */
	0x35, 0x01, 0x01,                                                             /* DISCOVER */
	0x3d, 0x07, 0x01, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x39, 0x02, 0x02, 0x40, /* 576 */
	0x37, 0x07, 0x01, 0x03, 0x06, 0x0c, 0x0f, 0x1c, 0x2a, 0x3c, 0x0c, 'u',  'd',  'h',  'c',
	'p',  ' ',  '1',  '.',  '3',  '5',  '.',  '0',  0x0c, 0x03, 'w',  'e',  'b',  0xff,
};

struct builder {
	uint8_t bytes[4096];
	size_t len;
};

static void add(struct builder *b, const void *bytes, size_t len)
{
	g_assert_cmpuint(b->len + len, <=, sizeof(b->bytes));
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

#define ADD(b, ...) add(b, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Fixed fields and cookie, without options. */
static struct builder message(void)
{
	struct builder b = { { 0 } };
	memcpy(b.bytes, discover_head, sizeof(discover_head));
	memcpy(b.bytes + 28, "\x52\x54\x00\x12\x34\x56", 6);
	b.len = 236;
	add(&b, discover_options, 4);
	return b;
}

static void client_discover_parses(void)
{
	struct builder b = message();
	add(&b, discover_options + 4, sizeof(discover_options) - 4);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.header.op, ==, DHCP_BOOTREQUEST);
	g_assert_cmphex(m.header.xid, ==, 0x3c5a11d2);
	g_assert_cmpuint(m.header.secs, ==, 3);
	g_assert_true(m.header.broadcast);
	g_assert_cmpmem(m.header.chaddr.b, 6, "\x52\x54\x00\x12\x34\x56", 6);
	g_assert_cmpuint(m.type, ==, DHCP_DISCOVER);
	g_assert_cmpuint(m.max_size, ==, 576);
	g_assert_cmpmem(m.client_id, m.client_id_len, discover_options + 9, 7);
	g_assert_cmpmem(m.name, m.name_len, "web", 3);
	g_assert_true(m.has_parameters);
	g_assert_cmpmem(m.parameters, m.n_parameters, "\x01\x03\x06\x0c\x0f\x1c\x2a", 7);
	g_assert_cmpuint(m.requested, ==, 0);
	g_assert_cmpuint(m.server_id, ==, 0);
	g_assert_cmpuint(m.relay_len, ==, 0);
}

static void truncated_messages_are_refused_or_lack_options(void)
{
	struct builder b = message();
	add(&b, discover_options + 4, sizeof(discover_options) - 4);
	for (size_t len = 0; len < b.len; len++) {
		g_autofree uint8_t *exact = g_memdup2(b.bytes, MAX(len, (size_t)1));
		struct dhcp_message m = { .type = 99 };
		int err = dhcp_parse(exact, len, &m);
		if (len < DHCP_HEADER_LEN)
			g_assert_cmpint(err, ==, len < 236 ? -EBADMSG : 0);
		if (err < 0)
			g_assert_cmpuint(m.type, ==, 99);
	}
}

static void bootp_without_cookie_has_no_type(void)
{
	struct builder b = message();
	b.bytes[236] = 0;
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.type, ==, 0);
}

static void hardware_other_than_ethernet_is_not_supported(void)
{
	struct dhcp_message m;
	struct builder b = message();
	b.bytes[1] = 32; /* InfiniBand */
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, -EPROTONOSUPPORT);
	b = message();
	b.bytes[2] = 16;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, -EPROTONOSUPPORT);
}

static void options_with_impossible_lengths_are_malformed(void)
{
	static const struct {
		uint8_t bytes[8];
		size_t len;
	} bad[] = {
		{ { 53, 0 }, 2 },    { { 53, 2, 1, 1 }, 4 }, { { 50, 3, 1, 2, 3 }, 5 }, { { 54, 5, 1, 2, 3, 4, 5 }, 7 },
		{ { 51, 1, 1 }, 3 }, { { 57, 1, 1 }, 3 },    { { 52, 0 }, 2 },          { { 12, 200, 'x' }, 3 },
		{ { 99 }, 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct builder b = message();
		add(&b, bad[i].bytes, bad[i].len);
		struct dhcp_message m;
		g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, -EBADMSG);
	}
}

static void missing_end_is_tolerated(void)
{
	struct builder b = message();
	ADD(&b, 53, 1, 1);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.type, ==, DHCP_DISCOVER);
}

static void bytes_after_end_are_not_options(void)
{
	struct builder b = message();
	ADD(&b, 53, 1, 1, 255, 50, 200);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.requested, ==, 0);
}

/* RFC 2132 §9.3: options continue in file, then in sname; each field has its own END. */
static void overloaded_fields_hold_options(void)
{
	struct builder b = message();
	ADD(&b, 53, 1, 3, 52, 1, 3, 255);
	memcpy(b.bytes + 108, (uint8_t[]){ 50, 4, 10, 0, 0, 9, 255, 12, 99 }, 9);
	memcpy(b.bytes + 44, (uint8_t[]){ 0, 54, 4, 10, 0, 0, 1, 255 }, 8);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.requested, ==, IP4(10, 0, 0, 9));
	g_assert_cmpuint(m.server_id, ==, IP4(10, 0, 0, 1));

	b.bytes[DHCP_HEADER_LEN + 5] = 1; /* file only */
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.requested, ==, IP4(10, 0, 0, 9));
	g_assert_cmpuint(m.server_id, ==, 0);

	b.bytes[DHCP_HEADER_LEN + 5] = 2; /* sname only */
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.requested, ==, 0);
	g_assert_cmpuint(m.server_id, ==, IP4(10, 0, 0, 1));
}

static void fields_that_are_not_overloaded_hold_no_options(void)
{
	struct builder b = message();
	ADD(&b, 53, 1, 3, 255);
	memcpy(b.bytes + 108, (uint8_t[]){ 50, 4, 10, 0, 0, 9, 255 }, 7);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.requested, ==, 0);
}

/* RFC 3396 §5: parts are joined in the order options, file, sname. */
static void parts_of_a_split_option_are_joined(void)
{
	struct builder b = message();
	ADD(&b, 61, 2, 0, 'a', 52, 1, 3, 61, 1, 'b', 255);
	memcpy(b.bytes + 108, (uint8_t[]){ 61, 1, 'c', 255 }, 4);
	memcpy(b.bytes + 44, (uint8_t[]){ 61, 2, 'd', 'e', 255 }, 5);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.client_id, m.client_id_len, "\0abcde", 6);
}

static void joined_options_that_are_too_long_are_malformed(void)
{
	struct builder b = message();
	uint8_t piece[2 + 200] = { 61, 200 };
	add(&b, piece, sizeof(piece));
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.client_id_len, ==, 200);
	add(&b, piece, sizeof(piece));
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, -EBADMSG);
}

static void parameters_are_listed_once_and_in_order(void)
{
	struct builder b = message();
	ADD(&b, 55, 6, 26, 3, 0, 3, 1, 26);
	ADD(&b, 55, 2, 119, 1);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.parameters, m.n_parameters, "\x1a\x03\x01\x77", 4);
}

/* RFC 2132 §9.10: 576 is the minimum. */
static void small_maximum_sizes_are_raised_to_the_minimum(void)
{
	struct builder b = message();
	ADD(&b, 57, 2, 0, 100);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.max_size, ==, 576);
}

/* RFC 4702 §2.3 (ASCII is deprecated but common) and §3.1: option 81 precedes option 12. */
static void fqdn_option_sets_the_name(void)
{
	struct builder b = message();
	ADD(&b, 81, 9, 0, 0, 0, 'a', 'b', '.', 'c', 'd', '.', 12, 3, 'w', 'e', 'b');
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.name, m.name_len, "ab.cd.", 6);

	b = message();
	ADD(&b, 81, 10, 4, 0, 0, 2, 'a', 'b', 2, 'c', 'd', 0);
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.name, m.name_len, "ab", 2);
}

static void malformed_fqdn_is_ignored(void)
{
	struct builder b = message();
	ADD(&b, 81, 5, 4, 0, 0, 9, 'a', 12, 3, 'w', 'e', 'b');
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.name, m.name_len, "web", 3);

	b = message();
	ADD(&b, 81, 3, 0, 0, 0);
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpuint(m.name_len, ==, 0);

	/* A label that is a byte longer than the option, and flags that announce a label which is not there. */
	b = message();
	ADD(&b, 81, 6, 4, 0, 0, 3, 'a', 'b', 12, 3, 'w', 'e', 'b');
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.name, m.name_len, "web", 3);
	b = message();
	ADD(&b, 81, 3, 4, 0, 0, 12, 3, 'w', 'e', 'b');
	g_assert_cmpint(dhcp_parse(b.bytes, b.len, &m), ==, 0);
	g_assert_cmpmem(m.name, m.name_len, "web", 3);
}

static const struct dhcp_header reply_header = {
	.op = DHCP_BOOTREPLY,
	.xid = 0x11223344,
	.broadcast = true,
	.yiaddr = IP4(10, 0, 0, 9),
	.giaddr = IP4(10, 0, 0, 7),
	.chaddr = { { 0x52, 0x54, 0, 1, 2, 3 } },
};

static void reply_fields_are_where_they_belong(void)
{
	uint8_t buf[548];
	struct dhcp_writer w;
	memset(buf, 0xaa, sizeof(buf));
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	g_assert_true(dhcp_put_u8(&w, DHCP_OPTION_TYPE, DHCP_OFFER));
	g_assert_cmpuint(dhcp_finish(&w), ==, DHCP_LEN_MIN);
	static const uint8_t head[] = { 2, 1, 6, 0, 0x11, 0x22, 0x33, 0x44, 0, 0, 0x80, 0,    0, 0, 0, 0, 10, 0,
					0, 9, 0, 0, 0,    0,    10,   0,    0, 7, 0x52, 0x54, 0, 1, 2, 3, 0,  0 };
	g_assert_cmpmem(buf, sizeof(head), head, sizeof(head));
	static const uint8_t zeros[10 + 64 + 128];
	g_assert_cmpmem(buf + 34, sizeof(zeros), zeros, sizeof(zeros));
	static const uint8_t options[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 2, 255 };
	g_assert_cmpmem(buf + 236, sizeof(options), options, sizeof(options));
	for (size_t i = 236 + sizeof(options); i < DHCP_LEN_MIN; i++)
		g_assert_cmpuint(buf[i], ==, 0);
}

static void written_messages_parse(void)
{
	uint8_t buf[548];
	struct dhcp_writer w;
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	dhcp_put_u8(&w, DHCP_OPTION_TYPE, DHCP_ACK);
	dhcp_put_be32(&w, DHCP_OPTION_SERVER_ID, IP4(10, 0, 0, 1));
	dhcp_put_be16(&w, DHCP_OPTION_MAX_SIZE, 1500);
	struct dhcp_message m;
	g_assert_cmpint(dhcp_parse(buf, dhcp_finish(&w), &m), ==, 0);
	g_assert_cmpuint(m.type, ==, DHCP_ACK);
	g_assert_cmpuint(m.server_id, ==, IP4(10, 0, 0, 1));
	g_assert_cmpuint(m.max_size, ==, 1500);
	g_assert_cmpuint(m.header.yiaddr, ==, reply_header.yiaddr);
	g_assert_cmpuint(m.header.giaddr, ==, reply_header.giaddr);
}

static void long_options_are_split(void)
{
	uint8_t buf[1472], value[600], back[600];
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)i;
	struct dhcp_writer w;
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	g_assert_true(dhcp_put(&w, DHCP_OPTION_DOMAIN_SEARCH, value, sizeof(value)));
	size_t len = dhcp_finish(&w);
	g_assert_cmpuint(buf[241], ==, 255);
	g_assert_cmpuint(buf[240 + 257 + 1], ==, 255);
	g_assert_cmpuint(buf[240 + 514 + 1], ==, 90);
	g_assert_cmpint(dhcp_option_get(buf, len, DHCP_OPTION_DOMAIN_SEARCH, back, sizeof(back)), ==, 600);
	g_assert_cmpmem(back, 600, value, 600);
	g_assert_cmpint(dhcp_option_get(buf, len, DHCP_OPTION_DOMAIN_SEARCH, back, 599), ==, -E2BIG);
}

/* A message of 300 bytes has 60 bytes of options; further options go to file, then to sname. */
static void full_options_field_overflows_into_file_and_sname(void)
{
	uint8_t buf[DHCP_LEN_MIN], value[100] = { 7 };
	struct dhcp_writer w;
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	g_assert_true(dhcp_put_u8(&w, DHCP_OPTION_TYPE, DHCP_ACK));
	g_assert_true(dhcp_put(&w, 200, value, 100));
	g_assert_true(dhcp_put(&w, 201, value, 50));
	g_assert_true(dhcp_put(&w, 202, value, 56));
	g_assert_false(dhcp_put(&w, 203, value, 40));
	size_t len = dhcp_finish(&w);
	g_assert_cmpuint(len, ==, sizeof(buf));
	uint8_t back[100];
	g_assert_cmpint(dhcp_option_get(buf, len, DHCP_OPTION_OVERLOAD, back, 1), ==, 1);
	g_assert_cmpuint(back[0], ==, 3);
	g_assert_cmpint(dhcp_option_get(buf, len, DHCP_OPTION_TYPE, back, 1), ==, 1);
	g_assert_cmpint(dhcp_option_get(buf, len, 200, back, sizeof(back)), ==, 100);
	g_assert_cmpint(dhcp_option_get(buf, len, 201, back, sizeof(back)), ==, 50);
	g_assert_cmpint(dhcp_option_get(buf, len, 202, back, sizeof(back)), ==, 56);
	g_assert_cmpint(dhcp_option_get(buf, len, 203, back, sizeof(back)), ==, -ENOENT);
}

/* Without overload, clients do not read options in file and sname, which stay zero. */
static void short_messages_are_not_overloaded(void)
{
	uint8_t buf[DHCP_LEN_MIN], back[1];
	struct dhcp_writer w;
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	dhcp_put_u8(&w, DHCP_OPTION_TYPE, DHCP_ACK);
	g_assert_cmpint(dhcp_option_get(buf, dhcp_finish(&w), DHCP_OPTION_OVERLOAD, back, 1), ==, -ENOENT);
}

/* RFC 3046 §2.1: the relay agent information is the last option, and in the options field. */
static void last_option_is_last_and_its_room_is_reserved(void)
{
	uint8_t buf[DHCP_LEN_MIN], relay[30], value[22] = { 0 };
	memset(relay, 'r', sizeof(relay));
	struct dhcp_writer w;
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	g_assert_true(dhcp_put_last(&w, DHCP_OPTION_RELAY, relay, sizeof(relay)));
	g_assert_true(dhcp_put(&w, 200, value, sizeof(value)));
	g_assert_true(dhcp_put(&w, 201, value, sizeof(value)));
	size_t len = dhcp_finish(&w);
	g_assert_cmpuint(len, ==, DHCP_LEN_MIN);
	g_assert_cmpuint(buf[len - 1], ==, DHCP_OPTION_END);
	g_assert_cmpmem(buf + len - 31, 30, relay, 30);
	g_assert_cmpuint(buf[len - 33], ==, DHCP_OPTION_RELAY);
	g_assert_cmpuint(buf[108], ==, 201);
}

static void last_option_without_room_is_left_out(void)
{
	uint8_t buf[DHCP_LEN_MIN], relay[55] = { 0 };
	struct dhcp_writer w;
	dhcp_writer_init(&w, buf, sizeof(buf), &reply_header);
	g_assert_false(dhcp_put_last(&w, DHCP_OPTION_RELAY, relay, sizeof(relay)));
	g_assert_true(dhcp_put_last(&w, DHCP_OPTION_RELAY, relay, sizeof(relay) - 1));
	g_assert_true(dhcp_put(&w, 200, relay, 0));
	g_assert_cmpuint(w.options.len, ==, 0);
	g_assert_cmpuint(w.file.len, ==, 2);
	g_assert_cmpuint(dhcp_finish(&w), ==, DHCP_LEN_MIN);
}

static void every_message_stays_within_its_size(void)
{
	for (int round = 0; round < 3000; round++) {
		size_t size = (size_t)g_test_rand_int_range(DHCP_LEN_MIN, 700);
		g_autofree uint8_t *buf = g_malloc(size);
		uint8_t value[600] = { 0 }, back[600];
		size_t put_len[4];
		bool put[4];
		struct dhcp_writer w;
		dhcp_writer_init(&w, buf, size, &reply_header);
		bool last = dhcp_put_last(&w, DHCP_OPTION_RELAY, value, (size_t)g_test_rand_int_range(0, 300));
		for (uint8_t i = 0; i < 4; i++) {
			put_len[i] = (size_t)g_test_rand_int_range(0, round % 2 ? 500 : 60);
			put[i] = dhcp_put(&w, (uint8_t)(200 + i), value, put_len[i]);
		}
		size_t len = dhcp_finish(&w);
		g_assert_cmpuint(len, <=, size);
		for (uint8_t i = 0; i < 4; i++)
			g_assert_cmpint(dhcp_option_get(buf, len, (uint8_t)(200 + i), back, sizeof(back)), ==,
					put[i] ? (ssize_t)put_len[i] : -ENOENT);
		g_assert_cmpint(dhcp_option_get(buf, len, DHCP_OPTION_RELAY, back, sizeof(back)) >= 0, ==, last);
	}
}

/* RFC 3397 §2 */
static void domains_are_encoded_as_labels(void)
{
	uint8_t buf[64];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	g_assert_true(dhcp_put_domain(&w, "lanlet.internal"));
	g_assert_true(dhcp_put_domain(&w, "example.com."));
	static const uint8_t expected[] = "\6lanlet\10internal\0\7example\3com";
	g_assert_cmpmem(buf, w.len, expected, sizeof(expected));
}

static void invalid_domains_are_not_encoded(void)
{
	static const char *const bad[] = {
		"", ".", "..", "a..b", ".a", "a123456789a123456789a123456789a123456789a123456789a123456789abcd.x",
	};
	uint8_t buf[300];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		g_assert_false(dhcp_put_domain(&w, bad[i]));
	g_autofree char *endless = g_strnfill(254, 'a');
	for (size_t i = 9; i < 254; i += 10)
		endless[i] = '.';
	g_assert_false(dhcp_put_domain(&w, endless));
	g_assert_cmpuint(w.len, ==, 0);
	w = bytes_writer(buf, 8);
	g_assert_false(dhcp_put_domain(&w, "abcdefg"));
	g_assert_true(dhcp_put_domain(&w, "abcdef"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-wire/" #name, name)
	TEST(client_discover_parses);
	TEST(truncated_messages_are_refused_or_lack_options);
	TEST(bootp_without_cookie_has_no_type);
	TEST(hardware_other_than_ethernet_is_not_supported);
	TEST(options_with_impossible_lengths_are_malformed);
	TEST(missing_end_is_tolerated);
	TEST(bytes_after_end_are_not_options);
	TEST(overloaded_fields_hold_options);
	TEST(fields_that_are_not_overloaded_hold_no_options);
	TEST(parts_of_a_split_option_are_joined);
	TEST(joined_options_that_are_too_long_are_malformed);
	TEST(parameters_are_listed_once_and_in_order);
	TEST(small_maximum_sizes_are_raised_to_the_minimum);
	TEST(fqdn_option_sets_the_name);
	TEST(malformed_fqdn_is_ignored);
	TEST(reply_fields_are_where_they_belong);
	TEST(written_messages_parse);
	TEST(long_options_are_split);
	TEST(full_options_field_overflows_into_file_and_sname);
	TEST(short_messages_are_not_overloaded);
	TEST(last_option_is_last_and_its_room_is_reserved);
	TEST(last_option_without_room_is_left_out);
	TEST(every_message_stays_within_its_size);
	TEST(domains_are_encoded_as_labels);
	TEST(invalid_domains_are_not_encoded);
	return g_test_run();
}
