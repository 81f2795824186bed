#include "analysis/report/frame.h"

#include "analysis/report/markup.h"

#include <math.h>
#include <stdio.h>

enum {
    WIDTH = KAD_SVG_WIDTH,
    RIGHT = KAD_SVG_RIGHT,
    TOP = KAD_SVG_TOP,
    BOTTOM = KAD_SVG_BOTTOM
};

/* An axis variable: log10 of the value on a logarithmic axis. */
static double scale(const kad_frame *f, int axis, double value)
{
    return f->log[axis] ? log10(value) : value;
}

double kad_frame_x(const kad_frame *f, double x)
{
    return f->left + (WIDTH - f->left - RIGHT) * (scale(f, 0, x) - f->lo[0]) /
                         (f->hi[0] - f->lo[0]);
}

double kad_frame_y(const kad_frame *f, double y)
{
    return f->height - BOTTOM -
           (f->height - TOP - BOTTOM) * (scale(f, 1, y) - f->lo[1]) /
               (f->hi[1] - f->lo[1]);
}

bool kad_frame_shows(const kad_frame *f, int axis, double value)
{
    return isfinite(value) && (!f->log[axis] || value > 0);
}

static void widen(kad_frame *f, int axis, double value)
{
    if (!kad_frame_shows(f, axis, value)) return;
    double s = scale(f, axis, value);
    f->lo[axis] = fmin(f->lo[axis], s);
    f->hi[axis] = fmax(f->hi[axis], s);
}

/* Whether a series' i-th value has a place. */
static bool shows(const kad_frame *f, const kad_series *s, size_t i)
{
    return (s->mark == KAD_MARK_LEVEL || kad_frame_shows(f, 0, s->x[i])) &&
           (s->mark == KAD_MARK_AT || kad_frame_shows(f, 1, s->y[i]) ||
            s->mark == KAD_MARK_BARS); /* an empty bin is a bin */
}

bool kad_frame_shows_any(const kad_frame *f, const kad_series *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (shows(f, s, i)) return true;
    return false;
}

static void widen_series(kad_frame *f, const kad_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!shows(f, s, i)) continue;
        if (s->mark != KAD_MARK_LEVEL) {
            widen(f, 0, s->x[i]);
            widen(f, 0, s->x[i] + s->shift);
        }
        if (s->mark == KAD_MARK_AT) continue;
        widen(f, 1, s->y[i]);
        if (s->err != NULL && isfinite(s->err[i])) {
            const double low = s->y[i] - s->err[i];
            widen(f, 1, f->log[1] ? fmax(low, 0.3 * s->y[i]) : low);
            widen(f, 1, s->y[i] + s->err[i]);
        }
    }
    if (s->mark == KAD_MARK_BARS) {
        widen(f, 1, f->log[1] ? 0.5 : 0.0);
        if (s->n > 1) widen(f, 0, 2 * s->x[s->n - 1] - s->x[s->n - 2]);
    }
}

/* Whether every place on the horizontal axis is a whole number. */
static bool is_whole(const kad_plot *plot)
{
    size_t n = 0;
    for (int i = 0; i < plot->n_series; i++) {
        const kad_series *s = &plot->series[i];
        for (size_t k = 0; s->mark != KAD_MARK_LEVEL && k < s->n; k++) {
            if (!isfinite(s->x[k])) continue;
            if (s->x[k] != rint(s->x[k])) return false;
            n++;
        }
    }
    return n > 0;
}

static bool find_ranges(const kad_plot *plot, kad_frame *f)
{
    const kad_axis *axes[2] = {&plot->x, &plot->y};
    for (int axis = 0; axis < 2; axis++) {
        f->log[axis] = axes[axis]->log;
        f->lo[axis] = INFINITY;
        f->hi[axis] = -INFINITY;
    }
    f->whole = is_whole(plot);
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
        double margin = (axis == 0 ? 0.02 : 0.06) * span;
        if (axis == 0 && f->whole && !f->log[0] && span < 1) margin = 0.5;
        f->lo[axis] -= margin;
        f->hi[axis] += margin;
    }
    return true;
}

int kad_ticks(double lo, double hi, int want, int max, double *out)
{
    if (!(hi > lo) || want < 1) return 0;
    double raw = (hi - lo) / want;
    double power = pow(10, floor(log10(raw)));
    double step = raw / power > 7     ? 10 * power
                  : raw / power > 3   ? 5 * power
                  : raw / power > 1.4 ? 2 * power
                                      : power;
    int n = 0;
    for (double k = ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step && n < max; k++)
        out[n++] = k * step;
    return n;
}

enum { MAX_TICKS = 32 };

typedef struct tick {
    double value;
    char label[64];
    int n_chars; /* as seen */
} tick;

/* lead 10^p */
static void power_label(tick *t, double lead, int p)
{
    char times[32] = "";
    if (lead != 1) snprintf(times, sizeof times, "%g&#183;", lead);
    snprintf(t->label, sizeof t->label,
             "%s10<tspan dy=\"-5\" font-size=\"10\">%d</tspan>", times, p);
    t->n_chars = lead != 1 ? 6 : 4;
}

