/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reload: the control thread reads the configuration, and the network's thread applies it between two turns. */
#pragma once

struct control;

/* For SIGHUP.  Logs the result. */
void reload_now(struct control *c);
