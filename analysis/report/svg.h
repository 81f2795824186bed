/* Plots as inline SVG: axes with ticks and units, lines, points with error bars, bars,
 * reference lines, legends, linear and logarithmic scales. Colours are CSS classes of the
 * page (style.c), so that light, dark and print need no second drawing. */
#ifndef KAD_REPORT_SVG_H
#define KAD_REPORT_SVG_H

#include "analysis/report/series.h"
#include "analysis/text.h"

/* Append a series. Those beyond KAD_PLOT_SERIES are counted, and the drawing says so. */
void kad_plot_add(kad_plot *plot, kad_series series);
/* Write the <svg> element, and the numbers of its series to out->numbers. An axis whose
 * values are whole numbers has ticks at whole numbers. Writes nothing when no point can
 * be shown. */
void kad_plot_render(kad_text *out, const kad_plot *plot);

#endif
