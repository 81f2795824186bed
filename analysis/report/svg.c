#include "analysis/report/svg.h"

#include "analysis/report/frame.h"
#include "analysis/report/markup.h"
#include "analysis/report/numbers.h"

/* The legend stands above the plot as text, where it can never hide data. */
static void draw_legend(kad_text *out, const kad_plot *plot, const kad_frame *f)
{
    int n = 0;
    for (int i = 0; i < plot->n_series; i++)
        n += plot->series[i].label != NULL && kad_frame_shows_any(f, &plot->series[i]);
    if (n == 0) return;
    kad_text_add(out, "<p class=\"legend\">");
    for (int i = 0; i < plot->n_series; i++) {
        const kad_series *s = &plot->series[i];
        if (s->label == NULL || !kad_frame_shows_any(f, s)) continue;
        kad_text_add(out, "<span>");
        kad_series_key(out, s);
        kad_text_escape(out, s->label);
        kad_text_add(out, "</span>");
    }
    kad_text_add(out, "</p>");
}

void kad_plot_add(kad_plot *plot, kad_series series)
{
    if (series.n == 0) return;
    if (plot->n_series < KAD_PLOT_SERIES)
        plot->series[plot->n_series++] = series;
    else
        plot->n_dropped++;
}

/* Something to see: reference lines alone are no drawing. */
static bool has_point(const kad_plot *plot, const kad_frame *f)
{
    for (int i = 0; i < plot->n_series; i++)
        if (plot->series[i].mark != KAD_MARK_LEVEL &&
            plot->series[i].mark != KAD_MARK_AT &&
            kad_frame_shows_any(f, &plot->series[i]))
            return true;
    return false;
}

static void open_svg(kad_text *out, const kad_plot *plot, const kad_frame *f)
{
    kad_text_add(out,
                 "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
                 KAD_SVG_WIDTH, f->height);
    kad_text_escape(out, plot->y.label != NULL ? plot->y.label : "");
    kad_text_add(out, " against ");
    kad_text_escape(out, plot->x.label != NULL ? plot->x.label : "");
    kad_text_add(out, "\">");
}

void kad_plot_render(kad_text *out, const kad_plot *plot)
{
    kad_frame f = {0};
    if (plot->n_series == 0 || !kad_frame_fit(&f, plot) || !has_point(plot, &f)) return;
    if (out->numbers != NULL) kad_numbers_plot(out->numbers, plot);
    draw_legend(out, plot, &f);
    open_svg(out, plot, &f);
    kad_frame_draw(out, &f, plot);
    /* An inner <svg> clips what leaves the axes, with room for a point on the border. */
    const int x = f.left - 4, y = KAD_SVG_TOP - 4,
              w = KAD_SVG_WIDTH - f.left - KAD_SVG_RIGHT + 8,
              h = f.height - KAD_SVG_TOP - KAD_SVG_BOTTOM + 8;
    kad_text_add(out,
                 "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                 "viewBox=\"%d %d %d %d\">",
                 x, y, w, h, x, y, w, h);
    for (int i = 0; i < plot->n_series; i++)
        if (kad_frame_shows_any(&f, &plot->series[i]))
            kad_series_draw(out, &f, &plot->series[i]);
    kad_text_add(out, "</svg></svg>\n");
    kad_note_rest(out, (size_t)plot->n_series, (size_t)(plot->n_series + plot->n_dropped),
                  "series");
}
