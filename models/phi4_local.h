/* Parts of phi^4's Markov updates (models/local.h). */
#ifndef KAD_MODELS_PHI4_LOCAL_H
#define KAD_MODELS_PHI4_LOCAL_H

#include "models/local.h"
#include "models/phi4.h"

/* phi4_local_kern.c; accepted and x 64-byte aligned. */
void kad_phi4_local_sweep(const kad_action *action, const kad_turn *turn, double width,
                          double *x, double *accepted, void *scratch);
/* n = 2, 3 (n = 1: nothing to do). */
void kad_phi4_local_reflect(const kad_action *action, double *x);

#endif
