/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/capture_file.h"

#include "app/console.h"
#include "app/failure.h"
#include "wire/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In a ring. */
#define FILES 8u

struct capture_file {
	struct console console;
	char *path; /* NULL: standard output */
	int fd;
	bool is_regular; /* can be truncated after the last whole block */
	guint64 len;     /* length of the file up to the end of the last whole block */
	guint64 limit;   /* maximum length of each file of a ring; 0: no ring */
	guint n_files;   /* files opened so far */
	GQueue names;    /* names of the ring's files, oldest first */

	GByteArray *rest;   /* an incomplete block */
	GByteArray *head;   /* section and interface blocks received so far */
	guint head_len;     /* bytes of head that are in the file or in batch */
	guint head_written; /* bytes of head that are in the file */
	GByteArray *batch;  /* whole blocks to write next */
	guint64 batch_records;

	guint64 records;   /* records in the file */
	guint64 unwritten; /* records that could not be written */
	GArray *lost;      /* by interface: guint64, records lost in the network */
	int failure;       /* errno of the first failed write; 0: none failed */
	bool is_broken;    /* the stream is not valid pcapng */
};

/* --- files --- */

static int open_file(const char *path, GError **error)
{
	/* Captured frames are private. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(errno));
	return fd;
}

/* Standard output may already hold data, which truncation must keep. */
static guint64 begin_of_ours(int fd, const struct stat *st)
{
	off_t at = fcntl(fd, F_GETFL) & O_APPEND ? st->st_size : lseek(fd, 0, SEEK_CUR);
	return at < 0 ? 0 : (guint64)at;
}

static void look_at_file(struct capture_file *f)
{
	struct stat st;
	f->is_regular = fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode);
	f->len = f->is_regular ? begin_of_ours(f->fd, &st) : 0;
	f->head_len = f->head_written = 0;
}

/* Named like dumpcap's files, so that Wireshark recognizes the set: NAME_00001_20261231235959.pcapng */
static char *ring_name(const struct capture_file *f)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *time = g_date_time_format(now, "%Y%m%d%H%M%S");
	const char *slash = strrchr(f->path, '/'), *dot = strrchr(slash ? slash : f->path, '.');
	int stem = dot && dot > f->path && dot[-1] != '/' ? (int)(dot - f->path) : (int)strlen(f->path);
	return g_strdup_printf("%.*s_%05u_%s%s", stem, f->path, f->n_files + 1, time, f->path + stem);
}

static bool next_file(struct capture_file *f, GError **error)
{
	while (f->names.length >= FILES) {
		g_autofree char *oldest = g_queue_pop_head(&f->names);
		unlink(oldest);
	}
	g_autofree char *name = ring_name(f);
	int fd = open_file(name, error);
	if (fd < 0)
		return false;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	f->n_files++;
	g_queue_push_tail(&f->names, g_steal_pointer(&name));
	look_at_file(f);
	return true;
}

static bool open_first(struct capture_file *f, GError **error)
{
	if (f->limit)
		return next_file(f, error);
	f->fd = f->path ? open_file(f->path, error) : dup(STDOUT_FILENO);
	if (f->fd < 0)
		return f->path ? false : fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
	look_at_file(f);
	return true;
}

struct capture_file *capture_file_new(const char *path, guint64 ring, GError **error)
{
	g_autoptr(CaptureFile) f = g_new0(struct capture_file, 1);
	console_init(&f->console);
	f->path = g_strdup(path);
	f->fd = -1;
	f->limit = ring / FILES;
	g_queue_init(&f->names);
	f->rest = g_byte_array_new();
	f->head = g_byte_array_new();
	f->batch = g_byte_array_new();
	f->lost = g_array_new(FALSE, TRUE, sizeof(guint64));
	return open_first(f, error) ? g_steal_pointer(&f) : NULL;
}

void capture_file_free(struct capture_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	g_queue_clear_full(&f->names, g_free);
	g_byte_array_unref(f->rest);
	g_byte_array_unref(f->head);
	g_byte_array_unref(f->batch);
	g_array_unref(f->lost);
	g_free(f->path);
	g_free(f);
}

/* --- writing --- */

static const char *name_of(const struct capture_file *f)
{
	return f->limit ? g_queue_peek_tail((GQueue *)&f->names) : f->path ? f->path : "standard output";
}

/* Standard output may be non-blocking. */
static bool wait_until_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, -1) > 0 || errno == EINTR;
}

