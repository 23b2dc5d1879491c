/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control plane: a thread of its own, with a GMainContext of its own, that serves the HTTP API on api.sock while
 * another thread dispatches the network.  The two share nothing: the control plane asks the network by calls that run
 * between two of its turns and copy what they find into plain memory (network/snapshot.h, job.h).
 */
#pragma once

#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>

struct control;

struct control_config {
	struct lanlet_network *net; /* borrowed */
	const char *name;           /* the network's; all strings are copied */
	const char *version;        /* lanlet's */
	const char *socket;         /* where the API is served, mode 0600; a stale socket is replaced */
	const char *listen;         /* "ADDRESS:PORT" where it is served too, to those who have the token; NULL: nowhere */
	const char *token_file;     /* where that token is written for the user, mode 0600; it goes with the control plane */
	/*
	 * Reads the configuration again, on the control plane's thread; NULL, and why in *@ret_error, to be g_free()d, when it is wrong.
	 * NULL: there is none to be read.
	 */
	struct lanlet_config *(*read_config)(void *opaque, char **ret_error);
	void *read_opaque;
	int reload_fd; /* a signalfd for signals that ask for that, borrowed; -1: none */
	/* Lines of the control plane's own.  Called from its thread.  May be NULL. */
	void (*log)(void *opaque, enum lanlet_log_level level, const char *line);
	void *log_opaque;
};

/* Whether @text is fit for control_config.listen. */
bool control_check_listen(const char *text);
/* Listens and starts the thread, which inherits the caller's signal mask.  NULL on failure. */
struct control *control_new(const struct control_config *config, GError **error);
/* Ends the thread and every connection; before the network is freed, by the thread that dispatches it.  NULL is fine. */
void control_free(struct control *c);
