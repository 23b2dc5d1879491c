/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the command fails: a GError of this domain, whose code is the exit status. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum failure {
	FAILURE_GENERAL = 1, /* something did not work */
	FAILURE_USAGE = 2,   /* the command line or the configuration is wrong */
	FAILURE_RUNNING = 3, /* another process runs this network */
	/* lanlet exec, as env(1) and timeout(1) */
	FAILURE_EXEC = 125,            /* the command was not started, because of ourselves */
	FAILURE_EXEC_CANNOT_RUN = 126, /* it is there but cannot be run */
	FAILURE_EXEC_NOT_FOUND = 127,
	FAILURE_NOT_RUNNING = 4, /* no process runs this network */
	FAILURE_NOT_FOUND = 5,   /* the network does not have what was asked for */
	FAILURE_TIMEOUT = 6,     /* it did not happen in time */
	FAILURE_REFUSED = 7,     /* the guest refused */
	FAILURE_UNREACHABLE = 8, /* nobody has the guest's address */
};

/* The domain; any other domain's errors end with FAILURE_GENERAL. */
GQuark failure_quark(void);

/* Sets @error and returns false, for callers that return right away. */
bool fail(GError **error, enum failure code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same for a network that nobody runs, with its runtime directory. */
bool fail_not_running(GError **error, const char *network, const char *dir);
