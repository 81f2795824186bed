/* Images to latents and back, with either prior. What the prior is only relabels latents:
 * z = Q(t) of the same t, so that the Laplace latent is Q_L(F_N(z)) of the normal one; and
 * ln P(v) = ln[(F(z_2) - F(z_1)) / (u_2 - u_1)], F the prior's distribution function and z_i
 * the latents of the places u_i within the level, gives the bits back from latents alone. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "pixel/map.h"
#include "pixel/recipe.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 256, N_PRIORS = 2 };
static const char *const prior_names[N_PRIORS] = {"normal", "laplace"};

typedef struct result {
    int64_t exact[N_PRIORS];
    double bpd[N_PRIORS]; /* from latents alone */
    double again;         /* largest change of a latent by decoding and encoding */
    double relabelled;    /* largest |z_L - Q_L(F_N(z_N))| */
    double bits;          /* bits by the masses */
} result;

typedef struct bench {
    size_t size;
    uint8_t *back;
    double *u, *v, *z[N_PRIORS], *low, *high, *bits;
} bench;

static kad_status take(kad_scope *in, const kad_pixel_map *map, bench *b)
{
    b->size = kad_pixel_size(map);
    KAD_CALL(kad_take(in, CHUNK * b->size, &b->back));
    KAD_CALL(kad_take(in, CHUNK * b->size, &b->u));
    KAD_CALL(kad_take(in, CHUNK * b->size, &b->v));
    for (int p = 0; p < N_PRIORS; p++)
        KAD_CALL(kad_take(in, CHUNK * b->size, &b->z[p]));
    KAD_CALL(kad_take(in, CHUNK * b->size, &b->low));
    KAD_CALL(kad_take(in, CHUNK * b->size, &b->high));
    return kad_take(in, CHUNK * (size_t)(map->n_levels * map->n_channels), &b->bits);
}

/* Bits from the latents of the places 1/4 and 3/4. */
static kad_status bits_of_latents(kad_ctx *ctx, const kad_pixel_plan *plan,
                                  kad_pixel_prior prior, size_t n, const uint8_t *x,
                                  bench *b, double *bits)
{
    double sum = 0;
    for (size_t i = 0; i < n * b->size; i++)
        b->v[i] = 0.25;
    KAD_CALL(kad_stop_check(ctx, "coding images"));
    KAD_CALL(kad_pixel_encode(ctx, plan, n, x, b->v, b->low, NULL));
    for (size_t i = 0; i < n * b->size; i++)
        b->v[i] = 0.75;
    KAD_CALL(kad_pixel_encode(ctx, plan, n, x, b->v, b->high, NULL));
    for (size_t i = 0; i < n * b->size; i++) {
        double low, high, above_low, above_high;
        kad_pixel_distribution(prior, b->low[i], &low, &above_low);
        kad_pixel_distribution(prior, b->high[i], &high, &above_high);
        /* the smaller tails hold the digits */
        sum -= log2(2 * (low < 0.5 ? high - low : above_low - above_high));
    }
    *bits += sum;
    return KAD_OK;
}

static void compare(const bench *b, size_t n, const uint8_t *x, int64_t *exact)
{
    for (size_t i = 0; i < n; i++)
        *exact += memcmp(x + i * b->size, b->back + i * b->size, b->size) == 0;
}

static kad_status do_chunk(kad_ctx *ctx, const kad_views *v,
                           const kad_pixel_plan *laplace, size_t first, size_t n,
                           bench *b, result *r)
{
    const kad_pixel_plan *plan[N_PRIORS] = {kad_pixel_recipe_plan(v->plan), laplace};
    const uint8_t *x = kad_image_at(&v->set->held_out, first);
    const size_t n_bits = n * (size_t)(v->map->n_levels * v->map->n_channels);
    kad_pixel_places(plan[0]->map, v->seed, first, n, b->u);
    for (int p = 0; p < N_PRIORS; p++) {
        KAD_CALL(kad_stop_check(ctx, "coding images"));
        KAD_CALL(kad_pixel_encode(ctx, plan[p], n, x, b->u, b->z[p], b->bits));
        KAD_CALL(kad_stop_check(ctx, "coding images"));
        KAD_CALL(kad_pixel_decode(ctx, plan[p], n, b->z[p], b->back, b->v));
        compare(b, n, x, &r->exact[p]);
        if (p == 0) {
            KAD_CALL(kad_pixel_encode(ctx, plan[p], n, b->back, b->v, b->low, NULL));
            for (size_t i = 0; i < n * b->size; i++)
                r->again = fmax(r->again, fabs(b->low[i] - b->z[p][i]));
        }
        if (first > 0) continue; /* one chunk tells */
        r->bits = kad_tree_sum1(b->bits, n_bits);
        KAD_CALL(bits_of_latents(ctx, plan[p], (kad_pixel_prior)p, n, x, b, &r->bpd[p]));
    }
    for (size_t i = 0; i < n * b->size; i++) {
        double t, rest;
        kad_pixel_distribution(KAD_PIXEL_NORMAL, b->z[0][i], &t, &rest);
        const double other = kad_pixel_quantile(KAD_PIXEL_LAPLACE, t, rest);
        r->relabelled = fmax(r->relabelled, fabs(other - b->z[1][i]));
    }
    return KAD_OK;
}

