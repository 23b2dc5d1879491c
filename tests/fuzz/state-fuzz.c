/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a state directory as a crash, an editor or an older version may have left them.  Input: the entries added at run time
 * ("kept"), the leases and the gateway's MAC, with 0xff between them.  What is read is valid, and once it is written, reading it again
 * gives the same and finds nothing damaged.
 */
#include "base/log.h"
#include "base/macros.h"
#include "network/gateway_mac.h"
#include "network/lease_file.h"
#include "network/runtime_entries.h"
#include "promises.h"
#include "support/dhcp_bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WALL (UINT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Thousands of files a second are renamed: in memory, where that is possible. */
static char directory[] = "/dev/shm/lanlet-state-fuzz-XXXXXX";
#define ELSEWHERE "/tmp/lanlet-state-fuzz-XXXXXX"

static const char *path_of(const char *name)
{
	static char path[sizeof(directory) + 32];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void remove_directory(void)
{
	static const char *const names[] = {
		"kept", "kept.tmp", "leases", "leases.tmp", "leases.damaged", "gateway-mac", "gateway-mac.tmp"
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(path_of(names[i]));
	rmdir(directory);
}

static void make_directory(void)
{
	static bool made;
	if (made)
		return;
	if (!mkdtemp(directory))
		REQUIRE(mkdtemp(strcpy(directory, ELSEWHERE)));
	atexit(remove_directory);
	made = true;
}

static void write_file(const char *name, const uint8_t *bytes, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static void count_line(void *opaque, enum log_level level, const char *line)
{
	REQUIRE(!strchr(line, '\n'));
	(*(unsigned *)opaque)++;
}

/* --- entries added at run time --- */

static void check_entries(const struct settings *s)
{
	for (size_t i = 0; i < s->n_hosts; i++)
		REQUIRE(!mac_is_group(s->hosts[i].mac) && !mac_is_zero(s->hosts[i].mac));
	for (size_t i = 0; i < s->n_names; i++)
		REQUIRE(s->names[i].name[0] != '\0');
}

static bool same_entries(const struct settings *a, const struct settings *b)
{
	bool same = a->n_hosts == b->n_hosts && a->n_names == b->n_names && a->n_records == b->n_records;
	for (size_t i = 0; same && i < a->n_hosts; i++)
		same = mac_equal(a->hosts[i].mac, b->hosts[i].mac) && a->hosts[i].ip == b->hosts[i].ip &&
		       strcmp(a->hosts[i].name, b->hosts[i].name) == 0 &&
		       port_properties_equal(&a->hosts[i].properties, &b->hosts[i].properties);
	for (size_t i = 0; same && i < a->n_names; i++)
		same = strcmp(a->names[i].name, b->names[i].name) == 0 && a->names[i].ip == b->names[i].ip;
	for (size_t i = 0; same && i < a->n_records; i++)
		same = record_equal(&a->records[i], &b->records[i]);
	return same;
}

static void read_entries(struct log *log, unsigned *lines)
{
	struct runtime_entries e, again;
	struct settings copy;
	REQUIRE(runtime_entries_init(&e, directory, log) == 0);
	check_entries(&e.settings);
	REQUIRE(settings_copy(&e.settings, &copy) == 0);
	REQUIRE(runtime_entries_replace(&e, &copy) == 0);
	*lines = 0;
	REQUIRE(runtime_entries_init(&again, directory, log) == 0);
	REQUIRE(*lines == 0 && same_entries(&e.settings, &again.settings));
	runtime_entries_done(&again);
	runtime_entries_done(&e);
}

/* --- leases --- */

static unsigned load_and_save(struct lease_file *f)
{
	struct dhcp_bench bench;
	bench_init(&bench);
	bench_start(&bench);
	unsigned n = lease_file_load(f, &bench.dhcp, bench.now, WALL);
	REQUIRE(lease_file_save(f, &bench.dhcp, bench.now, WALL) == 0);
	bench_done(&bench);
	return n;
}

static void read_leases(struct log *log, unsigned *lines)
{
	struct lease_file f;
	REQUIRE(lease_file_init(&f, path_of("leases"), log) == 0);
	load_and_save(&f);
	unsigned n = load_and_save(&f);
	*lines = 0;
	REQUIRE(load_and_save(&f) == n && *lines == 0);
	lease_file_done(&f);
}

/* --- the gateway's MAC --- */

static void read_mac(struct log *log)
{
	struct mac first = gateway_mac_get(directory, log), second = gateway_mac_get(directory, log);
	REQUIRE(!mac_is_group(first) && !mac_is_zero(first) && mac_equal(first, second));
}

/* The bytes of @data up to 0xff; moves behind it. */
static size_t take_part(const uint8_t **data, size_t *size, const uint8_t **ret)
{
	const uint8_t *end = *size > 0 ? memchr(*data, 0xff, *size) : NULL;
	size_t len = end ? (size_t)(end - *data) : *size, used = end ? len + 1 : len;
	*ret = *data;
	*data += used;
	*size -= used;
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "kept", "leases", "gateway-mac" };
	unsigned lines = 0;
	struct log log = { .level = LOG_LEVEL_DEBUG, .write = count_line, .opaque = &lines };
	make_directory();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const uint8_t *part;
		size_t len = take_part(&data, &size, &part);
		write_file(names[i], part, len);
	}
	read_entries(&log, &lines);
	read_leases(&log, &lines);
	read_mac(&log);
	return 0;
}
