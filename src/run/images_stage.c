/* What a run on images does: images are read, a map is trained on them, and /images says
 * how good it is. The training is in the checkpoint; the data are in their own file
 * (src/image/load.h). */
#include "run/images_work.h"

#include "base/memory.h"
#include "base/signals.h"
#include "io/writer.h"
#include "views/store.h"
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define F64 KAD_H5_F64

enum { SHEET = 64, N_EVALUATIONS = 20 };
typedef kad_images_work work;
typedef kad_images_row row;
typedef kad_images_best best;
static const double slice_seconds = 0.5;

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
        if (rank != 2 || dims[0] > KAD_IMAGES_ROWS || dims[1] != ROW_NUMBERS)
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

/* A row of the curve. */
static kad_status evaluate(work *k)
{
    const kad_image_progress now = kad_image_trainer_progress(k->trainer);
    const double *theta = kad_image_trainer_weights(k->trainer);
    const size_t n = k->options->eval_samples;
    kad_image_score held, trained, chosen = {.bpd = NAN};
    KAD_CALL(kad_images_score(k, theta, &k->set->held_out, n, &held));
    KAD_CALL(kad_images_score(k, theta, &k->set->train, n, &trained));
    if (k->best.theta != NULL) {
        KAD_CALL(kad_images_score(k, theta, &k->set->validation, n, &chosen));
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
           !kad_images_has_stopped(k)) {
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
    return kad_images_finish(k);
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
