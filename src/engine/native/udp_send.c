/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP from guests: one sendmmsg() per socket and turn sends the datagrams straight from the frames. Datagrams of equal size to one
 * destination share a message that the kernel segments (udp(7), UDP_SEGMENT), whether the guest sent them as a super-frame or one by
 * one. Datagrams that the kernel refuses in that form are sent one by one.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "engine/native/udp.h"
#include "engine/native/udp_listener.h"
#include "host/socket_address.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/udp.h"

#include <errno.h>
#include <netinet/udp.h>

#define BATCH 64u
#define MESSAGE_PIECES_MAX 1024 /* UIO_MAXIOV */
#define SEGMENTS_MAX 64u        /* UDP_MAX_SEGMENTS of the kernel */
#define SUPER_MAX 65000u        /* leaves space for any headers within 65,535 bytes */

/* A datagram to send in this turn. */
struct datagram_out {
	struct datagram_out *next;
	union socket_address to;
	socklen_t to_len;
	struct ip_endpoint claimed; /* the address that the guest used */
	struct native_fields fields;
	size_t len;
	unsigned n;
	struct iovec iov[];
};

/* One message to the kernel: @n datagrams from @first on. */
struct message {
	struct datagram_out *first;
	unsigned n;
};

/* UDP_SEGMENT first, then the source address, which send_messages() may take back. */
struct message_control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
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
	/* A guest's own socket has one family; a listener's peer may have the other one. */
	bool as_it_is = d->outside || !native_datagram_is_v6(d);
	out->to_len = as_it_is ? socket_address_set(&out->to, to) : socket_address_set_v6(&out->to, to);
	out->claimed = *claimed;
	out->fields = native_fields_of(p);
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
	uint16_t id = packet_is_v4(p) ? p->ip.id : 0;
	do {
		size_t n = MIN(each, len);
		r = gather(d, p, claimed, to, at, n);
		native_sent_add(&d->sent, native_udp_sent_key(claimed->port, n), packet_traffic_class(p), packet_has_df(p), id++);
		at += n;
		len -= n;
	} while (len > 0 && r == 0);
	return r;
}

/* --- messages --- */

static bool looks_alike(const struct datagram_out *a, const struct datagram_out *b)
{
	return native_fields_equal(&a->fields, &b->fields);
}

