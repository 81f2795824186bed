/* The config of runs on images. */
#include "run/pipeline.h"

#include "affine/recipe.h"
#include "base/memory.h"
#include "image/generator.h"
#include "image/load.h"
#include "io/file.h"
#include "pixel/origin.h"
#include "pixel/recipe.h"
#include "pixel/stored.h"
#include "run/schema.h"
#include "wide/bfloat.h"

#include <stdio.h>
#include <string.h>

/* --- keys ------------------------------------------------------------------------------ */

#define ANY 1, 0 /* no range */

const kad_key kad_images_keys[] = {
    {"flow.recipe", KAD_WORD_OF(kad_images_options, recipe), "pixels", ANY, "",
     "pixels|rgflow|realnvp", ""},
    {"flow.hidden", KAD_INT_OF(kad_images_options, map.hidden), "64", 8, 1024, "", NULL,
     ""},
    {"flow.blocks", KAD_INT_OF(kad_images_options, map.blocks), NULL, 0,
     KAD_PIXEL_BLOCKS_MAX, "", NULL,
     "images: residual blocks of a net (pixels 1, rgflow 4, realnvp 2)"},
    {"flow.layers", KAD_INTS_OF(kad_images_options, layers), NULL, 1, 64, "", NULL,
     "rgflow, realnvp: layers of couplings, a number for each level from the finest on; "
     "the "
     "last holds for all above (rgflow [8, 6, 4, 2], realnvp [3])"},
    {"flow.prior", KAD_WORD_OF(kad_images_options, prior), "laplace", ANY, "",
     "laplace|normal", ""},
    {"flow.components", KAD_INT_OF(kad_images_options, map.components), "4", 1,
     KAD_PIXEL_COMPONENTS_MAX, "", NULL,
     "pixels: logistic distributions that the density of a level is a mixture of"},
    {"flow.radius", KAD_INT_OF(kad_images_options, map.radius), "3", 1, 8, "", NULL,
     "pixels: how far a site sees, in sites of its level"},
    {"flow.causal", KAD_INT_OF(kad_images_options, map.causal), "64", 1, 4096, "sites",
     NULL,
     "pixels: groups of at most so many sites are generated site by site, each seeing "
     "those before it; larger ones at once"},
    {"flow.window", KAD_INT_OF(kad_images_options, map.window), "2", 0, 64, "", NULL,
     "pixels: how far such sites look back, in sites of their level"},
    {"flow.position", KAD_BOOL_OF(kad_images_options, map.position), "true", ANY, "",
     NULL, "pixels: nets know where in the image a site is"},
    {"flow.tint", KAD_BOOL_OF(kad_images_options, map.tint), "true", ANY, "", NULL,
     "pixels: nets know the colour around a site, and means may be multiples of it (of "
     "grey images nothing)"},
    {"flow.overview", KAD_BOOL_OF(kad_images_options, map.overview), "true", ANY, "",
     NULL,
     "pixels: sites generated site by site (flow.causal) know all of the picture before "
     "them: more latents belong to a hole, and what images share as a whole is drawn"},
    {"flow.reach", KAD_INT_OF(kad_images_options, map.reach), NULL, 1, 64, "", NULL,
     "pixels: how far such sites look back on coarser lattices, in sites of their level "
     "(flow.radius)"},
    {"flow.nets", KAD_WORD_OF(kad_images_options, nets), "auto", ANY, "",
     "auto|float|bfloat16",
     "pixels: numbers of the nets' products; bfloat16 is several times as fast on "
     "processors with tiles (AMX) for it, with the same sums where there are none. auto: "
     "bfloat16 if the processor that begins the training has them; stored with the map"},
    {"flow.origin", KAD_INTS_OF(kad_images_options, origin), NULL, 0, 1023, "sites", NULL,
     "pixels: [row, column] of the first site, which the lattices of all levels hold "
     "(where coarse ones have most in common, from image to image)"},
    {"train.seconds", KAD_REAL_OF(kad_images_options, train.seconds), "120", 0, 1e8, "s",
     NULL,
     "images: wall time that the training is planned for, from the first moments of it; "
     "0: train.steps says how long"},
    {"train.steps", KAD_INT_OF(kad_images_options, train.steps), "2000", 1, 1e12, "",
     NULL, ""},
    {"train.batch", KAD_INT_OF(kad_images_options, train.batch), NULL, 1, 65536, "", NULL,
     ""},
    {"train.optimiser", KAD_NAME_OF(kad_images_options, optimiser, kad_optimiser_name),
     NULL, ANY, "", NULL, ""},
    {"train.rate", KAD_REAL_OF(kad_images_options, train.rate), NULL, 0, 10, "", NULL,
     ""},
    {"train.weight_decay", KAD_REAL_OF(kad_images_options, train.weight_decay), NULL, 0,
     1, "", NULL, ""},
    {"train.clip", KAD_REAL_OF(kad_images_options, train.clip), "3", 0, 1e6, "", NULL,
     ""},
    {"train.ema", KAD_REAL_OF(kad_images_options, train.average), "0.999", 0, 0.999999,
     "", NULL, ""},
    {"train.eval_samples", KAD_INT_OF(kad_images_options, eval_samples), "256", 16, 1e8,
     "images", NULL, ""},
    {"train.eval_final", KAD_INT_OF(kad_images_options, eval_final), "10000", 16, 1e9,
     "images", NULL, ""},
    {"train.patience", KAD_INT_OF(kad_images_options, patience), "0", 0, 1000,
     "evaluations", NULL, ""},
    {"train.checkpoint_seconds", KAD_REAL_OF(kad_images_options, checkpoint_seconds),
     "60", 0, 1e9, "s", NULL, ""},
    {"images.samples", KAD_INT_OF(kad_images_options, samples), "1024", 1, 1e6, "images",
     NULL, "images drawn from the map and kept in /images/samples"},
    {"images.temperature", KAD_REALS_OF(kad_images_options, temperature), "1", 0, 10, "",
     NULL,
     "factor on their latents, a number for each level from the finest on; the last "
     "holds "
     "for all above"},
};
const size_t kad_images_n_keys = sizeof kad_images_keys / sizeof kad_images_keys[0];

