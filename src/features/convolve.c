#include "features/convolve.h"

#include "base/parallel.h"
#include "wide/wide.h"

#include <math.h>
#include <string.h>

enum { PANEL = KAD_W_SINGLE };

kad_status kad_convolution_make(kad_scope *in, kad_convolution *c, const double *W,
                                const double *gamma, const double *beta,
                                const double *mean, const double *variance,
                                double epsilon)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t n_out = (size_t)c->n_out;
    const int n = c->n_in * c->window.height * c->window.width;
    double *scaled;
    KAD_CALL(kad_take(&scope, n_out * (size_t)n, &scaled));
    KAD_CALL(kad_take(in, n_out * (size_t)n, &c->packed));
    KAD_CALL(kad_take(in, n_out, &c->bias));
    for (size_t o = 0; o < n_out; o++) {
        const double scale = gamma[o] / sqrt(variance[o] + epsilon);
        for (size_t i = o * (size_t)n; i < (o + 1) * (size_t)n; i++)
            scaled[i] = W[i] * scale;
        c->bias[o] = (float)(beta[o] - mean[o] * scale);
    }
    kad_wide_pack_f32(c->n_out, n, scaled, (size_t)n, 1, 0, n, c->packed);
    return KAD_OK;
}

/* --- convolution ------------------------------------------------------------------------- */

static size_t n_rows(const kad_convolution *c)
{
    return (size_t)(c->n_in * c->window.height * c->window.width);
}

size_t kad_convolution_scratch(const kad_convolution *c)
{
    return kad_cut_bytes(n_rows(c) * PANEL, sizeof(float)) +
           kad_cut_bytes((size_t)c->n_out * PANEL, sizeof(float));
}

/* Places of one row of the result that stand side by side in a panel. */
typedef struct segment {
    int row, column, n, at;
} segment;

static int cut_segments(int begin, int end, int width, segment segments[PANEL])
{
    int n = 0;
    for (int p = begin; p < end; n++) {
        const int row = p / width, column = p % width;
        const int here = end - p < width - column ? end - p : width - column;
        segments[n] = (segment){row, column, here, p - begin};
        p += here;
    }
    return n;
}

/* What the place (y, x) of the window sees of a channel, from the segment's first place on. */
static void look(const kad_window_shape *w, const kad_feature_map *from,
                 const float *plane, segment s, int y, int x, float *to)
{
    const int row = s.row * w->stride + y - w->pad_y;
    const int column = s.column * w->stride + x - w->pad_x;
    if (row < 0 || row >= from->height) {
        memset(to, 0, (size_t)s.n * sizeof *to);
        return;
    }
    const float *line = plane + row * from->width;
    if (w->stride == 1 && column >= 0 && column + s.n <= from->width) {
        memcpy(to, line + column, (size_t)s.n * sizeof *to);
        return;
    }
    for (int i = 0; i < s.n; i++) {
        const int at = column + i * w->stride;
        to[i] = at >= 0 && at < from->width ? line[at] : 0;
    }
}

void kad_convolve(const kad_convolution *c, const kad_feature_map *from, int first,
                  kad_feature_map *to, void *scratch)
{
    const kad_window_shape *w = &c->window;
    const int places = to->height * to->width, plane = from->height * from->width;
    char *at = scratch;
    float *seen = kad_cut(&at, n_rows(c) * PANEL, sizeof(float));
    float *made = kad_cut(&at, (size_t)c->n_out * PANEL, sizeof(float));
    const kad_wide_output_f32 out = {.y = made, .y_rows = c->n_out};
    for (int begin = 0; begin < places; begin += PANEL) {
        segment segments[PANEL];
        const int end = begin + PANEL < places ? begin + PANEL : places;
        const int n = cut_segments(begin, end, to->width, segments);
        float *row = seen;
        for (int k = 0; k < c->n_in; k++)
            for (int y = 0; y < w->height; y++)
                for (int x = 0; x < w->width; x++, row += PANEL)
                    for (int i = 0; i < n; i++)
                        look(w, from, from->x + (size_t)k * (size_t)plane, segments[i], y,
                             x, row + segments[i].at);
        kad_wide_apply_f32(KAD_WIDE_PLAIN, c->n_out, (int)n_rows(c), c->packed, c->bias,
                           1, seen, (int)n_rows(c), &out);
        for (int o = 0; o < c->n_out; o++) {
            float *y = to->x + (size_t)(first + o) * (size_t)places + begin;
            for (int i = 0; i < end - begin; i++) {
                const float v = made[o * PANEL + i];
                y[i] = v < 0 ? 0 : v; /* what is no number stays none */
            }
        }
    }
}

/* --- pools ---------------------------------------------------------------------------------- */

typedef struct range {
    int begin, end;
} range;

/* The window's places inside the picture, of a side. */
static range inside(int place, int stride, int pad, int window, int side)
{
    const int begin = place * stride - pad, end = begin + window;
    return (range){begin < 0 ? 0 : begin, end > side ? side : end};
}

static void pool(kad_window_shape w, const kad_feature_map *from, bool most, int first,
                 kad_feature_map *to)
{
    float *out = to->x + (size_t)first * (size_t)(to->height * to->width);
    for (int c = 0; c < from->n_channels; c++) {
        const float *plane = from->x + (size_t)c * (size_t)(from->height * from->width);
        for (int i = 0; i < to->height; i++)
            for (int k = 0; k < to->width; k++) {
                const range rows = inside(i, w.stride, w.pad_y, w.height, from->height),
                            columns = inside(k, w.stride, w.pad_x, w.width, from->width);
                float sum = 0, largest = -INFINITY;
                for (int y = rows.begin; y < rows.end; y++)
                    for (int x = columns.begin; x < columns.end; x++) {
                        const float v = plane[y * from->width + x];
                        sum += v;
                        largest = v > largest || isnan(v) ? v : largest;
                    }
                const int n = (rows.end - rows.begin) * (columns.end - columns.begin);
                *out++ = most ? largest : sum / (float)n;
            }
    }
}

void kad_pool_most(kad_window_shape window, const kad_feature_map *from, int first,
                   kad_feature_map *to)
{
    pool(window, from, true, first, to);
}

void kad_pool_mean(kad_window_shape window, const kad_feature_map *from, int first,
                   kad_feature_map *to)
{
    pool(window, from, false, first, to);
}

/* --- size ------------------------------------------------------------------------------------ */

/* The two places that a place of the result lies between, and the weight of the second. */
typedef struct between {
    int low, high;
    float weight;
} between;

static between place_of(int i, int side, int to_side)
{
    const double at = fmax(0, (i + 0.5) * side / to_side - 0.5);
    const int low = (int)at < side - 1 ? (int)at : side - 1;
    return (between){low, low + 1 < side ? low + 1 : low, (float)(at - low)};
}

void kad_resize_bilinear(const kad_feature_map *from, kad_feature_map *to)
{
    float *out = to->x;
    for (int c = 0; c < from->n_channels; c++) {
        const float *plane = from->x + (size_t)c * (size_t)(from->height * from->width);
        for (int i = 0; i < to->height; i++) {
            const between row = place_of(i, from->height, to->height);
            const float *a = plane + row.low * from->width,
                        *b = plane + row.high * from->width;
            for (int k = 0; k < to->width; k++) {
                const between x = place_of(k, from->width, to->width);
                const float above = a[x.low] + x.weight * (a[x.high] - a[x.low]);
                const float below = b[x.low] + x.weight * (b[x.high] - b[x.low]);
                *out++ = above + row.weight * (below - above);
            }
        }
    }
}
