#include "analysis/report/frame.h"

#include <math.h>

enum { BOTTOM = KAD_SVG_BOTTOM, TOP = KAD_SVG_TOP };

static bool shows(const kad_frame *f, const kad_series *s, size_t i)
{
    return kad_frame_shows(f, 0, s->x[i]) && kad_frame_shows(f, 1, s->y[i]);
}

/* The last of the points from `first` on that can be shown without a gap; n: there are
 * none more. *first: where they begin. */
static size_t next_piece(const kad_frame *f, const kad_series *s, size_t *first)
{
    while (*first < s->n && !shows(f, s, *first))
        ++*first;
    size_t last = *first;
    while (last + 1 < s->n && shows(f, s, last + 1))
        last++;
    return last;
}

static void draw_line(kad_text *out, const kad_frame *f, const kad_series *s)
{
    size_t first = 0;
    kad_text_add(out, "<path class=\"line c%d\" d=\"", s->color);
    for (size_t last; (last = next_piece(f, s, &first)) < s->n; first = last + 1) {
        for (size_t i = first; i <= last; i++)
            kad_text_add(out, "%c%.1f %.1f", i > first ? 'L' : 'M',
                         kad_frame_x(f, s->x[i] + s->shift), kad_frame_y(f, s->y[i]));
        if (last == first) kad_text_add(out, "h0"); /* a dot by its round ends */
    }
    kad_text_add(out, "\"/>");
}

/* Where an error bar ends that would leave a logarithmic axis. */
static double clipped_y(const kad_frame *f, double y)
{
    if (f->log[1] && !(y > 0)) return f->height - BOTTOM;
    return kad_frame_y(f, y);
}

/* Shape of a series' points: disc, square, triangle, diamond, plus, triangle down, upright
 * and lying bar. */
static void draw_shape(kad_text *out, int color, double x, double y)
{
    static const char *const shapes[8] = {
        "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
        "m-2.8-2.8h5.6v5.6h-5.6z",
        "m0-3.8l3.6 6.2h-7.2z",
        "m0-4l3.6 4l-3.6 4l-3.6-4z",
        "m-3.6-1.1h2.5v-2.5h2.2v2.5h2.5v2.2h-2.5v2.5h-2.2v-2.5h-2.5z",
        "m0 3.8l3.6-6.2h-7.2z",
        "m-1.6-4h3.2v8h-3.2z",
        "m-4-1.6h8v3.2h-8z",
    };
    kad_text_add(out, "<path class=\"dot c%d\" d=\"M%.1f %.1f%s\"/>", color, x, y,
                 shapes[color % 8]);
}

static void draw_points(kad_text *out, const kad_frame *f, const kad_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!kad_frame_shows(f, 0, s->x[i]) || !kad_frame_shows(f, 1, s->y[i])) continue;
        const double x = kad_frame_x(f, s->x[i] + s->shift);
        if (s->err != NULL && isfinite(s->err[i]) && s->err[i] > 0) {
            const double a = clipped_y(f, s->y[i] - s->err[i]);
            const double b = clipped_y(f, s->y[i] + s->err[i]);
            kad_text_add(out,
                         "<path class=\"bar c%d\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh6M"
                         "%.1f %.1fh6\"/>",
                         s->color, x, a, b, x - 3, a, x - 3, b);
        }
        draw_shape(out, s->color, x, kad_frame_y(f, s->y[i]));
    }
}

static void draw_dots(kad_text *out, const kad_frame *f, const kad_series *s)
{
    kad_text_add(out, "<path class=\"dots c%d\" d=\"", s->color);
    for (size_t i = 0; i < s->n; i++)
        if (kad_frame_shows(f, 0, s->x[i]) && kad_frame_shows(f, 1, s->y[i]))
            kad_text_add(out, "M%.1f %.1fh0", kad_frame_x(f, s->x[i]),
                         kad_frame_y(f, s->y[i]));
    kad_text_add(out, "\"/>");
}

