/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of commands: a GError of this domain, whose code is the exit status. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum failure {
	FAILURE_GENERAL = 1, /* something did not work */
	FAILURE_USAGE = 2,   /* the command line or the configuration is wrong */
	FAILURE_RUNNING = 3, /* another process runs this network */
	/* `lanlet exec`, as with env(1) and timeout(1) */
	FAILURE_EXEC = 125,            /* lanlet failed */
	FAILURE_EXEC_CANNOT_RUN = 126, /* the command exists but cannot be run */
	FAILURE_EXEC_NOT_FOUND = 127,
	FAILURE_NOT_RUNNING = 4, /* no process runs this network */
	FAILURE_NOT_FOUND = 5,   /* no such object, or the guest has no address */
	FAILURE_TIMEOUT = 6,     /* timeout */
	FAILURE_REFUSED = 7,     /* the guest refused the connection */
	FAILURE_UNREACHABLE = 8, /* no machine has the guest's address */
};

/* The domain. Errors of other domains exit with FAILURE_GENERAL. */
GQuark failure_quark(void);

/* Sets @error and returns false. */
bool fail(GError **error, enum failure code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same for a network that is not running, @dir being its runtime directory. */
bool fail_not_running(GError **error, const char *network, const char *dir);
