#include "pixel/train.h"

#include "pixel/net.h"

#include "base/parallel.h"
#include "base/signals.h"
#include "train/clip.h"
#include "train/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    TIMED = 24,         /* steps of every group that are timed for the plan */
    LEAST_STEPS = 1500, /* of a group */
    WARM_UP = 50,       /* steps of rising rate */
    AVERAGE_EVERY = 8,  /* steps */
    GOOD_EVERY = 250,   /* steps */
    NAME_BYTES = 40,
    LINE = 64 /* bytes of the processor's cache */
};
static const double ROUND_SECONDS = 0.25;
static const double SHARE_POWER = 0.6; /* of a group's sites */

/* Numbers of a group that a checkpoint keeps beside its arrays. */
enum {
    STEP,
    PLANNED,
    RATE_SCALE,
    RUNNING_NORM,
    N_CLIPPED,
    OPTIMISER_STEP,
    LOSS,
    LOSS_WEIGHT,
    N_NONFINITE,
    STEP_SECONDS,
    N_NUMBERS
};

typedef struct group_state {
    const kad_pixel_group *g;
    int64_t step, planned, target;
    double rate_scale;
    kad_clip clip;
    kad_optimiser *optimiser;
    double loss, loss_weight; /* running average: nats a site */
    int64_t n_nonfinite;
    double step_seconds;
    float *packed;
} group_state;

typedef struct desk {
    kad_pixel_tile_f32 tile;
    double *gradient;
    const uint8_t **image;
    int *site;
    void *memory;
} desk;

struct kad_pixel_trainer {
    const kad_pixel_map *map;
    kad_pixel_train_options options;
    const kad_images *images;
    int n_threads, n_panels;
    group_state *group;          /* [n_groups] */
    int *order;                  /* groups, those with most work in a round first */
    double *theta, *mean, *good; /* [n_theta] */
    double *numbers;             /* [n_groups][N_NUMBERS], then seconds */
    double seconds;
    desk *desk;
    char name[NAME_BYTES];
};

kad_pixel_train_options kad_pixel_train_defaults(void)
{
    return (kad_pixel_train_options){.seconds = 20,
                                     .steps = 2000,
                                     .batch = 256,
                                     .optimiser = kad_optimiser_find("muon"),
                                     .rate = 0.02,
                                     .weight_decay = 0.01,
                                     .clip = 3,
                                     .average = 0.999,
                                     .seed = 1};
}

/* --- making one ------------------------------------------------------------------------- */

enum { N_SHAPES_MAX = 1 + 2 * KAD_PIXEL_BLOCKS_MAX + KAD_PIXEL_CHANNELS_MAX };

/* The matrices that take steps as such; heads channel by channel. */
static int shapes_of(const kad_pixel_map *map, const kad_pixel_group *g, kad_shape *shape)
{
    const int H = map->options.hidden, G = H / 2;
    int n = 0;
    shape[n++] = (kad_shape){H, g->n_features, g->layout.trunk};
    for (int r = 0; r < map->options.blocks; r++) {
        shape[n++] = (kad_shape){H, H, g->layout.block[r].inner};
        shape[n++] = (kad_shape){H, H, g->layout.block[r].outer};
    }
    for (int c = 0; c < map->n_channels; c++)
        shape[n++] = (kad_shape){G, H, g->layout.head + (size_t)(c * G * H)};
    return n;
}

static kad_status open_group(kad_ctx *ctx, kad_pixel_trainer *t, int i)
{
    group_state *s = &t->group[i];
    const kad_pixel_map *map = t->map;
    kad_shape shape[N_SHAPES_MAX];
    kad_optimiser_options options = kad_optimiser_defaults(t->options.optimiser);
    kad_ctx alone = *ctx; /* a group is one thread's */
    options.weight_decay = t->options.weight_decay;
    alone.n_threads = 1;
    s->g = &map->group[i];
    s->rate_scale = 1;
    kad_clip_init(&s->clip, t->options.clip, 0);
    kad_pixel_net_init(map, s->g, t->options.seed, t->theta + s->g->theta);
    KAD_CALL(kad_new(ctx, kad_pixel_packed_f32(map, s->g, true), sizeof *s->packed,
                     &s->packed));
    return kad_optimiser_create(&alone, t->options.optimiser, &options,
                                s->g->layout.n_theta, shapes_of(map, s->g, shape), shape,
                                &s->optimiser);
}

