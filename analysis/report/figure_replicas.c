/* Replica exchange: what neighbours exchange, and where states come from. */
#include "analysis/report/report.h"

#define CURVES(x_name, y_name)                                                           \
    {                                                                                    \
        .group = "/samplers", .x = (x_name), .y = (y_name), .split = KAD_SPLIT_SAMPLERS, \
        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,                                        \
    }
#define SHARE(text)                                      \
    {                                                    \
        .label = (text), .fixed = true, .lo = 0, .hi = 1 \
    }

const kad_figure kad_figure_replica_swaps = {
    .title = "Replica exchange: swaps",
    .caption = "Exchanges made of those tried between a replica and the next, at the "
               "coupling of the first of the two. Where the curve dips, states pass "
               "slowly: put replicas there.",
    .plot = {.x = {.label = "coupling (sample[].along)"},
             .y = SHARE("swaps made"),
             .layer = {CURVES("swaps/value", "swaps/acceptance")}},
};

const kad_figure kad_figure_replica_flow = {
    .title = "Replica exchange: flow",
    .caption = "Of the states found at a coupling, the share that has met the first "
               "replica later than the last one. A line from 1 to 0 is an even "
               "diffusion; a step is a bottleneck (Katzgraber, Trebst, Huse, Troyer, J. "
               "Stat. Mech. 2006 P03018).",
    .plot = {.x = {.label = "coupling (sample[].along)"},
             .y = SHARE("share from the first replica"),
             .layer = {CURVES("replicas/value", "replicas/flow")}},
};
