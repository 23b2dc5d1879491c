/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the configuration again: the files on the control thread, the change between two turns of the network. */
#pragma once

struct control;

/* As SIGHUP asks for: what comes of it is logged. */
void reload_now(struct control *c);
