/* A model that only tests know: the dual field of Z(4) clock spins. */
#ifndef KAD_TESTS_CLOCK_MODEL_H
#define KAD_TESTS_CLOCK_MODEL_H

#include "models/action.h"

extern const kad_action_ops clock_action;

/* J of the energy -J sum_<ij> s_i.s_j. */
extern const double clock_exchange;

/* Directions of a spin, s = (cos, sin)(pi k / 2). */
enum { CLOCK_STATES = 4 };
extern const double clock_spin[CLOCK_STATES][2];

/* Probabilities of a spin's directions given its field, proportional to exp(s.x). */
void clock_probabilities(const double x[2], double p[CLOCK_STATES]);

#endif
