/* What a run on images does: images are read, a map is trained on them, and /images says
 * how good it is. The training is in the checkpoint; the data are in their own file
 * (src/image/load.h). */
#include "run/pipeline.h"

#include "base/memory.h"
#include "base/signals.h"
#include "image/load.h"
#include "io/digest.h"
#include "io/writer.h"
#include "train/image_trainer.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define F64 KAD_H5_F64
#define I64 KAD_H5_I64

enum {
    SHEET = 64,
    N_EVALUATIONS = 20,
    SPREAD = 8 /* pieces that are scored */,
    MAX_ROWS = 64
};
static const double slice_seconds = 0.5;

/* A row of /images/curve. */
typedef struct row {
    double seconds, images, bpd, bpd_err, bpd_train, bpd_validation;
} row;

/* The best weights so far, where train.patience asks for them. */
typedef struct best {
    double *theta; /* [n_theta]; NULL: not asked for */
    double bpd;    /* of images for validation */
    double share;  /* of the plan that was behind them; 0: there are none yet */
    double since;  /* evaluations after them */
} best;

typedef struct work {
    kad_pipeline *p;
    kad_ctx *ctx;
    const kad_images_options *options;
    kad_image_store *store; /* the pipeline's */
    const kad_image_set *set;
    bool bfloat; /* nets are in bfloat16 */
    kad_image_map *map;
    kad_image_trainer *trainer;
    size_t n_rows;
    row rows[MAX_ROWS];
    best best;
    double saved; /* when the checkpoint was written */
} work;

/* --- data ------------------------------------------------------------------------------ */

static kad_status write_data(work *k, kad_h5 *file)
{
    const kad_images *im = &k->set->train;
    const kad_image_facts *facts = kad_image_store_facts(k->store);
    const size_t n = im->n < SHEET ? im->n : SHEET, c = (size_t)im->n_channels;
    kad_writer w = kad_write_anew(k->ctx, file, "/images/data");
    kad_write_text(&w, "source", k->options->data.source);
    kad_write_text(&w, "description", k->set->description);
    kad_write_text(&w, "sha256", k->set->digest);
    kad_write_int(&w, "n_train", (int64_t)im->n);
    kad_write_int(&w, "n_held_out", (int64_t)k->set->held_out.n);
    kad_write_int(&w, "n_unread", (int64_t)facts->n_unread);
    kad_write_int(&w, "channels", im->n_channels);
    kad_write_int(&w, "height", im->height);
    kad_write_int(&w, "width", im->width);
    kad_write_text(&w, "channel_order", c == 3 ? "red, green, blue" : "brightness");
    kad_write_real(&w, "zeros", facts->zeros);
    kad_write(&w, "mean", F64, "channel", "levels", "mean of the images to train on", &c,
              facts->mean);
    kad_view_write_images(&w, "sheet", "image", 1, &n, im->n_channels, im->height,
                          im->width, im->pixels, "the first images to train on");
    return kad_write_end(&w);
}

static void say_data(const work *k)
{
    const kad_image_facts *f = kad_image_store_facts(k->store);
    char mean[96];
    size_t at = 0;
    for (int c = 0; c < k->set->train.n_channels; c++)
        at += (size_t)snprintf(mean + at, sizeof mean - at, "%s%.4g", c > 0 ? ", " : "",
                               f->mean[c]);
    kad_say(k->p->app, "data: %s; mean level %s, %.1f %% zeros", k->set->description,
            mean, 100 * f->zeros);
    if (f->n_unread > 0)
        kad_say(k->p->app, "data: went on without %zu files that cannot be read",
                f->n_unread);
}

/* The run began with these very images. */
static kad_status check_same(work *k, kad_h5 *file)
{
    KAD_SCOPE(scope, k->ctx);
    char *digest;
    if (!kad_h5_attr_exists(file, "/images/data", "sha256")) return KAD_OK;
    KAD_CALL(kad_h5_attr_string(&scope, file, "/images/data", "sha256", &digest));
    if (strcmp(digest, k->set->digest) == 0) return KAD_OK;
    return kad_fail(k->ctx, KAD_EDATA,
                    "data.source: %s: other images than this run began with: their "
                    "SHA-256 is %s, it was %s",
                    k->options->data.source, k->set->digest, digest);
}

