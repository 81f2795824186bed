#include "image/load.h"

#include "base/parallel.h"
#include "base/signals.h"
#include "image/generator.h"
#include "image/plan.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/mapped.h"
#include "io/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays of the file: those of a side one after the other. */
enum { PIXELS, LABELS, NAMES, OF_A_SIDE };
enum { LABEL_NAMES = KAD_SIDES * OF_A_SIDE, FACTS, TEXT, N_ARRAYS };
/* Facts are the means of the channels, zeros, unread. */
enum { N_FACTS = KAD_IMAGE_CHANNELS + 2, TEXT_BYTES = 512, LABEL_BYTES = 32 };
/* Read at once, at most. */
enum { BLOCK_BYTES = 1 << 24, BLOCK_PICTURES = 4096, BLOCK_FILES = 64 };

struct kad_image_store {
    kad_mapped *file;
    kad_image_set set;
    kad_image_facts facts;
    const char **label_name, **name[KAD_SIDES];
};

/* --- reading a source into the file ---------------------------------------------------- */

typedef struct job {
    kad_image_plan *plan;
    kad_mapped_writer *out;
    size_t image_bytes, n_labels;
    size_t
        have[KAD_SIDES]; /* images taken so far; those with a mirror image count as one */
    double sum[KAD_IMAGE_CHANNELS], zeros;
    /* A block of pictures. */
    size_t first, n, room;
    uint8_t *pixels; /* [room][images of a picture][image_bytes] */
    double *labels;  /* [room][n_labels] */
    kad_status *why; /* [room] */
    char (*text)[KAD_MESSAGE_MAX];
    size_t sums_bytes;
} job;

static bool read_one(void *self, size_t k, void *scratch)
{
    job *j = self;
    const kad_image_plan *plan = j->plan;
    const kad_image_source *s = &plan->source;
    const size_t i = j->first + k;
    kad_ctx ctx;
    kad_picture picture;
    int side;
    if (plan->unread[i] || kad_image_plan_share(plan, i, j->have, &side) == 0)
        return true;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    j->why[k] = s->ops->picture(&scope, s, i, &picture, j->labels + k * j->n_labels);
    if (j->why[k] != KAD_OK) {
        memcpy(j->text[k], ctx.message, sizeof ctx.message);
        return true;
    }
    for (size_t c = 0; c < plan->a_picture; c++)
        kad_picture_fit(&picture, kad_image_plan_window(plan, i, c, &picture),
                        plan->n_channels, plan->inner_height, plan->inner_width,
                        plan->options->pad, scratch,
                        j->pixels + (k * plan->a_picture + c) * j->image_bytes);
    return true;
}

/* Sums of levels are whole numbers: exact in any order. */
static void add_facts(job *j, size_t n, const uint8_t *pixels)
{
    const size_t plane = (size_t)j->plan->height * (size_t)j->plan->width;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < j->plan->n_channels; c++) {
            uint64_t sum = 0, zeros = 0;
            for (size_t p = 0; p < plane; p++, pixels++) {
                sum += *pixels;
                zeros += *pixels == 0;
            }
            j->sum[c] += (double)sum;
            j->zeros += (double)zeros;
        }
}

/* Left and right exchanged, in place. */
static void mirror(const kad_image_plan *plan, uint8_t *pixels)
{
    const size_t width = (size_t)plan->width;
    const size_t n = (size_t)plan->n_channels * (size_t)plan->height;
    for (size_t line = 0; line < n; line++, pixels += width)
        for (size_t x = 0; x < width / 2; x++) {
            const uint8_t left = pixels[x];
            pixels[x] = pixels[width - 1 - x];
            pixels[width - 1 - x] = left;
        }
}

/* n images of picture k of the block from image `at` of a side on, all alike but for their
 * pixels. */
static kad_status put(kad_ctx *ctx, job *j, size_t k, int side, size_t at, size_t n)
{
    KAD_SCOPE(scope, ctx);
    const kad_image_source *s = &j->plan->source;
    const size_t label_bytes = j->n_labels * sizeof(double);
    const size_t name_bytes = j->plan->name_bytes;
    const int base = side * OF_A_SIDE;
    const uint8_t *pixels = j->pixels + k * j->plan->a_picture * j->image_bytes;
    KAD_CALL(kad_mapped_write(ctx, j->out, (size_t)(base + PIXELS), at * j->image_bytes,
                              n * j->image_bytes, pixels));
    if (side == 0) add_facts(j, n, pixels);
    for (size_t c = 0; c < n && label_bytes > 0; c++)
        KAD_CALL(kad_mapped_write(ctx, j->out, (size_t)(base + LABELS),
                                  (at + c) * label_bytes, label_bytes,
                                  j->labels + k * j->n_labels));
    if (name_bytes > 0) {
        char *name;
        KAD_CALL(kad_take(&scope, name_bytes, &name));
        snprintf(name, name_bytes, "%s", s->ops->name_of(s, j->first + k));
        kad_make_printable(name, false);
        for (size_t c = 0; c < n; c++)
            KAD_CALL(kad_mapped_write(ctx, j->out, (size_t)(base + NAMES),
                                      (at + c) * name_bytes, name_bytes, name));
    }
    return KAD_OK;
}

