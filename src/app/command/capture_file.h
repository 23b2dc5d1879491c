/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The output of `lanlet capture`: standard output, a file, or a ring of files. Records that cannot be written, for example on a
 * full disk, are lost and counted; the file always ends with a whole block, and writing continues once there is room. Section and
 * interface blocks, which other blocks refer to, are never lost, and each file of a ring begins with them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct capture_file;

#define CAPTURE_RING_MIN ((guint64)1024 * 1024)

/* @path NULL: standard output. @ring: maximum bytes in all files of the ring together; 0: one file without a limit. NULL on failure. */
struct capture_file *capture_file_new(const char *path, guint64 ring, GError **error);
/* NULL is fine. */
void capture_file_free(struct capture_file *f);
typedef struct capture_file CaptureFile;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureFile, capture_file_free)

/* Takes the next bytes of the stream. False when the reader has closed the pipe or the stream is not valid pcapng. */
bool capture_file_take(struct capture_file *f, const void *bytes, gsize len);

/* Logs how many records were captured and lost. False, and an error, if records could not be written. */
bool capture_file_finish(struct capture_file *f, GError **error);
