/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control plane: a thread with a GMainContext of its own, which serves the HTTP API on api.sock while another thread dispatches the
 * network.  The two share nothing: the control plane posts calls, which run between two turns of the network and copy what they find into
 * plain memory (network/snapshot.h, job.h).
 */
#pragma once

#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>

struct control;

struct control_config {
	struct lanlet_network *net; /* borrowed */
	const char *name;           /* of the network; all strings are copied */
	const char *version;        /* of lanlet */
	const char *socket;         /* path of api.sock, mode 0600; a stale socket is replaced */
	const char *listen;         /* "ADDRESS:PORT" where the API is served by TCP, to clients with the token; NULL: not by TCP */
	const char *token_file;     /* where the token is written, mode 0600; removed with the control plane */
	/*
	 * Reads the configuration again, on the control plane's thread.  When it is invalid: NULL, and the reason in *@ret_error, to be
	 * g_free()d.  NULL: there is no configuration to read.
	 */
	struct lanlet_config *(*read_config)(void *opaque, char **ret_error);
	void *read_opaque;
	int reload_fd; /* a signalfd for the signals that ask for a reload, borrowed; -1: none */
	/* Log lines of the control plane, from its thread.  May be NULL. */
	void (*log)(void *opaque, enum lanlet_log_level level, const char *line);
	void *log_opaque;
};

/* Whether @text is valid for control_config.listen. */
bool control_check_listen(const char *text);
/* Listens, and starts the thread, which inherits the signal mask of the caller.  NULL on failure. */
struct control *control_new(const struct control_config *config, GError **error);
/* Ends the thread and all connections.  Called before the network is freed, by the thread that dispatches it.  NULL is fine. */
void control_free(struct control *c);
