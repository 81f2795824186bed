/* Runs of the samplers of the boundary field, "metropolis" and "cluster", and what is read off
 * them. Every function fails the test on an error. */
#ifndef KAD_TESTS_LOCAL_CASE_H
#define KAD_TESTS_LOCAL_CASE_H

#include "run/options.h"
#include "sample/local_chains.h"

#include <stdbool.h>

typedef struct local_case {
    kad_ctx ctx;
    kad_schema schema;
    kad_config *config;
    kad_run_options options;
    kad_action_options action_options;
    kad_lattice *lattice;
    kad_action *action;
    size_t n_rows;
    /* of the latest run: [n_chains][n_draws] */
    int n_chains, n_draws;
    double *x, *S;
    uint64_t *number;
    uint8_t *accepted;
    double width;
} local_case;

/* An action of a config, on extent^d sites. */
void local_case_make(local_case *s, int d, int extent, const char *yaml, bool decimate);
void local_case_clear(local_case *s);

kad_sampler_setup local_case_setup(const local_case *s, int chains, int burn_in,
                                   int draws);
/* Room for draws; then n of them, of a sampler's self. */
void local_case_prepare(local_case *s, int chains, int draws);
void local_case_advance(local_case *s, void *self, int n);
/* Draws of independent chains after a burn-in. */
void local_case_run(local_case *s, bool clusters, int chains, int burn_in, int draws);

enum { LOCAL_CASE_VALUES = 4 };
typedef void (*local_case_observe)(const local_case *s, const double *x, double *out);
/* E/N, <m^2>, <s s>(1,0) of the spins. */
void local_case_spins(const local_case *s, const double *x, double *out);
/* <|phi|^2>, <|phi|^4>, N <|mean phi|^2>, nearest neighbours. */
void local_case_field(const local_case *s, const double *x, double *out);
/* Every given value (NAN: skip) within five standard errors, taken from independent chains,
 * and the errors small enough to mean something. About 40 comparisons of fixed seeds: false
 * alarm 2e-5. */
void local_case_compare(const local_case *s, const char *what, local_case_observe values,
                        const double exact[LOCAL_CASE_VALUES], double relative);

#endif
