/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many UDP ports of the host guests may use: half of those that the kernel gives to sockets that ask for any (ip_local_port_range,
 * ip(7)).  The host's own programs have the others, so that a guest can neither use them up nor leave so few that the ports of the host's
 * DNS queries can be guessed (RFC 5452 §9.2).
 */
#pragma once

#include <stdint.h>

unsigned host_ports_for_guests(void);
/* The ports that the kernel gives to sockets that ask for any, or its default where that cannot be read. */
void host_ports_range(uint16_t *ret_first, uint16_t *ret_last);
