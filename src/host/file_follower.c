/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches, along the chain of symbolic links from the path, the directory of each link for events with the link's name,
 * and the file at the end (a file may be written through another name, or bind-mounted).  Where a directory is missing,
 * its nearest existing parent is watched for the next component of the path.
 *
 * After an event that matters, the watches are set up again and then the file is read, in this order, so that no change
 * is missed.  Adding an existing watch returns the same descriptor.
 */
#include "host/file_follower.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any real chain of links; the kernel follows 40. */
#define LINKS_MAX 16u
#define EVENTS_SIZE 4096u

#define DIRECTORY_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define FILE_EVENTS (IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF)
/* After these events the file is complete, even if it is empty. */
#define COMPLETE_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO)

struct watched {
	int wd;
	char name[NAME_MAX + 1]; /* in a directory; "": the file itself */
};

struct watched_set {
	unsigned count;
	struct watched entry[LINKS_MAX + 1];
};

struct file_follower {
	struct file_follower_config config;
	char path[PATH_MAX];
	int inotify_fd; /* -1: not following */
	struct watch watch;
	struct watched_set watched;
	bool missing; /* was logged */
};

static void add_watch(struct file_follower *f, struct watched_set *set, const char *path, uint32_t events, const char *name)
{
	if (set->count == ARRAY_SIZE(set->entry) || strlen(name) > NAME_MAX)
		return;
	int wd = inotify_add_watch(f->inotify_fd, path, events);
	if (wd < 0) {
		if (errno == ENOSPC)
			log_warning(f->config.log, "dns: changes of %s are not followed: the limit fs.inotify.max_user_watches is reached",
				    f->path);
		return;
	}
	struct watched *w = &set->entry[set->count++];
	w->wd = wd;
	strcpy(w->name, name);
}

static bool is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Watches the directory of @path, or its nearest existing parent, for the next component of @path. */
static void watch_directory(struct file_follower *f, struct watched_set *set, const char *path)
{
	char directory[PATH_MAX];
	strcpy(directory, path);
	for (;;) {
		char *slash = strrchr(directory, '/');
		const char *name = path + (slash - directory) + 1;
		*slash = '\0';
		const char *above = slash == directory ? "/" : directory;
		if (is_directory(above) || slash == directory) {
			char next[PATH_MAX];
			strcpy(next, name);
			next[strcspn(next, "/")] = '\0';
			add_watch(f, set, above, DIRECTORY_EVENTS, next);
			return;
		}
	}
}

/* Replaces @path by the target of the link.  -EINVAL when it is not a link, -ENAMETOOLONG. */
static int follow_link(char path[static PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));
	if (n < 0)
		return -errno;
	size_t directory_len = target[0] == '/' ? 0 : (size_t)(strrchr(path, '/') + 1 - path);
	if ((size_t)n == sizeof(target) || directory_len + (size_t)n >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path + directory_len, target, (size_t)n);
	path[directory_len + (size_t)n] = '\0';
	return 0;
}

static bool set_has(const struct watched_set *set, int wd)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->entry[i].wd == wd)
			return true;
	return false;
}

static void lay_watches(struct file_follower *f)
{
	struct watched_set old = f->watched;
	f->watched.count = 0;
	char path[PATH_MAX];
	strcpy(path, f->path);
	unsigned links = 0;
	do
		watch_directory(f, &f->watched, path);
	while (++links < LINKS_MAX && follow_link(path) == 0);
	add_watch(f, &f->watched, path, FILE_EVENTS, "");
	for (unsigned i = 0; i < old.count; i++)
		if (!set_has(&f->watched, old.entry[i].wd))
			inotify_rm_watch(f->inotify_fd, old.entry[i].wd);
}

/* Reads up to @size bytes of the file; their number, or a negative errno. */
static ssize_t read_file(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	size_t len = 0;
	ssize_t n = 0;
	while (len < size && (n = read(fd, to + len, size - len)) > 0)
		len += (size_t)n;
	int error = errno;
	close(fd);
	return n < 0 ? -error : (ssize_t)len;
}

static void note_missing(struct file_follower *f, int error)
{
	if (!f->missing)
		log_warning(f->config.log, "dns: %s: %s; waiting for the file", f->path, strerror(-error));
	f->missing = true;
}

/* Reads the file.  @meant: an empty file is complete, not about to be written. */
static void reload(struct file_follower *f, bool meant)
{
	size_t size = f->config.max_size;
	char *text = malloc(size);
	ssize_t len = text ? read_file(f->path, text, size) : -ENOMEM;
	if (len < 0)
		note_missing(f, (int)len);
	else
		f->missing = false;
	if ((size_t)MAX(len, (ssize_t)0) == size)
		log_warning(f->config.log, "dns: %s: only the first %zu bytes are used", f->path, size);
	if (len > 0 || (len == 0 && meant))
		f->config.read(f->config.opaque, text, (size_t)len);
	free(text);
}

static bool matters(const struct file_follower *f, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	for (unsigned i = 0; i < f->watched.count; i++)
		if (f->watched.entry[i].wd == e->wd && (e->len == 0 || strcmp(f->watched.entry[i].name, e->name) == 0))
			return true;
	return false;
}

/* Returns the bits of all pending events that matter. */
static uint32_t read_events(struct file_follower *f)
{
	_Alignas(struct inotify_event) char buf[EVENTS_SIZE];
	uint32_t seen = 0;
	ssize_t n;
	while ((n = read(f->inotify_fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(buf + at);
			if (matters(f, e))
				seen |= e->mask;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
	return seen;
}

static void follower_ready(struct watch *w, usec_t now, unsigned events)
{
	struct file_follower *f = container_of(w, struct file_follower, watch);
	uint32_t seen = read_events(f);
	if (seen == 0)
		return;
	lay_watches(f);
	reload(f, seen & COMPLETE_EVENTS);
}

static void follow(struct file_follower *f)
{
	f->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r = f->inotify_fd < 0 ? -errno : poller_watch(f->config.poller, &f->watch, f->inotify_fd, POLL_EVENT_IN);
	if (r == 0) {
		lay_watches(f);
		return;
	}
	log_warning(f->config.log, "dns: changes of %s are not followed: inotify: %s%s", f->path, strerror(-r),
		    r == -EMFILE ? " (fs.inotify.max_user_instances)" : "");
}

int file_follower_new(const struct file_follower_config *config, struct file_follower **ret)
{
	if (config->path[0] != '/' || strlen(config->path) >= PATH_MAX)
		return -EINVAL;
	struct file_follower *f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->config.path = f->path;
	strcpy(f->path, config->path);
	f->watch.ready = follower_ready;
	follow(f);
	reload(f, true);
	*ret = f;
	return 0;
}

void file_follower_free(struct file_follower *f)
{
	if (!f)
		return;
	poller_unwatch(f->config.poller, &f->watch);
	if (f->inotify_fd >= 0)
		close(f->inotify_fd);
	free(f);
}
