/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays a virtual machine's network card: relays frames between a guest's tap device and a socket, or a second tap device ("root's
 * path").  It slows down every candidate equally, so it is as cheap as plain system calls allow.  A tap is read until it is empty,
 * and one send() writes the batch to a stream; a stream is read with one recv().  Datagrams are sent and received one at a time, as
 * QEMU does.
 *
 * Whatever the endpoints are, the buffer of each direction holds frames with their length in front.  While a socket is full the tap
 * that feeds it is not read, so frames wait in the guest's queue, as with QEMU.  Datagram sockets block in send() when the peer's
 * queue is full, because poll() does not report that while the socket is not connected.
 */
#include "endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)512 * 1024)
/* Most bytes read from a tap before any are forwarded. */
#define BATCH_BYTES ((size_t)192 * 1024)

struct direction {
	const struct endpoint *from, *to;
	uint8_t *bytes; /* [at, len) is to be sent */
	size_t at, len;
	bool blocked;
};

static void put_length(uint8_t *at, size_t len)
{
	at[0] = (uint8_t)(len >> 24);
	at[1] = (uint8_t)(len >> 16);
	at[2] = (uint8_t)(len >> 8);
	at[3] = (uint8_t)len;
}

static size_t get_length(const uint8_t *at)
{
	return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
}

static ssize_t read_frame(const struct endpoint *e, uint8_t *to)
{
	return e->type == ENDPOINT_TAP ? read(e->fd, to, FRAME_MAX_BYTES) : recv(e->fd, to, FRAME_MAX_BYTES, MSG_DONTWAIT);
}

/* These functions return false when the endpoint is gone. */
static bool fill_with_frames(struct direction *d)
{
	while (d->len < BATCH_BYTES) {
		ssize_t n = read_frame(d->from, d->bytes + d->len + LENGTH_BYTES);
		if (n < 0)
			return would_block();
		put_length(d->bytes + d->len, (size_t)n);
		d->len += LENGTH_BYTES + (size_t)n;
	}
	return true;
}

static bool fill_from_stream(struct direction *d)
{
	ssize_t n = recv(d->from->fd, d->bytes + d->len, BUFFER_BYTES - d->len, 0);
	if (n > 0)
		d->len += (size_t)n;
	return n > 0 || (n < 0 && would_block());
}

static bool drain_to_stream(struct direction *d)
{
	ssize_t n = send(d->to->fd, d->bytes + d->at, d->len - d->at, MSG_NOSIGNAL);
	if (n < 0 && !would_block())
		return false;
	if (n > 0)
		d->at += (size_t)n;
	d->blocked = d->at < d->len;
	if (!d->blocked)
		d->at = d->len = 0;
	return true;
}

/* A frame that the tap refuses is lost, as on a wire. */
static bool write_frame(const struct endpoint *e, const uint8_t *frame, size_t len)
{
	if (e->type == ENDPOINT_TAP)
		return write(e->fd, frame, len) >= 0 || errno != EBADFD;
	const struct sockaddr *to = e->peer.sun_path[0] == '\0' ? NULL : (const struct sockaddr *)&e->peer;
	return sendto(e->fd, frame, len, MSG_NOSIGNAL, to, to ? sizeof(e->peer) : 0) >= 0 || would_block();
}

/* An incomplete frame stays in the buffer until its rest has arrived. */
static bool drain_frames(struct direction *d)
{
	while (d->len - d->at >= LENGTH_BYTES) {
		size_t len = get_length(d->bytes + d->at);
		if (len > FRAME_MAX_BYTES)
			return false;
		if (len > d->len - d->at - LENGTH_BYTES)
			break;
		if (!write_frame(d->to, d->bytes + d->at + LENGTH_BYTES, len))
			return false;
		d->at += LENGTH_BYTES + len;
	}
	memmove(d->bytes, d->bytes + d->at, d->len - d->at);
	d->len -= d->at;
	d->at = 0;
	return true;
}

static bool drain(struct direction *d)
{
	if (d->len == d->at)
		return true;
	return d->to->type == ENDPOINT_STREAM ? drain_to_stream(d) : drain_frames(d);
}

static bool fill(struct direction *d)
{
	return d->from->type == ENDPOINT_STREAM ? fill_from_stream(d) : fill_with_frames(d);
}

/* Returns false when an endpoint is gone. */
static bool turn(struct direction *d, unsigned from_events, unsigned to_events)
{
	if (d->blocked)
		return (to_events & (POLLOUT | POLLERR | POLLHUP)) == 0 || drain(d);
	if (from_events & (POLLIN | POLLERR | POLLHUP))
		return fill(d) && drain(d);
	return true;
}

static void relay(struct endpoint ends[2])
{
	struct direction out = { .from = &ends[0], .to = &ends[1], .bytes = malloc(BUFFER_BYTES) };
	struct direction in = { .from = &ends[1], .to = &ends[0], .bytes = malloc(BUFFER_BYTES) };
	if (!out.bytes || !in.bytes)
		return;
	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = ends[0].fd, .events = (short)((out.blocked ? 0 : POLLIN) | (in.blocked ? POLLOUT : 0)) },
			{ .fd = ends[1].fd, .events = (short)((in.blocked ? 0 : POLLIN) | (out.blocked ? POLLOUT : 0)) },
		};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (!turn(&out, (unsigned)fds[0].revents, (unsigned)fds[1].revents) ||
		    !turn(&in, (unsigned)fds[1].revents, (unsigned)fds[0].revents))
			break;
	}
	free(out.bytes);
	free(in.bytes);
}

int main(int argc, char **argv)
{
	struct endpoint ends[2];
	if (argc != 3) {
		fprintf(stderr, "usage: tap_front ENDPOINT ENDPOINT    (tap:NAME@NETNS, unix:PATH, dgram:PATH or vde:DIRECTORY)\n");
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		int r = endpoint_open(argv[1 + i], &ends[i]);
		if (r < 0) {
			fprintf(stderr, "tap_front: %s: %s\n", argv[1 + i], strerror(-r));
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	relay(ends);
	return 0;
}