static kad_status open_data(work *k)
{
    if (k->p->images == NULL)
        KAD_CALL(kad_image_store_open(k->ctx, &k->options->data, kad_run_path(k->p->run),
                                      &k->p->images));
    k->store = k->p->images;
    k->set = kad_image_store_set(k->store);
    if (k->set->held_out.n > 0) return KAD_OK;
    return kad_fail(k->ctx, KAD_ECONFIG,
                    "data.held_out: 0, but without images held out nothing says how "
                    "good the map is");
}

static kad_status read_data(work *k)
{
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(open_data(k));
    say_data(k);
    KAD_CALL(kad_results_open(k->ctx, k->p->run, &file));
    KAD_CALL(check_same(k, file));
    if (kad_h5_exists(file, "/images/data")) return KAD_OK;
    KAD_CALL(write_data(k, file));
    return kad_results_save(k->ctx, k->p->run, file);
}

/* --- checkpoint ------------------------------------------------------------------------ */

enum { ROW_NUMBERS = sizeof(row) / sizeof(double) };

static kad_status save(work *k)
{
    KAD_LOCAL(kad_h5, file);
    kad_state_array a;
    char path[128];
    const size_t dims[2] = {k->n_rows, ROW_NUMBERS};
    KAD_CALL(kad_h5_create(k->ctx, &file));
    KAD_CALL(kad_h5_group(k->ctx, file, "/images"));
    KAD_CALL(
        kad_h5_attr_set_string(k->ctx, file, "/images", "data_sha256", k->set->digest));
    KAD_CALL(kad_h5_attr_set_int(k->ctx, file, "/images", "bfloat", k->bfloat));
    if (k->n_rows > 0)
        KAD_CALL(kad_h5_write(k->ctx, file, "/images/curve", F64, 2, dims, k->rows));
    if (k->best.share > 0) {
        const double numbers[3] = {k->best.bpd, k->best.share, k->best.since};
        const size_t n = 3;
        KAD_CALL(kad_h5_write(k->ctx, file, "/images/best", F64, 1, &n, numbers));
        KAD_CALL(kad_h5_write(k->ctx, file, "/images/best_theta", F64, 1,
                              &k->map->n_theta, k->best.theta));
    }
    for (int i = 0; kad_image_trainer_array(k->trainer, i, &a); i++) {
        snprintf(path, sizeof path, "/images/%s", a.name);
        if (a.n > 0)
            KAD_CALL(kad_h5_write(k->ctx, file, path,
                                  a.prec == KAD_SINGLE ? KAD_H5_F32 : F64, 1, &a.n,
                                  a.data));
    }
    KAD_CALL(kad_checkpoint_save(k->ctx, k->p->run, file));
    k->saved = kad_wall_seconds();
    return KAD_OK;
}

static kad_status load_best(work *k, kad_h5 *file)
{
    double numbers[3];
    const size_t n = 3;
    if (k->best.theta == NULL || !kad_h5_exists(file, "/images/best")) return KAD_OK;
    KAD_CALL(kad_h5_read(k->ctx, file, "/images/best", F64, 1, &n, numbers));
    KAD_CALL(kad_h5_read(k->ctx, file, "/images/best_theta", F64, 1, &k->map->n_theta,
                         k->best.theta));
    k->best.bpd = numbers[0];
    k->best.share = numbers[1];
    k->best.since = numbers[2];
    return KAD_OK;
}

/* From a checkpoint; NULL: there is none. */
static kad_status load(work *k, kad_h5 *file)
{
    kad_state_array a;
    char path[128];
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    k->saved = kad_wall_seconds();
    if (file == NULL) return KAD_OK;
    if (kad_h5_exists(file, "/images/curve")) {
        KAD_CALL(kad_h5_shape(k->ctx, file, "/images/curve", &rank, dims));
        if (rank != 2 || dims[0] > MAX_ROWS || dims[1] != ROW_NUMBERS)
            return kad_fail(k->ctx, KAD_EDATA,
                            "checkpoint: its curve is of another shape");
        k->n_rows = dims[0];
        KAD_CALL(kad_h5_read(k->ctx, file, "/images/curve", F64, 2, dims, k->rows));
    }
    KAD_CALL(load_best(k, file));
    for (int i = 0; kad_image_trainer_array(k->trainer, i, &a); i++) {
        snprintf(path, sizeof path, "/images/%s", a.name);
        if (a.n > 0)
            KAD_CALL(kad_h5_read(k->ctx, file, path,
                                 a.prec == KAD_SINGLE ? KAD_H5_F32 : F64, 1, &a.n,
                                 a.data));
    }
    kad_image_trainer_restored(k->trainer);
    return KAD_OK;
}

