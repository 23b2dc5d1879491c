/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transfer sends its options (OACK, RFC 2347) or the first blocks, and further blocks as the client acknowledges them:
 *
 *   RRQ → (OACK → ACK 0 →) window of blocks → ACK of the last one, or of the last in order when some were lost (RFC 7440 §4)
 *
 * Blocks are counted from 1 with 64 bits; the wire has the low 16, which start again at 0.  The last block is shorter than the others, and
 * may be empty.  What is not acknowledged is sent again after the timeout; a repeated ACK alone makes nothing be sent again while the
 * window is one block, or each delayed packet would double all that follow (RFC 1123 §4.2.3.1).
 */
#include "service/boot/tftp.h"

#include "base/allowance.h"
#include "base/log.h"
#include "base/macros.h"
#include "gateway/guest.h"
#include "gateway/payer.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/boot/files.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/tftp.h"
#include "wire/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT (1 * USEC_PER_SEC)
#define TRIES_MAX 6u
#define SHARE_WEIGHT 3u
#define FIRST_PORT 49152u
#define N_PORTS 16384u
/* A DATA packet with this block is not fragmented at Ethernet's MTU. */
#define BLOCK_FITS (unsigned)(ETH_MTU - IPV4_HEADER_LEN - UDP_HEADER_LEN - TFTP_HEADER_LEN)
/* Between two windows that a repeated ACK makes be sent again. */
#define RESEND_INTERVAL (100 * USEC_PER_MSEC)

struct transfer {
	struct list node;
	struct payer *payer; /* a reference */
	ip4_t guest;
	uint16_t guest_port, port;
	struct mac mac;
	struct boot_file *file;
	uint64_t size;
	struct tftp_options options; /* those that were agreed on; block_size and window_size are 0 when they are the defaults */
	bool needs_ack_of_options;
	unsigned block_size, window_size;
	usec_t timeout;
	uint64_t acked, sent, last; /* blocks */
	unsigned tries;
	usec_t deadline, resent;
};

static struct tftp *tftp_of(struct service *s)
{
	return container_of(s, struct tftp, service);
}

static void transfer_end(struct tftp *t, struct transfer *x)
{
	list_remove(&x->node);
	t->n--;
	x->payer->n_transfers--;
	payer_unref(x->payer);
	t->config.files->ops->close(x->file);
	free(x);
}

static void send(const struct tftp *t, usec_t now, const struct transfer *x, const struct bytes_writer *w, struct sink *out)
{
	sink_udp(out, now,
		 &(struct sink_udp){
			 .src = ip_from_ip4(t->config.gateway),
			 .dst = ip_from_ip4(x->guest),
			 .src_port = x->port,
			 .dst_port = x->guest_port,
			 .dst_mac = &x->mac,
			 .payload = t->buf,
			 .len = w->len,
		 });
}

static void send_error(struct tftp *t, usec_t now, const struct transfer *x, enum tftp_error code, const char *text, struct sink *out)
{
	struct bytes_writer w = bytes_writer(t->buf, sizeof(t->buf));
	tftp_emit_error(&w, code, text);
	send(t, now, x, &w, out);
}

static void touch(struct tftp *t, usec_t now, struct transfer *x)
{
	x->deadline = usec_add(now, x->timeout);
	list_remove(&x->node);
	struct list *before = t->transfers.prev;
	while (before != &t->transfers && container_of(before, struct transfer, node)->deadline > x->deadline)
		before = before->prev;
	list_append(before->next, &x->node);
}

/* False: the file cannot be read, and the transfer has ended. */
static bool send_block(struct tftp *t, usec_t now, struct transfer *x, uint64_t block, struct sink *out)
{
	struct bytes_writer w = bytes_writer(t->buf, sizeof(t->buf));
	uint64_t at = (block - 1) * x->block_size;
	size_t len = (size_t)MIN(x->size - at, (uint64_t)x->block_size);
	tftp_emit_data(&w, (uint16_t)block);
	ssize_t n = len > 0 ? t->config.files->ops->read(x->file, at, t->buf + w.len, len) : 0;
	if (n != (ssize_t)len) {
		send_error(t, now, x, TFTP_ERROR_OTHER, "the file cannot be read, or has changed", out);
		transfer_end(t, x);
		return false;
	}
	w.len += len;
	send(t, now, x, &w, out);
	return true;
}

