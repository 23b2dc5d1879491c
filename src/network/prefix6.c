/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/prefix6.h"

#include "base/log.h"
#include "host/entropy.h"
#include "host/state_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "ipv6-key"
#define FORMAT "%016" PRIx64 "%016" PRIx64 "\n"
#define TEXT_LEN 33 /* 32 hexadecimal digits and the end of the line */

/* The first 40 bits of a hash are the global identifier (RFC 4193 §3.2.2); the subnet identifier is 0. */
struct prefix6 prefix6_of_key(const struct hash_key *key)
{
	static const char purpose[] = "unique local prefix";
	struct prefix6 p = { .network = { { 0xfd } }, .length = 64 };
	uint64_t hash = hash_bytes(key, purpose, sizeof(purpose) - 1);
	for (size_t i = 1; i <= 5; i++)
		p.network.b[i] = (uint8_t)(hash >> (64 - 8 * i));
	return p;
}

static bool load(const char *path, struct hash_key *ret)
{
	char *text;
	size_t len;
	if (state_file_read(path, &text, &len) < 0)
		return false;
	struct hash_key key;
	bool good = len == TEXT_LEN && strspn(text, "0123456789abcdef") == TEXT_LEN - 1 &&
		    sscanf(text, "%16" SCNx64 "%16" SCNx64, &key.k[0], &key.k[1]) == 2;
	if (good)
		*ret = key;
	free(text);
	return good;
}

static int save(const char *path, const struct hash_key *key)
{
	char text[TEXT_LEN + 1];
	snprintf(text, sizeof(text), FORMAT, key->k[0], key->k[1]);
	return state_file_replace(path, text, TEXT_LEN);
}

struct hash_key prefix6_key(const char *state_dir, struct log *log)
{
	struct hash_key key;
	char path[PATH_MAX];
	if (state_dir) {
		snprintf(path, sizeof(path), "%s/" FILE_NAME, state_dir);
		if (load(path, &key))
			return key;
	}
	entropy_get(&key, sizeof(key));
	int r = state_dir ? save(path, &key) : 0;
	if (r < 0)
		log_warning(log, "%s: %s; guests will have other IPv6 addresses after a restart", path, strerror(-r));
	return key;
}