static void write(const result *r, size_t n, size_t size, kad_writer *w)
{
    const size_t two = N_PRIORS;
    const double n_levels = (double)((n < CHUNK ? n : CHUNK) * size);
    double bpd[N_PRIORS];
    for (int p = 0; p < N_PRIORS; p++)
        bpd[p] = r->bpd[p] / n_levels;
    kad_write_int(w, "n", (int64_t)n);
    kad_write_int(w, "n_bpd", n < CHUNK ? (int64_t)n : CHUNK);
    kad_write_real(w, "bpd", r->bits / n_levels);
    kad_write_real(w, "largest_change", r->again);
    kad_write_real(w, "largest_relabelling_error", r->relabelled);
    kad_write_names(w, "prior", "prior", "prior of the latents, of variance 1", two,
                    prior_names);
    kad_write(w, "n_exact", KAD_H5_I64, "prior", "images",
              "images that come back from their latents in every level", &two, r->exact);
    kad_write(w, "bpd_latents", KAD_H5_F64, "prior", "bits",
              "bits per dimension from the latents alone", &two, bpd);
}

static kad_status run_pixels(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                             char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_pixel_plan, laplace);
    const kad_pixel_map *map = kad_pixel_recipe_map(v->map);
    const size_t n = kad_view_n_held_out(v, v->options->coding);
    bench b;
    result r = {0};
    KAD_CALL(take(&scope, map, &b));
    KAD_CALL(kad_pixel_plan_create(ctx, map, v->theta, KAD_PIXEL_LAPLACE, &laplace));
    for (size_t i = 0; i < n; i += CHUNK)
        KAD_CALL(do_chunk(ctx, v, laplace, i, n - i < CHUNK ? n - i : CHUNK, &b, &r));
    write(&r, n, b.size, w);
    snprintf(line, KAD_VIEW_LINE,
             "coding: %lld of %zu images come back exactly, %lld with the Laplace prior",
             (long long)r.exact[0], n, (long long)r.exact[1]);
    return w->status;
}

/* --- other maps -------------------------------------------------------------------------- */

/* Couplings are undone in single precision: a level comes back unless its place was within
 * rounding of the next. */
static kad_status run_couplings(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                                char line[KAD_VIEW_LINE])
{
    KAD_SCOPE(scope, ctx);
    const kad_image_map_ops *ops = v->map->ops;
    const size_t n = kad_view_n_held_out(v, v->options->coding),
                 size = kad_image_map_size(v->map), one = 1;
    const char *prior = prior_names[v->map->laplace];
    double *z;
    uint8_t *back;
    int64_t n_exact = 0, n_differ = 0;
    KAD_CALL(kad_take(&scope, CHUNK * size, &z));
    KAD_CALL(kad_take(&scope, CHUNK * size, &back));
    for (size_t at = 0, here = 0; at < n; at += here) {
        here = n - at < CHUNK ? n - at : CHUNK;
        const uint8_t *x = kad_image_at(&v->set->held_out, at);
        KAD_CALL(ops->encode(ctx, v->plan, v->seed, at, here, x, z, NULL));
        KAD_CALL(ops->decode(ctx, v->plan, here, z, NULL, back));
        for (size_t i = 0; i < here * size; i += size) {
            n_exact += memcmp(x + i, back + i, size) == 0;
            for (size_t k = i; k < i + size; k++)
                n_differ += x[k] != back[k];
        }
    }
    const double share = (double)n_differ / (double)(n * size);
    kad_write_int(w, "n", (int64_t)n);
    kad_write_real(w, "levels_differ", share);
    kad_write_names(w, "prior", "prior", "prior of the latents, of variance 1", one,
                    &prior);
    kad_write(w, "n_exact", KAD_H5_I64, "prior", "images",
              "images that come back from their latents in every level", &one, &n_exact);
    int at = snprintf(line, KAD_VIEW_LINE, "coding: %lld of %zu images come back exactly",
                      (long long)n_exact, n);
    if (n_differ > 0)
        snprintf(line + at, KAD_VIEW_LINE - (size_t)at,
                 "; a share of %.2g of levels does not", share);
    return w->status;
}

static kad_status run(kad_ctx *ctx, const kad_views *v, kad_writer *w,
                      char line[KAD_VIEW_LINE])
{
    return v->pixels ? run_pixels(ctx, v, w, line) : run_couplings(ctx, v, w, line);
}

static bool asked(const kad_views *v)
{
    return v->options->coding > 0;
}

const kad_image_view kad_view_coding = {
    .name = "coding",
    .summary = "images to latents and back, with either prior",
    .asked = asked,
    .run = run,
};
