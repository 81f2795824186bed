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
              {{.head = "prior"},
               {.head = "images that come back exactly", .name = "n_exact", .digits = 7},
               {.head = "bits per dimension from latents",
                .name = "bpd_latents",
                .digits = 7}}},
};
