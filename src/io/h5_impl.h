/* Inside of the HDF5 layer. These files are the only ones that see hdf5.h. */
#ifndef KAD_IO_H5_IMPL_H
#define KAD_IO_H5_IMPL_H

#define H5_USE_110_API 1 /* the same calls in 1.10, 1.12 and 1.14 */

#include "io/h5.h"

#include <hdf5.h>

enum { KAD_H5_PATH_CHARS = 512 };

/* Scale and label of one axis. Kept beside the file while it is in memory and turned into
 * H5DS attributes when it is saved: references between objects of a file that is still
 * being edited would dangle. */
typedef struct kad_h5_scale {
    char *path;
    int axis;
    char *label; /* may be NULL */
    char *scale; /* path of the scale; may be NULL */
} kad_h5_scale;

struct kad_h5 {
    hid_t id;
    char *name;         /* for messages */
    size_t image_bytes; /* of the file on disk; 0 for a new one */
    bool scales_known;  /* false: those of an opened file have not been collected */
    bool edited;        /* has had objects removed or replaced */
    bool vouched;       /* by its digest, or made here: it cannot be damaged */
    bool *starved;      /* a question could not be answered for want of memory (below) */
    bool starved_flag;
    char tag[KAD_H5_TAG]; /* kad_h5_set_tag */
    size_t n_scales, scales_capacity;
    kad_h5_scale *scales;
};

/* A handle (-1 at first) that is let go of wherever its block is left. */
#define KAD_HID(name) hid_t name __attribute__((cleanup(kad_h5_let_go))) = -1
void kad_h5_let_go(hid_t *id);

/* "name: path: ..." with the status; out of memory when HDF5 failed for that. */
kad_status kad_h5_fail(kad_ctx *ctx, const kad_h5 *file, const char *path,
                       kad_status code, const char *format, ...) KAD_PRINTF(5, 6);
/* HDF5's own reason for the last failure: a static or library text, never NULL. */
const char *kad_h5_reason(void);
/* Before the first call of HDF5; again: no harm. */
bool kad_h5_initialise(void);
/* Is HDF5 initialised? Nothing else may be asked of it when that has failed. */
bool kad_h5_ready(void);
/* Did the last failure come of want of memory? Sticks to a file once it has been said of
 * it: what HDF5 holds of it is not to be trusted then. */
bool kad_h5_starved(const kad_h5 *file);
void kad_h5_mark_starved(const kad_h5 *file);

/* All names in a group, soft and external links among them or not. */
KAD_MUST_USE kad_status kad_h5_list_links(kad_scope *in, const kad_h5 *file,
                                          const char *path, bool hard_only, size_t *n,
                                          char ***names);

/* Open a dataset or a group reached by hard links only; H5Oclose it. KAD_EDATA when it is
 * absent or of another kind. */
KAD_MUST_USE kad_status kad_h5_open_object(kad_ctx *ctx, const kad_h5 *file,
                                           const char *path, hid_t *out);
KAD_MUST_USE kad_status kad_h5_open_dataset(kad_ctx *ctx, const kad_h5 *file,
                                            const char *path, hid_t *out);
/* The same of a path of which it is known, by a walk. */
KAD_MUST_USE kad_status kad_h5_open_member(kad_ctx *ctx, const kad_h5 *file,
                                           const char *path, hid_t *out);

/* Shape of an open dataset or attribute space; false when it is not simple or its rank is
 * above KAD_H5_MAX_RANK. */
bool kad_h5_space_shape(hid_t space, int *rank, size_t dims[KAD_H5_MAX_RANK]);

/* Make the groups above path. */
KAD_MUST_USE kad_status kad_h5_parents(kad_ctx *ctx, kad_h5 *file, const char *path);

/* An in-memory file image: an empty one, or a copy of n_bytes at image. < 0 on failure.
 */
hid_t kad_h5_core_create(void);
hid_t kad_h5_core_open(const void *image, size_t n_bytes);

/* A walk; zero-initialised but for ctx and file. */
typedef struct kad_h5_walk {
    kad_ctx *ctx;
    kad_h5 *file;
    kad_status status;
    int depth;
    bool lenient;         /* go on after what cannot be read (probing) */
    hid_t target;         /* of a repacking */
    const kad_h5 *source; /* of the repacked file: where scales are recorded */
    size_t n_values;      /* counted so far */
    void *own;            /* of the steps */
    char path[KAD_H5_PATH_CHARS];
} kad_h5_walk;

/* Calls step, with w->path set, for each member of the group at w->path ("": the root), by
 * name. Stops when w->status is not KAD_OK. */
typedef void kad_h5_step(kad_h5_walk *w);
void kad_h5_each_member(kad_h5_walk *w, kad_h5_step *step);

/* Does HDF5 survive what `trial` does? Asked of a child process, for files without a digest,
 * of n_bytes. KAD_EDATA when the child crashed, hung or failed. */
typedef kad_status kad_h5_trial(kad_ctx *ctx, void *self);
KAD_MUST_USE kad_status kad_h5_try(kad_ctx *ctx, const char *name, kad_h5_trial *trial,
                                   void *self, size_t n_bytes);
/* Does HDF5 survive this image? Asked of a child process that reads all of it. Files with
 * a digest need not be asked. KAD_EDATA when the child crashed, hung or failed. */
KAD_MUST_USE kad_status kad_h5_probe(kad_ctx *ctx, const kad_h5 *file, const void *image,
                                     size_t n_bytes);

/* Variable-length UTF-8 string type; < 0 on failure. */
hid_t kad_h5_string_type(void);
/* Strings of an open dataset or attribute (fixed or variable length). */
KAD_MUST_USE kad_status kad_h5_strings_of(kad_scope *in, const kad_h5 *file,
                                          const char *path, hid_t object,
                                          bool is_attribute, size_t n, char **text);

/* Collect the scales of an opened file, before its first change. */
KAD_MUST_USE kad_status kad_h5_collect_scales(kad_ctx *ctx, kad_h5 *file);
/* Forget the scales of and on an object that goes away, and of all below it. */
void kad_h5_forget_scales(kad_h5 *file, const char *path);
/* In the order of paths and axes, as kad_h5_complete_scales wants them. */
void kad_h5_sort_scales(kad_h5 *file);
/* They follow an object that has got another path, with all below it. */
KAD_MUST_USE kad_status kad_h5_move_scales(kad_ctx *ctx, kad_h5 *file, const char *from,
                                           const char *to);
/* Do everything once that may be done to a file: read all, repack; results and failures
 * are dropped. */
void kad_h5_read_through(kad_ctx *ctx, kad_h5 *file);
/* Read an open dataset and drop the values. */
KAD_MUST_USE kad_status kad_h5_drain(kad_ctx *ctx, const kad_h5 *file, const char *path,
                                     hid_t dataset);
/* A fresh file of the same contents in the order of names, with the scales attached; on
 * every axis where all_scales. */
KAD_MUST_USE kad_status kad_h5_repack(kad_ctx *ctx, kad_h5 *file, bool all_scales,
                                      hid_t *out);

/* Open a dataset of the repacked file and make it a scale; < 0 on failure. */
hid_t kad_h5_open_scale(hid_t target, const char *path);
/* Give every axis in the repacked file `target` a scale: the one recorded, else one by its
 * label. */
KAD_MUST_USE kad_status kad_h5_complete_scales(kad_ctx *ctx, const kad_h5 *file,
                                               hid_t target);
/* Is a member of a group, reached by a hard link, a dimension without coordinates, made by
 * that? */
bool kad_h5_holds_dimension(const kad_h5 *file, hid_t group, const char *name);

#endif
