/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TFTP: packets, and transfers to clients that lose, repeat and forget. */
#include "support/boot_memory.h"

#include "base/arena.h"
#include "gateway/payer.h"
#include "gateway/sink.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/boot/tftp.h"
#include "wire/tftp.h"
#include "wire/udp.h"

#include <glib.h>

#define GATEWAY IP4(192, 168, 122, 1)
#define GUEST IP4(192, 168, 122, 7)
#define CLIENT_PORT 2070

struct fixture {
	struct tftp tftp;
	struct boot_memory memory;
	struct sink sink;
	struct port port, other;
	struct payer payer, other_payer;
	struct port *from;
	struct arena arena;
	usec_t now;
	GPtrArray *sent; /* GBytes */
	uint16_t server_port;
	unsigned drops[DROP_REASON_COUNT];
};

static void record_udp(struct sink *s, usec_t now, const struct sink_udp *d)
{
	struct fixture *f = container_of(s, struct fixture, sink);
	g_assert_cmphex(ip_to_ip4(&d->src), ==, GATEWAY);
	g_assert_cmphex(ip_to_ip4(&d->dst), ==, GUEST);
	g_assert_cmpuint(d->len, <=, 1472);
	f->server_port = d->src_port;
	g_ptr_array_add(f->sent, g_bytes_new(d->payload, d->len));
}

static void record_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	container_of(s, struct fixture, sink)->drops[why]++;
}

static const struct sink_ops sink_ops = { .udp = record_udp, .drop = record_drop };

static void set_up(struct fixture *f, gconstpointer data)
{
	f->sink.ops = &sink_ops;
	f->memory.files.ops = &boot_memory_ops;
	f->now = 100 * USEC_PER_SEC;
	f->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	payer_init(&f->payer);
	payer_init(&f->other_payer);
	payer_ref(&f->payer);
	payer_ref(&f->other_payer);
	f->port.payer = &f->payer;
	f->payer.port = &f->port;
	f->other.payer = &f->other_payer;
	f->other_payer.port = &f->other;
	f->from = &f->port;
	arena_init(&f->arena, 1 << 20);
	tftp_init(&f->tftp, &(struct tftp_config){ .gateway = GATEWAY, .files = &f->memory.files, .hash_key = { { 1, 2 } } });
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	tftp_done(&f->tftp);
	g_assert_cmpuint(f->memory.n_open, ==, 0);
	g_assert_cmpuint(f->payer.n_transfers + f->other_payer.n_transfers, ==, 0);
	g_ptr_array_unref(f->sent);
	arena_done(&f->arena);
}

static enum service_verdict input_from(struct fixture *f, uint16_t src_port, uint16_t dst_port, const void *payload, size_t len)
{
	uint8_t bytes[1600];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ .dst = { { 2 } }, .src = { { 4 } }, .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len),
					     .ttl = 64,
					     .protocol = IP_PROTOCOL_UDP,
					     .src = GUEST,
					     .dst = GATEWAY });
	udp_emit_ipv4(&w, GUEST, GATEWAY, src_port, dst_port, payload, len);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, w.len);
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&frame, f->from, &f->arena, &p, &why), ==, 0);
	enum service_verdict v = f->tftp.service.ops->input(&f->tftp.service, f->now, &p, &f->sink);
	arena_reset(&f->arena);
	return v;
}

#define INPUT(f, dst, ...) input_from(f, CLIENT_PORT, dst, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* "FILE\0octet\0…" with an opcode before. */
static void request(struct fixture *f, const char *text, size_t len)
{
	uint8_t bytes[600] = { 0, TFTP_RRQ };
	memcpy(bytes + 2, text, len);
	g_assert_cmpint(input_from(f, CLIENT_PORT, TFTP_PORT, bytes, len + 2), ==, SERVICE_TAKEN);
}
#define REQUEST(f, text) request(f, text, sizeof(text))

static void ack(struct fixture *f, unsigned block)
{
	INPUT(f, f->server_port, 0, TFTP_ACK, (uint8_t)(block >> 8), (uint8_t)block);
}

static const uint8_t *sent_at(struct fixture *f, unsigned i, size_t *ret_len)
{
	g_assert_cmpuint(i, <, f->sent->len);
	return g_bytes_get_data(f->sent->pdata[i], ret_len);
}

