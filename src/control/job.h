/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that the network's thread does for the control plane.  Embedded in the object that it is done for.
 *
 *     control thread: job_post()  →  network's thread: work()  →  control thread: done()
 *
 * work() runs between two turns of the network.  It has to be short, copies into plain memory of the job's owner, and calls no function of
 * glib.  Between job_post() and done(), the network's thread owns the job and that memory.
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

/* From the control thread; work and done are set.  done() is not called if the control plane ends before. */
void job_post(struct control *c, struct job *j);
