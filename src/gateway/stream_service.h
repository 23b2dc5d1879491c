/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service of the gateway over TCP, such as DNS.  The engine terminates TCP; the service sees byte streams.
 * Two contracts: engine_ops.local() declares a stream_service to the engine, and the engine gives it a
 * local_stream for each connection.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct local_stream;
struct payer;
struct stream_service;

/* What a service may do with a connection; implemented by the engine. */
struct local_stream_ops {
	/*
	 * Copies up to @len bytes for the guest and returns their number; fewer than @len means: wait for
	 * writable().  -EPIPE when the guest no longer reads.
	 */
	ssize_t (*send)(struct local_stream *s, const void *data, size_t len);
	/*
	 * Asks for another input() with the bytes that the last one did not use.  The engine calls it later, never from
	 * within resume(); until then it keeps the bytes, and the guest's window may close.
	 */
	void (*resume)(struct local_stream *s);
	/* Sends FIN after the bytes that send() took. */
	void (*shutdown)(struct local_stream *s);
	/*
	 * Ends the connection now; closed() is not called, and the stream is invalid on return.  Not allowed within accept()
	 * and closed(); after any other call of the service the engine must check whether the stream still exists.
	 */
	void (*close)(struct local_stream *s);
};

struct local_stream {
	const struct local_stream_ops *ops;
	struct payer *payer; /* is charged for it; valid until closed() */
	struct ip_endpoint guest;
	void *conn; /* private to the service, set in accept() */
};

/* Events that the engine reports to the service. */
struct stream_service_ops {
	/* A guest connected; false refuses it (RST), and the stream is invalid. */
	bool (*accept)(struct stream_service *s, usec_t now, struct local_stream *stream);
	/* Bytes from the guest; returns how many were used.  The rest comes again after resume() or with more bytes. */
	size_t (*input)(struct stream_service *s, usec_t now, struct local_stream *stream, const void *data, size_t len);
	/* The guest sent FIN: no more input.  The service calls shutdown() or close() when it is done. */
	void (*eof)(struct stream_service *s, usec_t now, struct local_stream *stream);
	/* send() has room again. */
	void (*writable)(struct stream_service *s, usec_t now, struct local_stream *stream);
	/* The connection is gone (RST, both FINs done, guest vanished); the stream is invalid after this. */
	void (*closed)(struct stream_service *s, usec_t now, struct local_stream *stream);
};

struct stream_service {
	const struct stream_service_ops *ops;
};
