/* What a map learnt from data alone makes, beside samples that it never saw. */
#include "analysis/report/report.h"

const kad_figure kad_figure_data_means = {
    .title = "Data: samples held out and draws of the map",
    .caption =
        "Means of observables with their errors. nll is &minus;ln&nbsp;q a site: of "
        "draws the entropy of the map.",
    .table = {"/data",
              {{.head = "mean of", .name = "name", .text = true},
               {.head = "samples held out", .name = "held_out", .err = "held_out_err"},
               {.head = "draws of the map", .name = "map", .err = "map_err"}}},
};

const kad_figure kad_figure_data_correlator = {
    .title = "Data: two-point function along the axes",
    .caption = "Of samples that training never saw, and of draws of the map.",
    .plot =
        {
            .x = {.label = "separation r"},
            .y = {.label = "two-point function"},
            .layer = {{.group = "/data/correlator",
                       .x = "r",
                       .y = "held_out",
                       .marks = KAD_DRAW_POINTS,
                       .label = "held out"},
                      {.group = "/data/correlator",
                       .x = "r",
                       .y = "map",
                       .marks = KAD_DRAW_LINE,
                       .label = "map",
                       .color = 1}},
        },
};
