/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/forward.h"

#include "base/macros.h"
#include "engine/slirp/socket_dir.h"
#include "engine/slirp/state.h"
#include "gateway/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors that libslirp opens meanwhile, and without which it aborts the process: two listeners' sockets and one connection. */
#define SPARE_FDS 6

static bool has_spare_fds(int any_fd)
{
	int fds[SPARE_FDS];
	unsigned n = 0;
	while (n < SPARE_FDS && (fds[n] = fcntl(any_fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	return n == SPARE_FDS;
}

static int check(const struct engine *e, const struct engine_open *how)
{
	int type;
	socklen_t len = sizeof(type);
	if (how->opening || !ip_is_v4(&how->to.addr) || !ip_is_v4(&how->source.addr))
		return -EOPNOTSUPP;
	if (ip_to_ip4(&how->source.addr) != e->config.gateway || how->source.port != 0)
		return -EOPNOTSUPP;
	if (getsockopt(how->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM)
		return -EOPNOTSUPP;
	return 0;
}

static int set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* Makes @s accept a connection and connect it to the guest's @port. The returned socket is libslirp's end. */
static int connect_guest(struct stack *s, const char *path, uint16_t port, struct slirp_socket **ret)
{
	const struct slirp_flow flow = { .kind = SOCKET_FORWARD, .guest_port = port, .peer = STACK_HOST };
	int r = stack_listen(s, path, port);
	if (r < 0)
		return r;
	int fd;
	r = socket_dir_connect(path, &fd);
	if (r == 0) {
		*ret = stack_accept(s, &flow);
		r = *ret ? 0 : -ENOMEM;
		/* libslirp does not poll its end before the guest has answered, so it will not notice this close(). */
		close(fd);
	}
	stack_unlisten(s, path);
	unlink(path);
	return r;
}

int slirp_forward_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	int r = check(e, how);
	if (r < 0)
		return r;
	char path[UNIX_PATH_SIZE];
	r = socket_dir_path(e, "forward", path);
	if (r < 0)
		return r;
	unlink(path);
	struct slirp_guest *g = slirp_guest_get(e, how->guest, ip_to_ip4(&how->to.addr));
	if (!g)
		return -ENOMEM;
	struct stack *s = slirp_guest_stack(g, STACK_GATEWAY);
	if (!s || !engine_may_open(e, s, SOCKET_FORWARD) || !has_spare_fds(how->fd)) {
		slirp_guest_release(g);
		return s ? -EMFILE : -ENOMEM;
	}
	struct slirp_socket *x = NULL;
	r = set_nonblock(how->fd);
	if (r == 0)
		r = connect_guest(s, path, how->to.port, &x);
	if (r < 0)
		return r;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): connect_guest() sets x when it returns 0 */
	if (dup3(how->fd, x->fd, O_CLOEXEC) < 0)
		return -errno;
	close(how->fd);
	/* Until the guest has accepted, an end means refusal. */
	slirp_socket_set_reset(x, true);
	return 0;
}