static void assert_data(struct fixture *f, unsigned i, uint16_t block, size_t len)
{
	size_t got;
	const uint8_t *b = sent_at(f, i, &got);
	g_assert_cmpuint(got, ==, len + 4);
	g_assert_cmpuint(b[1], ==, TFTP_DATA);
	g_assert_cmpuint(b[2] << 8 | b[3], ==, block);
}

static void forget(struct fixture *f)
{
	g_ptr_array_set_size(f->sent, 0);
}

static void sleep_for(struct fixture *f, usec_t time)
{
	usec_t until = f->now + time;
	for (usec_t due; (due = f->tftp.service.ops->deadline(&f->tftp.service)) <= until;) {
		f->now = MAX(f->now, due);
		f->tftp.service.ops->expire(&f->tftp.service, f->now, &f->sink);
	}
	f->now = until;
}

static void small_file_is_one_block(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "small\0octet");
	assert_data(f, 0, 1, 5);
	g_assert_cmpuint(f->server_port, !=, TFTP_PORT);
	ack(f, 1);
	g_assert_cmpuint(f->sent->len, ==, 1);
	g_assert_cmpuint(f->tftp.n, ==, 0);
}

/* RFC 1350 §6: the last block is shorter than the others, if need be empty. */
static void file_of_whole_blocks_ends_with_an_empty_one(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "even\0OCTET");
	for (unsigned i = 1; i <= 3; i++) {
		assert_data(f, i - 1, (uint16_t)i, i < 3 ? 512 : 0);
		ack(f, i);
	}
	g_assert_cmpuint(f->tftp.n, ==, 0);
	forget(f);
	REQUEST(f, "empty\0octet");
	assert_data(f, 0, 1, 0);
}

static void options_are_agreed_on(struct fixture *f, gconstpointer data)
{
	static const char oack[] = "\0\6blksize\0001468\0timeout\0003\0tsize\000200000\0windowsize\00064";
	REQUEST(f, "large\0octet\0blksize\00065464\0tsize\0000\0timeout\0003\0windowsize\000100\0multicast\0");
	size_t len;
	const uint8_t *b = sent_at(f, 0, &len);
	g_assert_cmpmem(b, len, oack, sizeof(oack));
	ack(f, 1); /* of nothing that was sent */
	g_assert_cmpuint(f->sent->len, ==, 1);
	ack(f, 0);
	g_assert_cmpuint(f->sent->len, ==, 65);
	assert_data(f, 1, 1, 1468);
	assert_data(f, 64, 64, 1468);
}

/* RFC 7440 §4: an ACK in the middle of a window means that the next block was lost. */
static void lost_blocks_of_a_window_are_sent_again(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "large\0octet\0windowsize\0004");
	ack(f, 0);
	forget(f);
	ack(f, 2);
	assert_data(f, 0, 3, 512);
	assert_data(f, 3, 6, 512);
	forget(f);
	ack(f, 2); /* the first of the window was lost; only once in a while */
	ack(f, 2);
	ack(f, 2);
	g_assert_cmpuint(f->sent->len, ==, 4);
	assert_data(f, 0, 3, 512);
	ack(f, 7); /* more than was sent */
	ack(f, 1); /* an old one */
	g_assert_cmpuint(f->sent->len, ==, 4);
}

/* RFC 1123 §4.2.3.1, the Sorcerer's Apprentice. */
static void repeated_ack_sends_nothing(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "large\0octet");
	ack(f, 1);
	ack(f, 1);
	ack(f, 1);
	g_assert_cmpuint(f->sent->len, ==, 2);
	sleep_for(f, USEC_PER_SEC);
	g_assert_cmpuint(f->sent->len, ==, 3);
	assert_data(f, 2, 2, 512);
}

static void silent_client_is_given_up(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "small\0octet\0timeout\0002");
	sleep_for(f, 60 * USEC_PER_SEC);
	g_assert_cmpuint(f->sent->len, ==, 6);
	g_assert_cmpuint(f->tftp.n, ==, 0);
}

static void block_numbers_start_again_at_zero(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "large\0octet\0blksize\0008");
	ack(f, 0);
	for (unsigned i = 1; i <= 25000; i++)
		ack(f, i);
	g_assert_cmpuint(f->sent->len, ==, 1 + 25001);
	assert_data(f, 25001, 25001, 0);
	ack(f, 25001);
	g_assert_cmpuint(f->tftp.n, ==, 0);
}

