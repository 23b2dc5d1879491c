/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/memory_port.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"

static void keep(struct port *p, usec_t now, const struct frame *f)
{
	struct memory_port *m = container_of(p, struct memory_port, port);
	g_assert_cmpuint(f->len, <=, p->max_frame);
	uint8_t *bytes = g_malloc(f->len);
	g_assert_cmpuint(frame_copy(f, 0, bytes, f->len), ==, f->len);
	g_ptr_array_add(m->frames, g_bytes_new_take(bytes, f->len));
}

static void count_flush(struct port *p, usec_t now)
{
	container_of(p, struct memory_port, port)->flushes++;
}

static const struct port_ops memory_port_ops = {
	.send = keep,
	.flush = count_flush,
};

void memory_port_init(struct memory_port *m, struct segment *s, const char *name, size_t max_frame)
{
	*m = (struct memory_port){ .frames = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref) };
	port_init(&m->port, &memory_port_ops, name, max_frame, max_frame - 14);
	segment_attach(s, &m->port);
}

void memory_port_done(struct memory_port *m)
{
	if (m->port.segment)
		segment_detach(m->port.segment, 0, &m->port);
	g_ptr_array_unref(m->frames);
}

void memory_port_input(struct memory_port *m, usec_t now, const void *bytes, size_t len)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, len);
	f.ingress = &m->port;
	segment_input(m->port.segment, now, &m->port, &f);
	segment_flush(m->port.segment, now);
}

void memory_port_speak(struct memory_port *m, struct mac src, size_t len)
{
	g_autofree uint8_t *bytes = g_malloc0(len);
	memset(bytes, 0xff, sizeof(src.b));
	memcpy(bytes + sizeof(src.b), src.b, sizeof(src.b));
	memory_port_input(m, 0, bytes, len);
}

const uint8_t *memory_port_frame(const struct memory_port *m, unsigned index, size_t *ret_len)
{
	g_assert_cmpuint(index, <, m->frames->len);
	return g_bytes_get_data(m->frames->pdata[index], ret_len);
}

void memory_port_clear(struct memory_port *m)
{
	g_ptr_array_set_size(m->frames, 0);
}