static kad_status open_desk(kad_ctx *ctx, const kad_pixel_trainer *t, desk *d)
{
    const size_t columns = (size_t)t->n_panels * KAD_W_SINGLE;
    size_t most = 0;
    for (int i = 0; i < t->map->n_groups; i++)
        if (t->map->group[i].layout.n_theta > most)
            most = t->map->group[i].layout.n_theta;
    KAD_CALL(
        kad_new(ctx, kad_pixel_tile_bytes_f32(t->map, t->n_panels, true), 1, &d->memory));
    char *at = d->memory;
    kad_pixel_tile_cut_f32(t->map, t->n_panels, true, &at, &d->tile);
    KAD_CALL(kad_new(ctx, most, sizeof *d->gradient, &d->gradient));
    KAD_CALL(kad_new(ctx, columns, sizeof *d->image, &d->image));
    return kad_new(ctx, columns, sizeof *d->site, &d->site);
}

static kad_status check(kad_ctx *ctx, const kad_pixel_map *map, const kad_images *x)
{
    if (x->n_channels == map->n_channels && x->height == map->height &&
        x->width == map->width && x->n > 0)
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "pixels: %zu images of %d x %d x %d for a map of %d x %d x %d", x->n,
                    x->n_channels, x->height, x->width, map->n_channels, map->height,
                    map->width);
}

kad_status kad_pixel_trainer_create(kad_ctx *ctx, const kad_pixel_map *map,
                                    const kad_pixel_train_options *options,
                                    const kad_images *train, kad_pixel_trainer **out)
{
    KAD_LOCAL(kad_pixel_trainer, t);
    const size_t n_groups = (size_t)map->n_groups;
    *out = NULL;
    KAD_CALL(check(ctx, map, train));
    KAD_CALL(kad_new(ctx, 1, sizeof *t, &t));
    t->map = map;
    t->options = *options;
    t->images = train;
    t->n_threads = ctx->n_threads > 0 ? ctx->n_threads : 1;
    t->n_panels = (options->batch + KAD_W_SINGLE - 1) / KAD_W_SINGLE;
    if (t->n_panels < 1) t->n_panels = 1;
    KAD_CALL(kad_new(ctx, map->n_theta, sizeof *t->theta, &t->theta));
    KAD_CALL(kad_new(ctx, map->n_theta, sizeof *t->mean, &t->mean));
    KAD_CALL(kad_new(ctx, map->n_theta, sizeof *t->good, &t->good));
    KAD_CALL(kad_new(ctx, n_groups * N_NUMBERS + 1, sizeof *t->numbers, &t->numbers));
    KAD_CALL(kad_new(ctx, n_groups, sizeof *t->order, &t->order));
    KAD_CALL(kad_new(ctx, n_groups, sizeof *t->group, &t->group));
    for (int i = 0; i < map->n_groups; i++)
        KAD_CALL(open_group(ctx, t, i));
    memcpy(t->mean, t->theta, map->n_theta * sizeof *t->mean);
    memcpy(t->good, t->theta, map->n_theta * sizeof *t->good);
    KAD_CALL(kad_new(ctx, (size_t)kad_n_workers(t->n_threads, n_groups), sizeof *t->desk,
                     &t->desk));
    for (int i = 0; i < kad_n_workers(t->n_threads, n_groups); i++)
        KAD_CALL(open_desk(ctx, t, &t->desk[i]));
    kad_pixel_trainer_restored(t);
    *out = t;
    t = NULL;
    return KAD_OK;
}

void kad_pixel_trainer_destroy(kad_pixel_trainer *t)
{
    if (!t) return;
    const size_t n_groups = (size_t)t->map->n_groups;
    for (size_t i = 0; t->group && i < n_groups; i++) {
        kad_optimiser_destroy(t->group[i].optimiser);
        kad_free(t->group[i].packed);
    }
    for (int i = 0; t->desk && i < kad_n_workers(t->n_threads, n_groups); i++) {
        kad_free(t->desk[i].memory);
        kad_free(t->desk[i].gradient);
        kad_free(t->desk[i].image);
        kad_free(t->desk[i].site);
    }
    kad_free(t->desk);
    kad_free(t->group);
    kad_free(t->order);
    kad_free(t->theta);
    kad_free(t->mean);
    kad_free(t->good);
    kad_free(t->numbers);
    kad_free(t);
}

/* --- a step ------------------------------------------------------------------------------ */

