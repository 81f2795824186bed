/* What is done with a map of images (/images of src/views): a group is a figure. */
#include "analysis/report/report.h"

const kad_figure kad_figure_images_coding = {
    .title = "Images to latents and back",
    .caption =
        "Held-out images are encoded and decoded with either prior of the latents: how "
        "many come back in every level, and their bits per dimension from the latents "
        "alone. A prior only relabels latents: the bits are the same. Row 0 is the "
        "normal "
        "prior, row 1 the Laplace.",
    .table = {"/images/coding",
              {{.head = "prior", .name = "prior", .text = true},
               {.head = "images that come back exactly", .name = "n_exact", .digits = 7},
               {.head = "bits per dimension from latents",
                .name = "bpd_latents",
                .digits = 7}}},
};

const kad_figure kad_figure_images_inpaint = {
    .title = "Inpainting",
    .caption =
        "Held-out pictures with a hole: the picture; its hole left black; as the map "
        "would "
        "go on, blind to what lies behind; with as many latents as the hole touches, but "
        "at "
        "random; drawn given the rest, with the latents of the hole's inference cone; "
        "with "
        "all latents (the same, to the bit); the mean of draws; the most probable.",
    .wide = true,
    .sheet = "/images/inpaint/sheet",
};

const kad_figure kad_figure_images_filled = {
    .title = "What fills a hole",
    .caption =
        "Of the fillings above: errors are in the hole, over all pictures; bits are "
        "of the whole picture.",
    .wide = true,
    .table = {"/images/inpaint",
              {{.head = "the hole is", .name = "way", .text = true},
               {.head = "sites whose latents may change", .name = "latents", .digits = 6},
               {.head = "mean square error", .name = "mse", .err = "mse_err"},
               {.head = "PSNR, dB", .name = "psnr"},
               {.head = "bits per dimension", .name = "bpd", .digits = 4},
               {.head = "seconds", .name = "fill_seconds"}}},
};

const kad_figure kad_figure_images_touched = {
    .title = "Latents that a hole touches",
    .caption =
        "Sites whose latents change with what the hole holds (its inference cone): "
        "at every level as many, so that their number grows with the logarithm of "
        "the picture's side. With groups generated site by site as the map's, and "
        "with none.",
    .plot = {.x = {.label = "side of the picture", .log = true},
             .y = {.label = "sites"},
             .layer = {{.group = "/images/inpaint",
                        .x = "side",
                        .y = "touched",
                        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                        .label = "as the map's",
                        .color = 0},
                       {.group = "/images/inpaint",
                        .x = "side",
                        .y = "touched_parallel",
                        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                        .label = "no group site by site",
                        .color = 1}}},
};
