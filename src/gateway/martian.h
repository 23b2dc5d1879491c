/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Martians: source and destination addresses with which the gateway does not forward a guest's packet.  Checked
 * before an engine gets the packet: connecting to 0.0.0.0 or 127.0.0.0/8 would reach the host's loopback
 * listeners, and a source outside the subnet is spoofed.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"

struct gateway_ip6;

/*
 * 0 when a guest may have the address @src: inside @subnet, not its network or broadcast address, not @gateway.
 * -EPERM with the reason in *@ret_why.
 */
int martian_check_source(const struct prefix4 *subnet, ip4_t gateway, ip4_t src, enum drop_reason *ret_why);

/* The same for IPv6: an address of the link or in the prefix of @ip6. */
int martian_check_source6(const struct gateway_ip6 *ip6, const struct ip_addr *src, enum drop_reason *ret_why);

/*
 * 0 when an engine may get a packet to @dst, which is not an address of the gateway or of a guest: a unicast address outside of the link,
 * neither the host itself nor one that stands for an IPv4 address.  -EPERM with the reason in *@ret_why.
 */
int martian_check_destination6(const struct gateway_ip6 *ip6, const struct ip_addr *dst, enum drop_reason *ret_why);

/*
 * 0 when an engine may get a packet to @dst: @gateway or a unicast address outside @subnet.  -EPERM with the
 * reason in *@ret_why.  Other addresses in @subnet are refused: the gateway delivers packets to guests itself,
 * before it asks here.
 */
int martian_check_destination(const struct prefix4 *subnet, ip4_t gateway, ip4_t dst, enum drop_reason *ret_why);
