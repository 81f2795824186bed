#include "affine/inpaint.h"

#include "affine/flow.h"
#include "affine/values.h"
#include "base/parallel.h"
#include "base/signals.h"

#include <math.h>
#include <string.h>

enum {
    CHUNK = 64,    /* images at once */
    STEPS = 24,    /* of a trajectory */
    STREAM = 0x1aa /* among those of Markov chains */
};
/* Length of a step: at first, and what becomes of it after a trajectory. Three in four are
 * accepted then. */
static const double first_length = 0.05, longer = 1.25, shorter = 0.5;

typedef struct chains {
    const kad_affine_map *map;
    kad_pixel_prior prior;
    const kad_image_inpainting *what;
    kad_affine_batch_f32 *batch;
    int n_threads;
    kad_rng normal, uniform;
    size_t size, n_moving;
    size_t *moving; /* [n_moving]: values that move */
    bool *cone;     /* [size]: latents that change with the hole */
    /* of the images at work */
    size_t first, n;
    float *given, *x, *dx; /* [CHUNK][size]: of the chain; of a batch */
    double *ln_det;        /* [CHUNK][levels][C] */
    /* where the chain is and what a trajectory proposes, [CHUNK][n_moving]; slopes are those of
     * -ln P, and energies -ln P */
    double *at, *slope, *proposed, *new_slope, *momentum;
    double *energy, *new_energy, *kinetic, *length; /* [CHUNK] */
    double *accepted;                               /* [CHUNK]: in all sweeps */
    int sweep;
    double power;
} chains;

static kad_status take(kad_scope *in, chains *c)
{
    const size_t all = CHUNK * c->size, moving = CHUNK * (c->n_moving + 1);
    KAD_CALL(kad_take(in, all, &c->given));
    KAD_CALL(kad_take(in, all, &c->x));
    KAD_CALL(kad_take(in, all, &c->dx));
    KAD_CALL(kad_take(in, CHUNK * (size_t)(c->map->n_levels * c->map->n_channels),
                      &c->ln_det));
    KAD_CALL(kad_take(in, moving, &c->at));
    KAD_CALL(kad_take(in, moving, &c->slope));
    KAD_CALL(kad_take(in, moving, &c->proposed));
    KAD_CALL(kad_take(in, moving, &c->new_slope));
    KAD_CALL(kad_take(in, moving, &c->momentum));
    KAD_CALL(kad_take(in, CHUNK, &c->energy));
    KAD_CALL(kad_take(in, CHUNK, &c->new_energy));
    KAD_CALL(kad_take(in, CHUNK, &c->kinetic));
    KAD_CALL(kad_take(in, CHUNK, &c->length));
    return kad_take(in, CHUNK, &c->accepted);
}

/* --- what moves ---------------------------------------------------------------------------- */

static bool all_free(const chains *c, const bool *mark)
{
    const size_t plane = c->size / (size_t)c->map->n_channels;
    for (size_t i = 0; i < c->size; i++)
        if (mark[i] && !c->what->free[i % plane]) return false;
    return true;
}

static kad_status find_moving(kad_scope *in, chains *c)
{
    const size_t plane = c->size / (size_t)c->map->n_channels;
    bool *mark;
    KAD_CALL(kad_take(in, c->size, &c->moving));
    KAD_CALL(kad_take(in, c->size, &c->cone));
    KAD_CALL(kad_take(in, c->size, &mark));
    for (size_t site = 0; site < plane; site++) {
        if (!c->what->hole[site]) continue;
        for (size_t i = 0; i < c->size; i++)
            mark[i] = i % plane == site;
        if (c->what->free != NULL) {
            kad_affine_inference_cone(c->map, mark);
            if (!all_free(c, mark)) continue;
        }
        for (size_t i = site; i < c->size; i += plane) {
            c->moving[c->n_moving++] = i;
            c->cone[i] = true;
        }
    }
    kad_affine_inference_cone(c->map, c->cone);
    return KAD_OK;
}

/* --- slopes -------------------------------------------------------------------------------- */

static double *of_image(const chains *c, double *values, size_t i)
{
    return values + i * c->n_moving;
}

/* The proposal of an image, put into it. */
static bool place(void *self, size_t i, int thread)
{
    const chains *c = self;
    float *x = c->x + i * c->size;
    (void)thread;
    memcpy(x, c->given + i * c->size, c->size * sizeof *x);
    for (size_t k = 0; k < c->n_moving; k++)
        x[c->moving[k]] = (float)of_image(c, c->proposed, i)[k];
    return true;
}

static bool meet_prior(void *self, size_t i, int thread)
{
    const chains *c = self;
    const size_t dets = (size_t)(c->map->n_levels * c->map->n_channels);
    (void)thread;
    c->new_energy[i] =
        kad_affine_meet_prior(c->map, c->prior, c->x + i * c->size, c->ln_det + i * dets,
                              1, c->dx + i * c->size);
    return true;
}

