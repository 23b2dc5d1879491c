/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a person says of something to plug in: "WHAT,KEY=VALUE,…", where WHAT is a descriptor, the path of a socket, or two UDP
 * addresses, and the keys are type, mac and name.  A plain value.
 */
#pragma once

#include "base/addr.h"
#include "lan/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

enum plug_kind {
	PLUG_FD,      /* a descriptor that was passed to us */
	PLUG_CONNECT, /* a socket where somebody else listens */
	PLUG_UDP,     /* datagrams between two addresses */
};

enum plug_type {
	PLUG_TYPE_AUTO, /* what the socket itself says */
	PLUG_TYPE_STREAM,
	PLUG_TYPE_DGRAM,
	PLUG_TYPE_SEQPACKET,
	PLUG_TYPE_VHOST,
	PLUG_TYPE_VDE,
};

struct plug {
	enum plug_kind kind;
	enum plug_type type;
	int fd;                                                    /* PLUG_FD */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* PLUG_CONNECT */
	struct ip_endpoint local, peer;                            /* PLUG_UDP: of one family, no port is 0 */
	struct port_identity identity;
};

struct plug_list {
	struct plug *at;
	size_t n;
};

/* -EINVAL, with a reason in *@ret_why where there is more to say than what is accepted. */
int plug_parse(enum plug_kind kind, const char *text, struct plug *ret, const char **ret_why);
/* The word for @type, as "stream". */
const char *plug_type_name(enum plug_type type);
/* -EINVAL when there is no such type. */
int plug_type_parse(const char *word, enum plug_type *ret);

bool plug_equal(const struct plug *a, const struct plug *b);

/* -ENOMEM. */
int plug_list_add(struct plug_list *l, const struct plug *plug);
/* -ENOMEM; @ret is then untouched. */
int plug_list_copy(const struct plug_list *from, struct plug_list *ret);
/* Takes out those of @kind. */
void plug_list_remove(struct plug_list *l, enum plug_kind kind);
/* Empties it. */
void plug_list_clear(struct plug_list *l);
