/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to guests that are still being opened.  The control plane cancels them when it ends. */
#pragma once

struct control;

/* When neither thread runs. */
void connects_cancel(struct control *c);
