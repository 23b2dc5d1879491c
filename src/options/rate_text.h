/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A limit of bandwidth as text: "AVERAGE", "AVERAGE/PEAK", "AVERAGE/PEAK/BURST" or "AVERAGE//BURST", or "off".  Rates are in bits per
 * second, as network cards are sold, with k, M or G for 10^3, 10^6 or 10^9; the burst is in bytes, with K or M for 2^10 or 2^20.
 */
#pragma once

#include "lan/rate.h"

/* Room for any limit, with the NUL. */
#define RATE_TEXT_SIZE sizeof("100000000000/100000000000/1073741824")

/* -EINVAL, with a reason in *@ret_why where it is not the form that is wrong. */
int rate_parse(const char *text, struct rate_limit *ret, const char **ret_why);
/* Canonical: equal limits are equal texts; returns @text. */
char *rate_format(const struct rate_limit *l, char text[static RATE_TEXT_SIZE]);
