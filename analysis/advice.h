/* What a warning asks to change, as an override of the run's own config. */
#ifndef KAD_ANALYSIS_ADVICE_H
#define KAD_ANALYSIS_ADVICE_H

#include "analysis/diagnostics.h"

enum { KAD_ADVICE = 96 };

/* "sample[1].draws=40000", "train.steps=8000"; empty where a change of one key is no
 * remedy. Values follow from those in the file. The schema has the last word: a key may
 * have no effect in this run. */
void kad_advice_of(kad_ctx *ctx, kad_h5 *file, const kad_diagnostic *diagnostic,
                   char advice[KAD_ADVICE]);

#endif
