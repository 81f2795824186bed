/* A family of maps over its coupling: how good they are, and the curves they give. */
#include "analysis/report/report.h"

#define POINTS(name, text)                                                        \
    {                                                                             \
        .group = "/family", .x = "value", .y = name,                              \
        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS | KAD_DRAW_BAND, .label = (text) \
    }
#define DERIVED(name)                                                          \
    {                                                                          \
        .group = "/family", .x = "value", .y = name, .marks = KAD_DRAW_POINTS, \
        .label = "derivative of ln Z", .color = 2                              \
    }
#define EXACT(name)                                                                   \
    {                                                                                 \
        .group = "/family", .x = "value", .y = name "_exact", .marks = KAD_DRAW_LINE, \
        .label = "exact", .color = 1                                                  \
    }
#define COUPLING                           \
    {                                      \
        .label = "coupling (family.along)" \
    }

const kad_figure kad_figure_family_ess = {
    .title = "Family: effective sample size over the coupling",
    .caption = "One map serves all values of the coupling; at each its own draws are "
               "weighed. 1 is a perfect map.",
    .plot = {.x = COUPLING,
             .y = {.label = "fraction", .fixed = true, .lo = 0, .hi = 1},
             .layer = {POINTS("ess", "effective sample size ESS/n")}},
};

const kad_figure kad_figure_family_log_z = {
    .title = "Family: ln&nbsp;Z less its exact value",
    .caption = "By the weights of every value&rsquo;s own draws; their errors are "
               "independent, so that two in three agree within one.",
    .group = "/family",
    .absent = "ln Z is not known exactly",
    .plot = {.x = COUPLING,
             .y = {.label = "ln Z - exact (nats)"},
             .layer = {POINTS("log_z_difference", "estimate"),
                       EXACT("log_z_difference")}},
};

const kad_figure kad_figure_family_energy = {
    .title = "Family: energy per site",
    .plot = {.x = COUPLING,
             .y = {.label = "energy"},
             .layer = {POINTS("energy", "weighed draws"), EXACT("energy"),
                       DERIVED("energy_from_log_z")}},
};

const kad_figure kad_figure_family_heat = {
    .title = "Family: specific heat",
    .plot = {.x = COUPLING,
             .y = {.label = "specific heat"},
             .layer = {POINTS("specific_heat", "weighed draws"), EXACT("specific_heat"),
                       DERIVED("specific_heat_from_log_z")}},
};

const kad_figure kad_figure_family_m = {
    .title = "Family: order parameter",
    .plot = {.x = COUPLING,
             .y = {.label = "|m|"},
             .layer = {POINTS("abs_m", "weighed draws"), EXACT("abs_m")}},
};

const kad_figure kad_figure_family_chi = {
    .title = "Family: susceptibility",
    .plot = {.x = COUPLING,
             .y = {.label = "chi", .log = true},
             .layer = {POINTS("chi", "weighed draws"), EXACT("chi")}},
};

const kad_figure kad_figure_family_binder = {
    .title = "Family: Binder cumulant",
    .plot = {.x = COUPLING,
             .y = {.label = "U"},
             .layer = {POINTS("binder", "weighed draws"), EXACT("binder")}},
};

const kad_figure kad_figure_family_helicity = {
    .title = "Family: helicity modulus",
    .plot = {.x = COUPLING,
             .y = {.label = "helicity modulus"},
             .layer = {POINTS("helicity", "weighed draws"), EXACT("helicity")}},
};