static bool collect(void *self, size_t i, int thread)
{
    const chains *c = self;
    (void)thread;
    for (size_t k = 0; k < c->n_moving; k++)
        of_image(c, c->new_slope, i)[k] = (double)c->dx[i * c->size + c->moving[k]];
    return true;
}

/* Energies and slopes of what is proposed. */
static void look(chains *c)
{
    kad_parallel_for(c->n_threads, c->n, place, c);
    kad_affine_infer_f32(c->batch, c->n, c->x, c->ln_det);
    kad_parallel_for(c->n_threads, c->n, meet_prior, c);
    kad_affine_adjoint_f32(c->batch, c->n, -1, c->x, c->dx, NULL);
    kad_parallel_for(c->n_threads, c->n, collect, c);
}

/* --- trajectories -------------------------------------------------------------------------- */

static uint64_t number_of(const chains *c, size_t i)
{
    return c->what->first + c->first + i;
}

static double uniform(const chains *c, size_t i, uint32_t which)
{
    return kad_rng_uniform(c->uniform, (uint64_t)c->sweep, number_of(c, i), which);
}

static double length_of(const chains *c, size_t i)
{
    return c->length[i] * (0.8 + 0.4 * uniform(c, i, 1));
}

static void kick(const chains *c, size_t i, double time)
{
    for (size_t k = 0; k < c->n_moving; k++)
        of_image(c, c->momentum, i)[k] -=
            time * c->power * of_image(c, c->new_slope, i)[k];
}

static double square(const chains *c, size_t i)
{
    double sum = 0;
    for (size_t k = 0; k < c->n_moving; k++)
        sum += of_image(c, c->momentum, i)[k] * of_image(c, c->momentum, i)[k];
    return sum;
}

static bool set_out(void *self, size_t i, int thread)
{
    const chains *c = self;
    const size_t bytes = c->n_moving * sizeof *c->at;
    (void)thread;
    for (size_t k = 0; k < c->n_moving; k += 2) {
        double two[2];
        kad_rng_normal2(c->normal, (uint64_t)c->sweep, number_of(c, i), (uint32_t)k, two);
        for (size_t j = 0; j < 2 && k + j < c->n_moving; j++)
            of_image(c, c->momentum, i)[k + j] = two[j];
    }
    memcpy(of_image(c, c->proposed, i), of_image(c, c->at, i), bytes);
    memcpy(of_image(c, c->new_slope, i), of_image(c, c->slope, i), bytes);
    c->kinetic[i] = 0.5 * square(c, i);
    kick(c, i, 0.5 * length_of(c, i));
    return true;
}

/* On, with reflections at the ends. Whoever goes farther than from end to end in a step does
 * not stay for long: a proposal that is none. */
static bool drift(void *self, size_t i, int thread)
{
    const chains *c = self;
    const double end = kad_affine_end(), length = length_of(c, i);
    double *x = of_image(c, c->proposed, i), *p = of_image(c, c->momentum, i);
    (void)thread;
    for (size_t k = 0; k < c->n_moving; k++) {
        x[k] += length * p[k];
        if (fabs(x[k]) <= end) continue;
        x[k] = copysign(2 * end, x[k]) - x[k];
        p[k] = -p[k];
        if (!(fabs(x[k]) <= end)) x[k] = NAN;
    }
    return true;
}

static bool kick_whole(void *self, size_t i, int thread)
{
    const chains *c = self;
    (void)thread;
    kick(c, i, length_of(c, i));
    return true;
}

static bool arrive(void *self, size_t i, int thread)
{
    const chains *c = self;
    const size_t bytes = c->n_moving * sizeof *c->at;
    (void)thread;
    kick(c, i, 0.5 * length_of(c, i));
    const double gain =
        c->power * (c->energy[i] - c->new_energy[i]) + c->kinetic[i] - 0.5 * square(c, i);
    const bool accepted = log(uniform(c, i, 0)) < gain;
    if (accepted) {
        memcpy(of_image(c, c->at, i), of_image(c, c->proposed, i), bytes);
        memcpy(of_image(c, c->slope, i), of_image(c, c->new_slope, i), bytes);
        c->energy[i] = c->new_energy[i];
        c->accepted[i]++;
    }
    if (c->sweep <= c->what->sweeps / 2 || c->what->power != 1)
        c->length[i] *= accepted ? longer : shorter;
    return true;
}

static void move(chains *c)
{
    kad_parallel_for(c->n_threads, c->n, set_out, c);
    for (int k = 0; k < STEPS; k++) {
        kad_parallel_for(c->n_threads, c->n, drift, c);
        look(c);
        if (k < STEPS - 1) kad_parallel_for(c->n_threads, c->n, kick_whole, c);
    }
    kad_parallel_for(c->n_threads, c->n, arrive, c);
}

