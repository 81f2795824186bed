/* Inside the plot layer: the frame of a plot and the drawing of its series. Used by
 * svg.c, svg_marks.c and svg_bars.c only. */
#ifndef KAD_REPORT_FRAME_H
#define KAD_REPORT_FRAME_H

#include "analysis/report/svg.h"

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
/* An axis variable: log10 of the value on a logarithmic axis. */
double kad_frame_scale(const kad_frame *frame, int axis, double value);

/* One series; a mark of the legend. */
void kad_series_draw(kad_text *out, const kad_frame *frame, const kad_series *series);
void kad_series_key(kad_text *out, const kad_series *series);

#endif
