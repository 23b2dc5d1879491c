/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plugs in what the options of a network name. */
#pragma once

#include "options/attachment.h"

struct lanlet_network;

/* In order, up to the first that fails: negative errno then, and one line in @error. */
int attach_all(struct lanlet_network *n, const struct attachment_list *list, char *error, size_t size);
