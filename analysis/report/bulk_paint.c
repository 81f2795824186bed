#include "analysis/report/bulk_paint.h"

#include "analysis/report/image.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { MAX_EXTENT = 4096, MAX_LEVELS = 32, WINDOW = 4 };

/* A field [component][...sites] and how it lies: two axes, the first slice of three. */
typedef struct field {
    const double *data;
    int n_comp, h, w;
    size_t stride; /* of components */
} field;

typedef struct painter {
    kad_picture picture;
    kad_picture_sink sink;
    void *self;
    kad_scope *scope;
    unsigned char *rgb;
    double *values; /* two a pixel */
} painter;

/* Room for pictures of so many pixels. */
static kad_status painter_new(painter *p, size_t n)
{
    KAD_CALL(kad_take(p->scope, 3 * n, &p->rgb));
    return kad_take(p->scope, 2 * n, &p->values);
}

/* Spatial axes of a dataset from axis `first` on; false when they cannot be shown. */
static bool lay_out(const kad_values *values, int first, int n_comp, field *out)
{
    const int d = values->rank - first;
    if (d < 1 || d > 3) return false;
    *out = (field){.data = values->data, .n_comp = n_comp, .stride = 1, .h = 1};
    for (int i = first; i < values->rank; i++) {
        if (values->dims[i] == 0 || values->dims[i] > MAX_EXTENT) return false;
        out->stride *= values->dims[i];
    }
    out->w = (int)values->dims[values->rank - 1];
    if (d > 1) out->h = (int)values->dims[values->rank - 2];
    return true;
}

static double root_mean_square(size_t n, const double *a)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(a[i])) {
            sum += a[i] * a[i];
            count++;
        }
    const double unit = count > 0 ? 2 * sqrt(sum / (double)count) : 1;
    return unit > 0 ? unit : 1;
}

/* The field's site (y, x) as pixel `to`. */
static void paint_pixel(painter *p, const field *f, int y, int x, double unit, int to)
{
    const size_t at = (size_t)(y * f->w + x);
    const double a = f->data[at] / unit;
    unsigned char *rgb = p->rgb + 3 * to;
    p->picture.n_comp = f->n_comp == 1 ? 1 : 2;
    double *values = p->values + p->picture.n_comp * to;
    values[0] = f->data[at];
    if (f->n_comp == 1) {
        kad_color_diverging(isfinite(a) ? a : 0, rgb);
        return;
    }
    const double b = f->data[f->stride + at] / unit;
    values[1] = f->data[f->stride + at];
    kad_color_angle(atan2(b, a), hypot(a, b), rgb);
}

static kad_status emit(kad_ctx *ctx, painter *p, int row, int column, int h, int w)
{
    p->picture.row = row;
    p->picture.column = column;
    p->picture.h = h;
    p->picture.w = w;
    p->picture.rgb = p->rgb;
    p->picture.values = p->values;
    return p->sink(ctx, p->self, &p->picture);
}

static kad_status paint_plain(kad_ctx *ctx, painter *p, const field *f, double unit,
                              int row, int column)
{
    for (int y = 0; y < f->h; y++)
        for (int x = 0; x < f->w; x++)
            paint_pixel(p, f, y, x, unit, y * f->w + x);
    return emit(ctx, p, row, column, f->h, f->w);
}

/* --- fields -------------------------------------------------------------------------- */

/* One level of one configuration. */
static kad_status paint_level(kad_ctx *ctx, painter *p, kad_values *level, int row, int h)
{
    field f;
    if (level->rank < 3 || !lay_out(level, 2, (int)level->dims[1], &f)) return KAD_OK;
    const size_t each = f.stride * level->dims[1];
    const double unit = root_mean_square(level->n, level->data);
    f.data += (size_t)row * each;
    return paint_plain(ctx, p, &f, unit, row, h);
}

static kad_status paint_fields(kad_ctx *ctx, kad_h5 *file, painter *p)
{
    KAD_SCOPE(scope, ctx);
    kad_values level[MAX_LEVELS] = {{0}};
    int n = 0;
    for (; n < MAX_LEVELS; n++) {
        char path[64];
        snprintf(path, sizeof path, "/bulk/pictures/level_%d", n);
        KAD_CALL(kad_values_read(&scope, file, path, &level[n]));
        if (level[n].n == 0) break;
    }
    if (n == 0) return KAD_OK;
    KAD_CALL(painter_new(p, level[0].n));
    p->picture.n_rows = (int)level[0].dims[0];
    for (int row = 0; row < p->picture.n_rows; row++)
        for (int h = 0; h < n; h++)
            if (level[h].dims[0] == level[0].dims[0])
                KAD_CALL(paint_level(ctx, p, &level[h], row, h));
    return KAD_OK;
}

/* --- latents ------------------------------------------------------------------------- */

/* Place along one axis of the latent at coordinate x of level h, extent n. */
static int pyramid(int x, int h, int n)
{
    return (x >> h & 1) * (n >> (h + 1)) + (x >> (h + 1));
}

