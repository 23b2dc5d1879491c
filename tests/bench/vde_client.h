/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plugging into a VDE switch, as libvdeplug does. */
#pragma once

/* Both sockets block.  The plug is pulled when the control connection ends. */
struct vde_client {
	int control, data;
};

/* Plugs into the switch at @directory; @number tells the clients of one process apart.  Negative errno. */
int vde_client_open(const char *directory, int number, struct vde_client *ret);
