/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation and checksums that a guest leaves to its vhost-user port and that are done for a stream port.  tshark, an independent
 * program, checks the results.
 */
#include "base/macros.h"
#include "link/stream.h"
#include "support/vhost_world.h"
#include "unit/sample-frame.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEGMENT 1400u
#define LINKTYPE_ETHERNET 1

/* One line per frame; no protocol is guessed from the port numbers. */
#define ASK \
	"tshark -n -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -d tcp.port==2000,data " \
	"-d udp.port==2000,data -T fields -E 'separator=|' -e ip.checksum.status -e tcp.checksum.status -e udp.checksum.status " \
	"-e tcp.payload -e udp.payload -e _ws.malformed"

struct wire_case {
	const char *name;
	struct sample sample;
	enum frame_gso gso;
};

static const struct wire_case cases[] = {
	{ "tcp4/super", { .partial = true, .payload_len = 60000, .dont_fragment = true, .tcp_flags = TCP_ACK | TCP_PSH }, FRAME_GSO_TCP4 },
	{ "tcp6/super", { .v6 = true, .partial = true, .payload_len = 60000, .tcp_flags = TCP_ACK | TCP_PSH }, FRAME_GSO_TCP6 },
	{ "udp4/super", { .udp = true, .partial = true, .payload_len = 60000 }, FRAME_GSO_UDP },
	{ "udp6/super", { .v6 = true, .udp = true, .partial = true, .payload_len = 60000 }, FRAME_GSO_UDP },
	{ "tcp4/whole-segments", { .partial = true, .payload_len = 3 * SEGMENT, .tcp_flags = TCP_ACK | TCP_FIN }, FRAME_GSO_TCP4 },
	{ "udp4/whole-datagrams", { .udp = true, .partial = true, .payload_len = 3 * SEGMENT }, FRAME_GSO_UDP },
	{ "tcp4/odd", { .partial = true, .payload_len = 777, .tcp_flags = TCP_ACK }, FRAME_GSO_NONE },
	{ "tcp6/odd", { .v6 = true, .partial = true, .payload_len = 777, .tcp_flags = TCP_ACK }, FRAME_GSO_NONE },
	{ "udp4/odd", { .udp = true, .partial = true, .payload_len = 777 }, FRAME_GSO_NONE },
	{ "udp6/odd", { .v6 = true, .udp = true, .partial = true, .payload_len = 777 }, FRAME_GSO_NONE },
	{ "tcp4/complete", { .payload_len = 1000, .tcp_flags = TCP_ACK }, FRAME_GSO_NONE },
	{ "udp6/complete", { .v6 = true, .udp = true, .payload_len = 1000 }, FRAME_GSO_NONE },
};

/* --- the neighbour --- */

struct neighbour {
	struct link *link;
	int socket;
	GByteArray *pcap;
	unsigned n;
};

static void append_u32(GByteArray *to, uint32_t value)
{
	g_byte_array_append(to, (const uint8_t *)&value, sizeof(value));
}

static void neighbour_init(struct neighbour *n, struct vhost_world *w)
{
	int fds[2];
	struct link_config config = { .poller = &w->loop.poller, .segment = &w->segment, .mtu = 65520 };
	g_assert_cmpint(stream_link_ops.new(&config, &n->link), ==, 0);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	g_assert_cmpint(stream_link_ops.add(n->link, fds[1], NULL), ==, 0);
	n->socket = fds[0];
	n->n = 0;
	n->pcap = g_byte_array_new();
	static const uint16_t version[] = { 2, 4 };
	append_u32(n->pcap, 0xa1b2c3d4);
	g_byte_array_append(n->pcap, (const uint8_t *)version, sizeof(version));
	for (unsigned i = 0; i < 2; i++)
		append_u32(n->pcap, 0);
	append_u32(n->pcap, 1 << 18);
	append_u32(n->pcap, LINKTYPE_ETHERNET);
}

static void neighbour_done(struct neighbour *n)
{
	close(n->socket);
	stream_link_ops.free(n->link, 0);
	g_byte_array_unref(n->pcap);
}