/* The same, and behind them their mirror images where these are to be trained on. */
static kad_status put_all(kad_ctx *ctx, job *j, size_t k, int side, size_t n)
{
    const size_t copies = kad_image_plan_copies(j->plan->options, side);
    const size_t at = j->have[side] * copies;
    uint8_t *pixels = j->pixels + k * j->plan->a_picture * j->image_bytes;
    KAD_CALL(put(ctx, j, k, side, at, n));
    if (copies == 2) {
        for (size_t c = 0; c < n; c++)
            mirror(j->plan, pixels + c * j->image_bytes);
        KAD_CALL(put(ctx, j, k, side, at + n, n));
    }
    j->have[side] += n;
    return KAD_OK;
}

static kad_status read_block(kad_ctx *ctx, job *j)
{
    kad_image_plan *plan = j->plan;
    const kad_image_source *s = &plan->source;
    memset(j->why, 0, j->n * sizeof *j->why);
    if (s->ops->fetch != NULL)
        KAD_CALL(s->ops->fetch(ctx, &plan->source, j->first, j->n));
    KAD_CALL(kad_for_tiles(ctx, "reading images", j->n, j->sums_bytes, read_one, j));
    for (size_t k = 0; k < j->n; k++) {
        int side = 0;
        if (j->why[k] == KAD_ENOMEM || (j->why[k] != KAD_OK && s->alike))
            return kad_fail(ctx, j->why[k], "%s", j->text[k]);
        if (j->why[k] != KAD_OK) {
            kad_image_plan_drop(ctx, plan, j->first + k, j->text[k]);
            continue;
        }
        const size_t n = kad_image_plan_share(plan, j->first + k, j->have, &side);
        if (n > 0) KAD_CALL(put_all(ctx, j, k, side, n));
    }
    return KAD_OK;
}

static kad_status take_block(kad_scope *in, job *j)
{
    const kad_image_plan *plan = j->plan;
    const size_t a_picture = plan->a_picture * j->image_bytes;
    const size_t fit = BLOCK_BYTES / a_picture;
    j->room = plan->source.alike ? BLOCK_PICTURES : BLOCK_FILES;
    if (j->room > fit) j->room = fit > 0 ? fit : 1;
    if (j->room > plan->source.n) j->room = plan->source.n;
    j->sums_bytes =
        (size_t)plan->inner_width * (size_t)plan->n_channels * sizeof(uint64_t);
    KAD_CALL(kad_scope_take(in, j->room, a_picture, &j->pixels));
    KAD_CALL(kad_take(in, j->room * j->n_labels, &j->labels));
    KAD_CALL(kad_take(in, j->room, &j->why));
    return kad_take(in, j->room, &j->text);
}

/* All that the plan says; pictures that cannot be read after all are dropped from it, and
 * the file is then not as it says. */
static kad_status read_all(kad_ctx *ctx, job *j)
{
    KAD_SCOPE(scope, ctx);
    const kad_image_plan *plan = j->plan;
    KAD_CALL(take_block(&scope, j));
    for (j->first = 0; j->first < plan->source.n; j->first += j->n) {
        if (memcmp(j->have, plan->n, sizeof plan->n) == 0) break;
        KAD_CALL(kad_stop_check(ctx, "reading images"));
        const size_t left = plan->source.n - j->first;
        j->n = left < j->room ? left : j->room;
        KAD_CALL(read_block(ctx, j));
    }
    return KAD_OK;
}

/* --- the file -------------------------------------------------------------------------- */

