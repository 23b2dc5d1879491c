/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Survives memory that vanishes: a front end can shrink the file behind its guest's memory, and the next access raises SIGBUS.
 *
 * Every mapping of a front end's memory is registered here.  When an access finds it gone, the handler of SIGBUS calls guard_handle(),
 * which maps empty private memory in its place, so that the program goes on with zeros, and marks the guard.  The device asks
 * guard_was_hit() at the end of each turn and is then reset; other guests are not affected.  System calls on such memory return EFAULT.
 *
 * The table is global because a signal handler reaches nothing else.  It describes the address space of the process, which all networks
 * share.
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
