/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling a front end something by a descriptor that it gave us, without ever waiting for it.
 *
 * The front end shares the open file behind an eventfd with us, its O_NONBLOCK and its counter too, and may change both at any
 * moment: a write() could wait for as long as it pleases.  What never waits is the kernel's own signalling of an eventfd, as it
 * happens when an asynchronous read completes (io_submit(2), IOCB_FLAG_RESFD); so we let one of nothing complete.  One system call as
 * well.  The ends of pipes are opened anew, so that their mode is ours alone; to sockets, which User-mode Linux uses, a message goes that
 * does not wait, whatever their mode.
 *
 * One notifier serves all ports of a link.
 */
#pragma once

struct notifier;

enum notify_kind {
	NOTIFY_EVENTFD, /* or what else it may be: unlike the others it fails at the first use */
	NOTIFY_PIPE,
	NOTIFY_SOCKET,
};

struct notify_line {
	int fd; /* -1: none */
	enum notify_kind kind;
};

#define NOTIFY_NONE ((struct notify_line){ .fd = -1 })

/* Where the kernel has no asynchronous I/O, a line is written to after all.  Negative errno. */
int notifier_new(struct notifier **ret);
/* NULL is fine. */
void notifier_free(struct notifier *n);

/* @fd, which is owned from now on whatever happens; the former descriptor is closed.  -1: none.  -EINVAL when nobody can be told by it. */
int notify_line_set(struct notify_line *l, int fd);
/* Never waits.  Whom it does not reach has been told already, or does not want to know. */
void notify_line_tell(const struct notify_line *l, struct notifier *n);
