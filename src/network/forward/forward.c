/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/forward.h"

#include "base/log.h"
#include "base/macros.h"
#include "gateway/engine.h"
#include "host/clock.h"
#include "host/socket_address.h"
#include "host/unix_socket.h"
#include "network/forward/client.h"
#include "network/forward/datagram.h"
#include "network/forward/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY (5 * USEC_PER_SEC) /* for a host port that is taken */

/* --- clients of streams --- */

static void reset(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
	close(fd);
}

static int open_flow(struct forward *f, usec_t now, int fd)
{
	union socket_address local = { 0 }, peer = { 0 };
	socklen_t local_len = sizeof(local), peer_len = sizeof(peer);
	if (getsockname(fd, &local.any, &local_len) < 0 || getpeername(fd, &peer.any, &peer_len) < 0)
		return -errno;
	struct ip_endpoint from = socket_address_get(&peer);
	uint16_t port = f->spec.unix_path[0] ? f->spec.first_port : socket_address_get(&local).port;
	struct engine_open how = { .fd = fd };
	int r = forward_client_guest(f, now, port, &from, &how);
	return r < 0 ? r : forward_client_open(f->env, now, &how);
}

static void note_deadline(struct forward *f)
{
	*f->earliest = usec_min(*f->earliest, forward_deadline(f));
}

static int accepted(struct listener *l, int fd, const struct port_identity *identity)
{
	struct forward *f = container_of(l, struct forward, listener);
	usec_t now = clock_now();
	bool proxy = f->spec.protocol == FORWARD_PROXY;
	int r = proxy ? proxy_take(f, now, fd) : open_flow(f, now, fd);
	if (r < 0 || !proxy) /* a proxy counts a client when it is connected or refused */
		forward_client_count(f, now, r);
	note_deadline(f);
	/* These may pass when other connections end: try this client again.  Other errors concern this client only. */
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r;
	if (r < 0)
		reset(fd);
	return 0;
}

/* --- sockets --- */

static int listen_unix(struct forward *f)
{
	int fd = unix_listen(f->spec.unix_path, f->failure, sizeof(f->failure));
	if (fd < 0)
		return fd;
	int r = listener_add(&f->listener, fd, NULL);
	if (r < 0) {
		close(fd);
		unlink(f->spec.unix_path);
	}
	return r;
}

static int open_socket(struct forward *f, const struct ip_endpoint *at)
{
	if (f->spec.protocol == FORWARD_UDP)
		return forward_datagram_add(f, at);
	int fd = forward_socket_open(false, at, f->failure, sizeof(f->failure));
	int r = fd < 0 ? fd : listener_add(&f->listener, fd, NULL);
	if (r < 0 && fd >= 0)
		close(fd);
	return r;
}

static int open_port(struct forward *f, uint16_t port)
{
	struct ip_endpoint at = { f->spec.address, port };
	int r = open_socket(f, &at);
	if (!ip_is_unspecified(&at.addr))
		return r;
	if (r < 0 && r != -EAFNOSUPPORT && r != -EADDRNOTAVAIL)
		return r;
	/* and of IPv4 */
	at.addr = ip_from_ip4(0);
	return open_socket(f, &at);
}

static int open_sockets(struct forward *f)
{
	if (f->spec.unix_path[0])
		return listen_unix(f);
	int r = 0;
	for (unsigned i = 0; i < f->spec.n_ports && r == 0; i++)
		r = open_port(f, (uint16_t)(f->spec.first_port + i));
	return r;
}

static void close_sockets(struct forward *f)
{
	listener_done(&f->listener);
	forward_datagram_close(f);
	proxy_close(f, clock_now());
	if (f->is_open && f->spec.unix_path[0])
		unlink(f->spec.unix_path);
	f->is_open = false;
}

/* --- life --- */

static void paused(struct listener *l)
{
	note_deadline(container_of(l, struct forward, listener));
}

struct forward *forward_new(const struct forward_env *env, const struct forward_spec *spec, usec_t *earliest)
{
	struct forward *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	*f = (struct forward){ .spec = *spec, .env = env, .log_limit.kind = "forward", .again = USEC_INFINITY, .earliest = earliest };
	list_init(&f->node);
	list_init(&f->datagram_ports);
	proxy_init(&f->proxy);
	listener_init(&f->listener, env->poller, env->log, accepted);
	f->listener.paused = paused;
	return f;
}

void forward_free(struct forward *f)
{
	if (!f)
		return;
	close_sockets(f);
	list_remove(&f->node);
	free(f);
}

int forward_open(struct forward *f, usec_t now)
{
	f->failure[0] = '\0';
	f->waiting = false;
	int r = open_sockets(f);
	f->is_open = r == 0;
	f->again = r == 0 ? USEC_INFINITY : usec_add(now, RETRY);
	if (r == 0) {
		forward_guests_changed(f, now);
		return 0;
	}
	if (f->failure[0] == '\0')
		snprintf(f->failure, sizeof(f->failure), "cannot listen: %s", strerror(-r));
	close_sockets(f);
	note_deadline(f);
	return r;
}

void forward_close(struct forward *f)
{
	close_sockets(f);
	f->again = USEC_INFINITY;
}

void forward_try_again(struct forward *f, usec_t now)
{
	if (f->again == USEC_INFINITY)
		return;
	f->again = now;
	note_deadline(f);
}

void forward_guests_changed(struct forward *f, usec_t now)
{
	struct ip_addr found[FORWARD_ADDRESSES_MAX];
	if (f->spec.protocol == FORWARD_PROXY)
		return;
	bool waiting = f->env->find_guest(f->env->opaque, now, &f->spec.guest, found) < 0;
	if (!f->is_open || waiting == f->waiting)
		return;
	f->waiting = waiting;
	if (waiting)
		listener_suspend(&f->listener);
	else
		listener_resume(&f->listener, now);
	forward_datagram_suspend(f, waiting);
}

usec_t forward_deadline(const struct forward *f)
{
	return f->is_open ? usec_min(listener_deadline(&f->listener), proxy_deadline(&f->proxy)) : f->again;
}

void forward_expire(struct forward *f, usec_t now)
{
	if (f->is_open) {
		listener_expire(&f->listener, now);
		proxy_expire(f, now);
	} else if (f->again <= now && forward_open(f, now) == 0) {
		char text[FORWARD_TEXT_SIZE];
		log_info(f->env->log, "forward %s: open, the port is free now", forward_spec_format(&f->spec, text));
	}
}