static void tick_label(tick *t, double step)
{
    if (fabs(t->value) < 1e-9 * step) t->value = 0;
    const double size = fabs(t->value);
    if (size > 0 && (size >= 1e6 || size < 1e-4)) {
        const int p = (int)floor(log10(size) + 1e-9);
        power_label(t, round(t->value / pow(10, p) * 1e4) / 1e4, p);
        return;
    }
    const int digits = (int)fmax(0, ceil(-log10(step) - 1e-9));
    t->n_chars =
        snprintf(t->label, sizeof t->label, "%.*f", digits > 8 ? 8 : digits, t->value);
}

/* Powers of ten, with 2 and 5 between when they are few. */
static int find_log_ticks(const kad_frame *f, int axis, tick *out)
{
    static const double between[] = {1, 2, 5};
    const double span = f->hi[axis] - f->lo[axis];
    const int step = span > 8 ? (int)ceil(span / 8) : 1;
    const int n_between = span < 2.5 ? 3 : 1;
    int n = 0;
    for (int p = (int)floor(f->lo[axis]); p <= (int)ceil(f->hi[axis]); p += step)
        for (int b = 0; b < n_between && n < MAX_TICKS; b++) {
            tick *t = &out[n];
            t->value = between[b] * pow(10, p);
            const double s = log10(t->value);
            if (s < f->lo[axis] || s > f->hi[axis]) continue;
            if (axis == 0 && f->whole && p < 0) continue;
            n++;
            if (p >= -3 && p <= 3)
                t->n_chars = snprintf(t->label, sizeof t->label, "%g", t->value);
            else
                power_label(t, between[b], p);
        }
    return n;
}

/* Ticks of an axis; round numbers also on a logarithmic one that spans less than a factor
 * of five. */
static int find_ticks(const kad_frame *f, int axis, tick *out)
{
    double at[MAX_TICKS];
    const bool log = f->log[axis];
    const double lo = f->lo[axis], hi = f->hi[axis];
    if (log && hi - lo > 0.7) return find_log_ticks(f, axis, out);
    const int want = axis == 0 ? 5 : (f->height + 130) / 80;
    const double from = log ? pow(10, lo) : lo, to = log ? pow(10, hi) : hi;
    int n = kad_ticks(from, to, want, MAX_TICKS, at);
    if (axis == 0 && f->whole && n > 1 && at[1] - at[0] < 1) {
        n = 0;
        for (double k = ceil(from); k <= to && n < MAX_TICKS; k++)
            at[n++] = k;
    }
    for (int i = 0; i < n; i++) {
        out[i].value = at[i];
        tick_label(&out[i], n > 1 ? at[1] - at[0] : 1);
    }
    return n;
}

/* Room for the longest label of the vertical axis and for the axis' own. */
static int left_margin(const kad_frame *f)
{
    tick ticks[MAX_TICKS];
    double left = KAD_SVG_LEFT;
    const int n = find_ticks(f, 1, ticks);
    for (int i = 0; i < n; i++)
        left = fmax(left, 28 + 8.4 * ticks[i].n_chars);
    return (int)left;
}

static void draw_ticks(kad_text *out, const kad_frame *f, int axis)
{
    tick ticks[MAX_TICKS];
    const int n = find_ticks(f, axis, ticks);
    for (int i = 0; i < n; i++) {
        if (axis == 0) {
            const double x = kad_frame_x(f, ticks[i].value);
            kad_text_add(out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x, TOP,
                         f->height - BOTTOM);
            kad_text_add(out,
                         "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", x,
                         f->height - BOTTOM + 17, ticks[i].label);
        } else {
            const double y = kad_frame_y(f, ticks[i].value);
            kad_text_add(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", f->left, y,
                         WIDTH - RIGHT);
            kad_text_add(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                         f->left - 6, y + 4.5, ticks[i].label);
        }
    }
}

static void draw_labels(kad_text *out, const kad_plot *plot, const kad_frame *f)
{
    if (plot->x.label != NULL) {
        kad_text_add(out,
                     "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                     (f->left + WIDTH - RIGHT) / 2, f->height - 8);
        kad_text_escape(out, plot->x.label);
        kad_text_add(out, "</text>");
    }
    if (plot->y.label != NULL) {
        int middle = (TOP + f->height - BOTTOM) / 2;
        kad_text_add(out,
                     "<text class=\"label\" x=\"13\" y=\"%d\" text-anchor=\"middle\" "
                     "transform=\"rotate(-90 13 %d)\">",
                     middle, middle);
        kad_text_escape(out, plot->y.label);
        kad_text_add(out, "</text>");
    }
}

bool kad_frame_fit(kad_frame *f, const kad_plot *plot)
{
    f->height = plot->height > 0 ? plot->height : KAD_SVG_HEIGHT;
    if (!find_ranges(plot, f)) return false;
    f->left = left_margin(f);
    return true;
}

void kad_frame_draw(kad_text *out, const kad_frame *f, const kad_plot *plot)
{
    draw_ticks(out, f, 0);
    draw_ticks(out, f, 1);
    kad_text_add(out, "<path class=\"frame\" d=\"M%d %dV%dH%d\"/>", f->left, TOP,
                 f->height - BOTTOM, WIDTH - RIGHT);
    draw_labels(out, plot, f);
}