/* Sends what the client waits for: its options, or the blocks of the window behind the last one that it has acknowledged. */
static void send_window(struct tftp *t, usec_t now, struct transfer *x, struct sink *out)
{
	touch(t, now, x);
	if (x->needs_ack_of_options) {
		struct bytes_writer w = bytes_writer(t->buf, sizeof(t->buf));
		tftp_emit_oack(&w, &x->options);
		send(t, now, x, &w, out);
		return;
	}
	uint64_t end = MIN(x->acked + x->window_size, x->last);
	for (uint64_t block = x->acked + 1; block <= end; block++)
		if (!send_block(t, now, x, block, out))
			return;
	x->sent = end;
}

static void acknowledged(struct tftp *t, usec_t now, struct transfer *x, uint16_t block, struct sink *out)
{
	if (x->needs_ack_of_options) {
		if (block != 0)
			return;
		x->needs_ack_of_options = false;
	} else {
		uint16_t more = (uint16_t)(block - (uint16_t)x->acked);
		if (more > x->sent - x->acked)
			return; /* an old one */
		if (more == 0 && (x->window_size == 1 || now - x->resent < RESEND_INTERVAL))
			return;
		if (more == 0)
			x->resent = now;
		x->acked += more;
	}
	x->tries = 0;
	if (x->acked == x->last)
		transfer_end(t, x);
	else
		send_window(t, now, x, out);
}

static struct transfer *find(const struct tftp *t, ip4_t guest, uint16_t guest_port, uint16_t port)
{
	list_for_each(node, &t->transfers) {
		struct transfer *x = container_of(node, struct transfer, node);
		if (x->guest == guest && x->guest_port == guest_port && (port == TFTP_PORT || x->port == port))
			return x;
	}
	return NULL;
}

/* What is answered of the options that the client asks for. */
static void agree(struct transfer *x, const struct tftp_options *asked)
{
	x->block_size = asked->block_size ? MIN((unsigned)asked->block_size, BLOCK_FITS) : TFTP_BLOCK_DEFAULT;
	x->window_size = asked->window_size ? MIN((unsigned)asked->window_size, TFTP_WINDOW_MAX) : 1;
	x->timeout = asked->timeout_s ? asked->timeout_s * USEC_PER_SEC : TIMEOUT;
	x->options = (struct tftp_options){
		.block_size = (uint16_t)(asked->block_size ? x->block_size : 0),
		.window_size = (uint16_t)(asked->window_size ? x->window_size : 0),
		.timeout_s = asked->timeout_s,
		.has_size = asked->has_size,
		.size = x->size,
	};
	x->needs_ack_of_options = asked->block_size || asked->window_size || asked->timeout_s || asked->has_size;
	x->last = x->size / x->block_size + 1;
}

static uint16_t choose_port(struct tftp *t)
{
	uint64_t n = t->n_begun++;
	return (uint16_t)(FIRST_PORT + hash_bytes(&t->config.hash_key, &n, sizeof(n)) % N_PORTS);
}

static enum tftp_error error_of(int err, const char **ret_text)
{
	switch (err) {
	case -ENOENT: *ret_text = "there is no such file"; return TFTP_ERROR_NOT_FOUND;
	case -EACCES: *ret_text = "the file is not readable, or not in the directory"; return TFTP_ERROR_ACCESS;
	default: *ret_text = strerror(-err); return TFTP_ERROR_OTHER;
	}
}

/* A guest's name for a file, as "tftp: 192.168.122.5: pxelinux.0: 27089 bytes". */
static void tell(struct tftp *t, usec_t now, const struct packet *p, const char *file, const char *what)
{
	char ip[IP4_TEXT_SIZE];
	log_limited(t->config.log, &p->port->log_limit, now, LOG_LEVEL_INFO, "tftp: %s: %s: %s", ip4_format(p->ip.src, ip), file, what);
}

