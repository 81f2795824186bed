/* Shared by the tests of images: a context whose notices are counted, a scratch folder,
 * picture files of every kind, and images read through a store. */
#ifndef KAD_TESTS_IMAGE_CASE_H
#define KAD_TESTS_IMAGE_CASE_H

#include "image/load.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

typedef struct image_case {
    kad_ctx ctx;
    scratch folder;
    int n_notices;
    char notices[8][256]; /* the last ones */
} image_case;

/* Set-up and tear-down of a test. */
int image_set_up(void **state);
int image_tear_down(void **state);

/* A claim with a case of its own. */
#define IMAGE(text, function)                               \
    {                                                       \
        text, function, image_set_up, image_tear_down, NULL \
    }

/* The path of a file of the scratch folder; folders above it are made. */
const char *image_path(image_case *c, const char *name);
/* Options of their defaults, of a source in the scratch folder, or a generator. */
kad_image_options image_options(const char *source);
/* A store of them whose file lies in the scratch folder's "cache". */
kad_status image_open(image_case *c, const kad_image_options *o, kad_image_store **out);
/* Fails with this status, a fragment in the message. */
void image_refused(image_case *c, const kad_image_options *o, kad_status wanted,
                   const char *fragment);
/* Was there a notice with this fragment? */
bool image_noted(const image_case *c, const char *fragment);

enum { IMAGE_N = 12 }; /* images of a stack */
/* Levels of the tests' stacks, [IMAGE_N][height][width][channels], or, planar, with channels
 * before rows; freed by the caller. */
uint8_t *image_levels(int channels, int height, int width, bool planar);
/* A .npy file of bytes; shape as "(12, 4, 6)". */
void image_write_npy(const char *path, const char *shape, const uint8_t *data, size_t n);

/* Level of channel k at row y, column x of picture i of the tests' files. */
uint8_t image_level(int i, int k, int y, int x);

typedef enum picture_kind {
    PNG_GREY,
    PNG_RGB,
    PNG_PALETTE,
    PNG_RGBA, /* opacity 128 everywhere */
    PNG_GREY_16,
    PNG_INTERLACED,
    JPEG_GREY,
    JPEG_RGB,
    JPEG_CMYK,
    N_PICTURE_KINDS
} picture_kind;

/* Picture i written to a file; false: this program was built without its library. */
bool image_write(const char *path, picture_kind kind, int i, int height, int width);

/* The first image of side 0 or 1 in a store. */
const kad_images *image_side(const kad_image_store *store, int side);

#endif
