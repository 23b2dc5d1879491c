/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP/1.1 server for network boot: GET and HEAD of the files of one directory (files.h), over TCP that the engine terminates
 * (gateway/stream_service.h).  Pure but for what the files do.  A port of the segment has a share of the connections.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "gateway/service.h"
#include "gateway/stream_service.h"

#include <stdint.h>

struct boot_files;
struct log;
struct sink;

#define BOOT_HTTP_PORT 80
#define BOOT_HTTP_CONNECTIONS_MAX 256u
/* A connection on which nothing moves for so long is closed. */
#define BOOT_HTTP_IDLE (60 * USEC_PER_SEC)

struct boot_http_config {
	struct boot_files *files; /* borrowed */
	struct sink *sink;        /* for drops; borrowed */
	struct log *log;          /* borrowed, may be NULL */
};

struct boot_http {
	struct stream_service streams;
	struct service service; /* for its deadline only */
	struct boot_http_config config;
	struct list by_activity;
	unsigned n;
	uint8_t buf[65536]; /* of the file, on its way to one guest */
};

void boot_http_init(struct boot_http *h, const struct boot_http_config *config);
/* Closes all connections.  Harmless on a zeroed struct. */
void boot_http_done(struct boot_http *h);
