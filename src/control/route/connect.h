/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to guests that are being opened, which the control plane has to end. */
#pragma once

struct control;

/* When neither thread runs. */
void connects_cancel(struct control *c);
