#include "analysis/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The drawing in viewBox units. */
enum { WIDTH = 560, HEIGHT = 350, LEFT = 74, RIGHT = 14, TOP = 12, BOTTOM = 50 };

typedef struct frame {
    bool log[2];
    double lo[2], hi[2]; /* of the axis variable: log10 of it when log */
} frame;

static double scale(const frame *f, int axis, double value)
{
    return f->log[axis] ? log10(value) : value;
}

static double place_x(const frame *f, double x)
{
    return LEFT +
           (WIDTH - LEFT - RIGHT) * (scale(f, 0, x) - f->lo[0]) / (f->hi[0] - f->lo[0]);
}

static double place_y(const frame *f, double y)
{
    return HEIGHT - BOTTOM -
           (HEIGHT - TOP - BOTTOM) * (scale(f, 1, y) - f->lo[1]) / (f->hi[1] - f->lo[1]);
}

static bool showable(const frame *f, int axis, double value)
{
    return isfinite(value) && (!f->log[axis] || value > 0);
}

static void widen(frame *f, int axis, double value)
{
    if (!showable(f, axis, value)) return;
    double s = scale(f, axis, value);
    f->lo[axis] = fmin(f->lo[axis], s);
    f->hi[axis] = fmax(f->hi[axis], s);
}

static void widen_series(frame *f, const kad_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->mark != KAD_MARK_LEVEL) widen(f, 0, s->x[i]);
        widen(f, 1, s->y[i]);
        if (s->err != NULL && isfinite(s->err[i])) {
            widen(f, 1, s->y[i] - s->err[i]);
            widen(f, 1, s->y[i] + s->err[i]);
        }
    }
    if (s->mark == KAD_MARK_BARS) {
        widen(f, 1, f->log[1] ? 0.5 : 0.0);
        if (s->n > 1) widen(f, 0, 2 * s->x[s->n - 1] - s->x[s->n - 2]);
    }
}

/* The ranges of the axes; false when there is nothing to show. */
static bool find_frame(const kad_plot *plot, frame *f)
{
    const kad_axis *axes[2] = {&plot->x, &plot->y};
    for (int axis = 0; axis < 2; axis++) {
        f->log[axis] = axes[axis]->log;
        f->lo[axis] = INFINITY;
        f->hi[axis] = -INFINITY;
    }
    for (int i = 0; i < plot->n_series; i++)
        widen_series(f, &plot->series[i]);
    for (int axis = 0; axis < 2; axis++) {
        if (axes[axis]->fixed) {
            f->lo[axis] = scale(f, axis, axes[axis]->lo);
            f->hi[axis] = scale(f, axis, axes[axis]->hi);
            continue;
        }
        if (!(f->lo[axis] <= f->hi[axis])) return false;
        double span = f->hi[axis] - f->lo[axis];
        if (span <= 1e-12 * fabs(f->hi[axis])) span = fmax(1e-3, fabs(f->hi[axis]) * 0.1);
        double margin = axis == 0 ? 0.02 : 0.06;
        f->lo[axis] -= margin * span;
        f->hi[axis] += margin * span;
    }
    return true;
}

int kad_ticks(double lo, double hi, int want, int max, double *out)
{
    if (!(hi > lo) || want < 1) return 0;
    double raw = (hi - lo) / want;
    double power = pow(10, floor(log10(raw)));
    double step = raw / power > 5   ? 10 * power
                  : raw / power > 2 ? 5 * power
                  : raw / power > 1 ? 2 * power
                                    : power;
    int n = 0;
    for (double k = ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step && n < max; k++)
        out[n++] = k * step;
    return n;
}

static void tick_label(char *text, size_t size, double value, double step)
{
    if (fabs(value) < 1e-9 * step) value = 0;
    if (value != 0 && (fabs(value) >= 1e5 || fabs(value) < 1e-3)) {
        snprintf(text, size, "%.6g", value);
        return;
    }
    int digits = (int)fmax(0, ceil(-log10(step) - 1e-9));
    snprintf(text, size, "%.*f", digits > 8 ? 8 : digits, value);
}

static void draw_tick(kad_text *out, const frame *f, int axis, double value,
                      const char *label)
{
    if (axis == 0) {
        double x = place_x(f, value);
        kad_text_add(out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x, TOP,
                     HEIGHT - BOTTOM);
        kad_text_add(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", x,
                     HEIGHT - BOTTOM + 17, label);
    } else {
        double y = place_y(f, value);
        kad_text_add(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y,
                     WIDTH - RIGHT);
        kad_text_add(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                     LEFT - 6, y + 4.5, label);
    }
}

