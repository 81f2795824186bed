#include "analysis/report/bars.h"

#include "analysis/report/frame.h"
#include "analysis/report/markup.h"
#include "analysis/report/numbers.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>

enum { ROW = 17, LABEL = 78, VALUE = 84, FOOT = 40 };

static double place(const kad_frame *f, double x)
{
    return LABEL + (KAD_SVG_WIDTH - LABEL - VALUE) * (log10(x) - f->lo[0]) /
                       (f->hi[0] - f->lo[0]);
}

static bool find_range(const kad_bars *bars, kad_frame *f)
{
    f->lo[0] = INFINITY;
    f->hi[0] = -INFINITY;
    for (size_t i = 0; i < bars->n; i++) {
        const kad_bar *bar = &bars->bar[i];
        if (!(bar->value > 0)) continue;
        f->lo[0] = fmin(f->lo[0], log10(bar->value));
        f->hi[0] = fmax(f->hi[0], log10(bar->value + (bar->err > 0 ? bar->err : 0)));
    }
    f->lo[0] = floor(f->lo[0] - 0.1);
    f->hi[0] = fmax(f->hi[0] + 0.05, f->lo[0] + 1);
    return isfinite(f->lo[0]) && isfinite(f->hi[0]);
}

static void draw_ticks(kad_text *out, const kad_frame *f, const char *label)
{
    const int step = f->hi[0] - f->lo[0] > 6 ? 2 : 1;
    for (int p = (int)f->lo[0]; p <= f->hi[0]; p += step) {
        const double x = place(f, pow(10, p));
        kad_text_add(out, "<path class=\"grid\" d=\"M%.1f 0V%d\"/>", x, f->height - FOOT);
        kad_text_add(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", x,
                     f->height - FOOT + 16);
        if (p >= -3 && p <= 3)
            kad_text_add(out, "%g</text>", pow(10, p));
        else
            kad_text_add(out, "10<tspan dy=\"-5\" font-size=\"10\">%d</tspan></text>", p);
    }
    kad_text_add(out, "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                 (LABEL + KAD_SVG_WIDTH - VALUE) / 2, f->height - 8);
    kad_text_escape(out, label);
    kad_text_add(out, "</text>");
}

static void draw_bar(kad_text *out, const kad_frame *f, const kad_bar *bar, int y)
{
    char text[64];
    const int middle = y + ROW / 2;
    if (bar->heading) {
        kad_text_add(out, "<text class=\"head\" x=\"0\" y=\"%d\">", y + 13);
        kad_text_escape(out, bar->label);
        kad_text_add(out, "</text>");
        return;
    }
    kad_text_add(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LABEL - 6, y + 13);
    kad_text_escape(out, bar->label);
    kad_text_add(out, "</text>");
    if (!(bar->value > 0)) return;
    const double x = place(f, bar->value);
    kad_text_add(out, "<path class=\"fill c%d\" d=\"M%d %dH%.1fv%dH%d\"/>", bar->color,
                 LABEL, y + 3, x, ROW - 6, LABEL);
    if (bar->err > 0) {
        const double a =
            bar->value > bar->err ? fmax(LABEL, place(f, bar->value - bar->err)) : LABEL;
        kad_text_add(out, "<path class=\"whisker\" d=\"M%.1f %dH%.1fm0-4v8\"/>", a,
                     middle, place(f, bar->value + bar->err));
    }
    if (bar->bound) {
        const int n = snprintf(text, sizeof text, "&gt; ");
        (void)kad_format_rounded(text + n, sizeof text - (size_t)n, bar->value, 2);
    } else if (bar->err > 0)
        (void)kad_format_error(text, sizeof text, bar->value, bar->err);
    else
        snprintf(text, sizeof text, "%.3g", bar->value);
    kad_text_add(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
                 KAD_SVG_WIDTH, y + 13, text);
}

/* A row a bar, under the heading it stands below. */
static void add_numbers(kad_text *out, const kad_bars *bars)
{
    const char *group = "";
    kad_text_add(out, "%sgroup,bar", out->n > 0 ? "\n" : "");
    kad_numbers_text(out, false, bars->label);
    kad_text_add(out, ",error,lower bound\n");
    for (size_t i = 0; i < bars->n; i++) {
        const kad_bar *bar = &bars->bar[i];
        if (bar->heading) group = bar->label;
        if (bar->heading || !(bar->value > 0)) continue;
        kad_numbers_text(out, true, group);
        kad_numbers_text(out, false, bar->label);
        kad_numbers_real(out, false, bar->value);
        kad_numbers_real(out, false, bar->err);
        kad_text_add(out, ",%d\n", bar->bound);
    }
}

void kad_bars_render(kad_text *out, const kad_bars *bars)
{
    kad_frame f = {.height = FOOT + ROW * (int)bars->n};
    if (bars->n == 0 || !find_range(bars, &f)) return;
    if (out->numbers != NULL) add_numbers(out->numbers, bars);
    kad_text_add(out,
                 "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
                 KAD_SVG_WIDTH, f.height);
    kad_text_escape(out, bars->label);
    kad_text_add(out, "\">");
    draw_ticks(out, &f, bars->label);
    for (size_t i = 0; i < bars->n; i++)
        draw_bar(out, &f, &bars->bar[i], ROW * (int)i);
    kad_text_add(out, "</svg>\n");
}
