/* The comparison of samplers: what an independent configuration costs with each.
 *   tau_int,max  the largest tau_int (1/2 + sum, in draws) among energy, m^2, G(L/2) and
 *                the helicity modulus, those that the run measured
 *   cost         2 tau_int,max x seconds per draw: wall seconds of the whole program (all
 *                threads, measurement included) for one independent configuration
 *   N*           training seconds / (cost of the cheapest sampler without a map - cost):
 *                after so many configurations a trained map has paid for its training;
 *                infinite where the other sampler is cheaper; beside it the same against
 *                the cheapest local one, which is not the cluster sampler
 * Errors: those of tau_int, propagated; times are taken as exact. A tau_int from a series
 * too short for an error bar is a lower bound, and so is the cost. There is no N* against
 * such a cost, and of such a cost only an infinite one. */
#ifndef KAD_ANALYSIS_COMPARISON_H
#define KAD_ANALYSIS_COMPARISON_H

#include "analysis/physics.h"
#include "analysis/text.h"
#include "base/weights.h"
#include "io/h5.h"

#include <stdbool.h>

enum { KAD_COMPARED_OBSERVABLES = 4, KAD_COMPARED_NAME = 96, KAD_COMPARED_MAX = 64 };

/* Names of the observables, as in /analysis. */
extern const char *const kad_compared_observables[KAD_COMPARED_OBSERVABLES];

/* N* against one sampler. */
typedef struct kad_break_even {
    int against;    /* row of the sampler; -1: none */
    kad_estimate n; /* configurations; NaN: unknown */
} kad_break_even;

typedef struct kad_compared {
    char run[KAD_COMPARED_NAME];  /* folder; empty: only one run is looked at */
    kad_physics model;            /* samplers of different ones are not compared */
    char name[KAD_COMPARED_NAME]; /* group below /samplers */
    bool needs_map, is_cluster;
    kad_estimate acceptance;                    /* err NaN: unknown */
    kad_estimate tau[KAD_COMPARED_OBSERVABLES]; /* draws; NaN: not measured */
    bool is_bound[KAD_COMPARED_OBSERVABLES];    /* tau is a lower bound */
    int slowest;                                /* index of tau_max; -1: none known */
    kad_estimate tau_max, tau_reshuffled, cost;
    bool cost_is_bound;
    kad_estimate ess;   /* of its weights; NaN: it has none */
    double n_eff, rhat; /* the smallest and the largest of any observable; NaN: unknown */
    double seconds_per_draw, tuning_seconds, training_seconds; /* NaN: unknown */
    kad_break_even any, local; /* against any sampler without a map, a local one */
} kad_compared;

typedef struct kad_comparison {
    size_t n, n_dropped; /* rows, and those that found no room: the table says so */
    kad_compared row[KAD_COMPARED_MAX];
} kad_comparison;

/* Append the samplers of an analysed file, in the order of /samplers, under the name
 * `run` ("" for one run). Errors: KAD_EDATA,
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_comparison_add(kad_ctx *ctx, kad_h5 *file, const char *run,
                                           kad_comparison *comparison);
/* Break-even numbers, once every row is there. */
void kad_comparison_finish(kad_comparison *comparison);

/* Replaces /comparison: sampler [s], observable [o]; tau_int, tau_int_err,
 * tau_int_seconds, tau_int_seconds_err, is_bound [s, o]; acceptance, tau_int_max,
 * tau_reshuffled, cost, break_even, break_even_local, each with _err, seconds_per_draw,
 * tuning_seconds, needs_map [s]; attributes training_seconds, against, against_local.
 * Nothing without samplers. */
KAD_MUST_USE kad_status kad_comparison_write(kad_ctx *ctx, kad_h5 *file,
                                             const kad_comparison *comparison);

/* The table as lines of text, with the lines that explain it: of one run headed by its
 * model, of several with a column for the lattice and for every coupling. */
void kad_comparison_print(const kad_comparison *comparison, kad_text *out);

#endif
