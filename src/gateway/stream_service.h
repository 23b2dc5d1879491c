/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service of the gateway that guests reach over TCP (DNS over TCP is the first).  The
 * engine terminates TCP; the service sees byte streams.  Both sides are contracts: the
 * service is declared to an engine with engine_ops.local, the engine hands it a
 * local_stream for each connection.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct local_stream;
struct stream_service;

/* What the service may do with a connection; implemented by the engine. */
struct local_stream_ops {
	/*
	 * Takes up to @len bytes for the guest, copies them, and returns how many; fewer than @len
	 * means: wait for writable().  -EPIPE when the guest no longer reads.
	 */
	ssize_t (*send)(struct local_stream *s, const void *data, size_t len);
	/*
	 * Asks for what input() did not use to be offered again.  That happens later, never from within
	 * resume().  Until then, or until more bytes come, the engine keeps it (and lets the guest's window shut).
	 */
	void (*resume)(struct local_stream *s);
	/* No more bytes from us (FIN once what was taken is out). */
	void (*shutdown)(struct local_stream *s);
	/*
	 * Ends the connection now; closed() is not called and the stream is gone on return.  Allowed at any
	 * time but within accept() and closed(), so the engine looks again after it called the service.
	 */
	void (*close)(struct local_stream *s);
};

struct local_stream {
	const struct local_stream_ops *ops;
	struct ip_endpoint guest;
	void *conn; /* the service's own, set in accept() */
};

/* What the engine tells the service. */
struct stream_service_ops {
	/* A guest connected; false refuses it (RST) and the stream is gone. */
	bool (*accept)(struct stream_service *s, usec_t now, struct local_stream *stream);
	/* Bytes from the guest; returns how many were used.  The rest is offered again after resume or more bytes. */
	size_t (*input)(struct stream_service *s, usec_t now, struct local_stream *stream, const void *data, size_t len);
	/* The guest sent FIN: no more input.  The service ends with shutdown() or close() in its own time. */
	void (*eof)(struct stream_service *s, usec_t now, struct local_stream *stream);
	/* send() can take bytes again. */
	void (*writable)(struct stream_service *s, usec_t now, struct local_stream *stream);
	/* The connection is gone (RST, both FINs done, guest vanished); the stream is invalid after this. */
	void (*closed)(struct stream_service *s, usec_t now, struct local_stream *stream);
};

struct stream_service {
	const struct stream_service_ops *ops;
};
