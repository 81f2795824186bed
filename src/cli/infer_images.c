/* `kadanoff infer` and `kadanoff generate` on images: latents and probabilities of images
 * that somebody else made, and images of latents. */
#include "base/memory.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/infer.h"
#include "cli/stored_images.h"
#include "views/source.h"
#include "views/store.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 256 };

/* --- images to latents ----------------------------------------------------------------- */

typedef struct inferred {
    size_t n, n_bits, n_exact;
    double *z, *bits,
        *bpd; /* [n] images' latents, bits [n_levels][C], bits per dimension */
} inferred;

static kad_status take_inferred(kad_scope *in, const kad_stored_images *s, size_t n,
                                inferred *r)
{
    const size_t size = kad_image_map_size(s->map);
    *r = (inferred){.n = n, .n_bits = (size_t)(s->map->n_levels * s->map->n_channels)};
    /* latents, their copy in the file's order, and the file */
    KAD_CALL(kad_memory_require(in->ctx, 3 * n * size * sizeof(double),
                                "latents of so many images (data.limit)"));
    KAD_CALL(kad_take(in, n * size, &r->z));
    KAD_CALL(kad_take(in, n * r->n_bits, &r->bits));
    return kad_take(in, n, &r->bpd);
}

/* And back, to count what comes back in every level. */
static kad_status infer(kad_scope *in, const kad_stored_images *s, const kad_images *im,
                        inferred *r)
{
    KAD_SCOPE(scope, in->ctx);
    const kad_image_map_ops *ops = s->map->ops;
    const size_t size = kad_image_map_size(s->map);
    uint8_t *back;
    KAD_CALL(take_inferred(in, s, im->n, r));
    KAD_CALL(kad_take(&scope, CHUNK * size, &back));
    for (size_t at = 0, n = 0; at < im->n; at += n) {
        n = im->n - at < CHUNK ? im->n - at : CHUNK;
        KAD_CALL(kad_stop_check(in->ctx, "infer"));
        const uint8_t *x = kad_image_at(im, at);
        KAD_CALL(ops->encode(in->ctx, s->plan, s->p.options.model.seed, at, n, x,
                             r->z + at * size, r->bits + at * r->n_bits));
        KAD_CALL(ops->decode(in->ctx, s->plan, n, r->z + at * size, NULL, back));
        for (size_t i = 0; i < n; i++)
            r->n_exact += memcmp(x + i * size, back + i * size, size) == 0;
    }
    for (size_t i = 0; i < im->n; i++) {
        for (size_t b = 0; b < r->n_bits; b++)
            r->bpd[i] += r->bits[i * r->n_bits + b];
        r->bpd[i] /= (double)size;
    }
    return KAD_OK;
}

static kad_status write_inferred(kad_app *app, const kad_stored_images *s,
                                 const inferred *r)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    const kad_image_map *map = s->map;
    const size_t dims[3] = {r->n, (size_t)map->n_levels, (size_t)map->n_channels};
    double *log_p;
    KAD_CALL(kad_take(&scope, r->n, &log_p));
    for (size_t i = 0; i < r->n; i++)
        log_p[i] = -r->bpd[i] * (double)kad_image_map_size(map) * log(2);
    KAD_CALL(kad_h5_create(ctx, &file));
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_infer_head(&w, app, NULL);
    kad_write_int(&w, "n_exact", (int64_t)r->n_exact);
    kad_write(&w, "log_p", KAD_H5_F64, "image", "nats", "ln P of the image", &r->n,
              log_p);
    kad_write(&w, "bpd", KAD_H5_F64, "image", "bits", "bits per dimension", &r->n,
              r->bpd);
    kad_write(&w, "bits", KAD_H5_F64, "image level channel", "bits",
              "-log2 of the probability, by level (0 the finest) and channel", dims,
              r->bits);
    kad_view_write_latents(&w, "latents", r->n, map->n_channels, map->height, map->width,
                           r->z, "latents, each at its site and channel");
    KAD_CALL(kad_write_end(&w));
    return kad_h5_save(ctx, file, app->out, true);
}

static void say_levels(kad_app *app, const kad_stored_images *s, const inferred *r)
{
    const size_t C = (size_t)s->map->n_channels;
    for (int h = s->map->n_levels - 1; h >= 0; h--) {
        double sum = 0;
        for (size_t i = 0; i < r->n; i++)
            for (size_t c = 0; c < C; c++)
                sum += r->bits[i * r->n_bits + (size_t)h * C + c];
        kad_say(app, "level %d: %.6g bits an image, %.4g of the bits per dimension", h,
                sum / (double)r->n,
                sum / (double)r->n / (double)kad_image_map_size(s->map));
    }
}

