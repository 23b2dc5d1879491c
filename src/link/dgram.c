/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel reports the path that a sender bound its socket to.  By now the path may be gone, a symbolic link, or another socket.
 * unix_connect_back() ensures that a port is connected to the socket of that name, so that a guest cannot make lanlet send to a third.
 *
 *     unknown ── frame from a path that leads back ──▶ port
 *     port ── refused, and refused again when connected anew ──▶ gone
 *     port ── silent for DGRAM_SILENCE, no socket at the path ──▶ gone
 *
 * A guest that starts again at the same path keeps its port.
 *
 * QEMU leaves its socket in the file system.  Sockets as `lanlet qemu` names them, guest-*.sock beside a socket of the link, are removed
 * with their port; those that an earlier run left, when the link's socket is added.
 */
#include "link/dgram.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "host/dead_socket.h"
#include "host/poller.h"
#include "host/unix_address.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/dgram_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUCKETS 256u
/* Of a socket of one guest, which has a second peer only while it restarts or moves. */
#define BUCKETS_OF_ONE 4u
/* Minimum time between two searches for dead ports while there is no room for a new one. */
#define SWEEP_PAUSE USEC_PER_SEC

struct dgram_link {
	struct link link;
	struct link_config config;
	struct datagram_io io;     /* of the ports, which send only */
	struct dgram_batch *batch; /* frames from all ports */
	struct list sockets;
};

struct dgram_socket {
	struct list node;
	struct dgram_link *link;
	struct watch watch;
	struct share share; /* of all guests on this socket */
	struct appetite appetite;
	struct log_limit log_limit; /* for lines about senders that get no port */
	bool has_identity;
	struct port_identity identity; /* of its peers */
	struct list peers;             /* by check_at, earliest first */
	unsigned n_peers;
	usec_t sweep_again;
	char directory[UNIX_ADDRESS_TEXT_SIZE]; /* of its path; "": it has none */
	unsigned n_buckets;
	struct list buckets[];
};

struct peer {
	struct datagram_port out; /* on a socket that is connected to the peer; it is unnamed, so it receives nothing */
	struct dgram_socket *socket;
	struct list node, bucket;
	struct unix_address address;
	struct deferred end;
	usec_t heard;    /* when the last frame came */
	usec_t check_at; /* when to check that the peer is still there */
};

/* --- sockets that guests leave behind --- */

static bool is_guest_socket(const char *name)
{
	size_t len = strlen(name), tail = strlen(".sock");
	return strncmp(name, "guest-", strlen("guest-")) == 0 && len > tail && strcmp(name + len - tail, ".sock") == 0 &&
	       !strchr(name, '/');
}

static void sweep_directory_of(struct dgram_socket *s)
{
	struct sockaddr_un name = { 0 };
	socklen_t len = sizeof(name);
	struct unix_address a;
	if (getsockname(s->watch.fd, (struct sockaddr *)&name, &len) < 0 || !unix_address_take(&name, len, &a) || a.name.sun_path[0] != '/')
		return;
	unix_address_format(&a, s->directory);
	*strrchr(s->directory, '/') = '\0';
	dead_socket_sweep(s->directory, is_guest_socket);
}

static bool is_beside(const struct dgram_socket *s, const char *path)
{
	size_t len = strlen(s->directory);
	return len > 0 && strncmp(path, s->directory, len) == 0 && path[len] == '/' && is_guest_socket(path + len + 1);
}

/* A guest that sends to a socket of its own has its end beside the one that all guests use. */
static void remove_socket_of(const struct peer *p)
{
	char path[UNIX_ADDRESS_TEXT_SIZE];
	bool is_ours = false;
	unix_address_format(&p->address, path);
	list_for_each(node, &p->socket->link->sockets)
		is_ours |= is_beside(container_of(node, struct dgram_socket, node), path);
	if (is_ours)
		dead_socket_remove(path);
}

/* --- going --- */

