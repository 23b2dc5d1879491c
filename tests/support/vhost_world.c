/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/vhost_world.h"

#include "base/macros.h"
#include "wire/eth.h"

#include <sys/socket.h>

int vhost_world_connect(struct vhost_world *w)
{
	int fds[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	g_assert_cmpint(vhost_link_ops.add(w->link, fds[1], NULL), ==, 0);
	return fds[0];
}

void vhost_world_plug(struct vhost_world *w, struct vhost_front *f)
{
	vhost_front_init(f, vhost_world_connect(w), vhost_world_turn, w);
}

static void count_warning(void *opaque, enum log_level level, const char *line)
{
	struct vhost_world *w = opaque;
	w->n_warnings += level == LOG_LEVEL_WARNING;
}

void vhost_world_set_up(struct vhost_world *w, gconstpointer data)
{
	w->log = (struct log){ .level = LOG_LEVEL_WARNING, .write = count_warning, .opaque = w };
	g_assert_cmpint(loop_init(&w->loop), ==, 0);
	g_assert_cmpint(segment_init(&w->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(vhost_link_ops.new(&(struct link_config){ &w->loop.poller, &w->segment, &w->log, 1500 }, &w->link), ==, 0);
	memory_port_init(&w->other, &w->segment, "other", VHOST_WORLD_FRAME_MAX);
	vhost_world_plug(w, &w->front);
}

void vhost_world_tear_down(struct vhost_world *w, gconstpointer data)
{
	vhost_front_done(&w->front);
	vhost_link_ops.free(w->link, 0);
	memory_port_done(&w->other);
	segment_done(&w->segment);
	loop_done(&w->loop, 0);
}

void vhost_world_turn(void *opaque)
{
	struct vhost_world *w = opaque;
	while (loop_dispatch(&w->loop, 0) > 0)
		;
}

struct port *vhost_world_port(struct vhost_world *w)
{
	return container_of(w->segment.ports.prev, struct port, node);
}

GBytes *vhost_world_frame(size_t len, uint8_t source)
{
	uint8_t *bytes = g_malloc(len);
	struct bytes_writer w = bytes_writer(bytes, len);
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, source } }, 0x88b5 });
	for (size_t i = w.len; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return g_bytes_new_take(bytes, len);
}
