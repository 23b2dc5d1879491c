/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP from guests: one sendmmsg() per socket and turn sends the datagrams straight from the frames. Datagrams of equal size to one
 * destination share a message that the kernel segments (udp(7), UDP_SEGMENT), whether the guest sent them as a super-frame or one by
 * one. Datagrams that the kernel refuses in that form are sent one by one.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "engine/native/udp.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#define BATCH 64u
#define MESSAGE_PIECES_MAX 1024 /* UIO_MAXIOV */
#define SEGMENTS_MAX 64u        /* UDP_MAX_SEGMENTS of the kernel */
#define SUPER_MAX 65000u        /* leaves space for any headers within 65,535 bytes */

/* A datagram to send in this turn. */
struct datagram_out {
	struct datagram_out *next;
	struct sockaddr_in to;
	struct ip_endpoint claimed; /* the address that the guest used */
	uint8_t ttl;
	bool dont_fragment;
	size_t len;
	unsigned n;
	struct iovec iov[];
};

/* One message to the kernel: @n datagrams from @first on. */
struct message {
	struct datagram_out *first;
	unsigned n;
};

struct segment_control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t))];
};

static void drop(struct engine *e, enum drop_reason why)
{
	e->config.env->ops->drop(e->config.env, why, NULL);
}

/* --- gathering --- */

static int gather(struct native_datagram *d, const struct packet *p, const struct ip_endpoint *claimed, const struct ip_endpoint *to,
		  size_t at, size_t len)
{
	struct iovec iov[FRAME_IOV_MAX];
	int n = frame_slice(p->frame, at, len, iov, FRAME_IOV_MAX);
	if (n < 0)
		return n;
	struct datagram_out *out = arena_alloc(d->base.engine->config.env->arena, sizeof(*out) + (unsigned)n * sizeof(*iov));
	if (!out)
		return -ENOMEM;
	out->next = NULL;
	out->to = native_sockaddr(to);
	out->claimed = *claimed;
	out->ttl = p->ip.ttl;
	out->dont_fragment = p->ip.dont_fragment;
	out->len = len;
	out->n = (unsigned)n;
	memcpy(out->iov, iov, (unsigned)n * sizeof(*iov));
	*(d->out ? &d->out_last->next : &d->out) = out;
	d->out_last = out;
	return 0;
}

/* A super-frame holds datagrams of equal size; the last may be smaller (virtio 1.3 §5.1.6.2). */
int native_udp_gather(struct native_datagram *d, const struct packet *p, const struct ip_endpoint *claimed, const struct ip_endpoint *to,
		      size_t each, size_t len)
{
	size_t at = p->l4_offset + UDP_HEADER_LEN;
	int r = 0;
	d->base.from_guest += len;
	do {
		size_t n = MIN(each, len);
		r = gather(d, p, claimed, to, at, n);
		at += n;
		len -= n;
	} while (len > 0 && r == 0);
	return r;
}

/* --- messages --- */

static bool looks_alike(const struct datagram_out *a, const struct datagram_out *b)
{
	return a->ttl == b->ttl && a->dont_fragment == b->dont_fragment;
}

/* Whether @next may follow @last in a message that begins with @first: all but the last must be of one size. */
static bool follows(const struct datagram_out *first, const struct datagram_out *last, const struct datagram_out *next)
{
	return looks_alike(first, next) && first->to.sin_addr.s_addr == next->to.sin_addr.s_addr &&
	       first->to.sin_port == next->to.sin_port && last->len == first->len && next->len > 0 && next->len <= first->len;
}

/* How many datagrams from @first on may share a message; the number of their pieces in @ret_pieces. */
static unsigned count_joint(const struct native_datagram *d, const struct datagram_out *first, unsigned *ret_pieces)
{
	unsigned n = 1, pieces = first->n;
	size_t total = first->len;
	if (first->len <= d->segment_max) {
		for (const struct datagram_out *last = first, *next; (next = last->next) && follows(first, last, next); last = next) {
			if (n == SEGMENTS_MAX || total + next->len > SUPER_MAX || pieces + next->n > MESSAGE_PIECES_MAX)
				break;
			n++;
			pieces += next->n;
			total += next->len;
		}
	}
	*ret_pieces = pieces;
	return n;
}

/* Describes @n datagrams, with adjacent pieces merged; returns the number of pieces. */
static unsigned join_pieces(const struct datagram_out *out, unsigned n, struct iovec *ret)
{
	unsigned k = 0;
	for (; n > 0; n--, out = out->next) {
		for (unsigned i = 0; i < out->n; i++) {
			if (k > 0 && (uint8_t *)ret[k - 1].iov_base + ret[k - 1].iov_len == out->iov[i].iov_base)
				ret[k - 1].iov_len += out->iov[i].iov_len;
			else
				ret[k++] = out->iov[i];
		}
	}
	return k;
}

