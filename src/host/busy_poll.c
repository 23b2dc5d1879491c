/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/busy_poll.h"

#include "base/macros.h"

/* A shorter window would end before an event could come. */
#define WINDOW_MIN ((usec_t)5)

void busy_poll_paid(struct busy_poll *b)
{
	b->window = MIN(MAX(2 * b->window, WINDOW_MIN), b->limit);
}

void busy_poll_did_not_pay(struct busy_poll *b)
{
	b->window /= 2;
	if (b->window < WINDOW_MIN)
		b->window = 0;
}

void busy_poll_slept(struct busy_poll *b, usec_t how_long)
{
	if (how_long <= b->limit)
		busy_poll_paid(b);
}
