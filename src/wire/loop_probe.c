/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/loop_probe.h"

#include "wire/eth.h"

#include <errno.h>

#define MAGIC 0x6c616e70u /* "lanp" */
#define VERSION 1u

static uint64_t get_be64(struct bytes_reader *r)
{
	uint64_t high = bytes_get_be32(r);
	return high << 32 | bytes_get_be32(r);
}

static void put_be64(struct bytes_writer *w, uint64_t v)
{
	bytes_put_be32(w, (uint32_t)(v >> 32));
	bytes_put_be32(w, (uint32_t)v);
}

int loop_probe_parse(struct bytes_reader *r, struct loop_probe *ret)
{
	uint32_t magic = bytes_get_be32(r), version = bytes_get_be32(r);
	if (!r->failed && (magic != MAGIC || version != VERSION))
		return -EPROTOTYPE;
	struct loop_probe p = { .segment = get_be64(r) };
	p.port = bytes_get_be32(r);
	p.sequence = bytes_get_be32(r);
	p.tag = get_be64(r);
	if (r->failed)
		return -EBADMSG;
	*ret = p;
	return 0;
}

void loop_probe_emit(struct bytes_writer *w, struct mac src, const struct loop_probe *p)
{
	size_t start = w->len;
	eth_emit(w, &(struct eth_header){ .dst = LOOP_PROBE_GROUP, .src = src, .ethertype = LOOP_PROBE_ETHERTYPE });
	bytes_put_be32(w, MAGIC);
	bytes_put_be32(w, VERSION);
	put_be64(w, p->segment);
	bytes_put_be32(w, p->port);
	bytes_put_be32(w, p->sequence);
	put_be64(w, p->tag);
	if (!w->failed)
		bytes_put_zeros(w, LOOP_PROBE_LEN - (w->len - start));
}
