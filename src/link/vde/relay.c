/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plugins of libvdeplug 4.0 do, and what this file does about it:
 *
 *   vde_open() looks up names, waits for a switch's answer, runs programs (cmd://)     its own thread
 *   vde_close() waits for the program of cmd:// to end                                 likewise
 *   vde_datafd() is a socket (vde, ptp, udp, vxlan, seqpacket), a tap, a pipe (cmd)
 *     or an epoll set with blocking sockets in it (vxvde, switch, hub, multi, bonding) poll() before each vde_recv(), unless it is a
 *                                                                                      socket or tap, which can be made non-blocking
 *   cmd: reading at the end of the pipe leaks descriptors                              a pipe that has hung up is not read
 *   cmd: writing to a program that is gone raises SIGPIPE                              all signals are blocked here
 *   vxlan: vde_send() keeps what it sends in a static variable                         a lock around it
 *   vxlan: vde_recv() remembers as a sender's address what was on the stack (4.0.1),   nothing is remembered (hashsize=0): what is
 *     and vde_send() sends to nowhere what is for one host                               for one host goes to the group
 *   vxvde, vxlan, cmd: vde_recv() returns 1 for what is no frame                       less than a header is thrown away
 */
#include "link/vde/relay.h"

#include "base/macros.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvdeplug.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_MIN 14
/* Frame size of vde_switch and its clients. */
#define SWITCH_FRAME_MAX 1518
/* Frames carried in one direction before it is the other's turn. */
#define FRAMES_PER_TURN 64
/* A frame that a non-blocking plugin does not take is sent again after 1, 2, 4 … ms, and dropped after this many attempts. */
#define TRIES_MAX 8

static const struct {
	const char *scheme;
	size_t max_frame;
} switches[] = {
	{ "vde", SWITCH_FRAME_MAX },
};

/* Appended to the URL unless it has that option. */
#define VXLAN_OPTION "hashsize="
#define VXLAN_DEFAULT "/" VXLAN_OPTION "0"