/* Appends all frames that have come to the capture. */
static void neighbour_reads(struct neighbour *n)
{
	static uint8_t bytes[1 << 17];
	uint32_t len;
	while (recv(n->socket, &len, sizeof(len), MSG_DONTWAIT) == sizeof(len)) {
		len = ntohl(len);
		g_assert_cmpuint(len, <=, sizeof(bytes));
		g_assert_cmpint(recv(n->socket, bytes, len, MSG_WAITALL), ==, len);
		uint32_t record[] = { n->n++, 0, len, len };
		g_byte_array_append(n->pcap, (const uint8_t *)record, sizeof(record));
		g_byte_array_append(n->pcap, bytes, len);
	}
}

/* tshark's output, one line per frame: checksum states and payload. */
static char **ask_tshark(struct neighbour *n)
{
	g_autofree char *path = NULL, *out = NULL, *errors = NULL;
	int status, fd = g_file_open_tmp("lanlet-XXXXXX.pcap", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	close(fd);
	g_assert_true(g_file_set_contents(path, (const char *)n->pcap->data, n->pcap->len, NULL));
	g_autofree char *command = g_strdup_printf("%s -r %s", ASK, path);
	g_assert_true(g_spawn_command_line_sync(command, &out, &errors, &status, NULL));
	if (!g_spawn_check_wait_status(status, NULL))
		g_error("tshark: %s", errors);
	g_unlink(path);
	return g_strsplit(g_strchomp(out), "\n", -1);
}

static void append_hex(GByteArray *to, const char *hex)
{
	for (; hex[0] && hex[1]; hex += 2) {
		uint8_t byte = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
		g_byte_array_append(to, &byte, 1);
	}
}

static void assert_right(const struct sample *s, char **lines, size_t segments)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();
	g_assert_cmpuint(g_strv_length(lines), ==, segments);
	for (char **line = lines; *line; line++) {
		g_auto(GStrv) fields = g_strsplit(*line, "|", -1);
		g_assert_cmpuint(g_strv_length(fields), ==, 6);
		g_assert_cmpstr(fields[0], ==, s->v6 ? "" : "1"); /* 1: good, and looked at */
		g_assert_cmpstr(fields[1], ==, s->udp ? "" : "1");
		g_assert_cmpstr(fields[2], ==, s->udp ? "1" : "");
		g_assert_cmpstr(fields[5], ==, "");
		append_hex(payload, fields[s->udp ? 4 : 3]);
	}
	g_assert_cmpmem(payload->data, payload->len, s->bytes + s->payload_offset, s->payload_len);
}

static void neighbour_is_sent_right_frames(struct vhost_world *w, gconstpointer data)
{
	const struct wire_case *c = data;
	struct sample s = c->sample;
	struct neighbour n;
	struct arena arena;
	uint8_t header[NET_HEADER_LEN];
	g_autofree char *tshark = g_find_program_in_path("tshark");
	if (!tshark) {
		g_test_skip("no tshark: contrib/test installs it");
		return;
	}
	arena_init(&arena, 1 << 24);
	neighbour_init(&n, w);
	uint64_t uso = VHOST_BIT(VIRTIO_NET_F_HOST_USO);
	vhost_front_start(&w->front, VHOST_LINUX | uso);
	struct frame f = sample_frame(&s, &arena);
	f.gso = c->gso;
	f.gso_size = c->gso == FRAME_GSO_NONE ? 0 : SEGMENT;
	net_header_emit(&f, ~UINT64_C(0), 0, header);
	vhost_front_send(&w->front, header, s.bytes, f.len, 4096);
	neighbour_reads(&n);
	g_auto(GStrv) lines = ask_tshark(&n);
	assert_right(&s, lines, c->gso == FRAME_GSO_NONE ? 1 : (s.payload_len + SEGMENT - 1) / SEGMENT);
	neighbour_done(&n);
	arena_done(&arena);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		g_autofree char *path = g_strconcat("/vhost-tshark/neighbour_is_sent_right_frames/", cases[i].name, NULL);
		g_test_add(path, struct vhost_world, &cases[i], vhost_world_set_up, neighbour_is_sent_right_frames, vhost_world_tear_down);
	}
	return g_test_run();
}
