/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of an inherited descriptor. */
#pragma once

#include <stdbool.h>

struct socket_facts {
	int domain; /* AF_UNIX, AF_INET, … */
	int type;   /* SOCK_STREAM, … */
	bool listens;
	bool is_connected;
	bool is_bound;
};

/* Examines @fd and sets FD_CLOEXEC.  -EBADF when it is not open, -ENOTSOCK, or another negative errno. */
int socket_facts_get(int fd, struct socket_facts *ret);

/* Text for the error -@error of socket_facts_get(); static, or as strerror(). */
const char *socket_facts_explain(int error);
