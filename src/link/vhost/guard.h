/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of others may vanish below us: a front end can shrink the file behind it, and the next load is SIGBUS.
 *
 * Who guards what: every mapping of a front end's memory is registered here, whatever seals it has.  When a load or store
 * of ours finds it gone, the signal's handler calls guard_handle(), which puts empty private memory in its place, so
 * that the access and everything after it goes on with zeros, and marks the guard.  The device whose memory it was asks
 * guard_was_hit() at the end of each turn and is reset; nobody else notices.  System calls are no trouble: they return EFAULT.
 *
 * A signal handler reaches nothing but what is global.  The table here is the only writable global of the library: it belongs to the
 * process's address space, of which there is one however many networks there are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct guard;

/* Guards [@start, @start + @size), page-aligned and mapped, until guard_remove().  NULL when the table is full. */
struct guard *guard_add(void *start, size_t size);
/* NULL is fine. */
void guard_remove(struct guard *g);
bool guard_was_hit(const struct guard *g);

/* For a handler of SIGBUS, with si_addr: true when the access may be tried again.  Async-signal-safe, any thread. */
bool guard_handle(void *address);
