/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The namespaces of `lanlet exec`: a user namespace in which the caller stays who he is, and in it a network of its own and private
 * mounts.  Without root, without a helper program.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Moves this process, which has one thread, into new namespaces in which it has every capability.  @hostname NULL: the
 * machine's.  Errors say what forbids it and how that is changed.
 */
bool exec_namespace_enter(const char *hostname, GError **error);

/* Puts @text in the place of resolv.conf for this process and its children, and hides the host's own resolvers from them. */
bool exec_namespace_set_resolver(const char *text, GError **error);

/* Makes /sys/class/net tell of the new network, where the kernel lets an ordinary user do that. */
void exec_namespace_show_devices(void);

/* Lets the groups of the caller open ping sockets; where that is not possible, ping uses its capability. */
void exec_namespace_allow_ping(void);

/* What remains over execve(): CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE. */
bool exec_namespace_keep_capabilities(GError **error);