/* What a site sees is asked for before it is read: images lie far apart. */
static void fetch(const kad_pixel_map *map, const kad_pixel_group *g, int site,
                  const uint8_t *image)
{
    const kad_pixel_options *o = &map->options;
    const int far = g->causal && o->window > o->radius ? o->window : o->radius,
              reach = (far << g->level) * map->width, plane = map->height * map->width;
    const int first = g->site[site] > reach ? g->site[site] - reach : 0;
    const int end = g->site[site] + reach < plane ? g->site[site] + reach : plane;
    for (int c = 0; c < map->n_channels; c++)
        for (int at = first; at < end; at += LINE)
            __builtin_prefetch(image + c * plane + at, 0, 2);
}

static void draw_columns(const kad_pixel_trainer *t, const group_state *s, desk *d)
{
    const int n = t->n_panels * KAD_W_SINGLE;
    const kad_pixel_map *map = t->map;
    const size_t plane = (size_t)map->height * (size_t)map->width;
    const kad_rng rng =
        kad_rng_stream(t->options.seed, KAD_RNG_TRAIN, (uint32_t)(s->g - map->group));
    for (int i = 0; i < n; i++) {
        uint32_t word[4];
        kad_rng_u32x4(rng, (uint64_t)s->step, (uint64_t)i, 0, word);
        const uint64_t which = (uint64_t)word[0] << 32 | word[1];
        d->image[i] = kad_image_at(t->images, (size_t)(which % t->images->n));
        d->site[i] = (int)(word[2] % (uint32_t)s->g->n_sites);
        fetch(map, s->g, d->site[i], d->image[i]);
    }
    kad_pixel_gather_f32(map, s->g, n, d->image, d->site, &d->tile);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < map->n_channels; c++)
            d->tile.level[(i / KAD_W_SINGLE * map->n_channels + c) * KAD_W_SINGLE +
                          i % KAD_W_SINGLE] =
                d->image[i][(size_t)c * plane + (size_t)s->g->site[d->site[i]]];
}

/* Back to the last good weights, with an optimiser that remembers nothing. */
static void take_back(kad_pixel_trainer *t, group_state *s)
{
    const size_t n = s->g->layout.n_theta;
    memcpy(t->theta + s->g->theta, t->good + s->g->theta, n * sizeof *t->theta);
    for (int i = 0; i < s->optimiser->ops->n_arrays; i++) {
        kad_state_array a;
        s->optimiser->ops->array(s->optimiser, i, &a);
        memset(a.data, 0, a.n * (a.prec == KAD_SINGLE ? sizeof(float) : sizeof(double)));
    }
    s->rate_scale *= 0.5;
    s->n_nonfinite++;
}

static void keep(kad_pixel_trainer *t, group_state *s, double loss)
{
    const size_t n = s->g->layout.n_theta;
    const double *theta = t->theta + s->g->theta;
    s->loss += 0.01 * (loss - s->loss);
    s->loss_weight += 0.01 * (1 - s->loss_weight);
    if (s->step % AVERAGE_EVERY == 0) {
        /* at first a tenth of the past, at last 1/(1 - average) steps */
        const double decay =
            fmin(t->options.average, (1.0 + (double)s->step) / (10.0 + (double)s->step));
        const double w = 1 - pow(decay, AVERAGE_EVERY);
        double *mean = t->mean + s->g->theta;
        for (size_t i = 0; i < n; i++)
            mean[i] += w * (theta[i] - mean[i]);
    }
    if (s->step % GOOD_EVERY == 0)
        memcpy(t->good + s->g->theta, theta, n * sizeof *theta);
}

static void step(kad_pixel_trainer *t, group_state *s, desk *d)
{
    const kad_pixel_map *map = t->map;
    const int n = t->n_panels * KAD_W_SINGLE;
    const size_t n_theta = s->g->layout.n_theta;
    double *theta = t->theta + s->g->theta, part[KAD_PIXEL_CHANNELS_MAX], loss = 0;
    const kad_schedule schedule = {.kind = KAD_SCHEDULE_COSINE,
                                   .rate = t->options.rate,
                                   .warmup = WARM_UP,
                                   .steps = s->planned > 0 ? s->planned : INT64_MAX / 2};
    draw_columns(t, s, d);
    kad_pixel_pack_f32(map, s->g, true, theta, s->packed);
    kad_pixel_gradient_f32(map, s->g, s->packed, n, 1.0 / n, &d->tile, part, d->gradient);
    for (int c = 0; c < map->n_channels; c++)
        loss += part[c] / n;
    const double norm = kad_norm(n_theta, d->gradient);
    const double rate = s->rate_scale * kad_schedule_rate(&schedule, s->step, 0);
    s->step++;
    if (!isfinite(norm) || !isfinite(loss)) {
        take_back(t, s);
        return;
    }
    kad_clip_apply(&s->clip, norm, n_theta, d->gradient);
    kad_optimiser_step(s->optimiser, 1, rate, d->gradient, theta);
    keep(t, s, loss);
}