static void peer_free(struct peer *p, usec_t now)
{
	remove_socket_of(p);
	list_remove(&p->end.node);
	list_remove(&p->node);
	list_remove(&p->bucket);
	p->socket->n_peers--;
	datagram_port_done(&p->out, now);
	free(p);
}

static void peer_leaves(struct peer *p, usec_t now)
{
	log_info(p->socket->link->config.log, "port %s: detached", p->out.port.name);
	peer_free(p, now);
}

static void run_end(struct deferred *d, usec_t now)
{
	peer_leaves(container_of(d, struct peer, end), now);
}

/* Frees it after the current round of events. */
static void end_later(struct peer *p)
{
	if (list_empty(&p->end.node))
		poller_defer(p->socket->link->config.poller, &p->end);
}

static void ended(struct datagram_port *out, usec_t now, int error)
{
	end_later(container_of(out, struct peer, out));
}

static enum datagram_refusal refused(struct datagram_port *out, int error)
{
	struct peer *p = container_of(out, struct peer, out);
	/* The peer's socket was closed, but there may be a new one at its path. */
	bool is_back = (error == ECONNREFUSED || error == ENOTCONN) && unix_connect_back(out->watch.fd, &p->address) == 0;
	return is_back ? DATAGRAM_AGAIN : DATAGRAM_ENDED;
}

/* --- peers --- */

static struct list *bucket_of(struct dgram_socket *s, const struct unix_address *a)
{
	uint64_t hash = hash_bytes(&s->link->config.segment->config.hash_key, &a->name, a->len);
	return &s->buckets[hash % s->n_buckets];
}

static struct peer *find_peer(struct dgram_socket *s, const struct unix_address *a)
{
	list_for_each(node, bucket_of(s, a)) {
		struct peer *p = container_of(node, struct peer, bucket);
		if (unix_address_equal(&p->address, a))
			return p;
	}
	return NULL;
}

static int open_connected(const struct unix_address *a)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int r = unix_connect_back(fd, a);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static struct peer *peer_new(struct dgram_socket *s, const struct unix_address *a, usec_t now)
{
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	datagram_port_init(&p->out, &s->link->io, "dgram", LINK_FRAME_MAX, s->link->config.mtu, ended);
	p->out.refused = refused;
	p->socket = s;
	p->address = *a;
	p->end.run = run_end;
	p->heard = now;
	p->check_at = usec_add(now, DGRAM_SILENCE);
	list_init(&p->end.node);
	return p;
}

static int attach_path(struct dgram_socket *s, const struct unix_address *a, usec_t now, struct peer **ret)
{
	char path[UNIX_ADDRESS_TEXT_SIZE];
	int fd = open_connected(a);
	if (fd < 0)
		return fd;
	struct peer *p = peer_new(s, a, now);
	int r = p ? datagram_port_start(&p->out, fd) : -ENOMEM;
	if (r < 0) {
		close(fd);
		free(p);
		return r;
	}
	list_append(&s->peers, &p->node);
	list_append(bucket_of(s, a), &p->bucket);
	s->n_peers++;
	port_identify(&p->out.port, "dgram", s->has_identity ? &s->identity : NULL);
	log_info(s->link->config.log, "port %s: attached from %s", p->out.port.name, unix_address_format(a, path));
	*ret = p;
	return 0;
}

static void check_peer(struct peer *p, usec_t now)
{
	if (now - p->heard >= DGRAM_SILENCE && unix_connect_back(p->out.watch.fd, &p->address) < 0) {
		peer_leaves(p, now);
		return;
	}
	p->check_at = usec_add(now, DGRAM_SILENCE);
	list_remove(&p->node);
	list_append(&p->socket->peers, &p->node);
}

/* Makes room by removing ports whose peer is gone. */
static void sweep(struct dgram_socket *s, usec_t now)
{
	if (now < s->sweep_again)
		return;
	s->sweep_again = usec_add(now, SWEEP_PAUSE);
	list_for_each(node, &s->peers) {
		struct peer *p = container_of(node, struct peer, node);
		if (unix_connect_back(p->out.watch.fd, &p->address) < 0)
			end_later(p);
	}
}

