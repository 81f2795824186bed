/* What finite-size scaling needs of a run: replicas of its quantities. */
#include "analysis/fss.h"

#include "analysis/combine.h"
#include "analysis/estimates.h"
#include "analysis/functions.h"
#include "analysis/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_fss_kind kad_fss_kinds[KAD_FSS_QUANTITIES] = {
    [KAD_FSS_BINDER] = {"binder", "", "Binder cumulant", 0},
    [KAD_FSS_XI] = {"xi_over_L", "", "second-moment correlation length over L", 0},
    [KAD_FSS_CHI] = {"chi", "gamma/nu", "susceptibility", 1.75},
    [KAD_FSS_ABS_M] = {"abs_m", "-beta/nu", "order parameter", -0.125},
    [KAD_FSS_HELICITY] = {"beta_helicity", "", "helicity modulus times beta", 0},
};

/* The columns that these are made of. */
enum { M2, M4, KMIN, ABS_M, HELICITY, COLUMNS };
static const char *const columns[COLUMNS] = {"m2", "m4", "structure_kmin", "abs_m",
                                             "helicity"};

/* A block is worth so many tau_int. */
enum { BLOCK_TIMES = 10 };

static int64_t count_of(kad_ctx *ctx, kad_h5 *file, const char *sampler, const char *name)
{
    char group[160];
    snprintf(group, sizeof group, "/samplers/%.120s", sampler);
    return kad_attr_int(ctx, file, group, name);
}

kad_status kad_fss_blocks(kad_ctx *ctx, kad_h5 *file, const char *sampler,
                          size_t *n_blocks, char reason[KAD_FSS_REASON])
{
    KAD_SCOPE(scope, ctx);
    char group[160];
    kad_table t;
    double tau = 0.5;
    *n_blocks = 0;
    reason[0] = 0;
    snprintf(group, sizeof group, "/analysis/%.120s", sampler);
    KAD_CALL(kad_table_read(&scope, file, group, &t));
    const double draws = (double)count_of(ctx, file, sampler, "n_draws") *
                         (double)count_of(ctx, file, sampler, "n_chains");
    if (t.n == 0 || !(draws > 0)) {
        snprintf(reason, KAD_FSS_REASON, "has no chain %.60s", sampler);
        return KAD_OK;
    }
    for (int c = 0; c < COLUMNS; c++) {
        const size_t i = kad_table_find(&t, columns[c]);
        if (i == t.n) continue;
        if (!isfinite(kad_table_at(&t, &t.err, i))) {
            const char *why = t.flag[i] != NULL ? kad_reason(t.flag[i]) : NULL;
            snprintf(reason, KAD_FSS_REASON, "%s of %.40s has no error bar: %.80s",
                     columns[c], sampler, why != NULL ? why : "none is stated");
            return KAD_OK;
        }
        tau = fmax(tau, kad_table_at(&t, &t.tau, i));
    }
    const double most = draws / (BLOCK_TIMES * tau);
    *n_blocks = most < KAD_FSS_BLOCKS ? (size_t)most : KAD_FSS_BLOCKS;
    if (*n_blocks >= KAD_FSS_BLOCKS_LEAST) return KAD_OK;
    snprintf(reason, KAD_FSS_REASON, "%.0f draws of tau_int %.3g: too few", draws, tau);
    *n_blocks = 0;
    return KAD_OK;
}

/* Means with block b left out (b < n_blocks), and of all (n_blocks), to left_out [n_blocks + 1].
 */
static kad_status leave_out(kad_ctx *ctx, kad_h5 *file, const char *sampler,
                            const char *name, size_t n_blocks, double *left_out)
{
    KAD_SCOPE(scope, ctx);
    char path[256];
    kad_values v;
    snprintf(path, sizeof path, "/samplers/%.120s/observables/%.64s", sampler, name);
    KAD_CALL(kad_values_read(&scope, file, path, &v));
    for (size_t b = 0; b <= n_blocks; b++)
        left_out[b] = v.rank == 2 && v.n >= n_blocks ? 0.0 : (double)NAN;
    if (isnan(left_out[0])) return KAD_OK;
    double total = 0;
    for (size_t i = 0; i < v.n; i++)
        left_out[i * n_blocks / v.n] += v.data[i];
    for (size_t b = 0; b < n_blocks; b++)
        total += left_out[b];
    for (size_t b = 0; b < n_blocks; b++) {
        const size_t first = (b * v.n + n_blocks - 1) / n_blocks;
        const size_t end = ((b + 1) * v.n + n_blocks - 1) / n_blocks;
        left_out[b] = (total - left_out[b]) / (double)(v.n - (end - first));
    }
    left_out[n_blocks] = total / (double)v.n;
    return KAD_OK;
}

