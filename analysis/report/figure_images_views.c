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

/* --- what latents do ----------------------------------------------------------------------- */

const kad_figure kad_figure_images_fields = {
    .title = "Receptive fields",
    .caption =
        "What a unit step of one latent towards 0 does to the picture, on average over "
        "draws: a latent near the middle of each level, from the finest on (square root, "
        "brightest spot white).",
    .wide = true,
    .sheet = "/images/receptive/sheet",
};

const kad_figure kad_figure_images_receptive = {
    .title = "Receptive fields by level",
    .caption =
        "Strength is E |x(z + e) - x(z)|<sub>1</sub>, in levels; the radius is the "
        "root mean square distance of the response. Outside of the generation cone "
        "the response is exactly 0.",
    .table = {"/images/receptive",
              {{.head = "level", .name = "level"},
               {.head = "latents", .name = "latents", .digits = 5},
               {.head = "strength", .name = "strength", .err = "strength_err"},
               {.head = "radius, sites", .name = "radius"},
               {.head = "generation cone, sites", .name = "cone", .digits = 4}}},
};

const kad_figure kad_figure_images_strengths = {
    .title = "Strengths of receptive fields",
    .caption = "Share of the latents of each level by their strength: strong latents are "
               "coarse ones, and few.",
    .plot = {.x = {.label = "strength, levels", .log = true},
             .y = {.label = "share of the level"},
             .layer = {{.group = "/images/receptive",
                        .x = "bin",
                        .y = "histogram",
                        .split = KAD_SPLIT_ROWS,
                        .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS}}},
};

const kad_figure kad_figure_images_progressive = {
    .title = "From coarse to fine",
    .caption = "Held-out pictures, a row each: latents of the coarsest level are the "
               "picture's and all finer ones 0 in the first column; a level more in each "
               "column; the whole picture in the last. Sites of levels that are the "
               "picture's are exactly as in it.",
    .wide = true,
    .sheet = "/images/progressive/sheet",
};

const kad_figure kad_figure_images_walk = {
    .title = "Walks",
    .caption = "From a held-out picture to another along cos(t) z<sub>A</sub> + sin(t) "
               "z<sub>B</sub>, a row each.",
    .wide = true,
    .sheet = "/images/walk/sheet",
};

const kad_figure kad_figure_images_mix = {
    .title = "Mixing of scales",
    .caption =
        "Latents of levels &ge; theta of a held-out picture, below of another; theta "
        "= 0 (the first picture) in the first column, above all levels (the second) "
        "in the last.",
    .wide = true,
    .sheet = "/images/mix/sheet",
};

const kad_figure kad_figure_images_temperature = {
    .title = "Mixed temperatures",
    .caption = "One draw with latents above level 0 at temperatures 0, 0.2, 0.5, 0.8, 1 "
               "from row to row, those of level 0 from column to column.",
    .sheet = "/images/temperature/sheet",
};

const kad_figure kad_figure_images_attribute = {
    .title = "Arithmetic",
    .caption =
        "Held-out pictures, a row each, moved by a = -1, -1/2, 0, 1/2, 1 times the "
        "difference of the mean latents of two groups (images.attribute).",
    .wide = true,
    .sheet = "/images/attribute/sheet",
};

const kad_figure kad_figure_images_moved = {
    .title = "How far arithmetic moves",
    .caption = "Projection of the pictures' change on the difference of the groups' mean "
               "pictures, in units of it.",
    .table = {"/images/attribute",
              {{.head = "a", .name = "step"}, {.head = "moved", .name = "moved"}}},
};

/* --- what latents and bits say of images --------------------------------------------------- */

const kad_figure kad_figure_images_oddest = {
    .title = "Outliers",
    .caption = "The images of most bits: those held out above, those of the other source "
               "below.",
    .wide = true,
    .sheet = "/images/outliers/sheet",
};

const kad_figure kad_figure_images_outliers = {
    .title = "Outlier scores by level",
    .caption = "Bits of images of the other source against those held out. AUROC: the "
               "probability that one of the others has more bits; 1/2 tells nothing.",
    .table = {"/images/outliers",
              {{.head = "bits of", .name = "score", .text = true},
               {.head = "held out", .name = "bits", .digits = 5},
               {.head = "standard deviation", .name = "bits_sd"},
               {.head = "others", .name = "bits_other", .digits = 5},
               {.head = "standard deviation", .name = "bits_other_sd"},
               {.head = "AUROC", .name = "auroc", .digits = 4}}},
};

const kad_figure kad_figure_images_independence = {
    .title = "Latents of held-out images",
    .caption =
        "Where the map is right these are independent and normal: variance 1, kurtosis "
        "3, "
        "0.0027 of the correlations beyond three standard errors, no mutual information "
        "(in "
        "nats, Kraskov; its bias is that of latents of different images, in run.h5).",
    .wide = true,
    .table = {"/images/independence",
              {{.head = "level", .name = "level"},
               {.head = "mean", .name = "mean"},
               {.head = "variance", .name = "variance"},
               {.head = "kurtosis", .name = "kurtosis"},
               {.head = "correlations beyond 3 errors", .name = "beyond_level"},
               {.head = "I of channels", .name = "mutual_channels"},
               {.head = "I of neighbours", .name = "mutual_neighbours"},
               {.head = "I with a coarser one", .name = "mutual_coarser"}}},
};

/* --- distances of samples and images ------------------------------------------------------- */

/* clang-format off */
#define DISTANCES                                                               \
    {{.head = "sets", .name = "pair", .text = true},                            \
     {.head = "images", .name = "n", .digits = 7},                              \
     {.head = "images of the other", .name = "n_other", .digits = 7},           \
     {.head = "distance", .name = "distance", .err = "distance_err"},           \
     {.head = "extrapolated", .name = "extrapolated", .err = "distance_err"},   \
     {.head = "of means", .name = "of_means"}}
/* clang-format on */

const kad_figure kad_figure_images_frechet = {
    .title = "Samples against images",
    .caption =
        "Squared Frechet distance by fixed features (colours of a 4 x 4 grid, "
        "orientation and contrast by scale; in levels squared). It is too large for "
        "finite sets: "
        "compare it with that of two halves of the images trained on, or take what is "
        "extrapolated to sets without end. Images trained on and held out differ by what "
        "the data do.",
    .wide = true,
    .table = {"/images/frechet", DISTANCES},
};

const kad_figure kad_figure_images_fid = {
    .title = "FID",
    .caption =
        "The same distance by the 2048 features of Inception-v3, with the weights of "
        "images.fid (their SHA-256 is in run.h5). It depends on how many images it is "
        "taken of, and is far too large for few: published values are of 50000 or 10000. "
        "Those of halves of the images trained on are the floor.",
    .wide = true,
    .table = {"/images/fid", DISTANCES},
};