/* With other data these do nothing. */
const kad_rule kad_images_rules[] = {
    {"flow.blocks", "data.kind=image"}, {"flow.components", "data.kind=image"},
    {"flow.radius", "data.kind=image"}, {"flow.causal", "data.kind=image"},
    {"flow.window", "data.kind=image"}, {"flow.position", "data.kind=image"},
    {"flow.tint", "data.kind=image"},   {"flow.overview", "data.kind=image"},
    {"flow.reach", "data.kind=image"},  {"flow.origin", "data.kind=image"},
    {"flow.nets", "data.kind=image"},   {"train.seconds", "data.kind=image"},
    {"images.", "data.kind=image"},
};
const size_t kad_images_n_rules = sizeof kad_images_rules / sizeof kad_images_rules[0];

/* Of runs on images alone; the first rule of a key holds. */
#define COUPLINGS "flow.recipe=rgflow|realnvp"
const kad_rule kad_images_recipe_rules[] = {
    {"flow.components", "flow.recipe=pixels"},
    {"flow.radius", "flow.recipe=pixels"},
    {"flow.causal", "flow.recipe=pixels"},
    {"flow.window", "flow.recipe=pixels"},
    {"flow.position", "flow.recipe=pixels"},
    {"flow.tint", "flow.recipe=pixels"},
    {"flow.overview", "flow.recipe=pixels"},
    {"flow.reach", "flow.recipe=pixels"},
    {"flow.origin", "flow.recipe=pixels"},
    {"flow.nets", "flow.recipe=pixels"},
    {"flow.layers", COUPLINGS},
    {"flow.prior", COUPLINGS},
    {"images.fid_images", "images.fid"},
};
const size_t kad_images_n_recipe_rules =
    sizeof kad_images_recipe_rules / sizeof kad_images_recipe_rules[0];

/* --- recipes --------------------------------------------------------------------------- */