/* --- training -------------------------------------------------------------------------- */

/* What the training has given: the average of its weights, or the best one. */
static const double *weights(const work *k)
{
    return k->best.share > 0 ? k->best.theta : kad_image_trainer_weights(k->trainer);
}

static size_t n_scored(const kad_images *images, size_t most)
{
    return images->n > most ? most : images->n;
}

/* Bits of at most `most` images, taken from all over them: squares of one picture lie side by
 * side. */
static kad_status score(work *k, const double *theta, const kad_images *images,
                        size_t most, kad_image_score *out)
{
    const size_t all = n_scored(images, most);
    const size_t pieces = images->n <= most ? 1 : most < SPREAD ? most : SPREAD;
    *out = (kad_image_score){0};
    for (size_t i = 0; i < pieces; i++) {
        const size_t n = (i + 1) * all / pieces - i * all / pieces;
        const size_t first = pieces > 1 ? i * (images->n - n) / (pieces - 1) : 0;
        KAD_CALL(k->map->ops->evaluate(k->ctx, k->map, theta, images, first, n, out));
        kad_image_store_rest(k->store);
    }
    kad_image_score_end(out);
    return KAD_OK;
}

/* The share of the plan that the next evaluation comes after. */
static double next_share(const work *k)
{
    return fmin(1, (double)(k->n_rows + 1) / N_EVALUATIONS);
}

/* Weights that have not moved since the evaluation before, as averages of few steps, have had no
 * chance to be better: the same images give the same bits. */
static void choose(work *k, double bpd)
{
    best *b = &k->best;
    if (b->share > 0 && (bpd >= b->bpd || isnan(bpd))) {
        b->since += k->rows[k->n_rows - 1].bpd_validation != bpd;
        return;
    }
    memcpy(b->theta, kad_image_trainer_weights(k->trainer),
           k->map->n_theta * sizeof *b->theta);
    b->bpd = bpd;
    b->share = next_share(k);
    b->since = 0;
}

static bool has_stopped(const work *k)
{
    return k->best.theta != NULL && k->best.since >= k->options->patience;
}

/* A row of the curve. */
static kad_status evaluate(work *k)
{
    const kad_image_progress now = kad_image_trainer_progress(k->trainer);
    const double *theta = kad_image_trainer_weights(k->trainer);
    const size_t n = k->options->eval_samples;
    kad_image_score held, trained, chosen = {.bpd = NAN};
    KAD_CALL(score(k, theta, &k->set->held_out, n, &held));
    KAD_CALL(score(k, theta, &k->set->train, n, &trained));
    if (k->best.theta != NULL) {
        KAD_CALL(score(k, theta, &k->set->validation, n, &chosen));
        choose(k, chosen.bpd);
    }
    k->rows[k->n_rows++] =
        (row){now.seconds, now.images, held.bpd, held.error, trained.bpd, chosen.bpd};
    return KAD_OK;
}

static void show(work *k)
{
    const kad_image_progress now = kad_image_trainer_progress(k->trainer);
    kad_field fields[3] = {{"bits/dim", now.bits, NAN}, {"images seen", now.images, NAN}};
    size_t n = 2;
    if (k->n_rows > 0) {
        const row *last = &k->rows[k->n_rows - 1];
        fields[n++] = (kad_field){"held out", last->bpd, last->bpd_err};
    }
    kad_progress_update(k->p->progress, (int64_t)(1000 * now.part), n, fields);
}

static kad_status interrupted(work *k)
{
    KAD_CALL(save(k));
    return kad_fail(k->ctx, KAD_EINTERRUPTED, "training: stopped at %.0f %% (%s)",
                    100 * kad_image_trainer_progress(k->trainer).part, kad_stop_reason());
}

/* Evaluations come after each twentieth of the plan, whatever the clock says: part i is behind it
 * when there are i rows. The last one is that of the end, unless weights are chosen. */
