/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of calls from other threads; the functions of network.h are in the same file. */
#pragma once

struct lanlet_network;

/* Negative errno; calls_done() then frees what was made. */
int calls_init(struct lanlet_network *n);
/* Harmless when calls_init() failed or was not called. */
void calls_done(struct lanlet_network *n);