/* --- in --- */

static const char *explain(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED: return "no socket receives there";
	case EXDEV: return "it leads to another socket";
	case EPERM: return "it is connected, and takes datagrams from one socket only: let it bind and not connect, or use seqpacket.sock";
	case ENOTDIR: return "it is relative to a directory that is not known: give it an absolute path";
	default: return strerror(error);
	}
}

static void refuse(struct dgram_socket *s, usec_t now, const struct unix_address *a, enum drop_reason why, int error)
{
	char path[UNIX_ADDRESS_TEXT_SIZE];
	const struct link_config *config = &s->link->config;
	segment_drop(config->segment, NULL, why, NULL);
	switch (why) {
	case DROP_DGRAM_UNBOUND:
		log_limited(config->log, &s->log_limit, now, LOG_LEVEL_WARNING,
			    "dgram socket: a guest's socket has no path, so nothing can be sent to it: give QEMU "
			    "local.type=unix,local.path=PATH besides remote.path");
		break;
	case DROP_DGRAM_LIMIT:
		log_limited(config->log, &s->log_limit, now, LOG_LEVEL_WARNING,
			    "dgram socket: %s gets no port: there are %u ports on that socket already", unix_address_format(a, path),
			    DGRAM_PORTS_MAX);
		break;
	default:
		log_limited(config->log, &s->log_limit, now, LOG_LEVEL_WARNING,
			    "dgram socket: %s gets no port, because nothing can be sent to it: %s", unix_address_format(a, path),
			    explain(error));
	}
}

/* The port of @packet's sender, a new one if need be.  NULL when it cannot have one; the drop is counted. */
static struct peer *sender_of(struct dgram_socket *s, usec_t now, const struct dgram_packet *packet)
{
	struct unix_address a;
	if (!unix_address_take(packet->source, packet->source_len, &a)) {
		refuse(s, now, NULL, DROP_DGRAM_UNBOUND, 0);
		return NULL;
	}
	struct peer *p = find_peer(s, &a);
	if (p)
		return p;
	if (s->n_peers >= DGRAM_PORTS_MAX) {
		sweep(s, now);
		refuse(s, now, &a, DROP_DGRAM_LIMIT, 0);
		return NULL;
	}
	int r = attach_path(s, &a, now, &p);
	if (r < 0)
		refuse(s, now, &a, DROP_DGRAM_SOURCE, -r);
	return r < 0 ? NULL : p;
}

static void deliver(struct peer *p, usec_t now, const struct dgram_packet *packet, bool more)
{
	struct segment *segment = p->socket->link->config.segment;
	p->heard = now;
	if (packet->len > LINK_FRAME_MAX)
		segment_drop(segment, &p->out.port, DROP_DATAGRAM_LENGTH, NULL);
	else
		segment_input_batch(segment, now, &p->out.port, packet->bytes, packet->len, more);
}

static void socket_ready(struct watch *w, usec_t now, unsigned events)
{
	struct dgram_socket *s = container_of(w, struct dgram_socket, watch);
	struct dgram_link *l = s->link;
	int n = dgram_batch_read(l->batch, w->fd, s->appetite.n);
	if (n <= 0)
		return;
	unsigned in_time = (unsigned)n;
	for (unsigned i = 0; i < (unsigned)n; i++) {
		struct dgram_packet packet = dgram_batch_at(l->batch, i);
		struct peer *p = sender_of(s, now, &packet);
		if (p)
			deliver(p, now, &packet, i + 1 < (unsigned)n);
		if (in_time == (unsigned)n && poller_slice_is_over(l->config.poller, 1))
			in_time = i + 1;
	}
	appetite_served(&s->appetite, (unsigned)n, in_time);
	segment_flush(l->config.segment, now);
}

/* --- coming and going --- */

static struct dgram_link *dgram_link_of(const struct link *link)
{
	return container_of(link, struct dgram_link, link);
}

