/* Where images come from: a numbered list of pictures. A kind of source is one file with a
 * `static const kad_image_source_ops` and a line in source.c; which one a path is says its
 * content. */
#ifndef KAD_IMAGE_SOURCE_H
#define KAD_IMAGE_SOURCE_H

#include "image/options.h"
#include "image/picture.h"

typedef struct kad_image_source kad_image_source;

/* Whether a source itself holds an image out. */
typedef enum kad_image_side {
    KAD_IMAGE_ANY,
    KAD_IMAGE_TRAIN,
    KAD_IMAGE_HELD_OUT
} kad_image_side;

/* What a path looks like. */
typedef struct kad_image_path {
    const char *path;
    bool folder;
    uint64_t n_bytes;
    size_t n_head;
    uint8_t head[4096]; /* of a file */
} kad_image_path;

typedef struct kad_image_source_ops {
    const char *name;
    const char *summary; /* one line, for `list data` */
    /* REQUIRED. Is it one? */
    bool (*is)(const kad_image_path *path);
    /* REQUIRED. Fill *out, whose ops and path are set; what it owns belongs to `in`. Errors:
     * KAD_EDATA, KAD_ENOINPUT, KAD_EIO, KAD_ENOMEM. */
    kad_status (*open)(kad_scope *in, const kad_image_options *options,
                       kad_image_source *out);
    /* REQUIRED. Channels, height and width of picture i. Threads: at will, each with a
     * scope and context of its own. */
    kad_status (*measure)(kad_scope *in, const kad_image_source *s, size_t i,
                          kad_picture *out);
    /* OPTIONAL. Pictures first .. first + n - 1 will be asked for, each once. */
    kad_status (*fetch)(kad_ctx *ctx, kad_image_source *s, size_t first, size_t n);
    /* REQUIRED. Picture i, whose pixels live as long as `in`, or until the next fetch, and
     * its labels [n_labels]. Threads: as measure. */
    kad_status (*picture)(kad_scope *in, const kad_image_source *s, size_t i,
                          kad_picture *out, double *labels);
    /* OPTIONAL. Its name and side. */
    const char *(*name_of)(const kad_image_source *s, size_t i);
    kad_image_side (*side)(const kad_image_source *s, size_t i);
} kad_image_source_ops;

struct kad_image_source {
    const kad_image_source_ops *ops;
    const char *path;
    size_t n;
    bool alike; /* all pictures are of one size and cost next to nothing */
    size_t n_labels;
    const char *const *label_name;
    const char *state; /* what changes when a file does: a line of text */
    void *self;
};

extern const kad_image_source_ops *const kad_image_sources[]; /* NULL at the end */

/* Opens options->source, whatever it is. KAD_ENOINPUT: there is no such thing; KAD_EDATA:
 * nothing that is known here. */
KAD_MUST_USE kad_status kad_image_source_open(kad_scope *in,
                                              const kad_image_options *options,
                                              kad_image_source *out);
/* Size and time of change of a file, as a line: what tells that it is another one. */
KAD_MUST_USE kad_status kad_image_file_state(kad_scope *in, const char *path,
                                             const char **line);

/* A file that begins as an idx file of images and is as long as that says. */
bool kad_image_is_whole_idx(const kad_image_path *path);

extern const kad_image_source_ops kad_image_source_generated, kad_image_source_folder,
    kad_image_source_cifar, kad_image_source_idx, kad_image_source_npy,
    kad_image_source_hdf5, kad_image_source_picture;

#endif