/* Ticks of a logarithmic axis: powers of ten, with 2 and 5 between when they are few. */
static void draw_log_ticks(kad_text *out, const frame *f, int axis)
{
    static const double between[] = {1, 2, 5};
    double span = f->hi[axis] - f->lo[axis];
    int step = span > 8 ? (int)ceil(span / 8) : 1;
    int n_between = span < 2.5 ? 3 : 1;
    for (int p = (int)floor(f->lo[axis]); p <= (int)ceil(f->hi[axis]); p += step)
        for (int b = 0; b < n_between; b++) {
            double value = between[b] * pow(10, p);
            double s = log10(value);
            if (s < f->lo[axis] || s > f->hi[axis]) continue;
            char label[64];
            if (p >= -2 && p <= 3)
                snprintf(label, sizeof label, "%g", value);
            else if (n_between == 1)
                snprintf(label, sizeof label,
                         "10<tspan dy=\"-5\" font-size=\"10\">%d</tspan>", p);
            else
                snprintf(label, sizeof label, "%.0e", value);
            draw_tick(out, f, axis, value, label);
        }
}

static void draw_axis(kad_text *out, const frame *f, int axis)
{
    double ticks[16];
    if (f->log[axis]) {
        draw_log_ticks(out, f, axis);
        return;
    }
    int n = kad_ticks(f->lo[axis], f->hi[axis], axis == 0 ? 6 : 5, 16, ticks);
    for (int i = 0; i < n; i++) {
        char label[64];
        tick_label(label, sizeof label, ticks[i], n > 1 ? ticks[1] - ticks[0] : 1);
        draw_tick(out, f, axis, ticks[i], label);
    }
}

static void draw_labels(kad_text *out, const kad_plot *plot)
{
    if (plot->x.label != NULL) {
        kad_text_add(out,
                     "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                     (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
        kad_text_escape(out, plot->x.label);
        kad_text_add(out, "</text>");
    }
    if (plot->y.label != NULL) {
        int middle = (TOP + HEIGHT - BOTTOM) / 2;
        kad_text_add(out,
                     "<text class=\"label\" x=\"16\" y=\"%d\" text-anchor=\"middle\" "
                     "transform=\"rotate(-90 16 %d)\">",
                     middle, middle);
        kad_text_escape(out, plot->y.label);
        kad_text_add(out, "</text>");
    }
}

static void draw_line(kad_text *out, const frame *f, const kad_series *s)
{
    bool open = false;
    kad_text_add(out, "<path class=\"line c%d\" d=\"", s->color);
    for (size_t i = 0; i < s->n; i++) {
        if (!showable(f, 0, s->x[i]) || !showable(f, 1, s->y[i])) {
            open = false;
            continue;
        }
        kad_text_add(out, "%c%.1f %.1f", open ? 'L' : 'M', place_x(f, s->x[i]),
                     place_y(f, s->y[i]));
        open = true;
    }
    kad_text_add(out, "\"/>");
}

/* Where an error bar ends that would leave a logarithmic axis. */
static double clipped_y(const frame *f, double y)
{
    if (f->log[1] && !(y > 0)) return HEIGHT - BOTTOM;
    return place_y(f, y);
}

static void draw_points(kad_text *out, const frame *f, const kad_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!showable(f, 0, s->x[i]) || !showable(f, 1, s->y[i])) continue;
        double x = place_x(f, s->x[i]);
        if (s->err != NULL && isfinite(s->err[i]) && s->err[i] > 0) {
            double a = clipped_y(f, s->y[i] - s->err[i]);
            double b = clipped_y(f, s->y[i] + s->err[i]);
            kad_text_add(out,
                         "<path class=\"bar c%d\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh6M"
                         "%.1f %.1fh6\"/>",
                         s->color, x, a, b, x - 3, a, x - 3, b);
        }
        kad_text_add(out, "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>",
                     s->color, x, place_y(f, s->y[i]));
    }
}

static void draw_dots(kad_text *out, const frame *f, const kad_series *s)
{
    kad_text_add(out, "<path class=\"dots c%d\" d=\"", s->color);
    for (size_t i = 0; i < s->n; i++)
        if (showable(f, 0, s->x[i]) && showable(f, 1, s->y[i]))
            kad_text_add(out, "M%.1f %.1fh0", place_x(f, s->x[i]), place_y(f, s->y[i]));
    kad_text_add(out, "\"/>");
}

