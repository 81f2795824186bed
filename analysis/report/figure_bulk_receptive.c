/* How far and how strongly latents reach. */
#include "analysis/report/report.h"

const kad_figure kad_figure_bulk_profile = {
    .title = "Reach of the latents",
    .caption = "Mean strength |dx/dz| against distance, level by level (0 the finest). "
               "Lines end where the response vanishes exactly: outside the generation "
               "cone. Coarse latents reach far, fine ones stay near their place.",
    .plot =
        {
            .x = {.label = "distance of site and latent (lattice units)"},
            .y = {.label = "mean |dx/dz|", .log = true},
            .layer = {{.group = "/bulk/receptive",
                       .y = "profile",
                       .split = KAD_SPLIT_ROWS,
                       .marks = KAD_DRAW_BAND | KAD_DRAW_LINE}},
        },
};

const kad_figure kad_figure_bulk_strength = {
    .title = "Strengths of the responses",
    .caption = "Distribution of E|dx/dz| over the sites and latents of a level; "
               "responses that vanish exactly are not shown (the missing share).",
    .plot =
        {
            .x = {.label = "log10 of the strength"},
            .y = {.label = "share of sites and latents"},
            .layer = {{.group = "/bulk/receptive",
                       .x = "log10_strength",
                       .y = "histogram",
                       .split = KAD_SPLIT_ROWS,
                       .marks = KAD_DRAW_LINE}},
        },
};
