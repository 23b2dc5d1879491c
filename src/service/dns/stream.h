/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS over TCP (RFC 1035 §4.2.2, RFC 7766): messages with a two-byte length in front, several at once in a connection, answered in
 * any order.  This file does framing, queues and limits; the owner processes the messages.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "gateway/stream_service.h"

#define DNS_STREAMS_MAX 128u    /* shared among payers: one alone gets half */
#define DNS_STREAM_PIPELINE 32u /* queries of a stream in progress; the next one waits unread */
/* A stream without a whole message in either direction for this time is closed (RFC 7766 §6.2.3). */
#define DNS_STREAM_IDLE (10 * USEC_PER_SEC)
/* A stream with more unread bytes of answers is closed. */
#define DNS_STREAM_OUT_MAX (256u * 1024)

struct dns_stream;
struct payer;
struct sink;

struct dns_streams_config {
	struct sink *sink; /* for counting drops */
	/* Whether a query of @payer can be processed now; if not, it waits for dns_streams_resume(). */
	bool (*has_room)(void *opaque, const struct payer *payer);
	/*
	 * A message from @stream, which @payer is charged for, to be answered by one dns_streams_reply(), from within the call or later.
	 * False: there is no answer, close the stream.
	 */
	bool (*message)(void *opaque, usec_t now, struct dns_stream *stream, struct payer *payer, const uint8_t *bytes, size_t len);
	/* @stream was closed; its answers are not wanted any more. */
	void (*gone)(void *opaque, struct dns_stream *stream, struct payer *payer);
	void *opaque;
};

struct dns_streams {
	struct stream_service service;
	struct dns_streams_config config;
	struct list by_activity; /* all streams, the longest idle first */
	struct list held;        /* streams with a message that waits for room */
	unsigned count;          /* more than DNS_STREAMS_MAX: dns_streams_expire() closes some */
	bool freed;              /* a stream was closed, which made room: held streams have to be tried */
};

void dns_streams_init(struct dns_streams *s, const struct dns_streams_config *config);
/* Closes all streams. */
void dns_streams_done(struct dns_streams *s);

/* Answers one message of @stream.  May close the stream, and then calls gone(). */
void dns_streams_reply(struct dns_streams *s, usec_t now, struct dns_stream *stream, const uint8_t *bytes, size_t len);
/* There may be room again: processes messages of held streams. */
void dns_streams_resume(struct dns_streams *s, usec_t now);

usec_t dns_streams_deadline(const struct dns_streams *s);
void dns_streams_expire(struct dns_streams *s, usec_t now);
