/* What a map of images is worth: scores, and the group /images that says so. */
#include "run/images_work.h"

#include "base/memory.h"
#include "io/digest.h"
#include "io/writer.h"
#include "views/store.h"

#include <math.h>
#include <stdio.h>

#define F64 KAD_H5_F64
#define I64 KAD_H5_I64

enum { SPREAD = 8 }; /* pieces that are scored */
typedef kad_images_work work;
typedef kad_images_row row;

const double *kad_images_weights(const work *k)
{
    return k->best.share > 0 ? k->best.theta : kad_image_trainer_weights(k->trainer);
}

size_t kad_images_n_scored(const kad_images *images, size_t most)
{
    return images->n > most ? most : images->n;
}

kad_status kad_images_score(work *k, const double *theta, const kad_images *images,
                            size_t most, kad_image_score *out)
{
    const size_t all = kad_images_n_scored(images, most);
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

bool kad_images_has_stopped(const work *k)
{
    return k->best.theta != NULL && k->best.since >= k->options->patience;
}

/* --- what is written --------------------------------------------------------------------- */

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
    kad_digest(kad_images_weights(k), n * sizeof(double), digest);
    kad_write_text(w, "map_sha256", digest);
    kad_write(w, "map/theta", F64, "parameter", "1", "the map's parameters, averaged", &n,
              kad_images_weights(k));
    kad_write_text(w, "map/theta@recipe", k->options->recipe);
    for (int i = 0; k->map->ops->option(k->map, i, &name, &value); i++) {
        char at[64];
        snprintf(at, sizeof at, "map/theta@%s", name);
        kad_write_int(w, at, value);
    }
}

static size_t n_validation(const work *k)
{
    return kad_images_n_scored(&k->set->validation, k->options->eval_samples);
}

/* Of patience, before the plan's end. */
static bool is_cut_short(const work *k)
{
    return kad_images_has_stopped(k) && !kad_image_trainer_progress(k->trainer).done;
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
    KAD_CALL(ops->plan_create(k->ctx, k->map, kad_images_weights(k), &plan));
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

kad_status kad_images_finish(work *k)
{
    KAD_LOCAL(kad_h5, file);
    const kad_image_progress now = kad_image_trainer_progress(k->trainer);
    kad_image_score held, trained;
    KAD_CALL(kad_images_score(k, kad_images_weights(k), &k->set->held_out,
                              k->options->eval_final, &held));
    KAD_CALL(
        kad_images_score(k, kad_images_weights(k), &k->set->train, held.n, &trained));
    if (k->n_rows < KAD_IMAGES_ROWS)
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
