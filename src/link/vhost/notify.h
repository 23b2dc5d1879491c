/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifies a front end through a descriptor that it passed, without ever blocking.
 *
 * The front end shares the open file of an eventfd, with its O_NONBLOCK and its counter, and may change both at any moment, so a write()
 * could block for ever.  The kernel's own signalling of an eventfd, when an asynchronous read completes (io_submit(2), IOCB_FLAG_RESFD),
 * never blocks; a read of an empty file is used for that, which is one system call, too.  Pipes are opened again, so that their mode cannot
 * be changed from outside; messages to sockets, which User-mode Linux uses, are sent with MSG_DONTWAIT.  Where the kernel has no
 * asynchronous I/O (CONFIG_AIO, seccomp, fs.aio-max-nr), each eventfd is written to by a thread of its own, which costs a switch for each
 * notification.
 *
 * One notifier serves all ports of a link.
 */
#pragma once

struct notifier;
struct notify_thread;

enum notify_kind {
	NOTIFY_EVENTFD, /* or a file of another type, on which the first notification fails */
	NOTIFY_PIPE,
	NOTIFY_SOCKET,
};

struct notify_line {
	int fd; /* -1: none */
	enum notify_kind kind;
	struct notify_thread *thread; /* NULL: the caller notifies by itself */
};

#define NOTIFY_NONE ((struct notify_line){ .fd = -1 })

/* Negative errno. */
int notifier_new(struct notifier **ret);
/* NULL is fine. */
void notifier_free(struct notifier *n);

/*
 * Sets @fd, which is owned from now on even after a failure; closes the former descriptor.  -1: none.  @n: that will notify, NULL if
 * nothing will.  -EINVAL when it cannot notify, or the errno of what is missing.
 */
int notify_line_set(struct notify_line *l, int fd, const struct notifier *n);
/* Never blocks.  A notification that does not get through is one of many that the peer has not read yet. */
void notify_line_tell(const struct notify_line *l, struct notifier *n);
