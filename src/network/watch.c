/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of the embedding program in the event loop of a network. */
#include "base/macros.h"
#include "network/network_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct lanlet_watch {
	struct watch watch;
	struct lanlet_network *network;
	void (*ready)(void *opaque, short events);
	void *opaque;
};

static const struct {
	short theirs;
	unsigned ours;
} event_map[] = {
	{ POLLIN, POLL_EVENT_IN },
	{ POLLOUT, POLL_EVENT_OUT },
	{ POLLHUP, POLL_EVENT_HANGUP },
	{ POLLERR, POLL_EVENT_ERROR },
};

static void watch_ready(struct watch *w, usec_t now, unsigned events)
{
	struct lanlet_watch *watch = container_of(w, struct lanlet_watch, watch);
	short theirs = 0;
	for (size_t i = 0; i < ARRAY_SIZE(event_map); i++)
		if (events & event_map[i].ours)
			theirs = (short)(theirs | event_map[i].theirs);
	watch->ready(watch->opaque, theirs);
}

int lanlet_network_watch(struct lanlet_network *n, int fd, short events, void (*ready)(void *opaque, short events), void *opaque,
			 struct lanlet_watch **ret)
{
	struct lanlet_watch *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct lanlet_watch){ .watch.ready = watch_ready, .network = n, .ready = ready, .opaque = opaque };
	unsigned ours = (events & POLLIN ? POLL_EVENT_IN : 0) | (events & POLLOUT ? POLL_EVENT_OUT : 0);
	int r = poller_watch(&n->loop.poller, &w->watch, fd, ours);
	if (r < 0) {
		free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void lanlet_watch_free(struct lanlet_watch *w)
{
	if (!w)
		return;
	poller_unwatch(&w->network->loop.poller, &w->watch);
	free(w);
}
