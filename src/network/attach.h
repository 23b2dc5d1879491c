/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaches the guests that the options fd, connect and udp name. */
#pragma once

#include "options/attachment.h"

struct lanlet_network;

/* In order.  Stops at the first that fails: negative errno, and one line in @error. */
int attach_all(struct lanlet_network *n, const struct attachment_list *list, char *error, size_t size);