static void describe_side(const kad_image_plan *plan, size_t n_labels, int side,
                          kad_mapped_array *a)
{
    static const char *const paths[KAD_SIDES][OF_A_SIDE] = {
        {"/train/pixels", "/train/labels", "/train/names"},
        {"/held_out/pixels", "/held_out/labels", "/held_out/names"},
        {"/validation/pixels", "/validation/labels", "/validation/names"}};
    const size_t n = plan->n[side] * kad_image_plan_copies(plan->options, side);
    const size_t names = plan->name_bytes;
    a[PIXELS] = (kad_mapped_array){
        paths[side][PIXELS],
        KAD_H5_U8,
        4,
        {n, (size_t)plan->n_channels, (size_t)plan->height, (size_t)plan->width},
        "levels",
        "images [n][channel][row][column]"};
    a[LABELS] = (kad_mapped_array){
        paths[side][LABELS], KAD_H5_F64, 2, {n, n_labels}, "1", "numbers of the images"};
    a[NAMES] = (kad_mapped_array){paths[side][NAMES],
                                  KAD_H5_U8,
                                  2,
                                  {names > 0 ? n : 0, names},
                                  "characters",
                                  "names of the images' files, zeros behind"};
}

static kad_status begin(kad_ctx *ctx, const char *path, const kad_image_plan *plan,
                        kad_mapped_writer **out)
{
    const size_t n_labels = plan->source.n_labels;
    kad_mapped_array a[N_ARRAYS];
    for (int side = 0; side < KAD_SIDES; side++)
        describe_side(plan, n_labels, side, a + side * OF_A_SIDE);
    a[LABEL_NAMES] =
        (kad_mapped_array){"/label_names",          KAD_H5_U8,    2,
                           {n_labels, LABEL_BYTES}, "characters", "names of the labels"};
    a[FACTS] = (kad_mapped_array){"/facts",
                                  KAD_H5_F64,
                                  1,
                                  {N_FACTS},
                                  "1",
                                  "mean level of three channels, share of zeros, files "
                                  "not read"};
    a[TEXT] = (kad_mapped_array){
        "/description",  KAD_H5_U8,    2,
        {2, TEXT_BYTES}, "characters", "where the images come from, and their SHA-256"};
    return kad_mapped_begin(ctx, path, N_ARRAYS, a, out);
}

/* "msds1: 90000 images + 10000 held out, 3 x 32 x 32". */
static void describe(const kad_image_plan *plan, char text[TEXT_BYTES])
{
    char validation[48] = "";
    if (plan->n[KAD_SIDE_VALIDATION] > 0)
        snprintf(validation, sizeof validation, " + %zu to choose by",
                 plan->n[KAD_SIDE_VALIDATION]);
    snprintf(text, TEXT_BYTES, "%s: %zu images + %zu held out%s, %d x %d x %d",
             plan->options->source, plan->n[0] * kad_image_plan_copies(plan->options, 0),
             plan->n[1], validation, plan->n_channels, plan->height, plan->width);
    kad_make_printable(text, false);
}

static kad_status digest_all(kad_ctx *ctx, job *j, char digest[KAD_DIGEST_CHARS])
{
    char part[KAD_SIDES][KAD_DIGEST_CHARS] = {{0}}, all[4 * KAD_DIGEST_CHARS + 64];
    const int n_sides = j->plan->n[KAD_SIDE_VALIDATION] > 0 ? KAD_SIDES : 2;
    for (int side = 0; side < n_sides; side++)
        KAD_CALL(kad_mapped_digest(ctx, j->out, (size_t)(side * OF_A_SIDE + PIXELS),
                                   part[side]));
    const int n = snprintf(all, sizeof all, "%d %d %d %s %s%s%s", j->plan->n_channels,
                           j->plan->height, j->plan->width, part[0], part[1],
                           n_sides > 2 ? " " : "", part[2]);
    kad_digest(all, (size_t)n, digest);
    return KAD_OK;
}

static kad_status finish(kad_ctx *ctx, job *j, const char *key)
{
    const kad_image_plan *plan = j->plan;
    char text[2][TEXT_BYTES] = {{0}}, digest[KAD_DIGEST_CHARS];
    const double plane = (double)plan->height * plan->width;
    const double n =
        (double)(plan->n[0] * kad_image_plan_copies(plan->options, 0)) * plane;
    double facts[N_FACTS];
    for (int c = 0; c < KAD_IMAGE_CHANNELS; c++)
        facts[c] = c < plan->n_channels ? j->sum[c] / n : NAN;
    facts[KAD_IMAGE_CHANNELS] = j->zeros / (n * plan->n_channels);
    facts[KAD_IMAGE_CHANNELS + 1] = (double)plan->n_unread;
    describe(plan, text[0]);
    KAD_CALL(digest_all(ctx, j, digest));
    memcpy(text[1], digest, sizeof digest);
    for (size_t i = 0; i < j->n_labels; i++) {
        char name[LABEL_BYTES] = {0};
        snprintf(name, sizeof name, "%s", plan->source.label_name[i]);
        KAD_CALL(kad_mapped_write(ctx, j->out, LABEL_NAMES, i * LABEL_BYTES, LABEL_BYTES,
                                  name));
    }
    KAD_CALL(kad_mapped_write(ctx, j->out, FACTS, 0, sizeof facts, facts));
    KAD_CALL(kad_mapped_write(ctx, j->out, TEXT, 0, sizeof text, text));
    return kad_mapped_finish(ctx, j->out, key);
}