static void ask_for_segments(struct msghdr *h, struct segment_control *control, uint16_t size)
{
	*control = (struct segment_control){ 0 };
	h->msg_control = control->bytes;
	h->msg_controllen = sizeof(control->bytes);
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
}

/* A connected socket, of any family, needs no address. */
static struct msghdr header_of(const struct native_datagram *d, struct datagram_out *out)
{
	struct msghdr h = { .msg_iov = out->iov, .msg_iovlen = out->n };
	if (d->peer.port == 0) {
		h.msg_name = &out->to;
		h.msg_namelen = sizeof(out->to);
	}
	return h;
}

/* Makes a message that begins with @first; returns the datagram after it. */
static struct datagram_out *make_message(struct native_datagram *d, struct datagram_out *first, struct msghdr *h,
					 struct segment_control *control, struct message *ret)
{
	unsigned pieces, n = count_joint(d, first, &pieces);
	*h = header_of(d, first);
	struct iovec *iov = n > 1 ? arena_alloc(d->base.engine->config.env->arena, pieces * sizeof(*iov)) : NULL;
	if (iov) {
		h->msg_iov = iov;
		h->msg_iovlen = join_pieces(first, n, iov);
		ask_for_segments(h, control, (uint16_t)first->len);
	} else {
		n = 1;
	}
	*ret = (struct message){ first, n };
	for (; n > 0; n--)
		first = first->next;
	return first;
}

/* --- sending --- */

static void failed(struct native_datagram *d, usec_t now, const struct message *message, int error, uint32_t mtu)
{
	const struct datagram_out *out = message->first;
	for (unsigned i = 0; i < message->n; i++, out = out->next) {
		struct native_icmp_error answer = { .info = mtu, .ttl = out->ttl };
		struct iovec known = out->n > 0 ? out->iov[0] : (struct iovec){ 0 };
		drop(d->base.engine, mtu > 0 ? DROP_FRAG_NEEDED : DROP_ENGINE_ERROR);
		if (native_icmp_of_errno(error, &answer.type, &answer.code))
			native_udp_tell_guest(d, now, &answer, &out->claimed, known.iov_base, known.iov_len, out->len);
	}
}

static void send_messages(struct native_datagram *d, usec_t now, struct mmsghdr *m, const struct message *messages, unsigned n);

/* The message is too large for the path, or the route cannot segment: send such datagrams one by one from now on. */
static void send_one_by_one(struct native_datagram *d, usec_t now, const struct message *message, int error)
{
	struct datagram_out *out = message->first;
	d->segment_max = error == EIO || error == EOPNOTSUPP ? 0 : (uint16_t)(out->len - 1);
	for (unsigned i = 0; i < message->n; i++, out = out->next) {
		struct mmsghdr m = { .msg_hdr = header_of(d, out) };
		send_messages(d, now, &m, &(struct message){ out, 1 }, 1);
	}
}

static bool cannot_segment(int error)
{
	return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP;
}

/*
 * Sends @n messages. The kernel reports an error of an earlier datagram, to any destination, at the next send, which then sends
 * nothing: drain the error queue and try the same message once more. An MTU that the host's own stack reports is about this message, not
 * an earlier one.
 */
static void send_messages(struct native_datagram *d, usec_t now, struct mmsghdr *m, const struct message *messages, unsigned n)
{
	bool again = false;
	for (unsigned at = 0; at < n;) {
		int sent = sendmmsg(d->base.watch.fd, m + at, n - at, MSG_DONTWAIT);
		if (sent > 0) {
			at += (unsigned)sent;
			again = false;
			continue;
		}
		int error = errno;
		uint32_t mtu = native_udp_drain_errors(d, now);
		bool apart = messages[at].n > 1 && cannot_segment(error);
		bool final = apart || again || error == EAGAIN || mtu > 0;
		if (apart)
			send_one_by_one(d, now, &messages[at], error);
		else if (final)
			failed(d, now, &messages[at], error, mtu);
		at += final;
		again = !final;
	}
}

void native_udp_send_gathered(struct native_datagram *d, usec_t now)
{
	struct mmsghdr m[BATCH];
	struct segment_control control[BATCH];
	struct message messages[BATCH];
	struct datagram_out *next = d->out;
	d->out = d->out_last = NULL;
	while (next) {
		unsigned n = 0;
		const struct datagram_out *first = next;
		for (; next && n < BATCH && looks_alike(first, next); n++)
			next = make_message(d, next, &m[n].msg_hdr, &control[n], &messages[n]);
		native_datagram_like(d, first->ttl, first->dont_fragment);
		send_messages(d, now, m, messages, n);
	}
}
