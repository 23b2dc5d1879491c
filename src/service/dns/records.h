/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of DNS records by their owner: those that the user gives (--name), and those of the host's /etc/hosts.  It is filled once, and
 * replaced when they change.
 */
#pragma once

#include "base/hash.h"
#include "base/hash_table.h"
#include "wire/dns.h"

#include <stddef.h>
#include <stdint.h>

#define DNS_RECORDS_PER_NAME 16u
#define DNS_RECORD_DATA_MAX 1024u
#define DNS_RECORDS_MAX 131072u

struct dns_stored {
	struct dns_stored *next;
	uint16_t type, len;
	uint8_t data[]; /* without compression */
};

struct dns_owner {
	struct hash_node node;
	struct dns_stored *first; /* in the order in which they were added; NULL: records are only below the name */
	uint8_t len;
	uint8_t bytes[]; /* the name in lower case */
};

/* Zeroed but for the key before use. */
struct dns_records {
	struct hash_key key;
	struct hash_table by_owner;
	unsigned n; /* records */
};

/* Frees all records.  The table can be used again. */
void dns_records_done(struct dns_records *r);
/*
 * Adds a record of class IN, unless there is an equal one.  @data is in wire format without compression.  -ENOSPC: the owner or the table
 * has too many records, or the data is too long.  -EEXIST: a CNAME beside another record (RFC 2181 §10.1).  -ENOMEM.
 */
int dns_records_add(struct dns_records *r, const struct dns_name *owner, uint16_t type, const void *data, size_t len);
/* An A or AAAA record. */
int dns_records_add_address(struct dns_records *r, const struct dns_name *owner, const struct ip_addr *addr);
/* The name exists, because records are below it (RFC 8020 §2): so do all above it.  -ENOSPC, -ENOMEM. */
int dns_records_add_parents(struct dns_records *r, const struct dns_name *name);
/* NULL: there is no such name. */
const struct dns_owner *dns_records_find(const struct dns_records *r, const struct dns_name *name);
/* The first record of @type behind @after, or of all when that is NULL.  @o may be NULL. */
const struct dns_stored *dns_owner_next(const struct dns_owner *o, const struct dns_stored *after, uint16_t type);