/* --- the start ----------------------------------------------------------------------------- */

/* Latents of the cone, from the prior. */
static bool draw_latents(void *self, size_t i, int thread)
{
    const chains *c = self;
    (void)thread;
    for (size_t k = 0; k < c->size; k++) {
        if (!c->cone[k]) continue;
        const double t = kad_rng_uniform(c->normal, 0, number_of(c, i), (uint32_t)k);
        c->x[i * c->size + k] = (float)kad_pixel_quantile(c->prior, t, 1 - t);
    }
    return true;
}

static bool keep_hole(void *self, size_t i, int thread)
{
    const chains *c = self;
    const double end = kad_affine_end();
    (void)thread;
    for (size_t k = 0; k < c->n_moving; k++) {
        const double x = (double)c->x[i * c->size + c->moving[k]];
        of_image(c, c->proposed, i)[k] = fmin(end, fmax(-end, x));
    }
    c->length[i] = first_length;
    return true;
}

static void start(chains *c, const uint8_t *x)
{
    const kad_rng places = kad_rng_stream(c->what->seed, KAD_RNG_EVAL, 1);
    const size_t moving = c->n * c->n_moving;
    for (size_t i = 0; i < c->n; i++)
        kad_affine_logit(c->map, places, 0, number_of(c, i), x + i * c->size,
                         c->given + i * c->size, NULL);
    memcpy(c->x, c->given, c->n * c->size * sizeof *c->x);
    kad_affine_infer_f32(c->batch, c->n, c->x, c->ln_det);
    kad_parallel_for(c->n_threads, c->n, draw_latents, c);
    kad_affine_generate_f32(c->batch, c->n, c->x);
    kad_parallel_for(c->n_threads, c->n, keep_hole, c);
    look(c);
    memcpy(c->at, c->proposed, moving * sizeof *c->at);
    memcpy(c->slope, c->new_slope, moving * sizeof *c->slope);
    memcpy(c->energy, c->new_energy, c->n * sizeof *c->energy);
}

/* --- images -------------------------------------------------------------------------------- */

static void read_levels(const chains *c, uint8_t *x, double *mean)
{
    const int S = c->what->sweeps;
    const double n = S - S / 2; /* sweeps that count */
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->n_moving; k++)
            x[i * c->size + c->moving[k]] = kad_affine_level(of_image(c, c->at, i)[k]);
    for (size_t i = 0; i < c->n * c->size && mean != NULL && c->sweep > S / 2; i++)
        mean[i] += x[i] / n;
}

static kad_status run(kad_ctx *ctx, chains *c, uint8_t *x, double *mean)
{
    const double begun = kad_stop_clock();
    start(c, x);
    for (int s = 0; s <= c->what->sweeps; s++) {
        c->sweep = s;
        c->power = kad_image_inpainting_power(c->what, s);
        if (s > 0 && c->n_moving > 0) move(c);
        read_levels(c, x, mean);
        if (kad_stop_overdue(begun)) return kad_stop_fail(ctx, "inpainting");
    }
    return KAD_OK;
}

kad_status kad_affine_inpaint(kad_ctx *ctx, const kad_affine_map *map,
                              kad_pixel_prior prior, const double *theta,
                              const kad_image_inpainting *what, size_t n, uint8_t *x,
                              double *mean, double *accepted)
{
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_affine_batch_f32, batch);
    chains c = {.map = map,
                .prior = prior,
                .what = what,
                .n_threads = ctx->n_threads,
                .normal = kad_rng_stream(what->seed, KAD_RNG_CHAIN, STREAM),
                .uniform = kad_rng_stream(what->seed, KAD_RNG_ACCEPT, STREAM),
                .size = kad_affine_size(map)};
    double sum = 0;
    KAD_CALL(find_moving(&scope, &c));
    KAD_CALL(take(&scope, &c));
    KAD_CALL(kad_affine_batch_create_f32(ctx, map, n < CHUNK ? n : CHUNK, true, &batch));
    kad_affine_load_f32(batch, theta);
    c.batch = batch;
    if (mean != NULL) memset(mean, 0, n * c.size * sizeof *mean);
    for (c.first = 0; c.first < n; c.first += c.n) {
        const size_t at = c.first * c.size;
        c.n = n - c.first < CHUNK ? n - c.first : CHUNK;
        memset(c.accepted, 0, CHUNK * sizeof *c.accepted);
        KAD_CALL(run(ctx, &c, x + at, mean != NULL ? mean + at : NULL));
        sum += kad_tree_sum1(c.accepted, c.n);
    }
    if (accepted != NULL)
        *accepted = c.n_moving > 0 ? sum / ((double)n * what->sweeps) : NAN;
    return KAD_OK;
}
