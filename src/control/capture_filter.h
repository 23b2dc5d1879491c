/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpcap's filter expressions (pcap-filter(7)): compiled by it, and interpreted by its bpf_filter(), which works on memory only,
 * has no loops and looks at nothing behind the bytes that it is given.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_filter;

/*
 * Compiles @text for frames of which @snaplen bytes are kept.  NULL, and libpcap's words in *@ret_error, to be g_free()d, when
 * it is wrong.  Any thread; takes long when there are names of hosts in it that have to be looked up.
 */
struct capture_filter *capture_filter_new(const char *text, unsigned snaplen, char **ret_error);
/* NULL is fine. */
void capture_filter_free(struct capture_filter *f);

/* How many bytes of a frame it can look at. */
size_t capture_filter_reach(const struct capture_filter *f);
/* struct capture_config's wants(). */
bool capture_filter_wants(const void *filter, const uint8_t *bytes, size_t n, size_t len);
