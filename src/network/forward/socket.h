/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host sockets of forwards, and what goes wrong with them said in words. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct sockaddr_storage;

/*
 * A socket bound to @at, CLOEXEC and NONBLOCK: UDP, or TCP and listening.  Negative errno with one line in @error, which names the
 * owner of a port that is taken where the system tells.
 */
int forward_socket_open(bool udp, const struct ip_endpoint *at, char *error, size_t size);
/*
 * A datagram socket of the same port as @shared, which forward_socket_open() made, that gets what @peer sends from now on.  Negative
 * errno.
 */
int forward_socket_connect(int shared, const struct ip_endpoint *peer);
/* All zeroes for what is no internet address. */
struct ip_endpoint forward_socket_endpoint(const struct sockaddr_storage *from);
