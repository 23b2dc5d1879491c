/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/drop.h"

static const struct {
	const char *name, *explanation;
} reasons[DROP_REASON_COUNT] = {
#define X(id, name, text) [DROP_##id] = { name, text },
	DROP_REASONS(X)
#undef X
};

const char *drop_name(enum drop_reason why)
{
	return reasons[why].name;
}

const char *drop_explanation(enum drop_reason why)
{
	return reasons[why].explanation;
}
