/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VDE switch: directories whose `ctl` socket speaks the switch protocol of VDE, so that QEMU's `-netdev vde`, vde_plug, vdens and
 * User-mode Linux plug in as if vde_switch ran there.
 *
 * A client connects to ctl and says where its datagram socket is; it is answered with the address of one of ours, and from then on each
 * datagram is a frame.  The control connection says nothing more; when it ends, the port is unplugged.  Directories, ports and the
 * sockets in the file system all belong to one struct vde_link per segment.
 *
 *     request     what a client asks for        on memory only
 */
#pragma once

#include "base/usec.h"

#include <stddef.h>

struct log;
struct poller;
struct segment;
struct vde_link;

/* Of one directory, clients that have not asked for anything yet among them. */
#define VDE_PORTS_MAX 256u

struct vde_link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log;
	size_t mtu; /* of the ports: what the whole path to a guest is known to carry */
};

/* -ENOMEM. */
int vde_link_new(const struct vde_link_config *config, struct vde_link **ret);
/* Unplugs all, removes the sockets and the directories when nothing else is in them.  NULL is fine. */
void vde_link_free(struct vde_link *l, usec_t now);

/*
 * Is a switch at @directory, which is made with mode 0700 when it is not there.  What a dead switch left is replaced.  Negative errno
 * with one line in @error: -EADDRINUSE when a switch runs there, -ENAMETOOLONG, -EACCES …
 */
int vde_link_listen(struct vde_link *l, const char *directory, char *error, size_t size);

/*
 * The same with a socket that somebody else made and keeps: it listens at DIRECTORY/ctl, and both stay in the end.  @fd is owned from now
 * on when 0 is returned.  -EINVAL when its name is another one.
 */
int vde_link_adopt(struct vde_link *l, int fd, char *error, size_t size);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t vde_link_deadline(const struct vde_link *l);
void vde_link_expire(struct vde_link *l, usec_t now);
