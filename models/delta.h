/* Changes of an action when few sites of its flow variables change: what bulk moves need
 * (src/sample/latent_metropolis.h). A tile holds KAD_W_DOUBLE chains in double: y
 * [n_sites][n_comp][KAD_W_DOUBLE]. */
#ifndef KAD_MODELS_DELTA_H
#define KAD_MODELS_DELTA_H

#include "models/action.h"

/* `old` counts at changed sites only; elsewhere the value is now's. Sites are active. */
typedef struct kad_change {
    int n;
    const int *sites;        /* [n] */
    const uint8_t *changed;  /* [n_sites] 1 at these */
    const double *old, *now; /* y before and after */
} kad_change;

struct kad_action_delta {
    /* What the cost of `change` grows with, in one line: for descriptions. */
    const char *cost;
    /* OPTIONAL. Constants of the action, made once and then read only, and what a tile
     * keeps between moves; both 64-byte aligned. */
    size_t (*shared_bytes)(const kad_action *action);
    void (*prepare)(const kad_action *action, void *shared);
    size_t (*state_bytes)(const kad_action *action);
    void (*begin)(const kad_action *action, const void *shared, const double *y,
                  void *state);
    /* REQUIRED. dS[lane] = S(now) - S(old) (overwrites). */
    void (*change)(const kad_action *action, const void *shared, const kad_change *change,
                   double *dS, void *state);
    /* OPTIONAL. Lanes with keep[lane] stay with the latest change, the others go back. */
    void (*settle)(const kad_action *action, const uint8_t *keep, void *state);
};

#endif
