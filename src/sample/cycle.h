/* A composition of samplers: the ops table, and its list of steps. */
#ifndef KAD_SAMPLE_CYCLE_H
#define KAD_SAMPLE_CYCLE_H

#include "sample/sampler.h"

enum { KAD_CYCLE_STEPS = 16, KAD_CYCLE_UPDATES = 1000, KAD_CYCLE_MESSAGE = 256 };

typedef struct kad_cycle_step {
    const kad_sampler_ops *ops;
    int n; /* updates */
} kad_cycle_step;

/* "mis 1, latent-hmc 2, metropolis": names of samplers that have set_state (and are no
 * cycles), each with a
 * number of updates (1 when left out), separated by commas. Returns the number of steps,
 * or 0 with the reason in `message`. */
int kad_cycle_parse(const char *text, kad_cycle_step steps[KAD_CYCLE_STEPS],
                    char message[KAD_CYCLE_MESSAGE]);

extern const kad_sampler_ops kad_sampler_cycle;

#endif