/* Again where a picture's end was found to be damaged only now: the plan is another. */
static kad_status make_file(kad_ctx *ctx, const char *path, const char *key,
                            kad_image_plan *plan)
{
    for (;;) {
        KAD_LOCAL(kad_mapped_writer, out);
        const size_t n_unread = plan->n_unread;
        job j = {.plan = plan, .n_labels = plan->source.n_labels};
        j.image_bytes =
            (size_t)plan->n_channels * (size_t)plan->height * (size_t)plan->width;
        KAD_CALL(begin(ctx, path, plan, &out));
        j.out = out;
        KAD_CALL(read_all(ctx, &j));
        if (plan->n_unread == n_unread) return finish(ctx, &j, key);
        KAD_CALL(kad_image_plan_count(ctx, plan));
    }
}

/* --- the store ------------------------------------------------------------------------- */

static kad_status rows_of(kad_ctx *ctx, const char *data, size_t n, size_t bytes,
                          const char ***out)
{
    KAD_CALL(kad_new(ctx, n, sizeof **out, out));
    for (size_t i = 0; i < n; i++)
        (*out)[i] = data + i * bytes;
    return KAD_OK;
}

static void rest(const void *file)
{
    kad_mapped_rest(file);
}

static kad_status fill_side(kad_ctx *ctx, const kad_image_options *o,
                            kad_image_store *store, int side, kad_images *images)
{
    const kad_mapped *file = store->file;
    const size_t base = (size_t)(side * OF_A_SIDE);
    int rank;
    size_t d[KAD_MAPPED_RANK], names[KAD_MAPPED_RANK];
    images->pixels = kad_mapped_data(file, base + PIXELS, &rank, d);
    images->n = d[0];
    images->n_channels = (int)d[1];
    images->height = (int)d[2];
    images->width = (int)d[3];
    images->rest = rest;
    images->rest_self = file;
    images->of_a_picture = kad_image_plan_squares(o) * kad_image_plan_copies(o, side);
    images->labels = kad_mapped_data(file, base + LABELS, &rank, d);
    images->n_labels = d[1];
    if (images->n_labels == 0) images->labels = NULL;
    images->label_name = store->label_name;
    const char *name = kad_mapped_data(file, base + NAMES, &rank, names);
    if (names[0] == 0 || names[1] == 0) return KAD_OK;
    KAD_CALL(rows_of(ctx, name, images->n, names[1], &store->name[side]));
    images->name = store->name[side];
    return KAD_OK;
}

static kad_status fill(kad_ctx *ctx, const kad_image_options *o, kad_image_store *store)
{
    const kad_mapped *file = store->file;
    int rank;
    size_t d[KAD_MAPPED_RANK];
    const char *names = kad_mapped_data(file, LABEL_NAMES, &rank, d);
    KAD_CALL(rows_of(ctx, names, d[0], LABEL_BYTES, &store->label_name));
    KAD_CALL(fill_side(ctx, o, store, 0, &store->set.train));
    KAD_CALL(fill_side(ctx, o, store, 1, &store->set.held_out));
    KAD_CALL(fill_side(ctx, o, store, 2, &store->set.validation));
    const double *facts = kad_mapped_data(file, FACTS, &rank, d);
    memcpy(store->facts.mean, facts, sizeof store->facts.mean);
    store->facts.zeros = facts[KAD_IMAGE_CHANNELS];
    store->facts.n_unread = (size_t)facts[KAD_IMAGE_CHANNELS + 1];
    const char *text = kad_mapped_data(file, TEXT, &rank, d);
    store->set.description = text;
    store->set.digest = text + TEXT_BYTES;
    return KAD_OK;
}

/* The path however it was spelled; of what is none, generators' names, as it is. */
static kad_status real_path(kad_scope *in, const char *path, const char **out)
{
    char *found = realpath(path, NULL);
    const kad_status status = kad_take_text(in, found != NULL ? found : path, out);
    free(found);
    return status;
}

