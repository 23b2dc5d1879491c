/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eth0 of `lanlet exec`: a tap device in the network namespace of this process, set up by hand. */
#pragma once

#include "base/addr.h"

#include <glib.h>
#include <stdbool.h>

struct dhcp_client_lease;

#define EXEC_INTERFACE "eth0"
/* What a frame of it has at most; the kernel's limit for a tap's MTU is a little below. */
#define EXEC_FRAME_MAX ((size_t)65535 + 18)

/* Makes the device with @mac and brings it and lo up.  A descriptor that is closed on exec and does not block, or -1. */
int exec_interface_open(struct mac mac, GError **error);

/* Gives it the address, MTU and default route of @lease, in place of what it had. */
bool exec_interface_configure(const struct dhcp_client_lease *lease, GError **error);
/* Takes the address back. */
void exec_interface_clear(void);