/* Returns 0 or an errno. A partial write is truncated if possible. */
static int write_all(struct capture_file *f, const guint8 *bytes, gsize len)
{
	for (gsize at = 0; at < len;) {
		ssize_t n = write(f->fd, bytes + at, len - at);
		int error = n < 0 ? errno : 0;
		if (error == EINTR || (error == EAGAIN && wait_until_writable(f->fd)))
			continue;
		if (error && f->is_regular && ftruncate(f->fd, (off_t)f->len) == 0)
			lseek(f->fd, (off_t)f->len, SEEK_SET);
		if (error)
			return error;
		at += (gsize)n;
	}
	f->len += len;
	return 0;
}

static void failed(struct capture_file *f, int error)
{
	f->unwritten += f->batch_records;
	f->head_len = f->head_written;
	if (f->failure == 0 && error != EPIPE) {
		g_autofree char *line = g_strdup_printf("%s: %s: records are lost until a write succeeds", name_of(f), g_strerror(error));
		console_log(&f->console, LANLET_LOG_WARNING, line);
	}
	f->failure = f->failure ? f->failure : error;
}

/* False when the reader has closed the pipe. */
static bool write_batch(struct capture_file *f)
{
	int error = write_all(f, f->batch->data, f->batch->len);
	if (error) {
		failed(f, error);
	} else {
		f->records += f->batch_records;
		f->head_written = f->head_len;
	}
	g_byte_array_set_size(f->batch, 0);
	f->batch_records = 0;
	return error != EPIPE;
}

static void add_head(struct capture_file *f)
{
	g_byte_array_append(f->batch, f->head->data + f->head_len, f->head->len - f->head_len);
	f->head_len = f->head->len;
}

/* Makes room for @len more bytes, in the next file of the ring if necessary. False if not even an empty file has that much room. */
static bool make_room(struct capture_file *f, guint len)
{
	guint64 head = f->head->len - f->head_len;
	if (!f->limit || f->len + f->batch->len + head + len <= f->limit)
		return true;
	if (f->head->len + (guint64)len > f->limit)
		return false;
	write_batch(f);
	g_autoptr(GError) error = NULL;
	if (!next_file(f, &error)) {
		failed(f, errno);
		return false;
	}
	return true;
}

/* --- blocks --- */

static void take_lost(struct capture_file *f, const struct pcapng_block *block)
{
	if (block->interface >= f->lost->len)
		return;
	guint64 *lost = &g_array_index(f->lost, guint64, block->interface);
	*lost = block->type == PCAPNG_STATISTICS ? block->lost : *lost + block->lost;
}

static void take_block(struct capture_file *f, const struct pcapng_block *block, const guint8 *bytes)
{
	bool is_record = block->type == PCAPNG_PACKET;
	if (block->type == PCAPNG_INTERFACE)
		g_array_set_size(f->lost, f->lost->len + 1);
	if (block->type == PCAPNG_SECTION || block->type == PCAPNG_INTERFACE) {
		g_byte_array_append(f->head, bytes, block->len);
		return;
	}
	take_lost(f, block);
	if (!make_room(f, block->len)) {
		f->unwritten += is_record;
		return;
	}
	add_head(f);
	g_byte_array_append(f->batch, bytes, block->len);
	f->batch_records += is_record;
}

bool capture_file_take(struct capture_file *f, const void *bytes, gsize len)
{
	g_byte_array_append(f->rest, bytes, (guint)len);
	gsize at = 0, need;
	struct pcapng_block block;
	int r;
	while ((r = pcapng_parse_block(f->rest->data + at, f->rest->len - at, &block, &need)) > 0) {
		take_block(f, &block, f->rest->data + at);
		at += block.len;
	}
	g_byte_array_remove_range(f->rest, 0, (guint)at);
	f->is_broken = r < 0;
	if (make_room(f, 0))
		add_head(f);
	return write_batch(f) && !f->is_broken;
}

/* --- the end --- */

bool capture_file_finish(struct capture_file *f, GError **error)
{
	guint64 lost = 0;
	for (guint i = 0; i < f->lost->len; i++)
		lost += g_array_index(f->lost, guint64, i);
	g_autofree char *line = g_strdup_printf("%" G_GUINT64_FORMAT " records captured, %" G_GUINT64_FORMAT " lost", f->records, lost);
	console_log(&f->console, LANLET_LOG_INFO, line);
	if (f->is_broken)
		return fail(error, FAILURE_GENERAL, "the stream is not valid pcapng");
	if (f->failure == 0 && f->unwritten == 0)
		return true;
	if (f->failure == EPIPE)
		return true; /* the reader has closed the pipe on purpose */
	return fail(error, FAILURE_GENERAL, "%s: %s: %" G_GUINT64_FORMAT " more records are lost", name_of(f),
		    f->failure ? g_strerror(f->failure) : "too large for the ring", f->unwritten);
}
