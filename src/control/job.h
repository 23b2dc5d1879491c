/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A piece of work for the network's thread on behalf of the control plane.  Embedded in what it is done for.
 *
 *     control thread: job_post()  →  network's thread: work()  →  control thread: done()
 *
 * work() runs between two turns of the network: it is short, copies into plain memory that the job's owner has, and calls
 * nothing of glib's.  Between job_post() and done() the job and that memory are the network's thread's.
 */
#pragma once

#include "base/usec.h"
#include "host/call_queue.h"

struct control;
struct lanlet_network;

struct job {
	struct call call;
	struct control *control;
	void (*work)(struct job *j, struct lanlet_network *n, usec_t now);
	void (*done)(struct job *j);
};

/* From the control thread; work and done are set.  When the control plane ends first, done() is never called. */
void job_post(struct control *c, struct job *j);