/* All quantities of one set of means. */
static void evaluate(const double mean[COLUMNS], const kad_lattice_facts *facts,
                     double out[KAD_FSS_QUANTITIES])
{
    const double pair[2] = {mean[M2], mean[M4]}, momenta[2] = {mean[M2], mean[KMIN]};
    out[KAD_FSS_BINDER] = kad_function_binder(2, pair, facts);
    out[KAD_FSS_XI] = kad_function_xi_structure(2, momenta, facts) / facts->extent;
    out[KAD_FSS_CHI] = kad_function_chi(1, pair, facts);
    out[KAD_FSS_ABS_M] = mean[ABS_M];
    /* only there does it jump by what is known */
    out[KAD_FSS_HELICITY] = facts->n_components == 2 ? facts->beta * mean[HELICITY] : NAN;
}

kad_status kad_fss_read(kad_scope *in, kad_h5 *file, const char *sampler, size_t n_blocks,
                        kad_fss_point *out)
{
    KAD_SCOPE(scope, in->ctx);
    char group[160];
    double *left_out[COLUMNS], mean[COLUMNS];
    snprintf(group, sizeof group, "/samplers/%.120s", sampler);
    const kad_lattice_facts facts = {
        .n_sites = (double)count_of(in->ctx, file, sampler, "n_sites"),
        .extent = (double)count_of(in->ctx, file, sampler, "extent"),
        .n_components = fmax(1, (double)count_of(in->ctx, file, sampler, "n_components")),
        .beta = kad_attr_real(in->ctx, file, group, "beta")};
    KAD_CALL(kad_replicas_take(in, KAD_FSS_QUANTITIES, n_blocks, &out->of));
    for (int c = 0; c < COLUMNS; c++) {
        KAD_CALL(kad_take(&scope, n_blocks + 1, &left_out[c]));
        KAD_CALL(leave_out(in->ctx, file, sampler, columns[c], n_blocks, left_out[c]));
    }
    for (size_t b = 0; b <= n_blocks; b++) {
        for (int c = 0; c < COLUMNS; c++)
            mean[c] = left_out[c][b];
        evaluate(mean, &facts,
                 b < n_blocks ? out->of.replica + b * KAD_FSS_QUANTITIES : out->of.value);
    }
    return KAD_OK;
}

/* Seeds of one quantity: their weighted mean replica by replica, which is spread by what
 * kad_combine widens the error by. */
static void merge(size_t n, const kad_fss_point *point, size_t q, const kad_combined *all,
                  double weight, kad_replicas *out)
{
    const size_t B = out->n_blocks;
    const double widened = all->n > 1 ? fmax(1, all->chi2 / (double)(all->n - 1)) : 1;
    out->value[q] = all->value;
    for (size_t b = 0; b < B; b++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            const kad_estimate e = kad_replicas_estimate(&point[i].of, q);
            if (e.err > 0)
                sum += (point[i].of.replica[b * KAD_FSS_QUANTITIES + q] - e.value) /
                       (e.err * e.err);
        }
        out->replica[b * KAD_FSS_QUANTITIES + q] =
            all->value + sqrt(widened) * sum / weight;
    }
}

kad_status kad_fss_merge(kad_scope *in, size_t n, const kad_fss_point *point,
                         kad_fss_point *out)
{
    KAD_SCOPE(scope, in->ctx);
    kad_estimate *e;
    KAD_CALL(kad_take(&scope, n, &e));
    *out = (kad_fss_point){.size = point->size, .tune = point->tune};
    KAD_CALL(kad_replicas_take(in, KAD_FSS_QUANTITIES, point->of.n_blocks, &out->of));
    for (size_t q = 0; q < KAD_FSS_QUANTITIES; q++) {
        double weight = 0;
        for (size_t i = 0; i < n; i++) {
            e[i] = kad_replicas_estimate(&point[i].of, q);
            if (e[i].err > 0) weight += 1 / (e[i].err * e[i].err);
        }
        const kad_combined all = kad_combine(n, e);
        merge(n, point, q, &all, weight, &out->of);
    }
    return KAD_OK;
}