static void draw_bars(kad_text *out, const kad_frame *f, const kad_series *s)
{
    const int floor = f->height - BOTTOM;
    kad_text_add(out, "<path class=\"fill c%d\" d=\"", s->color);
    for (size_t i = 0; i < s->n; i++) {
        if (!(s->y[i] > 0) || !isfinite(s->y[i]) || s->n < 2) continue;
        const double right = i + 1 < s->n ? s->x[i + 1] : 2 * s->x[i] - s->x[i - 1];
        if (!kad_frame_shows(f, 0, s->x[i]) || !kad_frame_shows(f, 0, right)) continue;
        kad_text_add(out, "M%.1f %dV%.1fH%.1fV%d", kad_frame_x(f, s->x[i]), floor,
                     kad_frame_y(f, s->y[i]), kad_frame_x(f, right), floor);
    }
    kad_text_add(out, "\"/>");
}

/* Round the points without a gap there and back: the upper edge, then the lower one. */
static void draw_band(kad_text *out, const kad_frame *f, const kad_series *s)
{
    size_t first = 0;
    if (s->err == NULL) return;
    kad_text_add(out, "<path class=\"band c%d\" d=\"", s->color);
    for (size_t last; (last = next_piece(f, s, &first)) < s->n; first = last + 1) {
        const size_t n = last - first + 1;
        size_t drawn = 0;
        for (size_t k = 0; k < 2 * n; k++) {
            const size_t i = k < n ? first + k : last - (k - n);
            if (!isfinite(s->err[i])) continue;
            const double y = k < n ? s->y[i] + s->err[i] : s->y[i] - s->err[i];
            kad_text_add(out, "%c%.1f %.1f", drawn++ ? 'L' : 'M', kad_frame_x(f, s->x[i]),
                         clipped_y(f, y));
        }
        if (drawn > 0) kad_text_add(out, "Z");
    }
    kad_text_add(out, "\"/>");
}

void kad_series_draw(kad_text *out, const kad_frame *f, const kad_series *s)
{
    switch (s->mark) {
    case KAD_MARK_LINE:
        draw_line(out, f, s);
        break;
    case KAD_MARK_POINTS:
        draw_points(out, f, s);
        break;
    case KAD_MARK_DOTS:
        draw_dots(out, f, s);
        break;
    case KAD_MARK_BARS:
        draw_bars(out, f, s);
        break;
    case KAD_MARK_BAND:
        draw_band(out, f, s);
        break;
    case KAD_MARK_LEVEL:
        if (kad_frame_shows(f, 1, s->y[0]))
            kad_text_add(out, "<path class=\"level c%d\" d=\"M%d %.1fH%d\"/>", s->color,
                         f->left, kad_frame_y(f, s->y[0]), KAD_SVG_WIDTH - KAD_SVG_RIGHT);
        break;
    case KAD_MARK_AT:
        if (kad_frame_shows(f, 0, s->x[0]))
            kad_text_add(out, "<path class=\"at c%d\" d=\"M%.1f %dV%d\"/>", s->color,
                         kad_frame_x(f, s->x[0]), TOP, f->height - BOTTOM);
        break;
    }
}

void kad_series_key(kad_text *out, const kad_series *s)
{
    kad_text_add(out, "<svg class=\"key\" viewBox=\"0 0 26 10\" aria-hidden=\"true\">");
    if (s->mark == KAD_MARK_POINTS)
        draw_shape(out, s->color, 13, 5);
    else if (s->mark == KAD_MARK_LINE)
        kad_text_add(out, "<path class=\"line c%d\" d=\"M0 5H26\"/>", s->color);
    else if (s->mark == KAD_MARK_DOTS)
        kad_text_add(out, "<path class=\"dots c%d\" d=\"M6 7h0M13 3h0M20 6h0\"/>",
                     s->color);
    else if (s->mark == KAD_MARK_LEVEL)
        kad_text_add(out, "<path class=\"level c%d\" d=\"M0 5H26\"/>", s->color);
    else if (s->mark == KAD_MARK_AT)
        kad_text_add(out, "<path class=\"at c%d\" d=\"M13 0V10\"/>", s->color);
    else
        kad_text_add(out, "<path class=\"%s c%d\" d=\"M5 0H21V10H5Z\"/>",
                     s->mark == KAD_MARK_BAND ? "band" : "fill", s->color);
    kad_text_add(out, "</svg>");
}