/* What decides the images, as far as can be told without reading them. */
static kad_status key_of(kad_ctx *ctx, const kad_image_source *s,
                         const kad_image_options *o, char key[KAD_DIGEST_CHARS])
{
    KAD_SCOPE(scope, ctx);
    const char *text, *path;
    KAD_CALL(real_path(&scope, s->path, &path));
    KAD_CALL(kad_take_printf(
        &scope, &text,
        "images 2 %s %s %s %s %d %d %d %d %d %d %d %.17g %.17g %lld %lld %d",
        s->ops->name, path, s->state, o->dataset ? o->dataset : "", o->size, o->crop,
        o->crops, o->scales, o->pad, o->flip, o->grey, o->held_out,
        o->validation > 0 ? o->validation : 0, (long long)o->limit, (long long)o->seed,
        (int)o->on_error));
    kad_digest(text, strlen(text), key);
    return KAD_OK;
}

static kad_status path_of(kad_scope *in, const kad_image_options *o, const char *folder,
                          const char *key, const char **path)
{
    if (o->cache == NULL) return kad_take_printf(in, path, "%s/images.h5", folder);
    KAD_CALL(kad_file_make_folder(in->ctx, o->cache));
    return kad_take_printf(in, path, "%s/images-%.16s.h5", o->cache, key);
}

/* From a file that is there, else made. One that is damaged is made again. */
static kad_status map_file(kad_ctx *ctx, const kad_image_options *o, const char *folder,
                           kad_mapped **file)
{
    KAD_SCOPE(scope, ctx);
    kad_image_source source;
    kad_image_plan plan;
    char key[KAD_DIGEST_CHARS];
    const char *path;
    KAD_CALL(kad_image_source_open(&scope, o, &source));
    KAD_CALL(key_of(ctx, &source, o, key));
    KAD_CALL(path_of(&scope, o, folder, key, &path));
    kad_mapped_clear(path, o->cache == NULL);
    const kad_status found = kad_mapped_open(ctx, path, key, file);
    if (found == KAD_EDATA)
        kad_note(ctx, "%s", ctx->message);
    else
        KAD_CALL(found);
    if (*file != NULL) return KAD_OK;
    KAD_CALL(kad_image_plan_make(&scope, o, &source, &plan));
    KAD_CALL(make_file(ctx, path, key, &plan));
    KAD_CALL(kad_mapped_open(ctx, path, key, file));
    return *file ? KAD_OK : kad_fail(ctx, KAD_EIO, "%s: is gone", path);
}

static kad_status check_digest(kad_ctx *ctx, const kad_image_options *o,
                               const kad_image_set *set)
{
    if (o->sha256 == NULL || strcmp(o->sha256, set->digest) == 0) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA,
                    "data.source: %s: its images have SHA-256 %s, but data.source_sha256 "
                    "is %s",
                    o->source, set->digest, o->sha256);
}

kad_status kad_image_store_open(kad_ctx *ctx, const kad_image_options *o,
                                const char *folder, kad_image_store **out)
{
    KAD_LOCAL(kad_image_store, store);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *store, &store));
    KAD_CALL(map_file(ctx, o, folder, &store->file));
    KAD_CALL(fill(ctx, o, store));
    KAD_CALL(check_digest(ctx, o, &store->set));
    *out = store;
    store = NULL;
    return KAD_OK;
}

void kad_image_store_close(kad_image_store *store)
{
    if (store == NULL) return;
    kad_mapped_close(store->file);
    kad_free(store->label_name);
    for (int side = 0; side < KAD_SIDES; side++)
        kad_free(store->name[side]);
    kad_free(store);
}

const kad_image_set *kad_image_store_set(const kad_image_store *store)
{
    return &store->set;
}

const kad_image_facts *kad_image_store_facts(const kad_image_store *store)
{
    return &store->facts;
}

void kad_image_store_rest(const kad_image_store *store)
{
    kad_mapped_rest(store->file);
}

kad_status kad_image_source_is_one(kad_ctx *ctx, const char *source, const char *dataset,
                                   bool *images)
{
    bool folder, file;
    *images = true;
    if (kad_image_generator_find(source) != NULL) return KAD_OK;
    KAD_CALL(kad_file_exists(ctx, source, &file));
    KAD_CALL(kad_file_is_folder(ctx, source, &folder));
    if (!file || folder) return KAD_OK; /* what is not there is refused when it is read */
    if (kad_h5_check_kind(ctx, source) != KAD_OK) return KAD_OK;
    return kad_h5_rows_exist(ctx, source, dataset, dataset ? NULL : "/configs", images);
}
