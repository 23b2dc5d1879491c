/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of what only the native engine promises, on the bench of the contract's tests. */
#pragma once

#include "contract.h"

/* Patience of a busy machine; to be ended with teardown(). */
void native_setup(struct fixture *f, gconstpointer row, const struct bench_options *options);
void native_setup_plain(struct fixture *f, gconstpointer row);

extern const struct contract_test native_limits[], native_errors[], native_tcp[], native_udp[];
