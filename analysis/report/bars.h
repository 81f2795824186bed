/* Horizontal bars with error bars, labelled one by one: nothing has to be looked up in a
 * legend. */
#ifndef KAD_REPORT_BARS_H
#define KAD_REPORT_BARS_H

#include "analysis/text.h"

#include <stdbool.h>
#include <stddef.h>

/* One horizontal bar, or the heading of a group of them. */
typedef struct kad_bar {
    bool heading;
    const char *label; /* borrowed */
    double value, err; /* not positive: an empty row */
    bool bound;        /* the value is a lower bound */
    int color;
} kad_bar;

typedef struct kad_bars {
    const char *label; /* of the axis, with its unit */
    size_t n;
    const kad_bar *bar;
} kad_bars;

/* Bars on a logarithmic axis, each with its label and its value. Nothing without a
 * positive value. */
void kad_bars_render(kad_text *out, const kad_bars *bars);

#endif
