/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp writes to sockets without MSG_NOSIGNAL.  Unless the program ignores SIGPIPE (lanlet does), a host that hangs
 * up would end it; a library must not change the program's signals, so the signal is held back on this thread
 * around each call and thrown away if it came.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

struct sigpipe_guard {
	bool active;
	bool was_pending;
	sigset_t old_mask;
};

void sigpipe_hold(struct sigpipe_guard *g);
void sigpipe_release(struct sigpipe_guard *g);
