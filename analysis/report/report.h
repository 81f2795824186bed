/* This folder makes the report: one self-contained HTML page of run.h5 alone, with the
 * numbers of every figure as CSV inside. Numbers are made in analysis/, and kept in the
 * file; here they are read, drawn and tabulated:
 *
 *   report   the list of figures and the page; style: its style sheet
 *   figure_* one subject each: what is read, and the words about it
 *   curves   data sets of the file as curves, and figures that are nothing but these;
 *            columns: the same as tables
 *   svg      a plot of series; frame: its axes, marks: what stands in it; bars
 *   grid     a table;  numbers: the CSV of either
 *   image    pixels as a PNG;  sheet: images of the file side by side;
 *            bulk_paint: fields, latents and wavelets as pixels;
 *            bulk_couplings: the couplings of one run and the flow of those of several
 *   markup   characters that HTML and URIs want escaped
 *   sweep_*  the page of a sweep, made of sweep.h5 with the same parts; sweep_page: its list
 *
 * A figure is a kad_figure and its name in report.c's list. */
#ifndef KAD_REPORT_REPORT_H
#define KAD_REPORT_REPORT_H

#include "analysis/report/columns.h"
#include "analysis/report/curves.h"
#include "analysis/text.h"
#include "io/h5.h"

#include <stdbool.h>

typedef struct kad_figure {
    const char *title;
    const char *caption; /* what is shown and how to read it; may hold entities */
    bool wide;           /* takes the whole width of the page (tables) */
    /* Where the file has this group and the drawing is empty all the same, `absent` says why
     * in a line at the end of the page. NULL: nobody misses it. */
    const char *group, *absent;
    /* What is plotted, what is tabulated, what is shown, or a function that appends the drawing to `out`,
     * and nothing when the file has not the data. */
    kad_plotted plot;
    kad_tabled table;
    const char *sheet; /* data set of images (sheet.h) */
    kad_status (*draw)(kad_ctx *ctx, kad_h5 *file, kad_text *out);
} kad_figure;

/* The page's style sheet (report_style.c). */
extern const char *const kad_report_style[]; /* NULL-terminated pieces */

/* A page of figures (NULL-terminated), headed by a title, the model, or both. */
KAD_MUST_USE kad_status kad_page_html(kad_ctx *ctx, kad_h5 *file,
                                      const kad_figure *const *figures, const char *title,
                                      const char *model, kad_text *out);
/* HTML text of the report on an open results file. Errors: KAD_ENOMEM, KAD_EDATA. */
KAD_MUST_USE kad_status kad_report_html(kad_ctx *ctx, kad_h5 *file, kad_text *out);
/* The same of a sweep: sweep.h5. (sweep_page.c) */
KAD_MUST_USE kad_status kad_sweep_html(kad_ctx *ctx, kad_h5 *file, kad_text *out);

#endif
