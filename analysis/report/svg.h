/* Plots as inline SVG: axes with ticks and units, lines, points with error bars, bars,
 * reference lines, legends, linear and logarithmic scales. Colours are CSS classes of the
 * page (report.c), so that light, dark and print need no second drawing. */
#ifndef KAD_REPORT_SVG_H
#define KAD_REPORT_SVG_H

#include "analysis/text.h"

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

/* Append a series. Those beyond KAD_PLOT_SERIES are counted, and the drawing says so. */
void kad_plot_add(kad_plot *plot, kad_series series);
/* Write the <svg> element, and the numbers of its series to out->numbers. An axis whose
 * values are whole numbers has ticks at whole numbers. Writes nothing when no point can
 * be shown. */
void kad_plot_render(kad_text *out, const kad_plot *plot);
/* Say what a figure leaves out: "8 of 12 samplers are drawn; run.h5 has all". Nothing when
 * it leaves out nothing. */
void kad_note_rest(kad_text *out, size_t shown, size_t n, const char *what);

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

/* A picture of w x h pixels, rgb [h][w][3], shown at `scale` screen pixels a pixel: a PNG
 * in a data URI where libpng was found, else SVG rectangles. */
void kad_image_render(kad_text *out, int w, int h, const unsigned char *rgb, int scale,
                      const char *alt);

/* Colours of a field value in -1..1 (blue, white, red), and of an angle with modulus
 * 0..1 (hue wheel). */
void kad_color_diverging(double value, unsigned char rgb[3]);
void kad_color_angle(double angle, double modulus, unsigned char rgb[3]);

/* Ticks of [lo, hi]: about `want` round numbers (1, 2, 5 times a power of ten), at most
 * `max`; returns their number. */
int kad_ticks(double lo, double hi, int want, int max, double *out);

#endif
