/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces of `lanlet exec`: a user namespace in which the caller keeps its user id, and in it a network namespace and private
 * mounts. Needs neither root nor a setuid helper.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Moves this single-threaded process into new namespaces, in which it has every capability. @hostname NULL: keep the host's.
 * Errors name the setting that forbids it and how to change it.
 */
bool exec_namespace_enter(const char *hostname, GError **error);

/* Replaces resolv.conf with @text for this process and its children, and hides the host's resolvers from them. */
bool exec_namespace_set_resolver(const char *text, GError **error);

/* Makes /sys/class/net show the new network, if the kernel lets an ordinary user do that. */
void exec_namespace_show_devices(void);

/* Lets the caller's groups open ping sockets; where that fails, ping uses its capability. */
void exec_namespace_allow_ping(void);

/* Keeps CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE across execve(). */
bool exec_namespace_keep_capabilities(GError **error);