/* What a recipe chooses for keys that are not given. */
typedef struct choices {
    const char *recipe, *blocks, *layers, *batch, *optimiser, *rate, *weight_decay,
        *inpaint;
    kad_affine_creates *couplings; /* NULL: pixels */
} choices;

static const choices recipes[] = {
    {"pixels", "1", NULL, "512", "muon", "0.02", "0.01", "64", NULL},
    {"rgflow", "4", "[8, 6, 4, 2]", "64", "adamw", "1e-3", "0.05", "0", kad_affine_mera},
    {"realnvp", "2", "[3]", "64", "adamw", "1e-3", "0.05", "0", kad_affine_scales},
};

static const choices *recipe_of(const char *name)
{
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        if (strcmp(recipes[i].recipe, name) == 0) return &recipes[i];
    return NULL;
}

bool kad_images_recipe(const char *name)
{
    return recipe_of(name) != NULL;
}

static kad_status choose(kad_ctx *ctx, kad_config *config)
{
    const choices *c = recipe_of(kad_config_string(config, "flow.recipe"));
    KAD_CALL(kad_config_resolve(ctx, config, "flow.blocks", c->blocks));
    if (c->layers) KAD_CALL(kad_config_resolve(ctx, config, "flow.layers", c->layers));
    KAD_CALL(kad_config_resolve(ctx, config, "train.batch", c->batch));
    KAD_CALL(kad_config_resolve(ctx, config, "train.optimiser", c->optimiser));
    KAD_CALL(kad_config_resolve(ctx, config, "train.rate", c->rate));
    KAD_CALL(kad_config_resolve(ctx, config, "images.inpaint", c->inpaint));
    if (kad_config_int(config, "train.patience") > 0)
        KAD_CALL(kad_config_resolve(ctx, config, "data.validation", "0.1"));
    return kad_config_resolve(ctx, config, "train.weight_decay", c->weight_decay);
}

static kad_affine_options couplings_of(const kad_images_options *o)
{
    kad_affine_options a = {.hidden = o->map.hidden, .blocks = o->map.blocks};
    for (size_t i = 0; i < o->layers.n; i++)
        a.layers[a.n_layers++] = o->layers.value[i];
    return a;
}

bool kad_images_bfloat(const kad_images_options *options)
{
    if (recipe_of(options->recipe)->couplings != NULL) return false;
    if (strcmp(options->nets, "auto") == 0) return kad_bfloat_fast();
    return strcmp(options->nets, "bfloat16") == 0;
}

static kad_status create_pixels(kad_ctx *ctx, const kad_images_options *options,
                                bool bfloat, const kad_images *images,
                                kad_image_map **out)
{
    kad_pixel_options o = options->map;
    o.bfloat = bfloat;
    if (o.reach > 0 && o.reach <= o.radius)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.reach: %d has no effect: sites see %d far (flow.radius)",
                        o.reach, o.radius);
    if (o.reach < 0) o.reach = 0;
    if (options->origin.n == 0)
        KAD_CALL(kad_pixel_origin(ctx, images, o.origin));
    else if (options->origin.n != 2)
        return kad_fail(ctx, KAD_ECONFIG, "flow.origin: expected [row, column]");
    for (size_t i = 0; i < options->origin.n; i++)
        o.origin[i] = options->origin.value[i];
    return kad_pixel_recipe_create(ctx, &o, images->n_channels, images->height,
                                   images->width, out);
}

kad_status kad_images_map_create(kad_ctx *ctx, const kad_images_options *options,
                                 bool bfloat, const kad_images *images,
                                 kad_image_map **out)
{
    const choices *c = recipe_of(options->recipe);
    if (c->couplings == NULL) return create_pixels(ctx, options, bfloat, images, out);
    const kad_affine_options a = couplings_of(options);
    const kad_pixel_prior prior =
        strcmp(options->prior, "laplace") == 0 ? KAD_PIXEL_LAPLACE : KAD_PIXEL_NORMAL;
    return kad_affine_recipe_create(ctx, c->couplings, &a, prior, images->n_channels,
                                    images->height, images->width, out);
}

