/* Runs of rejections of an independent sampler. While proposals are rejected the state
 * repeats, so the probability p(t) of t rejections in a row estimates rho(t) of every
 * observable, and
 *   tau = 1/2 + sum_t p(t) = 1/2 + (1/N) sum_runs l (l + 1)/2,
 * free of the observable's noise.  Source: Albergo, Kanwar, Shanahan, arXiv:1904.12072,
 * sec. III D. */
#ifndef KAD_ANALYSIS_RUNS_H
#define KAD_ANALYSIS_RUNS_H

#include <stddef.h>

typedef struct kad_runs {
    size_t n_accepted;
    size_t longest; /* draws rejected in a row */
    double tau;
} kad_runs;

/* accepted [n_chains][n]: zero or not. Runs do not cross chains. */
kad_runs kad_runs_analyse(size_t n_chains, size_t n, const double *accepted);

#endif