static kad_status train(work *k)
{
    kad_image_progress now = kad_image_trainer_progress(k->trainer);
    kad_progress_begin(k->p->progress, "train", (int64_t)(1000 * now.part), 1000);
    kad_progress_unit(k->p->progress, "thousandths of the plan");
    while (!(now.done && k->n_rows >= (k->best.theta ? N_EVALUATIONS : 0)) &&
           !has_stopped(k)) {
        kad_image_trainer_run(k->trainer, next_share(k), slice_seconds);
        kad_image_store_rest(k->store);
        now = kad_image_trainer_progress(k->trainer);
        if (kad_stop_requested()) return interrupted(k);
        if (kad_image_trainer_reached(k->trainer, next_share(k)) &&
            (!now.done || k->best.theta != NULL)) {
            const kad_status status = evaluate(k);
            if (status == KAD_EINTERRUPTED) return interrupted(k);
            KAD_CALL(status);
        }
        if (kad_progress_due(k->p->progress)) show(k);
        if (kad_wall_seconds() - k->saved >= k->options->checkpoint_seconds)
            KAD_CALL(save(k));
    }
    show(k);
    kad_progress_end(k->p->progress);
    return save(k);
}

/* --- results --------------------------------------------------------------------------- */

static double size_of(const work *k)
{
    return (double)k->map->n_channels * k->map->height * k->map->width;
}

static void write_levels(const work *k, const kad_image_score *s, kad_writer *w)
{
    const size_t n = (size_t)k->map->n_levels, c = (size_t)k->map->n_channels;
    const size_t dims[2] = {n, c};
    int64_t level[KAD_IMAGE_LEVELS_MAX];
    const int64_t *sites = k->map->n_sites;
    double bits[KAD_IMAGE_LEVELS_MAX], bpd[KAD_IMAGE_LEVELS_MAX];
    double channels[KAD_IMAGE_LEVELS_MAX * KAD_IMAGE_CHANNELS_MAX];
    for (size_t h = 0; h < n; h++) {
        double sum = 0;
        for (size_t a = 0; a < c; a++) {
            channels[h * c + a] = s->bits[h][a] / (double)sites[h];
            sum += s->bits[h][a];
        }
        level[h] = (int64_t)h;
        bits[h] = sum / ((double)sites[h] * (double)c);
        bpd[h] = sum / size_of(k);
    }
    kad_write(w, "levels/level", I64, "level", "1", "level, 0 the finest", &n, level);
    kad_write(w, "levels/sites", I64, "level", "sites", "sites of the level", &n, sites);
    kad_write(w, "levels/bits", F64, "level", "bits",
              "of a channel of a site, held-out images", &n, bits);
    kad_write(w, "levels/bpd", F64, "level", "bits",
              "what the level adds to the bits per dimension", &n, bpd);
    kad_write(w, "levels/bits_channel", F64, "level channel", "bits",
              "of a site, by channel", dims, channels);
}

static void write_curve(const work *k, kad_writer *w)
{
    static const kad_write_column columns[] = {
        {"curve/seconds", KAD_CELL_REAL, offsetof(row, seconds), "s",
         "wall time of the training"},
        {"curve/images", KAD_CELL_REAL, offsetof(row, images), "images",
         "sites trained on, in images"},
        {"curve/bpd", KAD_CELL_REAL, offsetof(row, bpd), "bits",
         "bits per dimension of held-out images"},
        {"curve/bpd_err", KAD_CELL_REAL, offsetof(row, bpd_err), "bits",
         "its standard error, over pictures"},
        {"curve/bpd_train", KAD_CELL_REAL, offsetof(row, bpd_train), "bits",
         "bits per dimension of as many images trained on"},
        {"curve/bpd_validation", KAD_CELL_REAL, offsetof(row, bpd_validation), "bits",
         "bits per dimension of the images that weights are chosen by"},
    };
    const size_t n = sizeof columns / sizeof columns[0];
    kad_write_columns(w, "evaluation", k->best.share > 0 ? n : n - 1, columns, k->n_rows,
                      k->rows, sizeof *k->rows);
}

/* The map itself: who has these and the options can run it again. */
static void write_map(const work *k, kad_writer *w)
{
    char digest[KAD_DIGEST_CHARS];
    const char *name;
    int64_t value;
    const size_t n = k->map->n_theta;
    kad_digest(weights(k), n * sizeof(double), digest);
    kad_write_text(w, "map_sha256", digest);
    kad_write(w, "map/theta", F64, "parameter", "1", "the map's parameters, averaged", &n,
              weights(k));
    kad_write_text(w, "map/theta@recipe", k->options->recipe);
    for (int i = 0; k->map->ops->option(k->map, i, &name, &value); i++) {
        char at[64];
        snprintf(at, sizeof at, "map/theta@%s", name);
        kad_write_int(w, at, value);
    }
}

