/* What a plot is of: series of points on two axes, borrowed from whoever read them. svg.h
 * draws it, numbers.h writes it as CSV. */
#ifndef KAD_REPORT_SERIES_H
#define KAD_REPORT_SERIES_H

#include <stdbool.h>
#include <stddef.h>

typedef enum kad_mark {
    KAD_MARK_LINE,   /* polyline; breaks at points that are not finite */
    KAD_MARK_POINTS, /* discs, with error bars where err is given */
    KAD_MARK_DOTS,   /* many small dots, no error bars */
    KAD_MARK_BARS,   /* histogram: x are left edges, x[n] - x[n-1] the last width */
    KAD_MARK_BAND,   /* y - err .. y + err, filled */
    KAD_MARK_LEVEL,  /* horizontal reference line at y[0] */
    KAD_MARK_AT      /* vertical mark at x[0] */
} kad_mark;

typedef struct kad_series {
    kad_mark mark;
    size_t n;
    const double *x, *y; /* borrowed; x NULL for KAD_MARK_LEVEL, y for KAD_MARK_AT */
    const double *err;   /* may be NULL */
    const char *label;   /* NULL: not in the legend */
    const char *name;    /* in the numbers; NULL: the label */
    int color;           /* 0..7, class c0..c7 */
    double shift;        /* drawn at x + shift: points side by side; not in the numbers */
} kad_series;

typedef struct kad_axis {
    const char *label; /* with its unit */
    bool log;
    bool fixed; /* use lo, hi instead of the data's range */
    double lo, hi;
} kad_axis;

enum { KAD_PLOT_SERIES = 24 };

typedef struct kad_plot {
    kad_axis x, y;
    int height; /* viewBox units; 0: the default */
    int n_series, n_dropped;
    kad_series series[KAD_PLOT_SERIES];
} kad_plot;

#endif
