#include "features/pyramid.h"

#include "base/parallel.h"
#include "wide/wide.h"

#include <math.h>
#include <string.h>

enum { GRID = 4, SCALES = 4, OF_SCALE = 3, CHANNELS = 4 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Scales whose squares fill a grid of 4 x 4; the picture itself in any case. */
static int n_scales(int height, int width)
{
    int n = 1;
    while (n < SCALES && least(height, width) >> n >= GRID)
        n++;
    return n;
}

int kad_pyramid_width(int n_channels, int height, int width)
{
    return least(GRID, height) * least(GRID, width) * n_channels +
           OF_SCALE * n_scales(height, width) + n_channels * (n_channels + 1) / 2;
}

/* a/b, or 0 where both vanish. */
static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* A picture [channel][height][width] of means, in place of the levels. */
typedef struct means {
    int n_channels, height, width;
    double *x;
} means;

static double block(const means *m, int c, int row, int end_row, int column,
                    int end_column)
{
    double sum = 0;
    for (int y = row; y < end_row; y++)
        for (int x = column; x < end_column; x++)
            sum += m->x[(c * m->height + y) * m->width + x];
    return sum / ((end_row - row) * (end_column - column));
}

static double *add_grid(const means *m, double *out)
{
    const int rows = least(GRID, m->height), columns = least(GRID, m->width);
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < columns; k++)
            for (int c = 0; c < m->n_channels; c++)
                *out++ = block(m, c, m->height * i / rows, m->height * (i + 1) / rows,
                               m->width * k / columns, m->width * (k + 1) / columns);
    return out;
}

static double *add_orientation(const means *m, double *out)
{
    double xx = 0, yy = 0, xy = 0;
    for (int c = 0; c < m->n_channels; c++)
        for (int y = 0; y + 1 < m->height; y++) {
            const double *a = m->x + (c * m->height + y) * m->width, *b = a + m->width;
            for (int x = 0; x + 1 < m->width; x++) {
                const double gx = (a[x + 1] + b[x + 1] - a[x] - b[x]) / 2;
                const double gy = (b[x] + b[x + 1] - a[x] - a[x + 1]) / 2;
                xx += gx * gx;
                yy += gy * gy;
                xy += gx * gy;
            }
        }
    const double n = fmax(1, (double)(m->height - 1) * (m->width - 1));
    *out++ = sqrt(xx / n);
    *out++ = sqrt(yy / n);
    *out++ = ratio(xy / n, sqrt((xx + yy) / n));
    return out;
}

static double *add_colours(const means *m, double *out)
{
    const int plane = m->height * m->width;
    double mean[CHANNELS], variance[CHANNELS];
    for (int c = 0; c < m->n_channels; c++) {
        const double *x = m->x + c * plane;
        mean[c] = block(m, c, 0, m->height, 0, m->width);
        variance[c] = 0;
        for (int i = 0; i < plane; i++)
            variance[c] += (x[i] - mean[c]) * (x[i] - mean[c]) / plane;
        *out++ = sqrt(variance[c]);
        for (int b = 0; b < c; b++) {
            double sum = 0;
            for (int i = 0; i < plane; i++)
                sum += (x[i] - mean[c]) * (m->x[b * plane + i] - mean[b]) / plane;
            *out++ = ratio(sum, sqrt(variance[c] + variance[b]));
        }
    }
    return out;
}

/* Means of squares of 2 x 2, in place; an odd row or column behind them falls away. */
static void coarsen(means *m)
{
    const int height = m->height / 2, width = m->width / 2;
    for (int c = 0; c < m->n_channels; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                m->x[(c * height + y) * width + x] =
                    block(m, c, 2 * y, 2 * y + 2, 2 * x, 2 * x + 2);
    m->height = height;
    m->width = width;
}

typedef struct work {
    const kad_images *images;
    const size_t *index;
    kad_features *out;
} work;

static bool of_image(void *self, size_t i, void *scratch)
{
    const work *w = self;
    const kad_images *im = w->images;
    const uint8_t *levels = kad_image_at(im, w->index[i]);
    const int scales = n_scales(im->height, im->width);
    means m = {im->n_channels, im->height, im->width, scratch};
    double *out = w->out->x + i * w->out->stride;
    for (size_t k = 0; k < kad_image_size(im); k++)
        m.x[k] = levels[k];
    out = add_grid(&m, out);
    out = add_colours(&m, out);
    for (int h = 0; h < scales; h++) {
        out = add_orientation(&m, out);
        if (h + 1 < scales) coarsen(&m);
    }
    return true;
}

kad_status kad_pyramid_features(kad_scope *in, const kad_images *images, size_t n,
                                const size_t *index, kad_features *out)
{
    work w = {images, index, out};
    const int d = kad_pyramid_width(images->n_channels, images->height, images->width);
    *out = (kad_features){.n = n, .d = d, .stride = (size_t)kad_wide_padded(d)};
    KAD_CALL(kad_take(in, n * out->stride, &out->x));
    return kad_for_tiles(in->ctx, "features of images", n,
                         kad_image_size(images) * sizeof(double), of_image, &w);
}