static void begin(struct tftp *t, usec_t now, const struct packet *p, uint16_t guest_port, const struct tftp_packet *rq, struct sink *out)
{
	struct payer *payer = p->port->payer;
	struct transfer wanted = { .guest = p->ip.src, .guest_port = guest_port, .port = choose_port(t), .mac = p->eth.src };
	const char *why;
	struct transfer *old = find(t, p->ip.src, guest_port, TFTP_PORT);
	if (old)
		transfer_end(t, old); /* the client repeats its request, or has started again */
	if (rq->opcode == TFTP_WRQ || !rq->is_octet) {
		send_error(t, now, &wanted, rq->opcode == TFTP_WRQ ? TFTP_ERROR_ACCESS : TFTP_ERROR_ILLEGAL,
			   rq->opcode == TFTP_WRQ ? "this server is read-only" : "only octet mode is known", out);
		return;
	}
	if (!payer || !share_allows(payer->n_transfers, 1, t->n, TFTP_TRANSFERS_MAX, SHARE_WEIGHT)) {
		sink_drop(out, DROP_BOOT_LIMIT, p);
		return;
	}
	int err = t->config.files->ops->open(t->config.files, rq->file, &wanted.file, &wanted.size);
	struct transfer *x = err == 0 ? malloc(sizeof(*x)) : NULL;
	if (err < 0) {
		enum tftp_error code = error_of(err, &why);
		tell(t, now, p, rq->file, why);
		send_error(t, now, &wanted, code, why, out);
		return;
	}
	if (!x) {
		t->config.files->ops->close(wanted.file);
		sink_drop(out, DROP_NO_MEMORY, p);
		return;
	}
	*x = wanted;
	x->payer = payer_ref(payer);
	payer->n_transfers++;
	t->n++;
	list_init(&x->node);
	agree(x, &rq->options);
	tell(t, now, p, rq->file, "sent");
	send_window(t, now, x, out);
}

static enum service_verdict input(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	struct tftp *t = tftp_of(s);
	struct udp_view udp;
	struct tftp_packet rq;
	if (!packet_is_v4(p) || p->ip.protocol != IP_PROTOCOL_UDP || p->ip.dst != t->config.gateway || !p->port || packet_udp(p, &udp) < 0)
		return SERVICE_NOT_MINE;
	struct transfer *x = udp.dst.port == TFTP_PORT ? NULL : find(t, p->ip.src, udp.src.port, udp.dst.port);
	if (udp.dst.port != TFTP_PORT && !x)
		return SERVICE_NOT_MINE;
	bool is_valid = tftp_parse(udp.payload, udp.len, &rq) == 0;
	if (is_valid && !x && (rq.opcode == TFTP_RRQ || rq.opcode == TFTP_WRQ))
		begin(t, now, p, udp.src.port, &rq, out);
	else if (is_valid && x && rq.opcode == TFTP_ACK)
		acknowledged(t, now, x, rq.block, out);
	else if (is_valid && x && rq.opcode == TFTP_ERROR)
		transfer_end(t, x);
	else
		sink_drop(out, DROP_TFTP_MALFORMED, p);
	return SERVICE_TAKEN;
}

static struct transfer *first(const struct tftp *t)
{
	return list_empty(&t->transfers) ? NULL : container_of(t->transfers.next, struct transfer, node);
}

static usec_t deadline(const struct service *s)
{
	const struct transfer *x = first(container_of(s, struct tftp, service));
	return x ? x->deadline : USEC_INFINITY;
}

static void expire(struct service *s, usec_t now, struct sink *out)
{
	struct tftp *t = tftp_of(s);
	for (struct transfer *x = first(t); x && x->deadline <= now; x = first(t)) {
		if (++x->tries >= TRIES_MAX || !x->payer->port)
			transfer_end(t, x);
		else
			send_window(t, now, x, out);
	}
}

static const struct service_ops ops = { .name = "tftp", .input = input, .deadline = deadline, .expire = expire };

void tftp_init(struct tftp *t, const struct tftp_config *config)
{
	*t = (struct tftp){ .service = { &ops }, .config = *config };
	list_init(&t->transfers);
}

void tftp_done(struct tftp *t)
{
	if (!t->service.ops)
		return;
	while (first(t))
		transfer_end(t, first(t));
}
