/* The angle of the updates, and how many of them are worth their cost. */
#include "sample/annealed.h"

#include "base/memory.h"
#include "base/sort.h"
#include "base/weights.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where nothing is tuned; of ways that tune the angle. */
enum { UPDATES = 4 };
static const double ANGLE = 0.5;
/* Near the largest of acceptance times the square of the change: of a blind turn as of a
 * random walk's proposal, of one with a kick as of Langevin's. */
static const double TARGET_BLIND = 0.3, TARGET_KICKS = 0.6;
/* In passes of the map in double, by the time they take: a force (generation, adjoint) by its
 * precision, and what a draw takes besides (its sites that were integrated out, its
 * observables). */
static const double FORCE[2] = {1.25, 2.5}, BESIDES = 1;

double kad_anneal_cost(const kad_anneal *a)
{
    const double weigh = kad_map_signs(a->map) ? 2 : 1;
    const double drawn = a->prec == KAD_SINGLE ? 0.5 : 1;
    if (a->updates == 0) return BESIDES + drawn + weigh;
    return BESIDES + (a->updates + 1) * weigh + a->updates * a->kicks * FORCE[a->prec];
}

kad_scan kad_scan_start(const kad_annealed_options *options)
{
    kad_scan scan = {0};
    const double target = options->kicks == 0 ? TARGET_BLIND : TARGET_KICKS;
    const bool given = !isnan(options->angle);
    scan.angle = kad_step_size_start(given ? options->angle : ANGLE, M_PI / 2, target);
    if (given) kad_step_size_freeze(&scan.angle);
    return scan;
}

/* A tile of draws; their ln W, and the mean fraction of updates accepted. */
static kad_status draw(kad_ctx *ctx, const kad_anneal *a, int64_t round, double *log_w,
                       double *moved)
{
    KAD_SCOPE(scope, ctx);
    const size_t n = (size_t)kad_lanes(a->prec);
    double *y, S[KAD_W_MAX], each[KAD_W_MAX];
    KAD_CALL(kad_take(&scope, n * a->target.n_rows, &y));
    KAD_CALL(kad_anneal_draw(ctx, a, (uint64_t)round * n, n, y, NULL, S, log_w, each));
    *moved = 0;
    for (size_t i = 0; i < n; i++)
        *moved += each[i] / (double)n;
    return KAD_OK;
}

/* --- numbers of updates -------------------------------------------------------------- */

/* Few draws do not show an ESS much below 1/n: where weights are that broad, what it is for
 * a normal ln w of the width of the middle two thirds, exp(-sigma^2). Sorts. */
static double ess_of(size_t n, double *log_w)
{
    const double seen = kad_effective_draws(n, log_w) / (double)n;
    kad_sort(n, log_w);
    const double sigma = (log_w[n * 84 / 100] - log_w[n * 16 / 100]) / 2;
    return fmin(seen, exp(-sigma * sigma));
}

/* What is known of the number under way, which is then done. */
static void close_row(kad_scan *scan, const kad_anneal *a)
{
    const size_t n = (size_t)scan->sums[0];
    const int64_t i = scan->n++;
    scan->updates[i] = a->updates;
    scan->cost[i] = kad_anneal_cost(a);
    scan->ess[i] = ess_of(n, scan->log_w);
    scan->acceptance[i] = a->updates > 0 ? scan->sums[2] / scan->sums[1] : NAN;
    memset(scan->sums, 0, sizeof scan->sums);
}

/* Passes per independent configuration of the cheapest; its place. */
static double cheapest(const kad_scan *scan, int64_t *at)
{
    double least = INFINITY;
    for (int64_t i = 0; i < scan->n; i++) {
        const double cost = scan->cost[i] / scan->ess[i];
        if (!(cost < least)) continue;
        least = cost;
        *at = i;
    }
    return least;
}

int kad_scan_best(const kad_scan *scan)
{
    int64_t at = -1;
    (void)cheapest(scan, &at);
    return at < 0 ? UPDATES : (int)scan->updates[at];
}