static size_t n_validation(const work *k)
{
    return n_scored(&k->set->validation, k->options->eval_samples);
}

/* Of patience, before the plan's end. */
static bool is_cut_short(const work *k)
{
    return has_stopped(k) && !kad_image_trainer_progress(k->trainer).done;
}

/* Which weights these are, where they were chosen. */
static void write_choice(const work *k, kad_writer *w)
{
    if (k->best.share == 0) return;
    kad_write_real(w, "bpd_validation", k->best.bpd);
    kad_write_int(w, "n_validation", (int64_t)n_validation(k));
    kad_write_real(w, "chosen_share", k->best.share);
    kad_write_int(w, "stopped_early", is_cut_short(k));
}

static void say_choice(const work *k)
{
    char end[64] = "the training went on to the end";
    if (k->best.share == 0) return;
    if (is_cut_short(k))
        snprintf(end, sizeof end, "stopped after %d evaluations without a better one",
                 k->options->patience);
    kad_say(
        k->p->app,
        "weights: those after %.0f %% of the plan, the best of %zu evaluations on %zu "
        "images to choose by (%.4g bits per dimension); %s",
        100 * k->best.share, k->n_rows - 1, n_validation(k), k->best.bpd, end);
}

static kad_status draw(const work *k, size_t n, const double *temperature, double *z,
                       uint8_t *x)
{
    const kad_image_map_ops *ops = k->map->ops;
    void *plan;
    KAD_CALL(ops->plan_create(k->ctx, k->map, weights(k), &plan));
    const kad_status status =
        ops->draw(k->ctx, plan, k->options->train.seed, 0, n, temperature, z, x);
    ops->plan_destroy(plan);
    return status;
}

static kad_status write_samples(work *k, kad_writer *w)
{
    KAD_SCOPE(scope, k->ctx);
    const kad_reals *t = &k->options->temperature;
    const size_t n = k->options->samples;
    double temperature[KAD_IMAGE_LEVELS_MAX];
    double *z;
    uint8_t *x;
    for (size_t h = 0; h < KAD_IMAGE_LEVELS_MAX; h++)
        temperature[h] = t->n == 0 ? 1 : t->value[h < t->n ? h : t->n - 1];
    KAD_CALL(kad_scope_take(&scope, n, (size_t)size_of(k), &x));
    KAD_CALL(kad_take(&scope, n * (size_t)size_of(k), &z));
    KAD_CALL(draw(k, n, temperature, z, x));
    kad_view_write_images(w, "samples", "image", 1, &n, k->map->n_channels,
                          k->map->height, k->map->width, x, "images drawn from the map");
    kad_view_write_latents(w, "latents", n, k->map->n_channels, k->map->height,
                           k->map->width, z,
                           "latents of the samples, each at its site and channel");
    return w->status;
}

static kad_status finish(work *k)
{
    KAD_LOCAL(kad_h5, file);
    const kad_image_progress now = kad_image_trainer_progress(k->trainer);
    kad_image_score held, trained;
    KAD_CALL(score(k, weights(k), &k->set->held_out, k->options->eval_final, &held));
    KAD_CALL(score(k, weights(k), &k->set->train, held.n, &trained));
    if (k->n_rows < MAX_ROWS)
        k->rows[k->n_rows++] =
            (row){now.seconds, now.images,  held.bpd,
                  held.error,  trained.bpd, k->best.share > 0 ? k->best.bpd : NAN};
    KAD_CALL(kad_results_open(k->ctx, k->p->run, &file));
    kad_writer w = kad_write_into(k->ctx, file, "/images");
    kad_write_real(&w, "bpd_test", held.bpd);
    kad_write_real(&w, "bpd_test_err", held.error);
    kad_write_real(&w, "bpd_train", trained.bpd);
    kad_write_int(&w, "n_test", (int64_t)held.n);
    kad_write_real(&w, "train_seconds", now.seconds);
    kad_write_real(&w, "images_seen", now.images);
    kad_write_int(&w, "n_parameters", (int64_t)k->map->n_theta);
    kad_write_int(&w, "n_nonfinite", now.n_nonfinite);
    write_choice(k, &w);
    write_levels(k, &held, &w);
    write_curve(k, &w);
    write_map(k, &w);
    KAD_CALL(write_samples(k, &w));
    KAD_CALL(kad_write_end(&w));
    KAD_CALL(kad_results_save(k->ctx, k->p->run, file));
    char text[64];
    say_choice(k);
    kad_say(
        k->p->app,
        "images: %s bits per dimension on %zu held out (%.4g on those trained on), %.3g "
        "s of training, %zu parameters",
        kad_format_error(text, sizeof text, held.bpd, held.error), held.n, trained.bpd,
        now.seconds, k->map->n_theta);
    return KAD_OK;
}

