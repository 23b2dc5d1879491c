/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eth0 of `lanlet exec`: a tap device in the network namespace of this process. */
#pragma once

#include "base/addr.h"

#include <glib.h>
#include <stdbool.h>

struct dhcp_client_lease;
struct dhcp6_client_state;

#define EXEC_INTERFACE "eth0"
/* Longest frame of the device; the kernel's limit for a tap's MTU is a little lower. */
#define EXEC_FRAME_MAX ((size_t)65535 + 18)

/* Creates the device with @mac and brings it and lo up. A non-blocking descriptor with close-on-exec, or -1. */
int exec_interface_open(struct mac mac, GError **error);

/* Sets the address, MTU and default route of @lease, replacing the previous ones. */
bool exec_interface_configure(const struct dhcp_client_lease *lease, GError **error);
/* Removes the address. */
void exec_interface_clear(void);
/* Removes the IPv6 address of @before, unless it is that of @now as well, and adds that one.  No harm where the kernel has no IPv6. */
void exec_interface_configure6(const struct dhcp6_client_state *before, const struct dhcp6_client_state *now);
