/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/reservation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_mac(const void *a, const void *b)
{
	const struct reservation *x = a, *y = b;
	return memcmp(x->mac.b, y->mac.b, sizeof(x->mac.b));
}

static int compare_ip(const void *a, const void *b)
{
	const struct reservation *const *x = a, *const *y = b;
	return ((*x)->ip > (*y)->ip) - ((*x)->ip < (*y)->ip);
}

static int compare_name(const void *a, const void *b)
{
	const struct reservation *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static bool name_is_clean(const char *name)
{
	char clean[GUEST_NAME_SIZE];
	return name[0] == '\0' || (guest_name_clean(name, strlen(name), clean) && strcmp(name, clean) == 0);
}

static int check_unique(const struct reservation_table *t)
{
	for (size_t i = 1; i < t->n; i++) {
		if (!mac_is_zero(t->all[i].mac) && compare_mac(&t->all[i - 1], &t->all[i]) == 0)
			return -EEXIST;
		if (t->by_ip[i]->ip != 0 && compare_ip(&t->by_ip[i - 1], &t->by_ip[i]) == 0)
			return -EEXIST;
		if (t->by_name[i]->name[0] && compare_name(&t->by_name[i - 1], &t->by_name[i]) == 0)
			return -EEXIST;
	}
	return 0;
}

static int allocate(struct reservation_table *t, size_t n)
{
	t->all = calloc(n, sizeof(t->all[0]));
	t->by_ip = calloc(n, sizeof(t->by_ip[0]));
	t->by_name = calloc(n, sizeof(t->by_name[0]));
	return t->all && t->by_ip && t->by_name ? 0 : -ENOMEM;
}

static void sort(struct reservation_table *t)
{
	size_t n = t->n;
	qsort(t->all, n, sizeof(t->all[0]), compare_mac);
	for (size_t i = 0; i < n; i++)
		t->by_ip[i] = t->by_name[i] = &t->all[i];
	qsort(t->by_ip, n, sizeof(t->by_ip[0]), compare_ip);
	qsort(t->by_name, n, sizeof(t->by_name[0]), compare_name);
}

static void fill(struct reservation_table *t, const struct reservation *r, size_t n)
{
	t->n = n;
	memcpy(t->all, r, n * sizeof(t->all[0]));
	for (size_t i = 0; i < n; i++)
		t->n_without_mac += reservation_has_no_mac(&r[i]);
	sort(t);
}

int reservation_table_init(struct reservation_table *t, const struct reservation *r, size_t n)
{
	struct reservation_table new = { 0 };
	for (size_t i = 0; i < n; i++)
		if (!name_is_clean(r[i].name))
			return -EINVAL;
	int err = 0;
	if (n > 0) {
		err = allocate(&new, n);
		if (err == 0) {
			fill(&new, r, n);
			err = check_unique(&new);
		}
	}
	if (err < 0) {
		reservation_table_done(&new);
		return err;
	}
	*t = new;
	return 0;
}

void reservation_table_done(struct reservation_table *t)
{
	free(t->all);
	free(t->by_ip);
	free(t->by_name);
	*t = (struct reservation_table){ 0 };
}

void reservation_table_claim(struct reservation_table *t, const struct reservation *r, struct mac mac)
{
	t->all[r - t->all].mac = mac;
	sort(t);
}

void reservation_table_claim_all(struct reservation_table *t, const struct mac *macs)
{
	for (size_t i = 0; i < t->n_without_mac; i++)
		t->all[i].mac = macs[i];
	sort(t);
}

const struct reservation *reservation_of_mac(const struct reservation_table *t, struct mac mac)
{
	struct reservation key = { .mac = mac };
	return t->n && !mac_is_zero(mac) ? bsearch(&key, t->all, t->n, sizeof(t->all[0]), compare_mac) : NULL;
}

static const struct reservation *search(const struct reservation_table *t, const struct reservation **sorted, const struct reservation *key,
					int (*compare)(const void *, const void *))
{
	const struct reservation **found = t->n ? bsearch(&key, sorted, t->n, sizeof(sorted[0]), compare) : NULL;
	return found ? *found : NULL;
}

const struct reservation *reservation_of_ip(const struct reservation_table *t, ip4_t ip)
{
	return ip != 0 ? search(t, t->by_ip, &(struct reservation){ .ip = ip }, compare_ip) : NULL;
}

const struct reservation *reservation_of_name(const struct reservation_table *t, const char *name)
{
	struct reservation key = { 0 };
	size_t len = strlen(name);
	if (len == 0 || len >= sizeof(key.name))
		return NULL;
	memcpy(key.name, name, len);
	return search(t, t->by_name, &key, compare_name);
}
