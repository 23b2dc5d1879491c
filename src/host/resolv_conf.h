/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the name servers in the text of a resolv.conf(5).  resolv_follower.h reads the file. */
#pragma once

#include <stddef.h>

struct dns_server_list;

/*
 * As libc: takes lines of "nameserver" and an address of either family, with an optional scope.  Other lines and invalid addresses
 * are skipped.  Duplicates count once.
 */
void resolv_conf_parse(const char *text, size_t len, struct dns_server_list *ret);
