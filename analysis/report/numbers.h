/* The numbers of a figure as CSV (RFC 4180 quoting, '.' decimal, ten significant digits):
 * of a plot a row a point, `series, x, y, error`, columns headed by the axes' labels;
 * blocks of other columns are separated by an empty line. */
#ifndef KAD_REPORT_NUMBERS_H
#define KAD_REPORT_NUMBERS_H

#include "analysis/report/series.h"
#include "analysis/text.h"

/* One field, with a comma before it unless it is the first; a number that is not finite is
 * an empty field. */
void kad_numbers_text(kad_text *out, bool first, const char *raw);
void kad_numbers_real(kad_text *out, bool first, double value);
/* The series of a plot. One drawn twice (a line with its band or its points) is written
 * once, with the error of either. */
void kad_numbers_plot(kad_text *out, const kad_plot *plot);
/* A picture's values [h][w][n_comp]: a row of the CSV each of its rows and components,
 * `picture, component, y, x = 0, x = 1, ...`, seven digits. Counts pictures that found no
 * room below KAD_NUMBERS_MOST bytes in *n_left_out. */
enum { KAD_NUMBERS_MOST = 1 << 16 };
void kad_numbers_picture(kad_text *out, const char *label, int w, int h, int n_comp,
                         const double *values, size_t *n_left_out);
/* Say so on the page. */
void kad_numbers_rest(kad_text *out, size_t n_left_out, size_t n);
/* A link to download them as NAME.csv, without any network: nothing without numbers. */
void kad_numbers_link(kad_text *out, const kad_text *numbers, const char *name);

#endif
