/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to one or more guests, as options describe it: "WHAT,KEY=VALUE,…", where WHAT is a descriptor, the path of a socket, or
 * two UDP addresses, and the keys are type, mac, name and the properties of the port (options/port_properties.h).  A plain value.
 */
#pragma once

#include "base/addr.h"
#include "lan/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

enum attachment_kind {
	ATTACHMENT_FD,      /* a descriptor that the parent process left open */
	ATTACHMENT_CONNECT, /* a socket where the guest listens */
	ATTACHMENT_UDP,     /* datagrams between two addresses */
};

struct attachment {
	enum attachment_kind kind;
	const char *type; /* static: the word of a struct link_socket (link/link.h), as "vhost"; NULL: none was given */
	int fd;           /* ATTACHMENT_FD */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* ATTACHMENT_CONNECT */
	struct ip_endpoint local, peer;                            /* ATTACHMENT_UDP: both of one family, and no port is 0 */
	struct port_identity identity;
};

struct attachment_list {
	struct attachment *at;
	size_t n;
};

/* -EINVAL, with a reason in *@ret_why where the text that the option accepts does not say it all. */
int attachment_parse(enum attachment_kind kind, const char *text, struct attachment *ret, const char **ret_why);

/* -ENOMEM. */
int attachment_list_add(struct attachment_list *l, const struct attachment *attachment);
/* -ENOMEM; @ret is then untouched. */
int attachment_list_copy(const struct attachment_list *from, struct attachment_list *ret);
/* Compares the attachments of @kind, in order. */
bool attachment_list_equal(const struct attachment_list *a, const struct attachment_list *b, enum attachment_kind kind);
/* Removes the attachments of @kind. */
void attachment_list_remove(struct attachment_list *l, enum attachment_kind kind);
/* Empties it. */
void attachment_list_clear(struct attachment_list *l);
