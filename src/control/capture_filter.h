/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filter expressions of libpcap (pcap-filter(7)): compiled by libpcap, and interpreted by its bpf_filter(), which works on memory only, has
 * no loops, and reads nothing past the bytes that it is given.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_filter;

/*
 * Compiles @text for frames of which @snaplen bytes are kept.  When it is invalid: NULL, and libpcap's error in *@ret_error, to be
 * g_free()d.  Any thread.  Takes long when @text has host names, which libpcap resolves.
 */
struct capture_filter *capture_filter_new(const char *text, unsigned snaplen, char **ret_error);
/* NULL is fine. */
void capture_filter_free(struct capture_filter *f);

/* How many bytes of a frame it reads at most. */
size_t capture_filter_reach(const struct capture_filter *f);
/* struct capture_config's wants(). */
bool capture_filter_wants(const void *filter, const uint8_t *bytes, size_t n, size_t len);
