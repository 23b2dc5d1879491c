/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that writes to an eventfd of a front end in place of the data thread, because such a write may block for ever (notify.h).
 * For hosts without asynchronous I/O in the kernel: one thread for each descriptor, so that a front end can only stop its own.
 */
#pragma once

struct notify_thread;

/* Borrows @fd.  Negative errno: there may be no more threads, or memory. */
int notify_thread_new(int fd, struct notify_thread **ret);
/* Ends the thread, also while it is blocked.  NULL is fine. */
void notify_thread_free(struct notify_thread *t);
/* Has it write once.  Several calls before it does are one.  Never blocks. */
void notify_thread_tell(struct notify_thread *t);