static kad_status try_updates(kad_ctx *ctx, kad_scan *scan, kad_anneal *a)
{
    int64_t at;
    double moved;
    a->updates = scan->n == 0 ? 0 : 1 << (scan->n - 1);
    /* no ESS is above 1 */
    if (scan->n == KAD_SCAN_MOST || kad_anneal_cost(a) >= cheapest(scan, &at))
        return KAD_OK;
    KAD_CALL(draw(ctx, a, scan->n_rounds, scan->log_w + (size_t)scan->sums[0], &moved));
    scan->sums[0] += kad_lanes(a->prec);
    scan->sums[1] += 1;
    scan->sums[2] += moved;
    if (scan->sums[1] >= KAD_SCAN_ROUNDS) close_row(scan, a);
    return KAD_OK;
}

kad_status kad_scan_round(kad_ctx *ctx, kad_scan *scan,
                          const kad_annealed_options *options, int64_t n_tune,
                          const kad_anneal *anneal)
{
    const bool finds_angle = isnan(options->angle), finds_updates = options->updates < 0;
    const int64_t for_angle = !finds_angle ? 0 : n_tune / (finds_updates ? 4 : 2);
    kad_anneal a = *anneal;
    double log_w[KAD_W_MAX], moved;
    a.angle = kad_step_size_now(&scan->angle);
    a.updates = UPDATES;
    if (scan->n_rounds < for_angle) {
        KAD_CALL(draw(ctx, &a, scan->n_rounds, log_w, &moved));
        kad_step_size_update(&scan->angle, moved);
        if (scan->n_rounds + 1 == for_angle) kad_step_size_freeze(&scan->angle);
    } else if (finds_updates) {
        KAD_CALL(try_updates(ctx, scan, &a));
    }
    scan->n_rounds++;
    return KAD_OK;
}

/* --- what was found ------------------------------------------------------------------ */

void kad_scan_say(kad_ctx *ctx, const kad_scan *scan, int entry)
{
    char rows[KAD_MESSAGE_MAX / 2] = "";
    size_t used = 0;
    if (scan->n == 0) return;
    for (int64_t i = 0; i < scan->n && used < sizeof rows; i++)
        used += (size_t)snprintf(rows + used, sizeof rows - used, "%s%.0f: %.2g, %.3g",
                                 i > 0 ? "; " : "", scan->updates[i], scan->ess[i],
                                 scan->cost[i] / scan->ess[i]);
    kad_note(ctx,
             "sample[%d]: updates: ESS, passes of the map per independent configuration: "
             "%s; %d taken",
             entry, rows, kad_scan_best(scan));
}

void kad_scan_describe(const kad_scan *scan, kad_writer *w)
{
    const size_t n = (size_t)scan->n;
    if (n == 0) return;
    kad_write(w, "scan/updates", KAD_H5_F64, "updates", "1", "updates of a draw", &n,
              scan->updates);
    kad_write(w, "scan/ess", KAD_H5_F64, "updates", "1",
              "effective sample size a draw, of 256 draws of the tuning", &n, scan->ess);
    kad_write(w, "scan/cost", KAD_H5_F64, "updates", "1",
              "passes of the map in double a draw", &n, scan->cost);
    kad_write(w, "scan/acceptance", KAD_H5_F64, "updates", "1",
              "share of the updates that were accepted", &n, scan->acceptance);
    kad_write_text(w, "scan/acceptance@missing", "without updates");
}

bool kad_scan_is_possible(const kad_scan *scan)
{
    const double draws = scan->sums[0];
    if (scan->n < 0 || scan->n > KAD_SCAN_MOST) return false;
    if (!(draws >= 0 && draws <= KAD_SCAN_DRAWS - KAD_W_MAX)) return false;
    for (int64_t i = 0; i < scan->n; i++)
        if (!(scan->updates[i] >= 0 && scan->updates[i] <= INT_MAX)) return false;
    return true;
}
