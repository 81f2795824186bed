#include "train/image_trainer.h"

#include "base/parallel.h"
#include "base/signals.h"
#include "train/clip.h"
#include "train/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LEAST_STEPS = 1500, /* of a part */
    WARM_UP = 50,       /* steps of rising rate */
    AVERAGE_EVERY = 8,  /* steps */
    GOOD_EVERY = 250,   /* steps */
    NAME_BYTES = 40
};
static const double ROUND_SECONDS = 0.25;
static const double SHARE_POWER = 0.6;  /* of a part's sites */
static const double SECOND_LOOK = 0.03; /* of the plan */

/* Numbers of a part that a checkpoint keeps beside its arrays. */
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

typedef struct part_state {
    const kad_image_part *g;
    int64_t step, planned, target;
    double rate_scale;
    kad_clip clip;
    kad_optimiser *optimiser;
    double loss, loss_weight; /* running average: nats an image */
    int64_t n_nonfinite;
    double step_seconds;
} part_state;

/* Of a thread. */
typedef struct desk {
    void *of_map;
    double *gradient;
    size_t looked; /* bytes of images, since they were let go */
} desk;

struct kad_image_trainer {
    const kad_image_map *map;
    kad_image_train_options options;
    const kad_images *images;
    int n_threads, part_threads; /* of all, of a part */
    int n_desks;
    part_state *part;            /* [n_parts] */
    int *order;                  /* parts, those with most work in a round first */
    double *theta, *mean, *good; /* [n_theta] */
    double *numbers;             /* [n_parts][N_NUMBERS], then seconds */
    double seconds;
    /* Of this process, from where the plan's second look counts. */
    bool counts;
    double from_part, from_seconds;
    desk *desk;
    char name[NAME_BYTES];
};

kad_image_train_options kad_image_train_defaults(void)
{
    return (kad_image_train_options){.seconds = 20,
                                     .steps = 2000,
                                     .batch = 512,
                                     .optimiser = kad_optimiser_find("muon"),
                                     .rate = 0.02,
                                     .weight_decay = 0.01,
                                     .clip = 3,
                                     .average = 0.999,
                                     .seed = 1,
                                     .resident = KAD_IMAGE_RESIDENT};
}

/* --- making one ------------------------------------------------------------------------- */

static kad_status open_part(kad_ctx *ctx, kad_image_trainer *t, int i)
{
    part_state *s = &t->part[i];
    kad_optimiser_options options = kad_optimiser_defaults(t->options.optimiser);
    kad_ctx team = *ctx;
    options.weight_decay = t->options.weight_decay;
    options.bfloat = t->map->bfloat;
    team.n_threads = t->part_threads;
    s->g = &t->map->part[i];
    s->rate_scale = 1;
    kad_clip_init(&s->clip, t->options.clip, 0);
    t->map->ops->init(t->map, i, t->options.seed, t->theta + s->g->theta);
    return kad_optimiser_create(&team, t->options.optimiser, &options, s->g->n_theta,
                                s->g->n_shapes, s->g->shapes, &s->optimiser);
}

static kad_status open_desk(kad_ctx *ctx, const kad_image_trainer *t, desk *d)
{
    kad_ctx team = *ctx;
    size_t most = 0;
    for (int i = 0; i < t->map->n_parts; i++)
        if (t->map->part[i].n_theta > most) most = t->map->part[i].n_theta;
    team.n_threads = t->part_threads;
    KAD_CALL(t->map->ops->desk_create(&team, t->map, t->options.batch, &d->of_map));
    return kad_new(ctx, most, sizeof *d->gradient, &d->gradient);
}

static kad_status check(kad_ctx *ctx, const kad_image_map *map, const kad_images *x)
{
    if (x->n_channels == map->n_channels && x->height == map->height &&
        x->width == map->width && x->n > 0)
        return KAD_OK;
    return kad_fail(
        ctx, KAD_ECONFIG, "%zu images of %d x %d x %d for a map of %d x %d x %d", x->n,
        x->n_channels, x->height, x->width, map->n_channels, map->height, map->width);
}

