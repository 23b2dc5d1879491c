/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name servers in a resolv.conf(5).  Reads text, nothing else; who finds the file is resolv_follower.h. */
#pragma once

#include <stddef.h>

struct dns_server_list;

/*
 * As libc reads it: lines that begin with "nameserver", an address of either family with a scope if it has one; anything
 * else, and what is no address, is passed over.  Duplicates count once.
 */
void resolv_conf_parse(const char *text, size_t len, struct dns_server_list *ret);
