/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Busy polling: how long the event loop polls before it sleeps.  The window adapts as in KVM's halt polling:
 *
 *     no event in the window              half the window, in the end 0
 *     an event in the window              twice the window, up to the limit
 *     a sleep was shorter than the limit  the window grows from 0: polling would have found the event
 *
 * Computes the window only; the loop polls.
 */
#pragma once

#include "base/usec.h"

struct busy_poll {
	usec_t limit; /* 0: never poll */
	usec_t window;
};

/* Start with window 0. */
void busy_poll_paid(struct busy_poll *b);
void busy_poll_did_not_pay(struct busy_poll *b);
void busy_poll_slept(struct busy_poll *b, usec_t how_long);