static usec_t dgram_deadline(const struct link *link)
{
	const struct dgram_link *l = dgram_link_of(link);
	usec_t first = USEC_INFINITY;
	list_for_each(node, &l->sockets) {
		const struct dgram_socket *s = container_of(node, struct dgram_socket, node);
		if (!list_empty(&s->peers))
			first = MIN(first, container_of(s->peers.next, struct peer, node)->check_at);
	}
	return first;
}

static void dgram_expire(struct link *link, usec_t now)
{
	struct dgram_link *l = dgram_link_of(link);
	list_for_each(node, &l->sockets) {
		struct dgram_socket *s = container_of(node, struct dgram_socket, node);
		while (!list_empty(&s->peers)) {
			struct peer *p = container_of(s->peers.next, struct peer, node);
			if (p->check_at > now)
				break;
			check_peer(p, now);
		}
	}
}

static int dgram_listen(struct link *link, int fd, const struct port_identity *identity, char *error, size_t size)
{
	struct dgram_link *l = dgram_link_of(link);
	unsigned n_buckets = identity ? BUCKETS_OF_ONE : BUCKETS;
	struct dgram_socket *s = calloc(1, sizeof(*s) + n_buckets * sizeof(s->buckets[0]));
	if (!s)
		return -ENOMEM;
	s->link = l;
	s->log_limit.kind = "dgram socket";
	share_init(&s->share);
	s->appetite = appetite_of(DGRAM_BATCH_MAX);
	s->watch = (struct watch){ .ready = socket_ready, .fd = fd, .share = &s->share };
	if (identity) {
		s->has_identity = true;
		s->identity = *identity;
	}
	list_init(&s->peers);
	s->n_buckets = n_buckets;
	for (unsigned i = 0; i < n_buckets; i++)
		list_init(&s->buckets[i]);
	int r = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = poller_watch(l->config.poller, &s->watch, fd, POLL_EVENT_IN);
	if (r < 0) {
		free(s);
		return r;
	}
	list_append(&l->sockets, &s->node);
	sweep_directory_of(s);
	return 0;
}

static void socket_free(struct dgram_socket *s, usec_t now)
{
	list_for_each(node, &s->peers)
		peer_free(container_of(node, struct peer, node), now);
	poller_unwatch(s->link->config.poller, &s->watch);
	share_done(&s->share);
	list_remove(&s->node);
	close(s->watch.fd);
	free(s);
}

static void dgram_unlisten(struct link *link, usec_t now, int fd)
{
	struct dgram_link *l = dgram_link_of(link);
	list_for_each(node, &l->sockets) {
		struct dgram_socket *s = container_of(node, struct dgram_socket, node);
		if (s->watch.fd == fd)
			socket_free(s, now);
	}
}

static void dgram_free(struct link *link, usec_t now)
{
	struct dgram_link *l = dgram_link_of(link);
	list_for_each(node, &l->sockets)
		socket_free(container_of(node, struct dgram_socket, node), now);
	dgram_batch_free(l->batch);
	datagram_io_done(&l->io);
	free(l);
}

static int dgram_new(const struct link_config *config, struct link **ret)
{
	struct dgram_link *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->link.ops = &dgram_link_ops;
	l->config = *config;
	list_init(&l->sockets);
	int r = datagram_io_init(&l->io, config->poller, config->segment);
	if (r == 0)
		r = dgram_batch_new(&l->batch);
	if (r < 0) {
		dgram_free(&l->link, 0);
		return r;
	}
	*ret = &l->link;
	return 0;
}

const struct link_ops dgram_link_ops = {
	.name = "dgram",
	.mtu = LINK_MTU_MAX,
	.sockets = { { "dgram", SOCK_DGRAM, LINK_SOCKET_LISTENS | LINK_SOCKET_DEFAULT } },
	.listen_type = SOCK_DGRAM,
	.new = dgram_new,
	.free = dgram_free,
	.listen = dgram_listen,
	.unlisten = dgram_unlisten,
	.deadline = dgram_deadline,
	.expire = dgram_expire,
};