static kad_status paint_pyramid(kad_ctx *ctx, painter *p, const field *f,
                                const double *level, double unit, int row)
{
    int top = 0;
    for (int i = 0; i < f->h * f->w; i++)
        if (level[i] > top) top = (int)level[i];
    for (int i = 0; i < f->h * f->w; i++) { /* where there is no latent */
        kad_color_diverging(0, p->rgb + 3 * i);
        p->values[2 * i] = p->values[2 * i + 1] = NAN;
    }
    for (int y = 0; y < f->h; y++)
        for (int x = 0; x < f->w; x++) {
            const int h = (int)level[y * f->w + x];
            if (h < 0) continue;
            const int to_y = h == top ? y >> h : pyramid(y, h, f->h),
                      to_x = h == top ? x >> h : pyramid(x, h, f->w);
            paint_pixel(p, f, y, x, unit, to_y * f->w + to_x);
        }
    return emit(ctx, p, row, 0, f->h, f->w);
}

static kad_status paint_latents(kad_ctx *ctx, kad_h5 *file, painter *p)
{
    KAD_SCOPE(scope, ctx);
    kad_values latents = {0}, level = {0};
    field f;
    KAD_CALL(kad_values_read(&scope, file, "/bulk/pictures/latents", &latents));
    KAD_CALL(kad_values_read(&scope, file, "/bulk/pictures/level", &level));
    if (latents.rank < 3 || !lay_out(&latents, 2, (int)latents.dims[1], &f))
        return KAD_OK;
    if (level.n < (size_t)(f.h * f.w)) return KAD_OK;
    KAD_CALL(painter_new(p, (size_t)(f.h * f.w)));
    const size_t each = f.stride * latents.dims[1];
    /* the prior has variance 1: full colour at two */
    p->picture.n_rows = (int)latents.dims[0];
    for (int row = 0; row < p->picture.n_rows; row++, f.data += each)
        KAD_CALL(paint_pyramid(ctx, p, &f, level.data, 2, row));
    return KAD_OK;
}

/* --- walks --------------------------------------------------------------------------- */

static kad_status paint_walks(kad_ctx *ctx, kad_h5 *file, painter *p)
{
    KAD_SCOPE(scope, ctx);
    kad_values walks = {0}, value = {0};
    field f;
    KAD_CALL(kad_values_read(&scope, file, "/bulk/walks/boundary", &walks));
    KAD_CALL(kad_values_read(&scope, file, "/bulk/walks/value", &value));
    if (walks.rank < 4 || !lay_out(&walks, 3, (int)walks.dims[2], &f)) return KAD_OK;
    if (value.n != walks.dims[1]) return KAD_OK;
    KAD_CALL(painter_new(p, (size_t)(f.h * f.w)));
    const size_t each = f.stride * walks.dims[2];
    const double unit = root_mean_square(walks.n, walks.data);
    p->picture.n_rows = (int)walks.dims[0];
    for (int row = 0; row < p->picture.n_rows; row++)
        for (size_t step = 0; step < walks.dims[1]; step++, f.data += each) {
            p->picture.value = value.data[step];
            KAD_CALL(paint_plain(ctx, p, &f, unit, row, (int)step));
        }
    return KAD_OK;
}

/* --- wavelets ------------------------------------------------------------------------ */

/* The surroundings of the latent: displacements -half .. half - 1 along each axis. */
static kad_status paint_window(kad_ctx *ctx, painter *p, const field *f, int level,
                               int class_)
{
    const int wide = WINDOW << level;
    const int half_h = f->h < 2 * wide ? f->h / 2 : wide,
              half_w = f->w < 2 * wide ? f->w / 2 : wide;
    const int h = f->h == 1 ? 1 : 2 * half_h, w = 2 * half_w;
    double most = 0;
    for (size_t i = 0; i < f->stride; i++)
        most = fmax(most, fabs(f->data[i]));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            paint_pixel(p, f, f->h == 1 ? 0 : (y - half_h + f->h) % f->h,
                        (x - half_w + f->w) % f->w, most > 0 ? most : 1, y * w + x);
    return emit(ctx, p, level, class_, h, w);
}

static kad_status paint_wavelets(kad_ctx *ctx, kad_h5 *file, painter *p)
{
    for (int level = 0; level < MAX_LEVELS; level++) {
        KAD_SCOPE(scope, ctx);
        kad_values wavelets;
        char path[64];
        field f;
        snprintf(path, sizeof path, "/bulk/receptive/wavelet_%d", level);
        if (!kad_h5_exists(file, path)) break;
        p->picture.n_rows = level + 1;
        KAD_CALL(kad_values_read(&scope, file, path, &wavelets));
        if (wavelets.rank >= 2 && lay_out(&wavelets, 1, 1, &f)) {
            if (p->rgb == NULL) KAD_CALL(painter_new(p, f.stride));
            for (size_t k = 0; k < wavelets.dims[0]; k++, f.data += f.stride)
                KAD_CALL(paint_window(ctx, p, &f, level, (int)k));
        }
    }
    return KAD_OK;
}

kad_status kad_bulk_paint(kad_ctx *ctx, kad_h5 *file, kad_picture_kind kind,
                          kad_picture_sink sink, void *self)
{
    KAD_SCOPE(scope, ctx);
    painter p = {.picture = {.kind = kind}, .scope = &scope, .sink = sink, .self = self};
    switch (kind) {
    case KAD_PICTURE_FIELD:
        return paint_fields(ctx, file, &p);
    case KAD_PICTURE_LATENTS:
        return paint_latents(ctx, file, &p);
    case KAD_PICTURE_WALK:
        return paint_walks(ctx, file, &p);
    default:
        return paint_wavelets(ctx, file, &p);
    }
}
