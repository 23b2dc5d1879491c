/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host sockets of forwards, and explanations of their errors. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A socket bound to @at, CLOEXEC and NONBLOCK: UDP, or TCP and listening.  Negative errno, and one line in @error, which names the process
 * that has the port where the system tells.
 */
int forward_socket_open(bool udp, const struct ip_endpoint *at, char *error, size_t size);
