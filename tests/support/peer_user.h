/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes peers of unix sockets look like another user's (SO_PEERCRED), so that an ordinary user can test what other users are refused.
 * The program's getsockopt() stands in front of the C library's.
 */
#pragma once

/* Of all peers from now on; -1: their own. */
void peer_user_pretend(int uid);