kad_status kad_image_trainer_create(kad_ctx *ctx, const kad_image_map *map,
                                    const kad_image_train_options *options,
                                    const kad_images *train, kad_image_trainer **out)
{
    KAD_LOCAL(kad_image_trainer, t);
    const size_t n_parts = (size_t)map->n_parts;
    *out = NULL;
    KAD_CALL(check(ctx, map, train));
    KAD_CALL(kad_new(ctx, 1, sizeof *t, &t));
    t->map = map;
    t->options = *options;
    t->images = train;
    t->n_threads = ctx->n_threads > 0 ? ctx->n_threads : 1;
    t->part_threads = map->n_parts == 1 ? t->n_threads : 1;
    KAD_CALL(kad_new(ctx, map->n_theta, sizeof *t->theta, &t->theta));
    KAD_CALL(kad_new(ctx, map->n_theta, sizeof *t->mean, &t->mean));
    KAD_CALL(kad_new(ctx, map->n_theta, sizeof *t->good, &t->good));
    KAD_CALL(kad_new(ctx, n_parts * N_NUMBERS + 1, sizeof *t->numbers, &t->numbers));
    KAD_CALL(kad_new(ctx, n_parts, sizeof *t->order, &t->order));
    KAD_CALL(kad_new(ctx, n_parts, sizeof *t->part, &t->part));
    for (int i = 0; i < map->n_parts; i++)
        KAD_CALL(open_part(ctx, t, i));
    memcpy(t->mean, t->theta, map->n_theta * sizeof *t->mean);
    memcpy(t->good, t->theta, map->n_theta * sizeof *t->good);
    t->n_desks = kad_n_workers(t->n_threads, n_parts);
    KAD_CALL(kad_new(ctx, (size_t)t->n_desks, sizeof *t->desk, &t->desk));
    for (int i = 0; i < t->n_desks; i++)
        KAD_CALL(open_desk(ctx, t, &t->desk[i]));
    kad_image_trainer_restored(t);
    *out = t;
    t = NULL;
    return KAD_OK;
}

void kad_image_trainer_destroy(kad_image_trainer *t)
{
    if (!t) return;
    const size_t n_parts = (size_t)t->map->n_parts;
    for (size_t i = 0; t->part && i < n_parts; i++)
        kad_optimiser_destroy(t->part[i].optimiser);
    for (int i = 0; t->desk && i < t->n_desks; i++) {
        t->map->ops->desk_destroy(t->desk[i].of_map);
        kad_free(t->desk[i].gradient);
    }
    kad_free(t->desk);
    kad_free(t->part);
    kad_free(t->order);
    kad_free(t->theta);
    kad_free(t->mean);
    kad_free(t->good);
    kad_free(t->numbers);
    kad_free(t);
}

/* --- a step ------------------------------------------------------------------------------ */

/* Back to the last good weights, with an optimiser that remembers nothing. */
static void take_back(kad_image_trainer *t, part_state *s)
{
    const size_t n = s->g->n_theta;
    memcpy(t->theta + s->g->theta, t->good + s->g->theta, n * sizeof *t->theta);
    for (int i = 0; i < s->optimiser->ops->n_arrays; i++) {
        kad_state_array a;
        s->optimiser->ops->array(s->optimiser, i, &a);
        memset(a.data, 0, a.n * (a.prec == KAD_SINGLE ? sizeof(float) : sizeof(double)));
    }
    s->rate_scale *= 0.5;
    s->n_nonfinite++;
}