/* --- all of it -------------------------------------------------------------------------- */

static kad_status is_trained(work *k, bool *trained)
{
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(k->ctx, k->p->run, &file));
    *trained =
        kad_h5_exists(file, "/images") && kad_h5_attr_exists(file, "/images", "bpd_test");
    return KAD_OK;
}

/* As the training began, wherever it goes on. */
static kad_status choose_nets(work *k, kad_h5 *file)
{
    int64_t was = 0;
    k->bfloat = kad_images_bfloat(k->options);
    if (file == NULL) return KAD_OK;
    if (kad_h5_attr_exists(file, "/images", "bfloat"))
        KAD_CALL(kad_h5_attr_int(k->ctx, file, "/images", "bfloat", &was));
    k->bfloat = was != 0;
    return KAD_OK;
}

static kad_status train_and_evaluate(work *k)
{
    KAD_LOCAL(kad_h5, checkpoint);
    const kad_images *im = &k->set->train;
    KAD_CALL(kad_checkpoint_load(k->ctx, k->p->run, &checkpoint));
    KAD_CALL(choose_nets(k, checkpoint));
    KAD_CALL(kad_images_map_create(k->ctx, k->options, k->bfloat, im, &k->map));
    kad_image_store_rest(k->store);
    KAD_CALL(
        kad_image_trainer_create(k->ctx, k->map, &k->options->train, im, &k->trainer));
    if (k->options->patience > 0)
        KAD_CALL(kad_new(k->ctx, k->map->n_theta, sizeof *k->best.theta, &k->best.theta));
    KAD_CALL(load(k, checkpoint));
    kad_h5_close(checkpoint);
    checkpoint = NULL;
    KAD_CALL(train(k));
    return finish(k);
}

/* Samples, their latents, and those in the file's order. */
static kad_status check_samples(const work *k)
{
    const double size = (double)kad_image_size(&k->set->train),
                 bytes = (double)k->options->samples * size * (1 + 2 * sizeof(double));
    return kad_memory_require(k->ctx, bytes < 9e18 ? (size_t)bytes : SIZE_MAX,
                              "images.samples");
}

/* What would be found wrong after the training. */
static kad_status check(work *k)
{
    bool trained;
    KAD_CALL(is_trained(k, &trained));
    if (trained) return KAD_OK;
    kad_views v = {.options = &k->options->views, .data = &k->options->data};
    KAD_CALL(kad_views_check(k->ctx, &v));
    KAD_CALL(open_data(k));
    KAD_CALL(kad_images_map_create(k->ctx, k->options, false, &k->set->train, &k->map));
    KAD_CALL(check_samples(k));
    v.set = k->set;
    return kad_views_check(k->ctx, &v);
}

static kad_status work_through(work *k)
{
    KAD_LOCAL(kad_h5, file);
    bool trained;
    KAD_CALL(is_trained(k, &trained));
    KAD_CALL(read_data(k));
    if (!trained) KAD_CALL(train_and_evaluate(k));
    KAD_CALL(kad_results_open(k->ctx, k->p->run, &file));
    return kad_images_views(k->p, k->store, file, false);
}

static kad_status do_work(kad_pipeline *p, kad_status (*what)(work *))
{
    work k = {.p = p, .ctx = &p->app->ctx, .options = &p->options.images};
    const kad_status status = what(&k);
    kad_image_trainer_destroy(k.trainer);
    kad_free(k.best.theta);
    kad_image_map_destroy(k.map);
    return status;
}

kad_status kad_images_check(kad_pipeline *p)
{
    return do_work(p, check);
}

kad_status kad_images_stage(kad_pipeline *p)
{
    return do_work(p, work_through);
}
