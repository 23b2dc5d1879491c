/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control plane has to end with itself: connections to guests that are being opened. */
#pragma once

struct control;

/* When both threads are at rest. */
void connects_cancel(struct control *c);
