/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of promises that only the native engine makes, on the bench of the contract's tests. */
#pragma once

#include "contract.h"

/* That the whole program may have open, where the hard limit allows. */
#define NATIVE_DESCRIPTORS 20000u

/* Sets a patience that suits a busy machine. Pair with teardown(). */
void native_setup(struct fixture *f, gconstpointer row, const struct bench_options *options);
void native_setup_plain(struct fixture *f, gconstpointer row);

extern const struct contract_test native_limits[], native_errors[], native_tcp[], native_udp[], native_mtu[], native_fields[],
	native_ports[];
