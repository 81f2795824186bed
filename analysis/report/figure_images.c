/* Images: sheets of those trained on and of samples, bits per dimension while training and
 * by level. */
#include "analysis/report/report.h"

const kad_figure kad_figure_images_data = {
    .title = "Images to train on",
    .caption = "The first images of the data, as the map sees them.",
    .wide = true,
    .sheet = "/images/data/sheet",
};

const kad_figure kad_figure_images_samples = {
    .title = "Samples",
    .caption =
        "The map's own images: latents drawn from the prior, generated from coarse "
        "to fine. None of them is chosen.",
    .wide = true,
    .sheet = "/images/samples",
};

const kad_figure kad_figure_images_curve = {
    .title = "Bits per dimension",
    .caption =
        "&minus;log<sub>2</sub> of the probability of an image, divided by its number of "
        "levels (channels &times; height &times; width), while training. Held-out images "
        "are never trained on: what the curves lie apart is learnt by heart.",
    .plot = {.x = {.label = "seconds of training"},
             .y = {.label = "bits per dimension"},
             .layer = {{.group = "/images/curve",
                        .x = "seconds",
                        .y = "bpd",
                        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                        .label = "held out",
                        .color = 0},
                       {.group = "/images/curve",
                        .x = "seconds",
                        .y = "bpd_train",
                        .marks = KAD_DRAW_LINE,
                        .label = "trained on",
                        .color = 1}}},
};

const kad_figure kad_figure_images_levels = {
    .title = "Information by level",
    .caption =
        "Where the bits of a held-out image are: level 0 holds the finest sites, the "
        "last level what is generated first. The last column is what a level adds "
        "to the bits per dimension of the whole image.",
    .table = {"/images/levels",
              {{.head = "level", .name = "level"},
               {.head = "sites", .name = "sites"},
               {.head = "bits a channel of a site", .name = "bits"},
               {.head = "share of the bits per dimension", .name = "bpd", .digits = 4}}},
};
