/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/capture_writer.h"

#include "base/macros.h"
#include "host/clock.h"
#include "network/capture.h"
#include "wire/checksum.h"
#include "wire/pcapng.h"

#include <sys/utsname.h>

#define COMMENT_SIZE 160u

struct interface_counts {
	uint64_t started_ns, received, lost;
};

void capture_writer_init(struct capture_writer *w)
{
	w->interfaces = g_hash_table_new(NULL, NULL);
	w->counts = g_array_new(FALSE, FALSE, sizeof(struct interface_counts));
}

void capture_writer_done(struct capture_writer *w)
{
	if (!w->interfaces)
		return;
	g_hash_table_unref(w->interfaces);
	g_array_unref(w->counts);
}

/* Room for a block of up to @room bytes behind @out, to be given to end_block(). */
static struct bytes_writer begin_block(GString *out, size_t room)
{
	gsize len = out->len;
	g_string_set_size(out, len + room);
	out->len = len;
	return bytes_writer(out->str + len, room);
}

static void end_block(GString *out, const struct bytes_writer *w)
{
	assert(!w->failed);
	g_string_set_size(out, out->len + w->len);
}

void capture_writer_begin(struct capture_writer *w, GString *out)
{
	struct utsname system;
	g_autofree char *os = uname(&system) == 0 ? g_strdup_printf("%s %s", system.sysname, system.release) : NULL;
	g_autofree char *application = g_strdup_printf("lanlet %s", w->version);
	struct bytes_writer block = begin_block(out, PCAPNG_BLOCK_ROOM);
	pcapng_put_section(&block, &(struct pcapng_section){ .os = os, .application = application });
	end_block(out, &block);
}

/* --- interfaces --- */

/* Records without a port are of the segment. */
static const char *port_name(const struct capture_record *r)
{
	return r->port_id ? r->port : "segment";
}

static guint add_interface(struct capture_writer *w, GString *out, const struct capture_record *r)
{
	g_autofree char *description = r->port_id
					       ? g_strdup_printf("port %u, %s, of lanlet network %s", r->port_id, r->port_kind, w->network)
					       : g_strdup_printf("lanlet network %s", w->network);
	struct bytes_writer block = begin_block(out, PCAPNG_BLOCK_ROOM);
	pcapng_put_interface(
		&block,
		&(struct pcapng_interface){ .name = port_name(r), .description = description, .filter = w->filter, .snaplen = w->snaplen });
	end_block(out, &block);
	struct interface_counts counts = { .started_ns = clock_wall_ns() };
	g_array_append_val(w->counts, counts);
	return w->counts->len - 1;
}

static guint interface_of(struct capture_writer *w, GString *out, const struct capture_record *r)
{
	gpointer key = GUINT_TO_POINTER(r->port_id), found;
	if (g_hash_table_lookup_extended(w->interfaces, key, NULL, &found))
		return GPOINTER_TO_UINT(found);
	guint index = add_interface(w, out, r);
	g_hash_table_insert(w->interfaces, key, GUINT_TO_POINTER(index));
	return index;
}

/* --- packets --- */

/* As lan/oversize.c does for ports that cannot complete checksums.  False: bytes are missing. */
static bool complete_checksum(struct capture_record *r)
{
	size_t field = (size_t)r->csum_start + r->csum_offset;
	if (r->captured < r->len || field + CHECKSUM_LEN > r->len)
		return false;
	struct checksum c = { 0 };
	checksum_add(&c, r->bytes + r->csum_start, r->captured - r->csum_start);
	struct bytes_writer w = bytes_writer(r->bytes + field, CHECKSUM_LEN);
	bytes_put_be16(&w, checksum_transport_value(&c, r->csum_offset));
	return true;
}

static void describe(const struct capture_record *r, char ret[static COMMENT_SIZE])
{
	char dropped[64] = "", segments[48] = "";
	if (r->kind == CAPTURE_DROP)
		g_snprintf(dropped, sizeof(dropped), ", dropped: %s", drop_name(r->why));
	if (r->gso != FRAME_GSO_NONE)
		g_snprintf(segments, sizeof(segments), ", in segments of %u bytes", r->gso_size);
	g_snprintf(ret, COMMENT_SIZE, "%s %s%s%s", port_name(r), r->outbound ? "out" : "in", dropped, segments);
}

void capture_writer_put(struct capture_writer *w, GString *out, struct capture_record *r)
{
	char comment[COMMENT_SIZE];
	guint interface = interface_of(w, out, r);
	struct interface_counts *counts = &g_array_index(w->counts, struct interface_counts, interface);
	counts->lost += r->lost;
	if (r->kind == CAPTURE_PORT)
		return;
	counts->received++;
	describe(r, comment);
	bool unfinished = r->checksum == FRAME_CHECKSUM_PARTIAL && !complete_checksum(r);
	struct pcapng_packet p = {
		.interface = interface,
		.when_ns = r->when_ns,
		.len = r->len,
		.captured = r->captured,
		.bytes = r->bytes,
		.direction = r->outbound ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
		.checksum_unfinished = unfinished,
		.segmentation = r->gso != FRAME_GSO_NONE,
		.lost = r->lost,
		.comment = comment,
	};
	struct bytes_writer block = begin_block(out, pcapng_packet_room(&p));
	pcapng_put_packet(&block, &p);
	end_block(out, &block);
}

void capture_writer_put_statistics(struct capture_writer *w, GString *out, uint64_t lost)
{
	uint64_t now = clock_wall_ns();
	for (guint i = 0; i < w->counts->len; i++) {
		struct interface_counts *c = &g_array_index(w->counts, struct interface_counts, i);
		if (i == 0)
			c->lost += lost;
		struct bytes_writer block = begin_block(out, PCAPNG_BLOCK_ROOM);
		pcapng_put_statistics(&block, &(struct pcapng_statistics){
						      .interface = i,
						      .when_ns = now,
						      .started_ns = c->started_ns,
						      .received = c->received,
						      .lost = c->lost,
					      });
		end_block(out, &block);
	}
}
