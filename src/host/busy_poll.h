/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long to look for work before sleeping: a window that grows while looking pays and shrinks to nothing while it does not, as
 * KVM's halt polling.  Numbers only; the loop does the looking.
 *
 *     nothing came in the window          half of it the next time, in the end none
 *     something came in the window        twice as much, up to the limit
 *     a sleep was shorter than the limit  some: looking would have paid
 */
#pragma once

#include "base/usec.h"

struct busy_poll {
	usec_t limit; /* 0: never look */
	usec_t window;
};

/* Zeroed but for the limit is the start. */
void busy_poll_paid(struct busy_poll *b);
void busy_poll_did_not_pay(struct busy_poll *b);
void busy_poll_slept(struct busy_poll *b, usec_t how_long);