struct relay {
	VDECONN *conn;
	int fd;             /* the relay's end of the socket pair */
	bool can_fail;      /* the data descriptor does not block, so vde_recv() may be called until it fails */
	bool locked;        /* vde_send() needs the lock */
	size_t waiting_len; /* length of the frame in out[] that waits for the plugin; 0: none */
	unsigned tries;
	uint8_t in[VDE_ETHBUFSIZE], out[VDE_ETHBUFSIZE];
	char url[];
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* libvdeplug loads plugins with RTLD_DEEPBIND, which sanitizers do not allow.  This definition, found before libc's, drops the flag. */
void *dlopen(const char *file, int mode)
{
	void *(*real)(const char *file, int mode) = dlsym(RTLD_NEXT, "dlopen");
	return real(file, mode & ~RTLD_DEEPBIND);
}
#endif

/* Held around vde_send() of vxlan, which uses a static variable. */
static pthread_mutex_t static_variable = PTHREAD_MUTEX_INITIALIZER;

static bool has_scheme(const char *url, const char *scheme)
{
	size_t len = strlen(scheme);
	return strncmp(url, scheme, len) == 0 && strncmp(url + len, "://", 3) == 0;
}

bool vde_relay_is_available(void)
{
	return true;
}

size_t vde_relay_max_frame(const char *url)
{
	if (!strstr(url, "://"))
		return SWITCH_FRAME_MAX; /* a path means vde:// */
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (has_scheme(url, switches[i].scheme))
			return switches[i].max_frame;
	return VDE_ETHBUFSIZE;
}

/* --- to the VDE network --- */

static ssize_t send_locked(struct relay *r, size_t len)
{
	if (r->locked)
		pthread_mutex_lock(&static_variable);
	ssize_t n = vde_send(r->conn, r->out, len, 0);
	if (r->locked)
		pthread_mutex_unlock(&static_variable);
	return n;
}

/*
 * Sends the frame in out[], or keeps it for later.  After other failures the frame is lost, as on a wire.  The end of the connection shows
 * when reading.
 */
static void send_frame(struct relay *r, size_t len)
{
	bool full = send_locked(r, len) < 0 && (errno == EAGAIN || errno == ENOBUFS) && r->can_fail && r->tries < TRIES_MAX;
	r->waiting_len = full ? len : 0;
	r->tries = full ? r->tries + 1 : 0;
}

/* False when the data thread has closed its end. */
static bool carry_out(struct relay *r)
{
	for (unsigned i = 0; i < FRAMES_PER_TURN && r->waiting_len == 0; i++) {
		ssize_t n = recv(r->fd, r->out, sizeof(r->out), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		send_frame(r, (size_t)n);
	}
	return true;
}

/* --- from the VDE network --- */

/* Errors after which the connection goes on, such as an earlier datagram that was refused. */
static bool is_passing(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENOMEM:
	case EMSGSIZE:
	case ECONNREFUSED:
	case ECONNRESET:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN: return true;
	default: return false;
	}
}

/* False when the connection has ended, or the data thread has closed its end. */
static bool carry_in(struct relay *r)
{
	for (unsigned i = 0; i < (r->can_fail ? FRAMES_PER_TURN : 1); i++) {
		errno = 0;
		ssize_t n = vde_recv(r->conn, r->in, sizeof(r->in), 0);
		if (n < 0)
			return is_passing(errno);
		if (n < FRAME_MIN)
			continue;
		/* Blocks until the data thread has read, which is soon, and slows the sender down. */
		if (send(r->fd, r->in, (size_t)n, MSG_NOSIGNAL) < 0 && errno != EINTR)
			return false;
	}
	return true;
}

/* --- the thread --- */

static bool is_control_over(int fd)
{
	char bytes[64];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void carry(struct relay *r)
{
	struct pollfd p[] = {
		{ .fd = r->fd, .events = POLLIN },
		{ .fd = vde_datafd(r->conn), .events = POLLIN },
		{ .fd = vde_ctlfd(r->conn), .events = POLLIN }, /* -1: none, which poll() ignores */
	};
	for (bool goes_on = true; goes_on;) {
		p[0].events = r->waiting_len > 0 ? 0 : POLLIN;
		if (poll(p, ARRAY_SIZE(p), r->waiting_len > 0 ? 1 << (r->tries - 1) : -1) < 0 && errno != EINTR)
			return;
		if (r->waiting_len > 0)
			send_frame(r, r->waiting_len);
		if (p[0].revents)
			goes_on = p[0].revents & POLLIN ? carry_out(r) : false;
		if (goes_on && p[1].revents)
			goes_on = p[1].revents & POLLIN || (p[1].revents & POLLERR && r->can_fail) ? carry_in(r) : false;
		if (goes_on && p[2].revents)
			goes_on = !is_control_over(p[2].fd);
	}
}

/* Sockets and taps are made non-blocking; a pipe must block, because the plugin reads a frame in two steps. */
static bool make_nonblocking(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !(S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode)))
		return false;
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static VDECONN *open_url(char *url)
{
	char description[] = "lanlet"; /* the library wants a writable string */
	errno = 0;
	return vde_open(url, description, NULL);
}

static void *run(void *opaque)
{
	struct relay *r = opaque;
	r->conn = open_url(r->url);
	int error = r->conn ? 0 : errno ? errno : EINVAL;
	send(r->fd, &error, sizeof(error), MSG_NOSIGNAL);
	if (r->conn) {
		r->can_fail = make_nonblocking(vde_datafd(r->conn));
		carry(r);
	}
	/* Tell the data thread at once; vde_close() may take long. */
	close(r->fd);
	if (r->conn)
		vde_close(r->conn);
	free(r);
	return NULL;
}

/* A detached thread with all signals blocked. */
static int start_thread(struct relay *r)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int error = pthread_attr_init(&attributes);
	if (error != 0)
		return -error;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, &attributes, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int vde_relay_start(const char *url)
{
	int fds[2];
	bool is_vxlan = has_scheme(url, "vxlan");
	size_t size = strlen(url) + sizeof(VXLAN_DEFAULT);
	struct relay *r = calloc(1, sizeof(*r) + size);
	if (!r)
		return -ENOMEM;
	r->locked = is_vxlan;
	strcpy(r->url, url);
	if (is_vxlan && !strstr(url, VXLAN_OPTION))
		strcat(r->url, VXLAN_DEFAULT);
	int error = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
	if (error == 0) {
		r->fd = fds[1];
		error = start_thread(r);
		if (error < 0) {
			close(fds[0]);
			close(fds[1]);
		}
	}
	if (error < 0) {
		free(r);
		return error;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return fds[0];
}