/* With an error over pictures: squares of one say much the same. */
static void say_mean(kad_app *app, const kad_images *images, const inferred *r)
{
    kad_grouped_mean mean = {0};
    char text[64];
    for (size_t i = 0; i < r->n; i++)
        kad_grouped_mean_add(&mean, kad_image_picture(images, i), r->bpd[i]);
    const double error = kad_grouped_mean_error(&mean);
    kad_say(app, "bits per dimension %s",
            kad_format_error(text, sizeof text, kad_grouped_mean_value(&mean), error));
}

static kad_status infer_images(kad_app *app, kad_stored_images *s,
                               kad_view_source *source)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    const char *folder;
    inferred r;
    KAD_CALL(kad_stored_images_open(app, KAD_RUN_READ, "data.", s));
    if (app->out == NULL) app->out = "inferred.h5";
    KAD_CALL(kad_stored_folder_of(&scope, app->out, &folder));
    const kad_image_options *data = &s->p.options.images.data;
    KAD_CALL(kad_view_source_open(ctx, data, NULL, app->args[1],
                                  s->limited ? data->limit : 0, folder, source));
    KAD_CALL(kad_view_source_check(ctx, source, app->args[1], s->map->n_channels,
                                   s->map->height, s->map->width));
    KAD_CALL(infer(&scope, s, source->images, &r));
    KAD_CALL(write_inferred(app, s, &r));
    kad_say(app, "%zu images of %s%s", r.n, app->args[1],
            source->held_out ? ", held out by it" : "");
    say_mean(app, source->images, &r);
    say_levels(app, s, &r);
    kad_say(app, "%zu of %zu come back exactly; %s", r.n_exact, r.n, app->out);
    return KAD_OK;
}

kad_status kad_infer_images(kad_app *app)
{
    kad_stored_images stored = {0};
    kad_view_source source = {0};
    const kad_status status = infer_images(app, &stored, &source);
    kad_image_store_close(source.store);
    kad_stored_images_close(&stored);
    return status;
}

/* --- and back -------------------------------------------------------------------------- */

static kad_status read_latents(kad_app *app, kad_scope *in, const kad_image_map *map,
                               size_t *n, double **z)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t shape[3] = {(size_t)map->height, (size_t)map->width,
                             (size_t)map->n_channels};
    const char *axes;
    double *stored;
    KAD_CALL(kad_take_printf(&scope, &axes, "[n][%zu][%zu][%zu]", shape[0], shape[1],
                             shape[2]));
    KAD_CALL(kad_infer_latents(app, &scope, 4, shape, axes, n, &stored));
    KAD_CALL(kad_take(in, *n * kad_image_map_size(map), z));
    kad_view_latents_of(map, *n, stored, *z);
    return KAD_OK;
}

static kad_status generate_images(kad_app *app, kad_stored_images *s)
{
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    size_t n;
    double *z;
    uint8_t *x;
    KAD_CALL(kad_stored_images_open(app, KAD_RUN_READ, NULL, s));
    KAD_CALL(read_latents(app, &scope, s->map, &n, &z));
    KAD_CALL(kad_scope_take(&scope, n, kad_image_map_size(s->map), &x));
    KAD_CALL(s->map->ops->decode(ctx, s->plan, n, z, NULL, x));
    if (app->out == NULL) app->out = "generated.h5";
    KAD_CALL(kad_h5_create(ctx, &file));
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_infer_head(&w, app, NULL);
    kad_view_write_images(&w, "images", "image", 1, &n, s->map->n_channels,
                          s->map->height, s->map->width, x, "images of the latents");
    KAD_CALL(kad_write_end(&w));
    KAD_CALL(kad_h5_save(ctx, file, app->out, true));
    kad_say(app, "%zu images; %s", n, app->out);
    return app->pictures != NULL
               ? kad_stored_pictures(app, s->map, app->pictures, "image", n, x)
               : KAD_OK;
}

kad_status kad_generate_images(kad_app *app)
{
    kad_stored_images stored = {0};
    const kad_status status = generate_images(app, &stored);
    kad_stored_images_close(&stored);
    return status;
}
