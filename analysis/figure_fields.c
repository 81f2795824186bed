/* Configurations as pictures: the boundary field and its coarse images at every RG level,
 * by averages over 2^k blocks. One component: blue to red; two: the angle as a hue. */
#include "analysis/report.h"
#include "analysis/results.h"
#include "analysis/svg.h"
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

static void paint(unsigned char *rgb, const double *field, int n_comp, int height,
                  int width, int size, double unit)
{
    int h = height / size, w = width / size;
    size_t n_sites = (size_t)height * (size_t)width;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            unsigned char *pixel = rgb + 3 * (y * w + x);
            double a = block_mean(field, width, size, y, x) / unit;
            if (n_comp == 1) {
                kad_color_diverging(a, pixel);
            } else {
                double b = block_mean(field + n_sites, width, size, y, x) / unit;
                kad_color_angle(atan2(b, a), hypot(a, b), pixel);
            }
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
static void draw_levels(kad_text *out, const double *field, int n_comp, int height,
                        int width, double unit, unsigned char *rgb)
{
    kad_text_add(out, "<div class=\"gallery\">");
    int extent = height > width ? height : width;
    int pixel = TARGET_PIXELS / extent > 1 ? TARGET_PIXELS / extent : 1;
    for (int size = 1, level = 0; height % size == 0 && width % size == 0 &&
                                  height / size >= 2 && width / size >= 2;
         size *= 2, level++) {
        paint(rgb, field, n_comp, height, width, size, unit);
        kad_text_add(out, "<div>");
        char alt[64];
        snprintf(alt, sizeof alt, "field, level %d", level);
        kad_image_render(out, width / size, height / size, rgb, pixel * size, alt);
        kad_text_add(out, "<br>level %d", level);
        kad_text_add(out, level == 0 ? " (boundary)</div>" : "</div>");
    }
    kad_text_add(out, "</div>");
}

/* The configurations of the first sampler which stored some, [chain][cfg][comp][y][x]. */
static kad_status read_configs(kad_ctx *ctx, kad_h5 *file, kad_values *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    *out = (kad_values){0};
    if (!kad_h5_exists(file, "/samplers")) return KAD_OK;
    KAD_TRY(kad_h5_list(ctx, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && out->n == 0; i++) {
        char path[256];
        snprintf(path, sizeof path, "/samplers/%s", names[i]);
        KAD_TRY(kad_values_read_in(ctx, file, path, "configs", out));
    }
done:
    kad_h5_free_names(n, names);
    return status;
}

static kad_status draw_fields(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_values configs = {0};
    unsigned char *rgb = NULL;
    KAD_TRY(read_configs(ctx, file, &configs));
    if (configs.n == 0 || configs.rank != 5) goto done;
    size_t n_configs = configs.dims[0] * configs.dims[1];
    if (configs.dims[3] > MAX_EXTENT || configs.dims[4] > MAX_EXTENT || n_configs == 0)
        goto done;
    int n_comp = (int)configs.dims[2], height = (int)configs.dims[3],
        width = (int)configs.dims[4];
    size_t n_rows = configs.dims[2] * configs.dims[3] * configs.dims[4];
    KAD_TRY(kad_new(ctx, 3 * n_rows, 1, &rgb));
    double unit = color_unit(configs.data, configs.n);
    for (size_t i = 0; i < N_PICTURES && i < n_configs; i++) {
        size_t pick = i * n_configs / (n_configs < N_PICTURES ? n_configs : N_PICTURES);
        draw_levels(out, configs.data + pick * n_rows, n_comp, height, width, unit, rgb);
    }
done:
    kad_free(rgb);
    kad_values_clear(&configs);
    return status;
}

const kad_figure kad_figure_fields = {
    .title = "Configurations at every RG level",
    .caption =
        "Each row is one sample: the boundary field, then its averages over blocks "
        "of 2, 4, ... sites. One component: blue negative, red positive; two or "
        "three: the hue is the angle of the first two, pale where they are short.",
    .wide = true,
    .draw = draw_fields,
};
