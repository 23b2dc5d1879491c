/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VDE client, as libvdeplug is. */
#pragma once

/* Both sockets are blocking.  The switch removes the port when the control connection is closed. */
struct vde_client {
	int control, data;
};

/* Connects to the switch at @directory; @number is unique among the clients of one process.  Returns 0 or negative errno. */
int vde_client_open(const char *directory, int number, struct vde_client *ret);
