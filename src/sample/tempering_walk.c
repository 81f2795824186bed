/* States that wander from coupling to coupling (tempering.h). */
#include "sample/tempering.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { LOW = 1, HIGH = 2 };

kad_status kad_walk_create(kad_ctx *ctx, int n, size_t n_chains, kad_walk *walk)
{
    const size_t all = (size_t)n * n_chains;
    *walk = (kad_walk){.n = n, .n_chains = n_chains};
    KAD_CALL(kad_new(ctx, all, sizeof(double), &walk->state));
    KAD_CALL(kad_new(ctx, all, sizeof(double), &walk->end));
    KAD_CALL(kad_new(ctx, (size_t)n - 1, 2 * sizeof(double), &walk->swaps));
    KAD_CALL(kad_new(ctx, (size_t)n, 2 * sizeof(double), &walk->visits));
    kad_walk_begin(walk);
    return KAD_OK;
}

void kad_walk_clear(kad_walk *walk)
{
    kad_free(walk->state);
    kad_free(walk->end);
    kad_free(walk->swaps);
    kad_free(walk->visits);
}

void kad_walk_begin(kad_walk *walk)
{
    for (size_t at = 0; at < (size_t)walk->n * walk->n_chains; at++) {
        walk->state[at] = (double)(at / walk->n_chains);
        walk->end[at] = 0;
    }
}

void kad_walk_swap(kad_walk *walk, int i, size_t chain, bool made, bool count)
{
    double *here = walk->state + (size_t)i * walk->n_chains + chain;
    double *next = here + walk->n_chains, moved = *here;
    if (made) {
        *here = *next;
        *next = moved;
    }
    if (!count) return;
    walk->swaps[2 * i] += 1;
    walk->swaps[2 * i + 1] += made;
}

void kad_walk_note(kad_walk *walk, bool count)
{
    for (int i = 0; i < walk->n; i++)
        for (size_t chain = 0; chain < walk->n_chains; chain++) {
            const size_t state = (size_t)walk->state[(size_t)i * walk->n_chains + chain];
            double *end = walk->end + state * walk->n_chains + chain;
            if (i == 0 && *end == HIGH && count) walk->round_trips += 1;
            if (i == 0) *end = LOW;
            if (i == walk->n - 1) *end = HIGH;
            if (count && *end > 0) walk->visits[2 * i + (*end == HIGH)] += 1;
        }
}

static double ratio(double part, double all)
{
    return all > 0 ? part / all : NAN;
}

void kad_walk_describe(const kad_walk *walk, const kad_ladder *ladder, kad_writer *w)
{
    const size_t n = (size_t)walk->n, pairs = n - 1;
    double flow[KAD_TEMPERING_REPLICAS], acceptance[KAD_TEMPERING_REPLICAS];
    double least = 1, made = 0, tried = 0;
    for (size_t i = 0; i < n; i++)
        flow[i] =
            ratio(walk->visits[2 * i], walk->visits[2 * i] + walk->visits[2 * i + 1]);
    for (size_t i = 0; i < pairs; i++) {
        acceptance[i] = ratio(walk->swaps[2 * i + 1], walk->swaps[2 * i]);
        least = fmin(least, acceptance[i]);
        tried += walk->swaps[2 * i];
        made += walk->swaps[2 * i + 1];
    }
    kad_write(w, "replicas/value", KAD_H5_F64, "value", "1", ladder->along, &n,
              ladder->value);
    kad_write(w, "replicas/flow", KAD_H5_F64, "value", "1",
              "share of states that met the first replica later than the last", &n, flow);
    kad_write_text(w, "replicas/flow@missing", "no state at it had met an end");
    kad_write(w, "swaps/value", KAD_H5_F64, "value", "1", ladder->along, &pairs,
              ladder->value);
    kad_write(w, "swaps/acceptance", KAD_H5_F64, "value", "1",
              "exchanges made of those tried with the next replica", &pairs, acceptance);
    kad_write_text(w, "swaps/acceptance@missing", "none was tried");
    kad_write_real(w, "swap_acceptance", ratio(made, tried));
    kad_write_real(w, "swap_acceptance_least", least);
    kad_write_real(w, "round_trips", walk->round_trips);
}
