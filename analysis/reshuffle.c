#include "analysis/reshuffle.h"

#include "base/accept.h"
#include "base/memory.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A random permutation of 0 .. n - 1 (Fisher and Yates). */
static void shuffle(kad_rng rng, uint32_t index, size_t n, uint32_t *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(kad_rng_uniform(rng, index, i, 0) * (double)i);
        if (j >= i) j = i - 1;
        const uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

void kad_reshuffle_walk(uint64_t seed, uint32_t index, size_t n, const double *log_w,
                        uint32_t *order, uint32_t *state, double *accepted)
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_BOOTSTRAP, 1);
    const size_t n_in = n / 10;
    shuffle(rng, index, n, order);
    uint32_t now = order[n - 1 - n_in];
    for (size_t k = 0; k < n_in + n; k++) {
        const size_t i = k < n_in ? n - n_in + k : k - n_in;
        const uint32_t next = order[i];
        const bool taken = kad_accept_independent(log_w[next], log_w[now],
                                                  kad_rng_uniform(rng, index, k, 1));
        if (taken) now = next;
        if (k < n_in) continue;
        state[i] = now;
        accepted[i] = taken ? 1.0 : 0.0;
    }
}

/* Gamma analysis of one series over every order, its errors those of one. */
static kad_status analyse(kad_ctx *ctx, size_t n, const uint32_t *states,
                          const double *draws, size_t stride, size_t offset,
                          double *series, kad_gamma *out)
{
    const double orders = KAD_RESHUFFLE_ORDERS;
    for (size_t i = 0; i < n * KAD_RESHUFFLE_ORDERS; i++)
        series[i] = draws[states[i] * stride + offset];
    KAD_CALL(kad_gamma_estimate(ctx, KAD_RESHUFFLE_ORDERS, n, series, out));
    out->err *= sqrt(orders);
    out->err_naive *= sqrt(orders);
    out->tau_int_err *= sqrt(orders);
    out->n_eff /= orders;
    out->q_value = NAN; /* the chains are not independent */
    kad_gamma_demand(out, (double)n);
    return KAD_OK;
}

static kad_status add(kad_ctx *ctx, const char *name, size_t n, const uint32_t *states,
                      const kad_observed *observed, size_t offset, double *series,
                      kad_estimates *out)
{
    kad_gamma gamma;
    KAD_CALL(analyse(ctx, n, states, kad_observed_draws(observed), observed->width,
                     offset, series, &gamma));
    (void)kad_estimates_add_gamma(out, name, &gamma);
    return KAD_OK;
}

static kad_status add_all(kad_ctx *ctx, const kad_recorded *recorded,
                          const uint32_t *states, double *series, kad_estimates *out)
{
    const size_t n = recorded->n_chains * recorded->n_draws;
    const kad_observed *axis = kad_recorded_find(recorded, "correlator_axis");
    for (size_t i = 0; i < recorded->n_observed; i++) {
        const kad_observed *observed = &recorded->observed[i];
        if (observed->is_row) continue;
        KAD_CALL(add(ctx, observed->name, n, states, observed, 0, series, out));
    }
    if (axis != NULL)
        KAD_CALL(add(ctx, "G_half", n, states, axis, axis->width - 1, series, out));
    return KAD_OK;
}

kad_status kad_analyse_reshuffled(kad_scope *in, uint64_t seed,
                                  const kad_recorded *recorded, kad_runs *runs,
                                  kad_estimates **out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t n = recorded->n_chains * recorded->n_draws,
                 orders = KAD_RESHUFFLE_ORDERS;
    uint32_t *order, *states;
    double *series;
    char name[KAD_ESTIMATE_NAME + 16];

    if (n > UINT32_MAX)
        return kad_fail(in->ctx, KAD_EDATA, "%s: %zu proposals are too many to reshuffle",
                        recorded->name, n);
    snprintf(name, sizeof name, "%s_reshuffled", recorded->name);
    KAD_CALL(kad_estimates_create(in, name,
                                  "mean over re-shuffled proposals, Gamma method", out));
    (*out)->seconds_per_draw = recorded->seconds_per_draw;
    KAD_CALL(kad_take(&scope, n, &order));
    KAD_CALL(kad_take(&scope, n * orders, &states));
    KAD_CALL(kad_take(&scope, n * orders, &series));
    for (size_t r = 0; r < orders; r++)
        kad_reshuffle_walk(seed, (uint32_t)r, n, recorded->log_weight.data, order,
                           states + r * n, series + r * n);
    if (runs != NULL) *runs = kad_runs_analyse(orders, n, series);
    return add_all(in->ctx, recorded, states, series, *out);
}
