#include "image/options.h"

#define ANY 1, 0 /* no range */

/* Keys shared with data that are fields (src/train/options.c) are explained there. */
const kad_key kad_image_keys[] = {
    {"data.source", KAD_PATH_OF(kad_image_options, source), NULL, ANY, "",
     "msds1|msds2|pinwheel|fashion", ""},
    {"data.dataset", KAD_STRING_OF(kad_image_options, dataset), NULL, ANY, "", NULL, ""},
    {"data.held_out", KAD_REAL_OF(kad_image_options, held_out), NULL, 0, 0.9, "", NULL,
     ""},
    {"data.validation", KAD_REAL_OF(kad_image_options, validation), NULL, 0, 0.9, "",
     NULL, ""},
    {"data.source_sha256", KAD_STRING_OF(kad_image_options, sha256), NULL, ANY, "", NULL,
     ""},
    {"data.size", KAD_INT_OF(kad_image_options, size), NULL, 1, 4096, "pixels", NULL,
     "side that images are resized to, by area; unset: as they are, all alike"},
    {"data.crop", KAD_INT_OF(kad_image_options, crop), NULL, 1, 32768, "pixels", NULL,
     "side of the centre square that is cut out before resizing; unset: the largest, "
     "where data.size is set"},
    {"data.crops", KAD_INT_OF(kad_image_options, crops), "0", 0, 1e6, "images", NULL,
     "squares of data.size cut at random from each picture, in place of the centre"},
    {"data.crop_scales", KAD_INT_OF(kad_image_options, scales), "1", 1, 8, "octaves",
     NULL, "such squares are of data.size, 2, 4, ... times that in turn, and resized"},
    {"data.pad", KAD_INT_OF(kad_image_options, pad), "0", 0, 1024, "pixels", NULL,
     "black border added last, on each side (2 makes 28 x 28 to 32 x 32)"},
    {"data.flip", KAD_BOOL_OF(kad_image_options, flip), "false", ANY, "", NULL,
     "train on the images' mirror images, left and right, as well"},
    {"data.grey", KAD_BOOL_OF(kad_image_options, grey), "false", ANY, "", NULL,
     "one channel of brightness (Rec. 601)"},
    {"data.limit", KAD_INT_OF(kad_image_options, limit), NULL, 1, 1e9, "images", NULL,
     "at most so many images to train on, and so many held out, the first ones"},
    {"data.seed", KAD_INT_OF(kad_image_options, seed), "1", 0, 1e15, "", NULL,
     "of generated images and of random squares"},
    {"data.on_error", KAD_ENUM_OF(kad_image_options, on_error, KAD_IMAGE_REFUSE),
     "refuse", ANY, "", "refuse|skip",
     "what to do where files of a folder cannot be read: end, or go on without them; "
     "each is named"},
    {"data.cache", KAD_PATH_OF(kad_image_options, cache), NULL, ANY, "", NULL,
     "folder for decoded images that runs share; unset: the run's own"},
};
const size_t kad_image_n_keys = sizeof kad_image_keys / sizeof kad_image_keys[0];

const kad_rule kad_image_rules[] = {
    {"data.validation", "data.source & train.patience"},
    {"data.size", "data.kind=image"},
    {"data.crop_scales", "data.kind=image & data.crops"},
    {"data.crops", "data.kind=image"},
    {"data.crop", "data.kind=image & data.crops=0"},
    {"data.pad", "data.kind=image"},
    {"data.flip", "data.kind=image"},
    {"data.grey", "data.kind=image"},
    {"data.limit", "data.kind=image"},
    {"data.seed", "data.kind=image"},
    {"data.on_error", "data.kind=image"},
    {"data.cache", "data.kind=image"},
};
const size_t kad_image_n_rules = sizeof kad_image_rules / sizeof kad_image_rules[0];
