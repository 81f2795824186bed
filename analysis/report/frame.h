/* Inside the plot layer (svg, marks): the frame of a plot, which says where a value
 * stands, with its ticks and labels. */
#ifndef KAD_REPORT_FRAME_H
#define KAD_REPORT_FRAME_H

#include "analysis/report/series.h"
#include "analysis/text.h"

/* The drawing in viewBox units; about the CSS pixels of a phone's screen. */
enum {
    KAD_SVG_WIDTH = 420,
    KAD_SVG_HEIGHT = 290,
    KAD_SVG_LEFT = 62, /* at least: the frame's own leaves room for its labels */
    KAD_SVG_RIGHT = 12,
    KAD_SVG_TOP = 10,
    KAD_SVG_BOTTOM = 44
};

typedef struct kad_frame {
    bool log[2];
    bool whole;          /* the horizontal axis' values are whole numbers */
    double lo[2], hi[2]; /* of the axis variable: log10 of it when log */
    int left;            /* of the vertical axis */
    int height;          /* of the whole drawing */
} kad_frame;

/* Place of a value, and whether it has one. */
double kad_frame_x(const kad_frame *frame, double x);
double kad_frame_y(const kad_frame *frame, double y);
bool kad_frame_shows(const kad_frame *frame, int axis, double value);
/* The ranges of a plot's axes and the room for their labels; false when there is nothing
 * to show. */
bool kad_frame_fit(kad_frame *frame, const kad_plot *plot);
/* Whether anything of a series has a place. */
bool kad_frame_shows_any(const kad_frame *frame, const kad_series *series);
/* Ticks, border and the axes' labels. */
void kad_frame_draw(kad_text *out, const kad_frame *frame, const kad_plot *plot);

/* Ticks of [lo, hi]: about `want` round numbers (1, 2, 5 times a power of ten), at most
 * `max`; returns their number. */
int kad_ticks(double lo, double hi, int want, int max, double *out);

/* --- one series in it (marks.c) --- */

/* Series differ by colour, by the dashes of their lines and by the shape of their points,
 * so that they can be told apart in grey. One series; a mark of the legend. */
void kad_series_draw(kad_text *out, const kad_frame *frame, const kad_series *series);
void kad_series_key(kad_text *out, const kad_series *series);

#endif
