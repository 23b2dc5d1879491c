/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP flows that are idle: they give way when a guest wants to open a flow and its port has its share, or the stack is full. */
#pragma once

#include <stdbool.h>

struct engine;
struct payer;
struct stack;

/*
 * Each ends some of the idle UDP flows, those that were used least recently, and counts them as evicted.  False: no flow is idle.  They
 * free no stack.
 */
bool idle_flows_end_of_stack(struct engine *e, struct stack *s);
bool idle_flows_end_of_payer(struct engine *e, const struct payer *payer);
/* Of the payer that has most sockets of a few that have more than @payer. */
bool idle_flows_end_of_larger(struct engine *e, const struct payer *payer);
