/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TCP connection to a guest's port through the network's engine: POST /v1/connect turns its own connection into it. */
#pragma once

#include <glib.h>

struct arguments;

/*
 * Returns a blocking stream socket of the caller, or -1: FAILURE_NOT_RUNNING, FAILURE_NOT_FOUND (no such guest, or no address
 * yet), FAILURE_REFUSED, FAILURE_UNREACHABLE, FAILURE_TIMEOUT, FAILURE_USAGE or FAILURE_GENERAL.
 */
int tunnel_open(const struct arguments *a, const char *guest, guint16 port, GError **error);
