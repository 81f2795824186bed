/* Inside the plot layer: one series in its frame. Series differ by colour, by the dashes of
 * their lines and by the shape of their points, so that they can be told apart in grey. */
#ifndef KAD_REPORT_MARKS_H
#define KAD_REPORT_MARKS_H

#include "analysis/report/frame.h"

/* One series; a mark of the legend. */
void kad_series_draw(kad_text *out, const kad_frame *frame, const kad_series *series);
void kad_series_key(kad_text *out, const kad_series *series);

#endif
