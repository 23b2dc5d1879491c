/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where `lanlet capture` writes: standard output, a file, or a ring of files.  What cannot be written, as the disk is full, is lost and
 * counted; the file ends with a whole block at any time, and goes on as soon as there is room.  The blocks that others refer to, section
 * and interfaces, are never lost, and each file of a ring begins with them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct capture_file;

#define CAPTURE_RING_MIN ((guint64)1024 * 1024)

/*
 * @path NULL: standard output.  @ring: bytes that all files of the ring have together at most; 0: one file without a limit.  NULL on
 * failure.
 */
struct capture_file *capture_file_new(const char *path, guint64 ring, GError **error);
/* NULL is fine. */
void capture_file_free(struct capture_file *f);
typedef struct capture_file CaptureFile;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureFile, capture_file_free)

/* The next bytes of the stream.  False: whoever reads what is written has enough, or the stream is none. */
bool capture_file_take(struct capture_file *f, const void *bytes, gsize len);

/* Says on standard error what was captured and lost.  False, and an error, when something could not be written. */
bool capture_file_finish(struct capture_file *f, GError **error);