static bool train_group(void *self, size_t i, int thread)
{
    kad_pixel_trainer *t = self;
    group_state *s = &t->group[t->order[i]];
    const int64_t first = s->step;
    const double begun = kad_wall_seconds();
    while (s->step < s->target)
        step(t, s, &t->desk[thread]);
    if (s->planned == 0 && s->step > first) /* the first of the steps fills caches */
        s->step_seconds = (kad_wall_seconds() - begun) / (double)(s->step - first);
    return true;
}

/* --- the plan ------------------------------------------------------------------------------ */

static void plan(kad_pixel_trainer *t)
{
    const kad_pixel_train_options *o = &t->options;
    const int n_groups = t->map->n_groups;
    double shares = 0, all = 0, most = 1, usable = 0;
    for (int i = 0; i < n_groups; i++) {
        const group_state *s = &t->group[i];
        shares += pow(s->g->n_sites, SHARE_POWER);
        all += s->step_seconds;
        most = fmax(most, s->g->n_sites);
    }
    usable =
        fmax(0, o->seconds - t->seconds) * kad_n_workers(t->n_threads, (size_t)n_groups);
    const double least = fmin(LEAST_STEPS, 0.2 * usable / all);
    double rest = usable;
    for (int i = 0; i < n_groups; i++)
        rest -= least * t->group[i].step_seconds;
    for (int i = 0; i < n_groups; i++) {
        group_state *s = &t->group[i];
        const double share = pow(s->g->n_sites, SHARE_POWER);
        double steps = least + fmax(0, rest) * share / shares / s->step_seconds;
        if (o->seconds <= 0) {
            steps = (double)o->steps * share / pow(most, SHARE_POWER);
            steps = fmax(steps, fmin(LEAST_STEPS, (double)o->steps));
        }
        s->planned = (int64_t)fmax(steps, (double)s->step + 1.0);
    }
}

/* Longest first: the last ones fill what threads have left. */
static void sort(kad_pixel_trainer *t)
{
    for (int i = 0; i < t->map->n_groups; i++) {
        const group_state *s = &t->group[i];
        const double work = s->g->n_sites * (double)s->g->n_features;
        int k = i;
        for (; k > 0; k--) {
            const group_state *other = &t->group[t->order[k - 1]];
            if (other->g->n_sites * (double)other->g->n_features >= work) break;
            t->order[k] = t->order[k - 1];
        }
        t->order[k] = i;
    }
}

static bool is_done(const kad_pixel_trainer *t)
{
    for (int i = 0; i < t->map->n_groups; i++)
        if (t->group[i].planned == 0 || t->group[i].step < t->group[i].planned)
            return false;
    return true;
}

/* Part of the plan that group i has done. */
static double part_of(const kad_pixel_trainer *t)
{
    double done = 0, all = 0;
    for (int i = 0; i < t->map->n_groups; i++) {
        const group_state *s = &t->group[i];
        const double cost = s->g->n_features + 2.0 * t->map->options.hidden;
        done += cost * (double)s->step;
        all += cost * (double)s->planned;
    }
    return all > 0 ? done / all : 0;
}

/* All groups up to this part of their plans. */
static void round_to(kad_pixel_trainer *t, double part)
{
    const double begun = kad_wall_seconds();
    for (int i = 0; i < t->map->n_groups; i++) {
        group_state *s = &t->group[i];
        s->target = s->planned == 0 ? TIMED : (int64_t)ceil(part * (double)s->planned);
        if (s->planned > 0 && s->target > s->planned) s->target = s->planned;
    }
    kad_parallel_for(t->n_threads, (size_t)t->map->n_groups, train_group, t);
    t->seconds += kad_wall_seconds() - begun;
}

void kad_pixel_trainer_run(kad_pixel_trainer *t, double seconds)
{
    const double begun = kad_wall_seconds();
    if (t->group[0].planned == 0) {
        round_to(t, 0);
        plan(t);
    }
    double rate = 0; /* parts of the plan a second */
    while (!is_done(t)) {
        const double part = part_of(t), start = kad_wall_seconds();
        if (start - begun >= seconds) break;
        round_to(t, fmin(1, part + (rate > 0 ? rate * ROUND_SECONDS : 0.002)));
        rate = (part_of(t) - part) / fmax(1e-9, kad_wall_seconds() - start);
    }
}

