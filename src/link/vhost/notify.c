/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/notify.h"

#include "base/macros.h"
#include "link/vhost/notify_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The head of the completion ring that the kernel maps (fs/aio.c, libaio's aio_ring.h). */
struct completions {
	uint32_t id, n;
	uint32_t head, tail;
	uint32_t magic;
};

#define COMPLETIONS_MAGIC 0xa10a10a1u

struct notifier {
	aio_context_t context; /* 0: none */
	int empty_fd;          /* an empty file: a read completes at once */
};

int notifier_new(struct notifier **ret)
{
	struct notifier *n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->empty_fd = memfd_create("lanlet-notify", MFD_CLOEXEC);
	if (n->empty_fd < 0) {
		int r = -errno;
		free(n);
		return r;
	}
	if (syscall(SYS_io_setup, 1, &n->context) < 0)
		n->context = 0;
	const struct completions *c = (const struct completions *)n->context;
	if (c && c->magic != COMPLETIONS_MAGIC) {
		syscall(SYS_io_destroy, n->context);
		n->context = 0;
	}
	*ret = n;
	return 0;
}

void notifier_free(struct notifier *n)
{
	if (!n)
		return;
	if (n->context)
		syscall(SYS_io_destroy, n->context);
	close(n->empty_fd);
	free(n);
}

/* Discards completions, which are of no interest. */
static void forget_completions(struct notifier *n)
{
	struct completions *c = (struct completions *)n->context;
	__atomic_store_n(&c->head, __atomic_load_n(&c->tail, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

/* Fails unless the line is an eventfd. */
static void signal_eventfd(struct notifier *n, int fd)
{
	struct iocb read_nothing = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)n->empty_fd,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *list[] = { &read_nothing };
	if (syscall(SYS_io_submit, n->context, 1, list) == 1)
		forget_completions(n);
}

/* Opens both ends: writing to a pipe without a reader raises SIGPIPE. */
static int reopen_pipe(int fd)
{
	char path[sizeof("/proc/self/fd/") + 12];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int own = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return own < 0 ? -errno : own;
}

static enum notify_kind kind_of(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return NOTIFY_EVENTFD;
	return S_ISFIFO(st.st_mode) ? NOTIFY_PIPE : S_ISSOCK(st.st_mode) ? NOTIFY_SOCKET : NOTIFY_EVENTFD;
}

int notify_line_set(struct notify_line *l, int fd, const struct notifier *n)
{
	notify_thread_free(l->thread);
	if (l->fd >= 0)
		close(l->fd);
	*l = NOTIFY_NONE;
	if (fd < 0)
		return 0;
	enum notify_kind kind = kind_of(fd);
	int own = kind == NOTIFY_PIPE ? reopen_pipe(fd) : fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : fd;
	if (own != fd)
		close(fd);
	if (own < 0)
		return own == -ENOMEM || own == -EMFILE ? own : -EINVAL;
	struct notify_thread *thread = NULL;
	int r = kind == NOTIFY_EVENTFD && n && !n->context ? notify_thread_new(own, &thread) : 0;
	if (r < 0) {
		close(own);
		return r;
	}
	*l = (struct notify_line){ .fd = own, .kind = kind, .thread = thread };
	return 0;
}

void notify_line_tell(const struct notify_line *l, struct notifier *n)
{
	if (l->fd < 0)
		return;
	const uint64_t once = 1;
	if (l->kind == NOTIFY_EVENTFD) {
		if (l->thread)
			notify_thread_tell(l->thread);
		else
			signal_eventfd(n, l->fd);
		return;
	}
	ssize_t done = l->kind == NOTIFY_SOCKET ? send(l->fd, &once, sizeof(once), MSG_DONTWAIT | MSG_NOSIGNAL)
						: write(l->fd, &once, sizeof(once));
	(void)done;
}
