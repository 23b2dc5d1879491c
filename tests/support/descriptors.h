/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <sys/resource.h>

/*
 * A login has a soft limit of 1024 descriptors, which tests with thousands of peers in their own process exceed. Raises it to @wanted
 * or the hard limit, whichever is less; never lowers it. Returns whether @wanted descriptors may be open; a test skips when not.
 */
static inline bool descriptors_allow(rlim_t wanted)
{
	struct rlimit limit;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = MIN(wanted, limit.rlim_max);
		g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	}
	return limit.rlim_cur >= wanted;
}

#define DESCRIPTORS_TOO_FEW "the hard limit of descriptors is too low"