/* --- what it says ---------------------------------------------------------------------------- */

kad_pixel_progress kad_pixel_trainer_progress(const kad_pixel_trainer *t)
{
    kad_pixel_progress p = {
        .done = is_done(t), .part = part_of(t), .seconds = t->seconds};
    const double sites = (double)t->map->height * t->map->width;
    for (int i = 0; i < t->map->n_groups; i++) {
        const group_state *s = &t->group[i];
        p.images += (double)s->step * t->n_panels * KAD_W_SINGLE / sites;
        p.n_nonfinite += s->n_nonfinite;
        p.bits += s->loss / fmax(s->loss_weight, 1e-9) * s->g->n_sites /
                  (log(2) * (double)kad_pixel_size(t->map));
    }
    return p;
}

int64_t kad_pixel_trainer_planned(const kad_pixel_trainer *t, int group)
{
    return t->group[group].planned;
}

const double *kad_pixel_trainer_weights(const kad_pixel_trainer *t)
{
    return t->mean;
}

/* --- the state ------------------------------------------------------------------------------- */

static void write_numbers(kad_pixel_trainer *t)
{
    for (int i = 0; i < t->map->n_groups; i++) {
        const group_state *s = &t->group[i];
        double *n = t->numbers + (size_t)i * N_NUMBERS;
        n[STEP] = (double)s->step;
        n[PLANNED] = (double)s->planned;
        n[RATE_SCALE] = s->rate_scale;
        n[RUNNING_NORM] = s->clip.running;
        n[N_CLIPPED] = (double)s->clip.n_clipped;
        n[OPTIMISER_STEP] = (double)s->optimiser->step;
        n[LOSS] = s->loss;
        n[LOSS_WEIGHT] = s->loss_weight;
        n[N_NONFINITE] = (double)s->n_nonfinite;
        n[STEP_SECONDS] = s->step_seconds;
    }
    t->numbers[(size_t)t->map->n_groups * N_NUMBERS] = t->seconds;
}

void kad_pixel_trainer_restored(kad_pixel_trainer *t)
{
    sort(t);
    if (t->numbers[RATE_SCALE] == 0) return; /* nothing was restored */
    for (int i = 0; i < t->map->n_groups; i++) {
        group_state *s = &t->group[i];
        const double *n = t->numbers + (size_t)i * N_NUMBERS;
        s->step = (int64_t)n[STEP];
        s->planned = (int64_t)n[PLANNED];
        s->rate_scale = n[RATE_SCALE];
        s->clip.running = n[RUNNING_NORM];
        s->clip.n_clipped = (int64_t)n[N_CLIPPED];
        s->optimiser->step = (int64_t)n[OPTIMISER_STEP];
        s->loss = n[LOSS];
        s->loss_weight = n[LOSS_WEIGHT];
        s->n_nonfinite = (int64_t)n[N_NONFINITE];
        s->step_seconds = n[STEP_SECONDS];
    }
    t->seconds = t->numbers[(size_t)t->map->n_groups * N_NUMBERS];
}

bool kad_pixel_trainer_array(kad_pixel_trainer *t, int i, kad_state_array *out)
{
    const size_t n = t->map->n_theta, n_groups = (size_t)t->map->n_groups;
    const kad_state_array own[] = {
        {"theta", KAD_DOUBLE, n, t->theta},
        {"average", KAD_DOUBLE, n, t->mean},
        {"good", KAD_DOUBLE, n, t->good},
        {"numbers", KAD_DOUBLE, n_groups * N_NUMBERS + 1, t->numbers}};
    const int n_own = sizeof own / sizeof own[0],
              n_arrays = t->options.optimiser->n_arrays;
    if (i >= n_own + t->map->n_groups * n_arrays) return false;
    if (i == 0) write_numbers(t);
    if (i < n_own) {
        *out = own[i];
        return true;
    }
    kad_optimiser *opt = t->group[(i - n_own) / n_arrays].optimiser;
    opt->ops->array(opt, (i - n_own) % n_arrays, out);
    snprintf(t->name, sizeof t->name, "group_%d_%s", (i - n_own) / n_arrays, out->name);
    out->name = t->name;
    return true;
}
