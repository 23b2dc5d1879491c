/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACKs that wait for the host's peer.
 *
 * The engine acknowledges what a guest sends before the peer has it, so a guest would never learn that its peer is dead. Therefore
 * - a keepalive is answered when the peer has answered one: the host socket sends one for each of the guest's, so that the guest's
 *   interval and count are what arrives outside;
 * - a segment that the guest sends alone, and that no answer acknowledged, is acknowledged when the peer has done so.
 * The guest then gives up after as long a time as without NAT.
 *
 * No upload waits for such an ACK: it is withheld only while few bytes are on their way, the guest may still send, and less than two
 * full segments are unacknowledged. Otherwise it is sent at once.
 *
 * The kernel reports no event for an ACK without data, so the socket is looked at after a round trip, and then after ever longer times.
 * Over long paths the guest would send its segment again meanwhile; then it gets the ACK at once. Peers on the host's loopback end
 * with their kernel, so data for them is acknowledged at once too. A guest that sends more as soon as it gets a withheld ACK had waited for
 * it (Nagle's algorithm, between two writes of one request), so from then on its data does not wait for the peer.
 */
#include "engine/native/host_tcp.h"
#include "engine/native/tcp.h"

#include "base/macros.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define RTT_MAX (100 * USEC_PER_MSEC)     /* half of the shortest time after which common guests retransmit */
#define FEW_BYTES 8192u                   /* more is an upload */
#define BUSY_MS 15                        /* a peer that was heard a moment ago, in an exchange of requests, needs no proof of life */
#define SILENCE_MIN (500 * USEC_PER_MSEC) /* a peer that was heard since then is alive: spares a probe */
#define REACTION (5 * USEC_PER_MSEC)      /* what a guest sends so soon after an ACK had waited for it */
#define LOOK_FIRST (3 * USEC_PER_MSEC)
#define LOOK_SLOWER 4 /* the next look comes after this part of the time that has passed */
/* The kernel's own keepalives: as rare as it allows, as the guest's are what counts. */
#define KERNEL_IDLE 32767
#define KERNEL_GAP 32767
#define KERNEL_TRIES 127

static void set_tcp(const struct native_tcp *t, int option, int value)
{
	setsockopt(t->base.watch.fd, IPPROTO_TCP, option, &value, sizeof(value));
}

/* Makes the kernel send a keepalive: it does so at once when the time after which it is due becomes shorter than the peer's silence. */
static void probe_peer(struct native_tcp *t, usec_t now)
{
	if (!t->probes) {
		set_tcp(t, TCP_KEEPINTVL, KERNEL_GAP);
		set_tcp(t, TCP_KEEPCNT, KERNEL_TRIES);
		setsockopt(t->base.watch.fd, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
		t->probes = true;
	}
	set_tcp(t, TCP_KEEPIDLE, 1);
	t->probed = now;
}

static void peer_answered(struct native_tcp *t)
{
	if (t->probed == 0)
		return;
	set_tcp(t, TCP_KEEPIDLE, KERNEL_IDLE);
	t->probed = 0;
}

static bool was_heard_since(const struct host_tcp *host, usec_t now, usec_t since)
{
	return host->silence_ms * USEC_PER_MSEC < now - since;
}

/* Whether the guest's last segment may be acknowledged. */
static bool may_acknowledge(const struct native_tcp *t, const struct host_tcp *host)
{
	bool is_busy = t->tcp.withheld == USEC_INFINITY && host->silence_ms < BUSY_MS;
	if (t->waits_for_acks || host->is_local || is_busy || host->rtt_us > RTT_MAX)
		return true;
	/* The peer's window is shut: without NAT the guest had not sent this. If it got no ACK, it would give up in the end. */
	if (host->in_flight == 0)
		return true;
	uint32_t unacked = host_tcp_unacked(t->base.watch.fd);
	return unacked == 0 || unacked > FEW_BYTES;
}

/* Whether the peer answered the last probe.  @keepalive: the guest sends another one. */
static bool is_alive(struct native_tcp *t, usec_t now, const struct host_tcp *host, bool keepalive)
{
	/* Probes of a peer's closed window become rare, and while bytes wait the kernel sends no keepalives: the guest would not either. */
	if (host->unsent > 0)
		return true;
	if (t->probed == 0 && was_heard_since(host, now, now - SILENCE_MIN))
		return true;
	if (t->probed > 0 && was_heard_since(host, now, t->probed))
		return true;
	if (keepalive && now - t->probed >= SILENCE_MIN)
		probe_peer(t, now);
	return false;
}

static usec_t next_look(const struct native_tcp *t, usec_t now, const struct host_tcp *host)
{
	usec_t since = usec_min(t->tcp.withheld, now);
	return now + MAX(LOOK_FIRST, since == now ? host->rtt_us : (now - since) / LOOK_SLOWER);
}

static void confirmed(struct native_tcp *t, usec_t now)
{
	peer_answered(t);
	if (t->tcp.withheld != USEC_INFINITY && t->tcp.unacked > 0)
		t->released = now;
}

static void note_reaction(struct native_tcp *t, usec_t now)
{
	if (t->released == 0)
		return;
	bool soon = now - t->released < REACTION;
	if (soon && t->tcp.unacked == 0)
		return;
	t->waits_for_acks = t->waits_for_acks || soon;
	t->released = 0;
}

void native_tcp_confirm(struct native_tcp *t, usec_t now)
{
	struct host_tcp host;
	bool keepalive = t->tcp.keepalive_due;
	note_reaction(t, now);
	/* What the peer sent has carried the answer. */
	if (!keepalive && t->tcp.withheld == USEC_INFINITY)
		peer_answered(t);
	if (!t->is_tcp || t->base.watch.fd < 0 || t->tcp.held > 0 || !tcp_flow_may_withhold_ack(&t->tcp))
		return;
	if (!host_tcp_look(t->base.watch.fd, &host))
		return;
	bool probing = keepalive || t->probed > 0;
	if (probing ? !is_alive(t, now, &host, keepalive) : !may_acknowledge(t, &host))
		tcp_flow_withhold_ack(&t->tcp, now, next_look(t, now, &host));
	else
		confirmed(t, now);
}
