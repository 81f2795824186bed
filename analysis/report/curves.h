/* Data sets of run.h5 as curves, and figures that are nothing else: rows of what is read
 * and how it looks, all drawn by kad_plotted_draw. The error of a data set NAME is NAME_err
 * where the file has it. */
#ifndef KAD_REPORT_CURVES_H
#define KAD_REPORT_CURVES_H

#include "analysis/report/series.h"
#include "analysis/text.h"
#include "base/memory.h"
#include "io/h5.h"

/* Levels, and samplers, that are drawn at most; layers of a figure. */
enum { KAD_CURVES = 12, KAD_CURVES_SAMPLERS = 8, KAD_LAYERS = 3 };

typedef enum kad_split {
    KAD_SPLIT_NONE,  /* columns of one length: one curve */
    KAD_SPLIT_ROWS,  /* y [level][x]: a curve a level */
    KAD_SPLIT_PAIRS, /* columns with level_a and level_b: a curve a level_a, of the pairs
                          with level_b = level_a + apart; one of them all with a label */
    KAD_SPLIT_SAMPLERS /* the group holds a group of columns a sampler: a curve each */
} kad_split;

/* What is drawn of a curve, from below; errors are of bands and points. */
enum { KAD_DRAW_BAND = 1, KAD_DRAW_LINE = 2, KAD_DRAW_POINTS = 4, KAD_DRAW_DOTS = 8 };

/* Curves of one group; group NULL: none. */
typedef struct kad_layer {
    const char *group, *x, *y; /* names; x NULL: 0, 1, 2, ... */
    kad_split split;
    int apart;
    const char *flag; /* only where this column is not zero */
    const char *last; /* only where this column is what it is at its end */
    unsigned marks;
    const char *label; /* of one curve; NULL: none. Levels and samplers name their own */
    bool unnamed;      /* no labels in the legend: these go with those of another layer */
    int color;         /* of one curve; levels and samplers have their own */
} kad_layer;

/* A figure that only plots. */
typedef struct kad_plotted {
    kad_axis x, y;
    bool or_linear; /* y is linear where a logarithm would hide a value */
    kad_layer layer[KAD_LAYERS];
} kad_plotted;

typedef struct kad_curve {
    size_t n;
    double *x, *y, *err; /* err NULL: none stated */
    char label[64];
    int color;
    double shift;
} kad_curve;

typedef struct kad_curves {
    size_t n, n_shown, n_all; /* curves; levels or samplers looked at, and in the file */
    kad_curve at[KAD_CURVES];
} kad_curves;

/* In a scope. n = 0 where the file has not the data, or columns of different lengths.
 * Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_curves_read(kad_scope *in, kad_h5 *file,
                                        const kad_layer *layer, kad_curves *out);
/* Their series, which borrow from the curves. */
void kad_curves_add(kad_plot *plot, const kad_layer *layer, const kad_curves *curves);
/* Draw a plot of curves, and say which levels or samplers it leaves out. */
void kad_curves_render(kad_text *out, const kad_plot *plot, const kad_layer *layer,
                       const kad_curves *curves);

KAD_MUST_USE kad_status kad_plotted_draw(kad_ctx *ctx, kad_h5 *file,
                                         const kad_plotted *plotted, kad_text *out);

#endif
