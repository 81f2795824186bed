/* Configurations as pictures: the boundary field and its coarse images at every RG level,
 * by averages over 2^k blocks. One component: blue to red; two: the angle as a hue. */
#include "analysis/report/image.h"
#include "analysis/report/markup.h"
#include "analysis/report/numbers.h"
#include "analysis/report/report.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { N_PICTURES = 3, TARGET_PIXELS = 176, MAX_EXTENT = 1024 };

/* Mean of the block at (by, bx) of one component. */
static double block_mean(const double *field, int width, int size, int by, int bx)
{
    double sum = 0;
    for (int y = by * size; y < (by + 1) * size; y++)
        for (int x = bx * size; x < (bx + 1) * size; x++)
            sum += field[y * width + x];
    return sum / (size * size);
}

/* Fields of one shape and what is painted of them. */
typedef struct album {
    kad_text *out;
    int n_comp, height, width;
    double unit;          /* the value at full colour */
    unsigned char *rgb;   /* of the picture, [y][x][3] */
    double *values;       /* and its values, [y][x][component] */
    size_t n, n_left_out; /* pictures; those whose numbers found no room */
} album;

/* Averages over blocks of size^2 sites. */
static void paint(album *a, const double *field, int size)
{
    const int h = a->height / size, w = a->width / size;
    const size_t n_sites = (size_t)a->height * (size_t)a->width;
    for (int i = 0; i < h * w; i++) {
        double *value = a->values + i * a->n_comp;
        for (int c = 0; c < a->n_comp; c++)
            value[c] =
                block_mean(field + (size_t)c * n_sites, a->width, size, i / w, i % w);
        if (a->n_comp == 1)
            kad_color_diverging(value[0] / a->unit, a->rgb + 3 * i);
        else
            kad_color_angle(atan2(value[1], value[0]),
                            hypot(value[0], value[1]) / a->unit, a->rgb + 3 * i);
    }
}

/* Twice the root mean square: the field value at full colour. */
static double color_unit(const double *field, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += field[i] * field[i];
    double unit = n > 0 ? 2 * sqrt(sum / (double)n) : 1;
    return unit > 0 && isfinite(unit) ? unit : 1;
}

/* One configuration at every level, coarsest last. */
static void draw_levels(album *a, size_t row, const double *field)
{
    const int extent = a->height > a->width ? a->height : a->width;
    const int pixel = TARGET_PIXELS / extent > 1 ? TARGET_PIXELS / extent : 1;
    kad_text_add(a->out, "<div class=\"gallery\">");
    for (int size = 1, level = 0; a->height % size == 0 && a->width % size == 0 &&
                                  a->height / size >= 2 && a->width / size >= 2;
         size *= 2, level++) {
        char label[64];
        const int w = a->width / size, h = a->height / size;
        paint(a, field, size);
        snprintf(label, sizeof label, "row %zu, level %d", row, level);
        kad_text_add(a->out, "<div>");
        kad_image_render(a->out, w, h, a->rgb, pixel * size, label);
        kad_text_add(a->out, "<br>level %d%s</div>", level,
                     level == 0 ? " (boundary)" : "");
        a->n++;
        if (a->out->numbers != NULL)
            kad_numbers_picture(a->out->numbers, label, w, h, a->n_comp, a->values,
                                &a->n_left_out);
    }
    kad_text_add(a->out, "</div>");
}

/* The configurations of the first sampler which stored some, [chain][cfg][comp][y][x]. */
static kad_status read_configs(kad_scope *in, kad_h5 *file, size_t size, char *what,
                               kad_values *out)
{
    size_t n;
    char **names;
    *out = (kad_values){0};
    KAD_CALL(kad_members(in, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && out->n == 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "/samplers/%s", names[i]);
        snprintf(what, size, "configurations of %.64s", names[i]);
        KAD_CALL(kad_values_read_in(in, file, path, "configs", out));
    }
    return KAD_OK;
}

static kad_status draw_fields(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values configs;
    album a = {.out = out};
    char what[96];
    KAD_CALL(read_configs(&scope, file, sizeof what, what, &configs));
    if (configs.n == 0 || configs.rank != 5) return KAD_OK;
    const size_t n = configs.dims[0] * configs.dims[1];
    const size_t shown = n < N_PICTURES ? n : N_PICTURES;
    if (configs.dims[3] > MAX_EXTENT || configs.dims[4] > MAX_EXTENT || n == 0)
        return KAD_OK;
    a.n_comp = (int)configs.dims[2];
    a.height = (int)configs.dims[3];
    a.width = (int)configs.dims[4];
    const size_t n_rows = configs.n / n;
    KAD_CALL(kad_take(&scope, 3 * n_rows, &a.rgb));
    KAD_CALL(kad_take(&scope, n_rows, &a.values));
    a.unit = color_unit(configs.data, configs.n);
    for (size_t i = 0; i < shown; i++)
        draw_levels(&a, i, configs.data + i * n / shown * n_rows);
    kad_note_rest(out, shown, n, what);
    kad_numbers_rest(out, a.n_left_out, a.n);
    return KAD_OK;
}

const kad_figure kad_figure_fields = {
    .title = "Configurations at every RG level",
    .caption =
        "Each row is one sample: the boundary field, then its averages over blocks "
        "of 2, 4, ... sites. One component: blue negative, red positive; two or "
        "three: the hue is the angle of the first two, pale where they are short.",
    .wide = true,
    .group = "/samplers",
    .absent = "no configurations in two dimensions are stored (sample[].store_configs)",
    .draw = draw_fields,
};