static kad_status read_couplings(kad_scope *in, const kad_images_options *options,
                                 kad_h5 *file, kad_image_map **out, double **theta)
{
    static const char path[] = "/images/map/theta", data[] = "/images/data";
    kad_ctx *ctx = in->ctx;
    KAD_LOCAL(kad_image_map, map);
    KAD_SCOPE(scope, ctx);
    int64_t channels, height, width;
    char *recipe;
    KAD_CALL(kad_h5_attr_int(ctx, file, data, "channels", &channels));
    KAD_CALL(kad_h5_attr_int(ctx, file, data, "height", &height));
    KAD_CALL(kad_h5_attr_int(ctx, file, data, "width", &width));
    const kad_images like = {
        .n_channels = (int)channels, .height = (int)height, .width = (int)width};
    KAD_CALL(kad_images_map_create(ctx, options, false, &like, &map));
    KAD_CALL(kad_h5_attr_string(&scope, file, path, "recipe", &recipe));
    if (strcmp(recipe, options->recipe) != 0)
        return kad_fail(ctx, KAD_EDATA, "%s: of recipe %s, the run's config says %s",
                        path, recipe, options->recipe);
    KAD_CALL(kad_take(in, map->n_theta, theta));
    KAD_CALL(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &map->n_theta, *theta));
    *out = map;
    map = NULL;
    return KAD_OK;
}

kad_status kad_images_map_read(kad_scope *in, const kad_images_options *options,
                               kad_h5 *file, kad_image_map **out, double **theta)
{
    KAD_LOCAL(kad_pixel_map, pixels);
    *out = NULL;
    if (!kad_h5_exists(file, "/images/map/theta"))
        return kad_fail(in->ctx, KAD_ENOINPUT, "run.h5: no trained map of images in it");
    if (recipe_of(options->recipe)->couplings != NULL)
        return read_couplings(in, options, file, out, theta);
    KAD_CALL(kad_pixel_map_read(in, file, &pixels, theta));
    return kad_pixel_recipe_create(in->ctx, &pixels->options, pixels->n_channels,
                                   pixels->height, pixels->width, out);
}

/* --- which runs these are -------------------------------------------------------------- */

/* A single file beside a lattice is one of fields, damaged perhaps, and no picture. */
static kad_status is_set_of_images(kad_ctx *ctx, const char *source, bool *images)
{
    *images = kad_image_generator_find(source) != NULL;
    return *images ? KAD_OK : kad_file_is_folder(ctx, source, images);
}

kad_status kad_images_asked(kad_pipeline *p, bool *images)
{
    kad_ctx *ctx = &p->app->ctx;
    const char *source = kad_config_string(p->config, "data.source");
    const char *kind = kad_config_string(p->config, "data.kind");
    *images = strcmp(kind, "image") == 0;
    if (source == NULL && *images)
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s: data.kind: image, but data.source names none (see kadanoff "
                        "list data)",
                        p->name);
    if (source == NULL || strcmp(kind, "auto") != 0) return KAD_OK;
    /* by default it is /configs, of fields */
    const char *dataset = kad_config_is_given(p->config, "data.dataset")
                              ? kad_config_string(p->config, "data.dataset")
                              : NULL;
    KAD_CALL(kad_image_source_is_one(ctx, source, dataset, images));
    if (*images && kad_config_is_given(p->config, "lattice.shape"))
        KAD_CALL(is_set_of_images(ctx, source, images));
    return KAD_OK;
}

/* --- from the text to the options ------------------------------------------------------ */

typedef struct stranger {
    const kad_config *config;
    const kad_schema *known;
    const char *key; /* the first that is given, but not one of images */
} stranger;

static void look(void *self, const kad_key *key)
{
    stranger *s = self;
    if (s->key == NULL && kad_config_is_given(s->config, key->key) &&
        kad_schema_find(s->known, key->key) == NULL)
        s->key = key->key;
}

static kad_status check_keys(kad_pipeline *p, const char *name)
{
    kad_schema schema;
    kad_images_schema(&schema);
    stranger s = {p->config, &schema, NULL};
    kad_schema_each(&p->schema, look, &s);
    if (kad_config_list_length(p->config, "sample") > 0) s.key = "sample";
    if (s.key == NULL) return KAD_OK;
    return kad_fail(&p->app->ctx, KAD_ECONFIG,
                    "%s: %s: has no effect on images (data.source %s)", name, s.key,
                    kad_config_string(p->config, "data.source"));
}