static void draw_bars(kad_text *out, const frame *f, const kad_series *s)
{
    kad_text_add(out, "<path class=\"fill c%d\" d=\"", s->color);
    for (size_t i = 0; i < s->n; i++) {
        if (!(s->y[i] > 0) || !isfinite(s->y[i]) || s->n < 2) continue;
        double right = i + 1 < s->n ? s->x[i + 1] : 2 * s->x[i] - s->x[i - 1];
        if (!showable(f, 0, s->x[i]) || !showable(f, 0, right)) continue;
        kad_text_add(out, "M%.1f %dV%.1fH%.1fV%d", place_x(f, s->x[i]), HEIGHT - BOTTOM,
                     place_y(f, s->y[i]), place_x(f, right), HEIGHT - BOTTOM);
    }
    kad_text_add(out, "\"/>");
}

static void draw_band(kad_text *out, const frame *f, const kad_series *s)
{
    kad_text_add(out, "<path class=\"band c%d\" d=\"", s->color);
    size_t drawn = 0;
    for (size_t k = 0; k < 2 * s->n; k++) {
        size_t i = k < s->n ? k : 2 * s->n - 1 - k;
        double y = k < s->n ? s->y[i] + s->err[i] : s->y[i] - s->err[i];
        if (!showable(f, 0, s->x[i]) || !isfinite(y)) continue;
        kad_text_add(out, "%c%.1f %.1f", drawn++ ? 'L' : 'M', place_x(f, s->x[i]),
                     clipped_y(f, y));
    }
    kad_text_add(out, "\"/>");
}

static void draw_series(kad_text *out, const frame *f, const kad_series *s)
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
        if (s->err != NULL) draw_band(out, f, s);
        break;
    case KAD_MARK_LEVEL:
        if (showable(f, 1, s->y[0]))
            kad_text_add(out, "<path class=\"level c%d\" d=\"M%d %.1fH%d\"/>", s->color,
                         LEFT, place_y(f, s->y[0]), WIDTH - RIGHT);
        break;
    }
}

static const char *legend_class(kad_mark mark)
{
    return mark == KAD_MARK_LEVEL  ? "level"
           : mark == KAD_MARK_LINE ? "line"
           : mark == KAD_MARK_BAND ? "swatch band"
                                   : "swatch fill";
}

/* The legend stands above the plot as text, where it can never hide data. */
static void draw_legend(kad_text *out, const kad_plot *plot)
{
    int n = 0;
    for (int i = 0; i < plot->n_series; i++)
        n += plot->series[i].label != NULL;
    if (n == 0) return;
    kad_text_add(out, "<p class=\"legend\">");
    for (int i = 0; i < plot->n_series; i++) {
        const kad_series *s = &plot->series[i];
        if (s->label == NULL) continue;
        kad_text_add(out,
                     "<span><svg class=\"key\" viewBox=\"0 0 20 10\">"
                     "<path class=\"%s c%d\" d=\"%s\"/></svg>",
                     legend_class(s->mark), s->color,
                     s->mark == KAD_MARK_LINE || s->mark == KAD_MARK_LEVEL
                         ? "M0 5H20"
                         : "M4 0H16V10H4Z");
        kad_text_escape(out, s->label);
        kad_text_add(out, "</span>");
    }
    kad_text_add(out, "</p>");
}

void kad_plot_add(kad_plot *plot, kad_series series)
{
    if (plot->n_series < KAD_PLOT_SERIES && series.n > 0)
        plot->series[plot->n_series++] = series;
}

void kad_plot_render(kad_text *out, const kad_plot *plot)
{
    frame f;
    if (plot->n_series == 0 || !find_frame(plot, &f)) return;
    draw_legend(out, plot);
    kad_text_add(out, "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\">", WIDTH,
                 HEIGHT);
    draw_axis(out, &f, 0);
    draw_axis(out, &f, 1);
    kad_text_add(out, "<path class=\"frame\" d=\"M%d %dV%dH%d\"/>", LEFT, TOP,
                 HEIGHT - BOTTOM, WIDTH - RIGHT);
    draw_labels(out, plot);
    /* An inner <svg> clips what leaves the axes, with room for a point on the border. */
    const int x = LEFT - 4, y = TOP - 4, w = WIDTH - LEFT - RIGHT + 8,
              h = HEIGHT - TOP - BOTTOM + 8;
    kad_text_add(out,
                 "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                 "viewBox=\"%d %d %d %d\">",
                 x, y, w, h, x, y, w, h);
    for (int i = 0; i < plot->n_series; i++)
        draw_series(out, &f, &plot->series[i]);
    kad_text_add(out, "</svg></svg>\n");
}
