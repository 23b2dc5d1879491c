/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/datagram.h"

#include "base/macros.h"
#include "gateway/engine.h"
#include "network/forward/client.h"
#include "network/forward/forward.h"
#include "network/forward/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct datagram_port {
	struct list node;
	struct forward *forward;
	uint16_t port;
	struct engine_datagram_port of_engine;
};

static struct datagram_port *port_of(struct engine_datagram_port *p)
{
	return container_of(p, struct datagram_port, of_engine);
}

static int admit(struct engine_datagram_port *p, usec_t now, const struct ip_endpoint *peer, struct engine_open *ret)
{
	const struct datagram_port *port = port_of(p);
	int r = forward_client_guest(port->forward, now, port->port, peer, ret);
	if (r < 0)
		forward_client_count(port->forward, now, r);
	return r;
}

static void opened(struct engine_datagram_port *p, usec_t now, int result)
{
	forward_client_count(port_of(p)->forward, now, result);
}

/* The flows of an earlier forward of the port, which was removed, still use its socket. */
static int open_port(struct forward *f, struct datagram_port *port, const struct ip_endpoint *at)
{
	const struct forward_env *env = f->env;
	int r = env->engine_ops->datagrams_open(env->engine, &port->of_engine, -1, at);
	if (r != -ENOTCONN)
		return r;
	int fd = forward_socket_open(true, at, f->failure, sizeof(f->failure));
	if (fd < 0)
		return fd;
	r = env->engine_ops->datagrams_open(env->engine, &port->of_engine, fd, at);
	if (r < 0)
		close(fd);
	return r;
}

int forward_datagram_add(struct forward *f, const struct ip_endpoint *at)
{
	if (!f->env->engine_ops->datagrams_open) {
		snprintf(f->failure, sizeof(f->failure), "the engine %s cannot forward UDP; the native engine can",
			 f->env->engine_ops->name);
		return -EOPNOTSUPP;
	}
	struct datagram_port *port = calloc(1, sizeof(*port));
	if (!port)
		return -ENOMEM;
	*port = (struct datagram_port){ .forward = f, .port = at->port, .of_engine = { .admit = admit, .opened = opened } };
	int r = open_port(f, port, at);
	if (r < 0) {
		free(port);
		return r;
	}
	list_append(&f->datagram_ports, &port->node);
	return 0;
}

void forward_datagram_suspend(struct forward *f, bool suspended)
{
	list_for_each(node, &f->datagram_ports) {
		struct datagram_port *port = container_of(node, struct datagram_port, node);
		f->env->engine_ops->datagrams_suspend(f->env->engine, &port->of_engine, suspended);
	}
}

void forward_datagram_close(struct forward *f)
{
	list_for_each(node, &f->datagram_ports) {
		struct datagram_port *port = container_of(node, struct datagram_port, node);
		f->env->engine_ops->datagrams_close(f->env->engine, &port->of_engine);
		list_remove(&port->node);
		free(port);
	}
}