/* Whether @next may follow @last in a message that begins with @first: all but the last must be of one size. */
static bool follows(const struct datagram_out *first, const struct datagram_out *last, const struct datagram_out *next)
{
	return looks_alike(first, next) && first->to_len == next->to_len && memcmp(&first->to, &next->to, first->to_len) == 0 &&
	       last->len == first->len && next->len > 0 && next->len <= first->len;
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

static void put_control(struct msghdr *h, struct message_control *control, int level, int type, const void *value, size_t size)
{
	struct cmsghdr *c = (struct cmsghdr *)(control->bytes + h->msg_controllen);
	h->msg_control = control->bytes;
	h->msg_controllen += CMSG_SPACE(size);
	*c = (struct cmsghdr){ .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(size) };
	memset(CMSG_DATA(c), 0, CMSG_SPACE(size) - CMSG_LEN(0));
	memcpy(CMSG_DATA(c), value, size);
}

/* Answers of a listener leave from the address that the peer asked. */
static void put_source(struct msghdr *h, struct message_control *control, const struct udp_path *path)
{
	if (ip_is_v4(&path->peer.addr)) {
		struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(ip_to_ip4(&path->local)) };
		put_control(h, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = path->interface };
		memcpy(&info.ipi6_addr, path->local.b, sizeof(info.ipi6_addr));
		put_control(h, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

/* A message of @n datagrams from @out on, with room for control messages in @control; its pieces are those of @out. */
static struct msghdr header_of(const struct native_datagram *d, struct datagram_out *out, unsigned n, struct message_control *control)
{
	struct msghdr h = { .msg_name = &out->to, .msg_namelen = out->to_len, .msg_iov = out->iov, .msg_iovlen = out->n };
	uint16_t segment = (uint16_t)out->len;
	if (n > 1)
		put_control(&h, control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	if (d->outside && (d->outside->path.interface != 0 || !ip_is_unspecified(&d->outside->path.local)))
		put_source(&h, control, &d->outside->path);
	return h;
}

/* Makes a message that begins with @first; returns the datagram after it. */
static struct datagram_out *make_message(struct native_datagram *d, struct datagram_out *first, struct msghdr *h,
					 struct message_control *control, struct message *ret)
{
	unsigned pieces, n = count_joint(d, first, &pieces);
	struct iovec *iov = n > 1 ? arena_alloc(d->base.engine->config.env->arena, pieces * sizeof(*iov)) : NULL;
	n = iov ? n : 1;
	*h = header_of(d, first, n, control);
	if (iov) {
		h->msg_iov = iov;
		h->msg_iovlen = join_pieces(first, n, iov);
	}
	*ret = (struct message){ first, n };
	for (; n > 0; n--)
		first = first->next;
	return first;
}

/* --- sending --- */

/* Sends @out, which is too large for the path, in fragments although it has DF; false when that failed. */
static bool send_in_fragments(struct native_datagram *d, struct datagram_out *out)
{
	struct message_control control;
	struct msghdr h = header_of(d, out, 1, &control);
	struct native_fields fields = out->fields;
	fields.dont_fragment = false;
	native_datagram_like(d, &fields);
	bool sent = sendmsg(native_datagram_fd(d), &h, MSG_DONTWAIT) >= 0;
	native_datagram_like(d, &out->fields);
	return sent;
}

/* @mtu: of the path, if the datagram is too large for it, else 0.  @heard: the guest was told of the error already. */
static void one_failed(struct native_datagram *d, usec_t now, struct datagram_out *out, int error, uint32_t mtu, bool heard)
{
	struct ip_addr real = socket_address_get(&out->to).addr;
	struct native_icmp_error answer = { .info = native_mtu_for_guest(&out->claimed.addr, &real, mtu), .ip.hop_limit = out->fields.ttl };
	struct iovec known = out->n > 0 ? out->iov[0] : (struct iovec){ 0 };
	enum native_too_large how = NATIVE_TELL_AND_DROP;
	if (mtu > 0)
		how = native_datagram_too_large(d, now, &out->claimed.addr, ip_header_len(&out->claimed.addr) + UDP_HEADER_LEN + out->len);
	if (how == NATIVE_TELL_AND_DROP || !send_in_fragments(d, out))
		drop(d->base.engine, mtu > 0 ? DROP_FRAG_NEEDED : DROP_ENGINE_ERROR);
	bool v6 = !ip_is_v4(&out->claimed.addr);
	if (how != NATIVE_FRAGMENT && !heard && native_icmp_of_errno(error, v6, &answer.type, &answer.code))
		native_udp_tell_guest(d, now, &answer, &out->claimed, known.iov_base, known.iov_len, out->len);
}

static void failed(struct native_datagram *d, usec_t now, const struct message *message, int error, uint32_t mtu, bool heard)
{
	struct datagram_out *out = message->first;
	for (unsigned i = 0; i < message->n; i++, out = out->next)
		one_failed(d, now, out, error, mtu, heard);
}

static void send_messages(struct native_datagram *d, usec_t now, struct mmsghdr *m, const struct message *messages, unsigned n);

/* The message is too large for the path, or the route cannot segment: send such datagrams one by one from now on. */
static void send_one_by_one(struct native_datagram *d, usec_t now, const struct message *message, int error)
{
	struct datagram_out *out = message->first;
	d->segment_max = error == EIO || error == EOPNOTSUPP ? 0 : (uint16_t)(out->len - 1);
	for (unsigned i = 0; i < message->n; i++, out = out->next) {
		struct message_control control;
		struct mmsghdr m = { .msg_hdr = header_of(d, out, 1, &control) };
		send_messages(d, now, &m, &(struct message){ out, 1 }, 1);
	}
}

/* Lets the host's routes choose the source of @n messages, if the host has lost the address that was asked. */
static bool choose_other_source(struct native_datagram *d, struct mmsghdr *m, unsigned n, int error)
{
	bool may_be_lost = error == EINVAL || error == ENETUNREACH || error == EADDRNOTAVAIL; /* depends on the family and the kernel */
	if (!may_be_lost || !d->outside)
		return false;
	const struct udp_path *path = &d->outside->path;
	size_t size = ip_is_v4(&path->peer.addr) ? CMSG_SPACE(sizeof(struct in_pktinfo)) : CMSG_SPACE(sizeof(struct in6_pktinfo));
	if (m->msg_hdr.msg_controllen < size || !udp_peer_lost_address(d->outside))
		return false;
	for (unsigned i = 0; i < n; i++)
		m[i].msg_hdr.msg_controllen -= size;
	return true;
}

static bool cannot_segment(int error)
{
	return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP;
}

/*
 * Sends @n messages. The kernel reports an error of an earlier datagram, to any destination, at the next send, which then sends
 * nothing: drain the error queue and try the same message once more. Two errors are about this message, not an earlier one: an MTU that
 * the host's own stack reports, and EPERM, for which a firewall of the host has put an ICMP error into the queue if it says why.
 */
static void send_messages(struct native_datagram *d, usec_t now, struct mmsghdr *m, const struct message *messages, unsigned n)
{
	bool again = false;
	for (unsigned at = 0; at < n;) {
		int sent = sendmmsg(native_datagram_fd(d), m + at, n - at, MSG_DONTWAIT);
		if (sent > 0) {
			at += (unsigned)sent;
			again = false;
			continue;
		}
		int error = errno;
		if (choose_other_source(d, m + at, n - at, error))
			continue;
		struct native_drained drained = native_udp_drain_errors(d, now);
		bool apart = messages[at].n > 1 && cannot_segment(error);
		bool final = apart || again || error == EAGAIN || error == EPERM || drained.mtu > 0;
		if (apart)
			send_one_by_one(d, now, &messages[at], error);
		else if (final)
			failed(d, now, &messages[at], error, drained.mtu, error == EPERM && drained.n_of_icmp > 0);
		at += final;
		again = !final;
	}
}

void native_udp_send_gathered(struct native_datagram *d, usec_t now)
{
	struct mmsghdr m[BATCH];
	struct message_control control[BATCH];
	struct message messages[BATCH];
	struct datagram_out *next = d->out;
	d->out = d->out_last = NULL;
	while (next) {
		unsigned n = 0;
		const struct datagram_out *first = next;
		for (; next && n < BATCH && looks_alike(first, next); n++)
			next = make_message(d, next, &m[n].msg_hdr, &control[n], &messages[n]);
		native_datagram_like(d, &first->fields);
		send_messages(d, now, m, messages, n);
	}
}
