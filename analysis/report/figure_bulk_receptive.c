/* How far and how strongly latents reach. */
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { MAX_LEVELS = 8 };

static kad_status draw_profile(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_values profile = {0}, err = {0};
    double *r = NULL;
    char label[MAX_LEVELS][24];
    KAD_TRY(kad_values_read(ctx, file, "/bulk/receptive/profile", &profile));
    KAD_TRY(kad_values_read(ctx, file, "/bulk/receptive/profile_err", &err));
    if (profile.rank != 2 || err.n != profile.n) goto done;
    const size_t n_r = profile.dims[1];
    KAD_TRY(kad_new(ctx, n_r, sizeof *r, &r));
    for (size_t i = 0; i < n_r; i++)
        r[i] = (double)i;
    for (size_t i = 0; i < profile.n; i++)
        if (!(profile.data[i] > 0)) profile.data[i] = NAN;
    kad_plot plot = {.x = {.label = "distance of site and latent (lattice units)"},
                     .y = {.label = "mean |dx/dz|", .log = true}};
    for (size_t h = 0; h < profile.dims[0] && h < MAX_LEVELS; h++) {
        snprintf(label[h], sizeof label[h], "level %zu", h);
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                         .n = n_r,
                                         .x = r,
                                         .y = profile.data + h * n_r,
                                         .label = label[h],
                                         .color = (int)h % 6});
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_BAND,
                                         .n = n_r,
                                         .x = r,
                                         .y = profile.data + h * n_r,
                                         .err = err.data + h * n_r,
                                         .color = (int)h % 6});
    }
    kad_plot_render(out, &plot);
    kad_note_rest(out, MAX_LEVELS, profile.dims[0], "levels");
done:
    kad_values_clear(&profile);
    kad_values_clear(&err);
    kad_free(r);
    return status;
}

const kad_figure kad_figure_bulk_profile = {
    .title = "Reach of the latents",
    .caption = "Mean strength |dx/dz| against distance, level by level (0 the finest). "
               "Lines end where the response vanishes exactly: outside the generation "
               "cone. Coarse latents reach far, fine ones stay near their place.",
    .draw = draw_profile,
};

static kad_status draw_strength(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_values histogram = {0}, edge = {0};
    char label[MAX_LEVELS][24];
    KAD_TRY(kad_values_read(ctx, file, "/bulk/receptive/histogram", &histogram));
    KAD_TRY(kad_values_read(ctx, file, "/bulk/receptive/log10_strength", &edge));
    if (histogram.rank != 2 || histogram.dims[1] != edge.n) goto done;
    kad_plot plot = {.x = {.label = "log10 of the strength"},
                     .y = {.label = "share of sites and latents"}};
    for (size_t h = 0; h < histogram.dims[0] && h < MAX_LEVELS; h++) {
        snprintf(label[h], sizeof label[h], "level %zu", h);
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                         .n = edge.n,
                                         .x = edge.data,
                                         .y = histogram.data + h * edge.n,
                                         .label = label[h],
                                         .color = (int)h % 6});
    }
    kad_plot_render(out, &plot);
    kad_note_rest(out, MAX_LEVELS, histogram.dims[0], "levels");
done:
    kad_values_clear(&histogram);
    kad_values_clear(&edge);
    return status;
}

const kad_figure kad_figure_bulk_strength = {
    .title = "Strengths of the responses",
    .caption = "Distribution of E|dx/dz| over the sites and latents of a level; "
               "responses that vanish exactly are not shown (the missing share).",
    .draw = draw_strength,
};
