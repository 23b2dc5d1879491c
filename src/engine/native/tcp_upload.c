/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"
#include "base/macros.h"
#include "engine/native/host_tcp.h"
#include "engine/native/limits.h"
#include "engine/native/tcp.h"
#include "lan/frame.h"
#include "lan/packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CHUNK_PIECES FRAME_IOV_MAX /* as many as a coalesced super-frame has */
#define PIECES_MAX 1024            /* UIO_MAXIOV */
#define TIGHT_WINDOW (64u * 1024)

/* Payload of this turn's frames, in order. */
struct gather_chunk {
	struct gather_chunk *next;
	unsigned n;
	struct iovec iov[CHUNK_PIECES];
};

/*
 * When much is held for a port, only its flows continue whose socket takes all their bytes, so that a thousand peers that read nothing
 * do not stop a guest's other connections.
 */
bool native_tcp_over_budget(const struct native_tcp *t)
{
	bool passes = t->writable && t->hold.size == 0 && t->tcp.held == t->gathered;
	return native_held_for(t->base.engine, t->base.guest->payer) >= (passes ? NATIVE_HELD_TOO_MUCH : NATIVE_HELD_MUCH);
}

static int put_pieces(struct native_tcp *t, uint32_t at, const struct iovec *iov, unsigned n)
{
	size_t before = t->hold.size;
	int r = 0;
	for (unsigned i = 0; i < n && r == 0; i++) {
		r = hold_put(&t->hold, &t->base.engine->holds, at, iov[i].iov_base, (uint32_t)iov[i].iov_len);
		at += (uint32_t)iov[i].iov_len;
	}
	native_charge_held(&t->base, before, t->hold.size);
	return r;
}

static void advance(struct native_tcp *t, uint32_t n)
{
	size_t before = t->hold.size;
	hold_advance(&t->hold, &t->base.engine->holds, n);
	native_charge_held(&t->base, before, t->hold.size);
}

static int gather(struct native_tcp *t, const struct iovec *iov, unsigned n, uint32_t len)
{
	struct gather_chunk *c = t->gather_last;
	if (!c || c->n + n > CHUNK_PIECES) {
		c = arena_alloc(t->base.engine->config.env->arena, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->next = NULL;
		c->n = 0;
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): gather_last is set with gather */
		*(t->gather ? &t->gather_last->next : &t->gather) = c;
		t->gather_last = c;
	}
	memcpy(&c->iov[c->n], iov, n * sizeof(*iov));
	c->n += n;
	t->gathered += len;
	return 0;
}

int native_tcp_keep(struct native_tcp *t, const struct packet *p, size_t at, const struct tcp_take *take, uint32_t held)
{
	struct iovec iov[FRAME_IOV_MAX];
	int n = frame_slice(p->frame, at, take->len, iov, FRAME_IOV_MAX);
	if (n < 0)
		return n;
	bool straight = take->advance == take->len && held == t->gathered;
	if (straight && n <= CHUNK_PIECES && gather(t, iov, (unsigned)n, take->len) == 0)
		return 0;
	return put_pieces(t, held + take->offset, iov, (unsigned)n);
}

/*
 * Switches Nagle's algorithm off, which would hold back a small segment until the previous one is acknowledged: the guest's own
 * stack has decided already. It has no effect before the second write, so short connections skip the call.
 */
