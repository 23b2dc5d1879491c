/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/socket.h"

#include "base/macros.h"
#include "gateway/payer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define FDS_MIN 64u

void socket_table_init(struct socket_table *t, struct poller *poller)
{
	*t = (struct socket_table){ .poller = poller };
}

void socket_table_done(struct socket_table *t)
{
	free(t->by_fd);
	*t = (struct socket_table){ 0 };
}

static int make_room(struct socket_table *t, size_t fd)
{
	if (fd < t->size)
		return 0;
	size_t size = MAX(t->size, (size_t)FDS_MIN);
	while (size <= fd)
		size *= 2;
	struct slirp_socket **by_fd = reallocarray(t->by_fd, size, sizeof(*by_fd));
	if (!by_fd)
		return -ENOMEM;
	memset(by_fd + t->size, 0, (size - t->size) * sizeof(*by_fd));
	t->by_fd = by_fd;
	t->size = size;
	return 0;
}

int socket_table_add(struct socket_table *t, int fd, struct stack *stack, const struct slirp_flow *flow, struct slirp_socket **ret)
{
	int r = make_room(t, (size_t)fd);
	if (r < 0)
		return r;
	struct slirp_socket *s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct slirp_socket){ .stack = stack, .flow = *flow, .fd = fd };
	list_init(&s->node);
	t->by_fd[fd] = s;
	t->count++;
	*ret = s;
	return 0;
}

struct slirp_socket *socket_table_find(const struct socket_table *t, int fd)
{
	return fd >= 0 && (size_t)fd < t->size ? t->by_fd[fd] : NULL;
}

void socket_table_remove(struct socket_table *t, struct slirp_socket *s)
{
	poller_unwatch(t->poller, &s->watch);
	list_remove(&s->node);
	t->by_fd[s->fd] = NULL;
	t->count--;
	free(s);
}

void slirp_socket_charge(struct slirp_socket *s, struct payer *payer)
{
	const struct account uses = { .n_flows = 1, .n_sockets = 1, .n_ports = s->flow.kind == SOCKET_UDP || s->flow.kind == SOCKET_ECHO };
	struct payer *before = s->payer;
	s->payer = payer_ref(payer);
	if (payer)
		account_add(&payer->account, &uses);
	if (before)
		account_subtract(&before->account, &uses);
	payer_unref(before);
}

int slirp_socket_watch(struct socket_table *t, struct slirp_socket *s, unsigned events, void (*ready)(struct watch *, usec_t, unsigned))
{
	if (events == 0) {
		poller_unwatch(t->poller, &s->watch);
		return 0;
	}
	if (s->watch.active)
		return poller_rewatch(t->poller, &s->watch, events);
	s->watch.ready = ready;
	return poller_watch(t->poller, &s->watch, s->fd, events);
}

/*
 * On an error or hang-up libslirp reads at once, and aborts the process if its buffer has no room; and if it reads from a refused
 * connection first, it drops the connection without telling the guest. So a socket from which it does not want to read is only
 * reported writable: send() then finds the error and the connection ends properly.
 */
unsigned slirp_socket_report(const struct slirp_socket *s)
{
	unsigned failed = s->ready & (POLL_EVENT_ERROR | POLL_EVENT_HANGUP);
	if (!(s->asked & POLL_EVENT_IN))
		return failed || s->ready & s->asked & POLL_EVENT_OUT ? POLL_EVENT_OUT : 0;
	return (s->ready & s->asked) | failed;
}

void slirp_socket_set_reset(struct slirp_socket *s, bool reset)
{
	struct linger l = { .l_onoff = reset, .l_linger = 0 };
	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/*
 * On failure the system's default remains, which libslirp would have used. libslirp leaves datagram sockets blocking, so a spurious
 * readiness would block the whole process: made non-blocking here.
 */
void slirp_socket_tune(struct slirp_socket *s)
{
	const int ttl = s->flow.ttl, on = 1;
	if (s->flow.kind == SOCKET_UDP || s->flow.kind == SOCKET_ECHO)
		fcntl(s->fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (s->flow.kind == SOCKET_TCP || s->flow.kind == SOCKET_ECHO)
		setsockopt(s->fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (s->flow.kind == SOCKET_ECHO)
		setsockopt(s->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}