static kad_status check_least(kad_pipeline *p, const char *key, int given, int least)
{
    if (given == 0 || given >= least) return KAD_OK;
    return kad_fail(&p->app->ctx, KAD_ECONFIG,
                    "%s: %s: %d, but errors need %d images at least (0: not taken)",
                    p->name, key, given, least);
}

kad_status kad_images_options_read(kad_pipeline *p)
{
    kad_images_options *o = &p->options.images;
    *o = (kad_images_options){.train = kad_image_train_defaults()};
    kad_config_fill(p->config, kad_run_keys, KAD_RUN_N_COMMON, 0, &p->options);
    kad_config_fill(p->config, kad_images_keys, kad_images_n_keys, 0, o);
    kad_config_fill(p->config, kad_view_keys, kad_view_n_keys, 0, &o->views);
    kad_config_fill(p->config, kad_image_keys, kad_image_n_keys, 0, &o->data);
    o->train.optimiser = kad_optimiser_find(o->optimiser);
    o->train.seed = p->options.model.seed;
    if (o->layers.n > KAD_AFFINE_LEVELS_MAX)
        return kad_fail(&p->app->ctx, KAD_ECONFIG,
                        "%s: flow.layers: %zu numbers, but at most %d levels", p->name,
                        o->layers.n, KAD_AFFINE_LEVELS_MAX);
    if (o->patience > 0 && !(o->data.validation > 0))
        return kad_fail(
            &p->app->ctx, KAD_ECONFIG,
            "%s: data.validation: 0, but train.patience wants images to choose "
            "weights by",
            p->name);
    KAD_CALL(check_least(p, "images.frechet", o->views.frechet, KAD_VIEW_FRECHET_LEAST));
    KAD_CALL(check_least(p, "images.latents", o->views.latents, KAD_VIEW_LATENTS_LEAST));
    if (o->temperature.n <= KAD_IMAGE_LEVELS_MAX) return KAD_OK;
    return kad_fail(&p->app->ctx, KAD_ECONFIG,
                    "%s: images.temperature: %zu numbers, but at most %d levels", p->name,
                    o->temperature.n, KAD_IMAGE_LEVELS_MAX);
}

kad_status kad_images_prepare(kad_pipeline *p, const char *text, const char *name,
                              int n_overrides, const char *const *overrides)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_CALL(check_keys(p, name));
    kad_config_destroy(p->config);
    p->config = NULL;
    kad_images_schema(&p->schema);
    KAD_CALL(kad_config_parse(ctx, &p->schema, text, name, n_overrides, overrides,
                              &p->config));
    KAD_CALL(kad_config_resolve(ctx, p->config, "data.kind", "image"));
    KAD_CALL(choose(ctx, p->config));
    KAD_CALL(kad_config_check_used(p, name));
    return kad_images_options_read(p);
}

void kad_images_describe(const kad_pipeline *p)
{
    const kad_pixel_options *o = &p->options.images.map;
    const kad_image_train_options *t = &p->options.images.train;
    char what[64] = "";
    if (recipe_of(p->options.images.recipe)->couplings == NULL)
        snprintf(what, sizeof what, ", mixtures of %d, windows of radius %d",
                 o->components, o->radius);
    kad_say(p->app, "kadanoff %s, %d thread%s, folder %s", kad_version(),
            p->app->ctx.n_threads, p->app->ctx.n_threads > 1 ? "s" : "", p->app->out);
    kad_say(p->app, "flow: %s recipe, nets of %d hidden units and %d block%s%s",
            p->options.images.recipe, o->hidden, o->blocks, o->blocks == 1 ? "" : "s",
            what);
    if (t->seconds > 0)
        kad_say(p->app, "training: %g s of wall time, %s", t->seconds,
                t->optimiser->name);
    else
        kad_say(p->app, "training: %lld steps, %s", (long long)t->steps,
                t->optimiser->name);
}