static void set_no_delay(struct native_tcp *t)
{
	if (t->is_tcp && t->written_once && !t->no_delay) {
		setsockopt(t->base.watch.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		t->no_delay = true;
	}
	t->written_once = true;
}

static bool is_limited(const struct native_tcp *t)
{
	return t->unsent_max > 0 && t->unsent_max < UINT32_MAX;
}

static void socket_is_full(struct native_tcp *t)
{
	t->writable = false;
	backlog_refused(&t->backlog);
}

/* How many of @len bytes may be written now. */
static size_t may_write(struct native_tcp *t, size_t len)
{
	if (!is_limited(t))
		return len;
	if (t->credit == 0 && host_tcp_is_writable(t->base.watch.fd))
		t->credit = t->unsent_max / 2;
	return MIN(len, t->credit);
}

/* Cuts @iov to @len bytes, which are not all of it; returns the number of pieces left, the last of which was @ret_whole. */
static unsigned cut_end(struct iovec *iov, size_t len, struct iovec *ret_whole)
{
	unsigned i = 0;
	while (len > iov[i].iov_len)
		len -= iov[i++].iov_len;
	*ret_whole = iov[i];
	iov[i].iov_len = len;
	return i + 1;
}

static ssize_t write_now(struct native_tcp *t, struct iovec *iov, unsigned n)
{
	set_no_delay(t);
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t r = n == 1 ? send(t->base.watch.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
			   : sendmsg(t->base.watch.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		r = 0;
	return r < 0 ? -errno : r;
}

/* Returns the number of bytes written, 0 when the socket is full, or a negative errno. */
static ssize_t write_pieces(struct native_tcp *t, struct iovec *iov, unsigned n, size_t len)
{
	size_t part = may_write(t, len);
	struct iovec whole;
	if (part == 0) {
		socket_is_full(t);
		return 0;
	}
	if (part < len)
		n = cut_end(iov, part, &whole);
	ssize_t r = write_now(t, iov, n);
	if (part < len)
		iov[n - 1] = whole;
	if (r >= 0 && (size_t)r < part)
		socket_is_full(t);
	if (r > 0 && is_limited(t))
		t->credit -= (uint32_t)r;
	return r;
}

static void host_took(struct native_tcp *t, uint32_t n)
{
	advance(t, n);
	backlog_taken(&t->backlog, n);
	t->base.from_guest += n;
	tcp_flow_host_took(&t->tcp, n);
}

/* Takes up to PIECES_MAX pieces off the front of @chunks; returns their number, and their bytes in @ret_len. */
static unsigned next_pieces(struct gather_chunk **chunks, struct iovec *ret, size_t *ret_len)
{
	unsigned n = 0;
	*ret_len = 0;
	for (struct gather_chunk *c = *chunks; c && n + c->n <= PIECES_MAX; c = *chunks = c->next) {
		memcpy(&ret[n], c->iov, c->n * sizeof(*ret));
		for (unsigned i = 0; i < c->n; i++)
			*ret_len += c->iov[i].iov_len;
		n += c->n;
	}
	return n;
}

/* Removes @bytes from the front of @iov; returns the number of pieces used up. */
static unsigned cut_front(struct iovec *iov, unsigned n, size_t bytes)
{
	unsigned i = 0;
	while (i < n && bytes >= iov[i].iov_len)
		bytes -= iov[i++].iov_len;
	if (i < n) {
		iov[i].iov_base = (uint8_t *)iov[i].iov_base + bytes;
		iov[i].iov_len -= bytes;
	}
	return i;
}

/* Writes the gathered bytes and holds the rest. Negative errno. */
static int write_gathered(struct native_tcp *t)
{
	struct iovec iov[PIECES_MAX];
	struct gather_chunk *chunks = t->gather;
	uint32_t kept = 0;
	t->gather = t->gather_last = NULL;
	t->gathered = 0;
	while (chunks) {
		size_t len;
		unsigned n = next_pieces(&chunks, iov, &len);
		ssize_t took = t->writable ? write_pieces(t, iov, n, len) : 0;
		if (took < 0)
			return (int)took;
		host_took(t, (uint32_t)took);
		unsigned used = cut_front(iov, n, (size_t)took);
		if (put_pieces(t, kept, iov + used, n - used) < 0)
			return -ENOMEM;
		kept += (uint32_t)(len - (size_t)took);
	}
	return 0;
}

static int write_held(struct native_tcp *t)
{
	while (t->tcp.held > 0 && t->writable) {
		struct iovec iov[2];
		unsigned n = hold_pieces(&t->hold, t->tcp.held, iov);
		ssize_t took = write_pieces(t, iov, n, t->tcp.held);
		if (took < 0)
			return (int)took;
		host_took(t, (uint32_t)took);
	}
	return 0;
}

/* Sets how many bytes may wait in the socket, where that changes much: it is a system call. */
static void limit_unsent(struct native_tcp *t)
{
	uint32_t max = backlog_unsent_max(&t->backlog), before = t->unsent_max > 0 ? t->unsent_max : UINT32_MAX;
	bool much = max != before && (max == UINT32_MAX || before == UINT32_MAX || max > before + before / 4 || max < before - before / 4);
	if (!much)
		return;
	t->unsent_max = max;
	t->credit = 0;
	host_tcp_limit_unsent(t->base.watch.fd, max);
}

/* Looks how the socket has got on since it refused bytes. */
static void follow_path(struct native_tcp *t, usec_t now)
{
	struct host_tcp host;
	if (!t->is_tcp || t->is_local || !backlog_wants_sample(&t->backlog, now) || !host_tcp_look(t->base.watch.fd, &host))
		return;
	if (host.is_local) {
		t->is_local = true;
		return;
	}
	bool waits = t->tcp.held > t->gathered || tcp_flow_window_is_short(&t->tcp);
	struct backlog_sample sample = { .rate = host.rate, .busy = host.busy_us, .unsent = host.unsent, .waits = waits };
	backlog_sampled(&t->backlog, now, &sample);
	limit_unsent(t);
}

bool native_tcp_upload(struct native_tcp *t, usec_t now)
{
	if (t->writable && t->tcp.held > 0)
		follow_path(t, now);
	if (t->gathered > 0 && write_gathered(t) < 0)
		return false;
	int r = write_held(t);
	enum native_held held = native_held_for(t->base.engine, t->base.guest->payer);
	if (!t->backlog.follows)
		follow_path(t, now); /* without delay: soon much would wait */
	uint32_t window = backlog_held_max(&t->backlog);
	tcp_flow_set_window(&t->tcp, held >= NATIVE_HELD_TIGHT ? MIN(window, TIGHT_WINDOW) : window);
	return r == 0;
}

void native_tcp_upload_done(struct native_tcp *t)
{
	native_charge_held(&t->base, t->hold.size, 0);
	hold_done(&t->hold, &t->base.engine->holds);
	t->gather = t->gather_last = NULL;
	t->gathered = 0;
}