static void assert_error(struct fixture *f, unsigned code)
{
	size_t len;
	const uint8_t *b = sent_at(f, f->sent->len - 1, &len);
	g_assert_cmpuint(b[1], ==, TFTP_ERROR);
	g_assert_cmpuint(b[3], ==, code);
	g_assert_cmpuint(b[len - 1], ==, 0);
	g_assert_cmpuint(f->tftp.n, ==, 0);
}

static void what_cannot_be_read_is_an_error(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "nothing\0octet");
	assert_error(f, TFTP_ERROR_NOT_FOUND);
	REQUEST(f, "secret\0octet");
	assert_error(f, TFTP_ERROR_ACCESS);
	REQUEST(f, "small\0netascii");
	assert_error(f, TFTP_ERROR_ILLEGAL);
	INPUT(f, TFTP_PORT, 0, TFTP_WRQ, 'a', 0, 'o', 'c', 't', 'e', 't', 0);
	assert_error(f, TFTP_ERROR_ACCESS);
	REQUEST(f, "shrinks\0octet");
	assert_error(f, TFTP_ERROR_OTHER);
}

static void clients_error_ends_the_transfer(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "large\0octet");
	INPUT(f, f->server_port, 0, TFTP_ERROR, 0, 8, 0);
	g_assert_cmpuint(f->tftp.n, ==, 0);
	g_assert_cmpint(INPUT(f, f->server_port, 0, TFTP_ACK, 0, 1), ==, SERVICE_NOT_MINE);
}

static void repeated_request_starts_again(struct fixture *f, gconstpointer data)
{
	REQUEST(f, "large\0octet");
	ack(f, 1);
	REQUEST(f, "large\0octet");
	g_assert_cmpuint(f->tftp.n, ==, 1);
	assert_data(f, 2, 1, 512);
}

static void garbage_is_counted(struct fixture *f, gconstpointer data)
{
	INPUT(f, TFTP_PORT, 0);
	INPUT(f, TFTP_PORT, 0, 1, 'a');
	INPUT(f, TFTP_PORT, 0, 1, 'a', 0);
	INPUT(f, TFTP_PORT, 0, 1, 0, 'o', 'c', 't', 'e', 't', 0);
	INPUT(f, TFTP_PORT, 0, 1, '\n', 0, 'o', 'c', 't', 'e', 't', 0);
	INPUT(f, TFTP_PORT, 0, 4, 0, 1);
	INPUT(f, TFTP_PORT, 0, 9);
	g_assert_cmpuint(f->drops[DROP_TFTP_MALFORMED], ==, 7);
	g_assert_cmpuint(f->sent->len, ==, 0);
	g_assert_cmpint(input_from(f, CLIENT_PORT, 1000, "x", 1), ==, SERVICE_NOT_MINE);
}

static void one_port_does_not_get_all_transfers(struct fixture *f, gconstpointer data)
{
	static const char rrq[] = "\0\1small\0octet";
	for (unsigned i = 0; i < TFTP_TRANSFERS_MAX; i++)
		input_from(f, (uint16_t)(3000 + i), TFTP_PORT, rrq, sizeof(rrq));
	g_assert_cmpuint(f->payer.n_transfers, ==, TFTP_TRANSFERS_MAX * 3 / 4);
	g_assert_cmpuint(f->drops[DROP_BOOT_LIMIT], ==, TFTP_TRANSFERS_MAX / 4);
	f->from = &f->other;
	input_from(f, 2999, TFTP_PORT, rrq, sizeof(rrq));
	g_assert_cmpuint(f->other_payer.n_transfers, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/tftp/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(small_file_is_one_block);
	TEST(file_of_whole_blocks_ends_with_an_empty_one);
	TEST(options_are_agreed_on);
	TEST(lost_blocks_of_a_window_are_sent_again);
	TEST(repeated_ack_sends_nothing);
	TEST(silent_client_is_given_up);
	TEST(block_numbers_start_again_at_zero);
	TEST(what_cannot_be_read_is_an_error);
	TEST(clients_error_ends_the_transfer);
	TEST(repeated_request_starts_again);
	TEST(garbage_is_counted);
	TEST(one_port_does_not_get_all_transfers);
	return g_test_run();
}
