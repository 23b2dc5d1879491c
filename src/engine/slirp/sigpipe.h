/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp writes to sockets without MSG_NOSIGNAL, so a peer that closes its connection would end a program that does not ignore
 * SIGPIPE (lanlet does). A library must not change the program's signal handlers, so SIGPIPE is blocked on this thread around each
 * call, and discarded if it is pending.
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