static void keep(kad_image_trainer *t, part_state *s, double loss)
{
    const size_t n = s->g->n_theta;
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

/* Of images that a step has looked at, where they are many. */
static void let_go(const kad_image_trainer *t, desk *d)
{
    const kad_images *im = t->images;
    const size_t size = kad_image_size(im),
                 most = t->options.resident / (size_t)t->n_desks,
                 look = size > KAD_IMAGE_LOOK_BYTES ? size : KAD_IMAGE_LOOK_BYTES;
    if (im->rest == NULL || im->n * size <= t->options.resident) return;
    d->looked += (size_t)t->options.batch * look;
    if (d->looked < most) return;
    im->rest(im->rest_self);
    d->looked = 0;
}

static void step(kad_image_trainer *t, part_state *s, desk *d)
{
    const kad_image_map *map = t->map;
    const size_t n_theta = s->g->n_theta;
    double *theta = t->theta + s->g->theta;
    const kad_schedule schedule = {.kind = KAD_SCHEDULE_COSINE,
                                   .rate = t->options.rate,
                                   .warmup = WARM_UP,
                                   .steps = s->planned > 0 ? s->planned : INT64_MAX / 2};
    const double loss =
        map->ops->gradient(map, (int)(s->g - map->part), t->options.seed, s->step,
                           t->images, theta, d->of_map, d->gradient);
    let_go(t, d);
    const double norm = kad_norm(n_theta, d->gradient);
    const double rate = s->rate_scale * kad_schedule_rate(&schedule, s->step, 0);
    s->step++;
    if (!isfinite(norm) || !isfinite(loss)) {
        take_back(t, s);
        return;
    }
    kad_clip_apply(&s->clip, norm, n_theta, d->gradient);
    kad_optimiser_step(s->optimiser, t->part_threads, rate, d->gradient, theta);
    keep(t, s, loss);
}

static bool train_part(void *self, size_t i, int thread)
{
    kad_image_trainer *t = self;
    part_state *s = &t->part[t->order[i]];
    const int64_t first = s->step;
    const double begun = kad_wall_seconds();
    while (s->step < s->target)
        step(t, s, &t->desk[thread]);
    if (s->planned == 0 && s->step > first) /* the first of the steps fills caches */
        s->step_seconds = (kad_wall_seconds() - begun) / (double)(s->step - first);
    return true;
}

/* --- the plan ------------------------------------------------------------------------------ */

/* Steps of every part: those of the largest as options say. */
static void plan_steps(kad_image_trainer *t)
{
    const double steps = (double)t->options.steps;
    double most = 1;
    for (int i = 0; i < t->map->n_parts; i++)
        most = fmax(most, t->part[i].g->n_sites);
    for (int i = 0; i < t->map->n_parts; i++) {
        const double share = pow(t->part[i].g->n_sites / most, SHARE_POWER);
        t->part[i].planned =
            (int64_t)fmax(fmax(steps * share, fmin(LEAST_STEPS, steps)), 1);
    }
}

/* By the seconds that steps have taken. */
static void plan_seconds(kad_image_trainer *t)
{
    const kad_image_train_options *o = &t->options;
    const int n_parts = t->map->n_parts;
    double shares = 0, all = 0, usable = 0;
    for (int i = 0; i < n_parts; i++) {
        const part_state *s = &t->part[i];
        shares += pow(s->g->n_sites, SHARE_POWER);
        all += s->step_seconds;
    }
    usable =
        fmax(0, o->seconds - t->seconds) * kad_n_workers(t->n_threads, (size_t)n_parts);
    const double least = fmin(LEAST_STEPS, 0.2 * usable / all);
    double rest = usable;
    for (int i = 0; i < n_parts; i++)
        rest -= least * t->part[i].step_seconds;
    for (int i = 0; i < n_parts; i++) {
        part_state *s = &t->part[i];
        const double share = pow(s->g->n_sites, SHARE_POWER);
        const double steps = least + fmax(0, rest) * share / shares / s->step_seconds;
        s->planned = (int64_t)fmax(steps, (double)s->step + 1.0);
    }
}

/* Part of the plan that is done. */
static double part_of(const kad_image_trainer *t)
{
    double done = 0, all = 0;
    for (int i = 0; i < t->map->n_parts; i++) {
        const part_state *s = &t->part[i];
        done += s->g->cost * (double)s->step;
        all += s->g->cost * (double)s->planned;
    }
    return all > 0 ? done / all : 0;
}

/* The first steps are slower than those to come, and threads wait for one another: at
 * SECOND_LOOK of the plan what is left is made to fill the seconds that are left, by the
 * speed of this process. A plan is final where step_seconds are none. */
static bool is_final(const kad_image_trainer *t)
{
    return t->options.seconds <= 0 || t->part[0].step_seconds == 0 ||
           part_of(t) > 2 * SECOND_LOOK;
}

static void plan_again(kad_image_trainer *t)
{
    const double done = part_of(t), gain = done - t->from_part;
    const double speed = gain / fmax(1e-9, t->seconds - t->from_seconds);
    const double most = speed * fmax(0, t->options.seconds - t->seconds) / (1 - done);
    for (int i = 0; i < t->map->n_parts; i++) {
        part_state *s = &t->part[i];
        if (gain > SECOND_LOOK / 2)
            s->planned =
                s->step + (int64_t)fmax(1, most * (double)(s->planned - s->step));
        s->step_seconds = 0;
    }
}

/* Longest first: the last ones fill what threads have left. */
static void sort(kad_image_trainer *t)
{
    for (int i = 0; i < t->map->n_parts; i++) {
        const part_state *s = &t->part[i];
        const double work = s->g->n_sites * s->g->cost;
        int k = i;
        for (; k > 0; k--) {
            const part_state *other = &t->part[t->order[k - 1]];
            if (other->g->n_sites * other->g->cost >= work) break;
            t->order[k] = t->order[k - 1];
        }
        t->order[k] = i;
    }
}

/* The step that is behind a part of the map at this share of its plan. */
static int64_t step_at(const part_state *s, double share)
{
    const int64_t step = (int64_t)ceil(share * (double)s->planned);
    return step < s->planned ? step : s->planned;
}

bool kad_image_trainer_reached(const kad_image_trainer *t, double share)
{
    for (int i = 0; i < t->map->n_parts; i++) {
        const part_state *s = &t->part[i];
        if (s->planned == 0 || s->step < step_at(s, share)) return false;
    }
    return true;
}

/* All parts up to this part of their plans. */
static void round_to(kad_image_trainer *t, double part)
{
    const double begun = kad_wall_seconds();
    for (int i = 0; i < t->map->n_parts; i++) {
        part_state *s = &t->part[i];
        s->target = s->planned == 0 ? t->map->n_timed : step_at(s, part);
    }
    if (t->map->n_parts > 1)
        kad_parallel_for(t->n_threads, (size_t)t->map->n_parts, train_part, t);
    else
        train_part(t, 0, 0); /* which has threads of its own */
    t->seconds += kad_wall_seconds() - begun;
}

void kad_image_trainer_run(kad_image_trainer *t, double share, double seconds)
{
    const double begun = kad_wall_seconds();
    if (t->part[0].planned == 0) {
        if (t->options.seconds > 0) {
            round_to(t, 0);
            plan_seconds(t);
        } else {
            plan_steps(t);
        }
    }
    double rate = 0; /* parts of the plan a second */
    if (!t->counts) {
        t->counts = true;
        t->from_part = part_of(t);
        t->from_seconds = t->seconds;
    }
    while (!kad_image_trainer_reached(t, share)) {
        const double part = part_of(t), start = kad_wall_seconds();
        const bool again = !is_final(t);
        if (start - begun >= seconds) break;
        round_to(t, fmin(again ? fmin(share, SECOND_LOOK) : share,
                         part + (rate > 0 ? rate * ROUND_SECONDS : 0.002)));
        rate = (part_of(t) - part) / fmax(1e-9, kad_wall_seconds() - start);
        if (again && kad_image_trainer_reached(t, SECOND_LOOK)) plan_again(t);
    }
}

/* --- what it says ---------------------------------------------------------------------------- */

kad_image_progress kad_image_trainer_progress(const kad_image_trainer *t)
{
    kad_image_progress p = {.done = kad_image_trainer_reached(t, 1),
                            .part = part_of(t),
                            .seconds = t->seconds};
    const double images = t->map->ops->step_images(t->map, t->options.batch),
                 size = (double)t->map->n_channels * t->map->height * t->map->width;
    for (int i = 0; i < t->map->n_parts; i++) {
        const part_state *s = &t->part[i];
        p.images += (double)s->step * images;
        p.n_nonfinite += s->n_nonfinite;
        p.bits += s->loss / fmax(s->loss_weight, 1e-9) / (log(2) * size);
    }
    return p;
}

int64_t kad_image_trainer_planned(const kad_image_trainer *t, int part)
{
    return t->part[part].planned;
}

const double *kad_image_trainer_weights(const kad_image_trainer *t)
{
    return t->mean;
}

/* --- the state ------------------------------------------------------------------------------- */

static void write_numbers(kad_image_trainer *t)
{
    for (int i = 0; i < t->map->n_parts; i++) {
        const part_state *s = &t->part[i];
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
    t->numbers[(size_t)t->map->n_parts * N_NUMBERS] = t->seconds;
}

void kad_image_trainer_restored(kad_image_trainer *t)
{
    sort(t);
    if (t->numbers[RATE_SCALE] == 0) return; /* nothing was restored */
    for (int i = 0; i < t->map->n_parts; i++) {
        part_state *s = &t->part[i];
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
    t->seconds = t->numbers[(size_t)t->map->n_parts * N_NUMBERS];
}

bool kad_image_trainer_array(kad_image_trainer *t, int i, kad_state_array *out)
{
    const size_t n = t->map->n_theta, n_parts = (size_t)t->map->n_parts;
    const kad_state_array own[] = {
        {"theta", KAD_DOUBLE, n, t->theta},
        {"average", KAD_DOUBLE, n, t->mean},
        {"good", KAD_DOUBLE, n, t->good},
        {"numbers", KAD_DOUBLE, n_parts * N_NUMBERS + 1, t->numbers}};
    const int n_own = sizeof own / sizeof own[0],
              n_arrays = t->options.optimiser->n_arrays;
    if (i >= n_own + t->map->n_parts * n_arrays) return false;
    if (i == 0) write_numbers(t);
    if (i < n_own) {
        *out = own[i];
        return true;
    }
    kad_optimiser *opt = t->part[(i - n_own) / n_arrays].optimiser;
    opt->ops->array(opt, (i - n_own) % n_arrays, out);
    snprintf(t->name, sizeof t->name, "part_%d_%s", (i - n_own) / n_arrays, out->name);
    out->name = t->name;
    return true;
}
