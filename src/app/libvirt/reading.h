/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of libvirt's description of a network are read with: options go to the reader, elements without an effect become warnings,
 * and tables say what an element means.  For the files of this folder.
 */
#pragma once

#include "app/libvirt/network.h"
#include "app/libvirt/xml_tree.h"

struct reading {
	const char *path;
	const struct libvirt_network_reader *reader;
	const struct xml_element *network;
	const struct xml_element *subnet; /* the <ip> whose network it is; NULL: not yet */
	bool has_ip6;
	const struct xml_element *domain; /* <domain>; NULL: it has no such element */
	GHashTable *warned;               /* texts of warnings that were given */
	GError **error;
};

/* What an element means. */
struct element_row {
	const char *name;
	bool (*take)(struct reading *r, const struct xml_element *e); /* false: r->error is set; NULL: it has no effect */
	const char *reason;                                           /* why it has none; NULL: nothing is lost, a label of libvirt's */
};

/* Sets the option @key to what @format makes; @e is what says so.  False: r->error is set, as in all of these functions. */
bool reading_set(struct reading *r, const struct xml_element *e, const char *key, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* Tries to set @key; false: *@reason has the reason, and r->error is not set. */
bool reading_try(struct reading *r, const char *key, const char *value, char *reason, size_t size);
/* Refuses the file because of @e.  False. */
bool reading_refuse(struct reading *r, const struct xml_element *e, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* @what, an element or an attribute of @e, has no effect.  Says so once, however often it occurs.  True. */
bool reading_ignore(struct reading *r, const struct xml_element *e, const char *what, const char *reason);
/* The same for the attribute @name of @e, if it has it. */
void reading_ignore_attribute(struct reading *r, const struct xml_element *e, const char *name, const char *reason);
/* The value of an attribute that must be there; NULL: r->error is set. */
const char *reading_required(struct reading *r, const struct xml_element *e, const char *name);

/* @e by the row with its name of the @n @rows. */
bool reading_take(struct reading *r, const struct xml_element *e, const struct element_row *rows, size_t n);
/* The elements inside @e, in the order of the file. */
bool reading_take_inside(struct reading *r, const struct xml_element *e, const struct element_row *rows, size_t n);

/* network_ip.c, network_dns.c and network_dnsmasq.c */
bool libvirt_network_take_ip(struct reading *r, const struct xml_element *e);
bool libvirt_network_take_dns(struct reading *r, const struct xml_element *e);
/* Whether @e has options of dnsmasq's, under any prefix for their name space. */
bool libvirt_network_is_dnsmasq(const struct xml_element *network, const struct xml_element *e);
bool libvirt_network_take_dnsmasq(struct reading *r, const struct xml_element *e);
