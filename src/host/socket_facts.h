/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a descriptor that somebody passed to us is. */
#pragma once

#include <stdbool.h>

struct socket_facts {
	int domain; /* AF_UNIX, AF_INET, … */
	int type;   /* SOCK_STREAM, … */
	bool listens;
	bool is_connected;
	bool is_bound;
};

/*
 * Looks at @fd and makes it close on exec.  -EBADF when it is not open, -ENOTSOCK, or another negative errno.
 */
int socket_facts_get(int fd, struct socket_facts *ret);

/* What is wrong with a descriptor for which socket_facts_get() returned -@error; static, or as strerror(). */
const char *socket_facts_explain(int error);
