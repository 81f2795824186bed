/* HDF5 layer: the only module that includes hdf5.h. Files are built and read *in memory*
 * (core driver, EARLIEST format, no timestamps, chunked + shuffle + gzip + fletcher32
 * where it pays) and reach the disk only by write-all, fsync, close, rename, fsync of the
 * folder: readers never see half a file, and equal contents give equal bytes. Reading
 * never trusts sizes in the file: the caller states rank and dims, compared exactly
 * before any data is read. Paths are absolute ("/training/loss"); missing parent groups
 * are created. */
#ifndef KAD_IO_H5_H
#define KAD_IO_H5_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kad_h5 kad_h5;
typedef enum kad_h5_type {
    KAD_H5_F64,
    KAD_H5_F32,
    KAD_H5_I64,
    KAD_H5_U64,
    KAD_H5_U8
} kad_h5_type;
enum { KAD_H5_MAX_RANK = 6 };

/* No file larger than this is written, since none is read: 2^33 bytes, or less where a
 * test has set it (0: back to 2^33). */
size_t kad_h5_max_bytes(void);
void kad_h5_set_max_bytes(size_t n_bytes);

/* An empty file in memory; a file on disk read into memory (at most max_bytes, 0: any that
 * can be written, and no more than its own header accounts for and memory is there for).
 * `digest`: the file must carry the checkpoint user block (magic, length, SHA-256),
 * verified before HDF5 sees it. Results carry a digest behind their last byte, verified
 * where present; a file without any is first read by a child process, since damage can
 * make HDF5 crash or hang. Texts that are read are printable (kad_make_printable, with
 * lines). Only hard links are followed, and an object has one name. Errors: KAD_ENOINPUT
 * (absent), KAD_EDATA (damaged: says how), KAD_EIO, KAD_ENOMEM, also for want of memory
 * within HDF5. */
KAD_MUST_USE kad_status kad_h5_create(kad_ctx *ctx, kad_h5 **out);
KAD_MUST_USE kad_status kad_h5_open(kad_ctx *ctx, const char *path, bool digest,
                                    size_t max_bytes, kad_h5 **out);
/* The two halves of it: the bytes of the file, from kad_alloc, and the file in memory, where
 * `path` is what it is called. */
KAD_MUST_USE kad_status kad_h5_load(kad_ctx *ctx, const char *path, bool digest,
                                    size_t max_bytes, char **data, size_t *n_bytes);
KAD_MUST_USE kad_status kad_h5_open_bytes(kad_ctx *ctx, const char *path, bool digest,
                                          const char *data, size_t n_bytes, kad_h5 **out);
void kad_h5_close(kad_h5 *file);
/* Of the file that was opened, all of which is in memory; 0 for a new one. */
size_t kad_h5_bytes(const kad_h5 *file);
KAD_LOCAL_OF(kad_h5, kad_h5_close)
/* Is it an HDF5 file, by its first bytes? Errors: KAD_EDATA, KAD_ENOINPUT, KAD_EIO. */
KAD_MUST_USE kad_status kad_h5_check_kind(kad_ctx *ctx, const char *path);
/* Write to disk atomically. Errors: KAD_ECREATE, KAD_EIO (full disk...), KAD_ECONFIG
 * (more than kad_h5_max_bytes); the old file then stands. */
KAD_MUST_USE kad_status kad_h5_save(kad_ctx *ctx, kad_h5 *file, const char *path,
                                    bool digest);

/* A word of at most KAD_H5_TAG letters that stands behind a file without a demanded digest,
 * covered by its own, from the next save on; "": none. It is read without the file: "" also
 * where there is no such file, or none that was written here whole. */
enum { KAD_H5_TAG = 8 };
void kad_h5_set_tag(kad_h5 *file, const char *tag);
void kad_h5_tag(kad_ctx *ctx, const char *path, char tag[KAD_H5_TAG + 1]);

/* The first half of it: complete on the disk as PATH.tmp. kad_file_commit(ctx, path) is
 * the second. */
KAD_MUST_USE kad_status kad_h5_save_temporary(kad_ctx *ctx, kad_h5 *file,
                                              const char *path, bool digest);
/* Is a file with a digest whole? Errors: KAD_ENOINPUT, KAD_EDATA, KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_h5_check_digest(kad_ctx *ctx, const char *path);

KAD_MUST_USE kad_status kad_h5_group(kad_ctx *ctx, kad_h5 *file, const char *path);
bool kad_h5_exists(const kad_h5 *file, const char *path);
/* Delete an object and all below it; absent is fine. */
KAD_MUST_USE kad_status kad_h5_remove(kad_ctx *ctx, kad_h5 *file, const char *path);
/* Give an object another path, whose upper groups are made; nothing may be there. */
KAD_MUST_USE kad_status kad_h5_move(kad_ctx *ctx, kad_h5 *file, const char *from,
                                    const char *to);
/* Names of the members of a group that are hard links, sorted. */
KAD_MUST_USE kad_status kad_h5_list(kad_scope *in, kad_h5 *file, const char *path,
                                    size_t *n, char ***names);
/* Number of values in all datasets below a group. */
KAD_MUST_USE kad_status kad_h5_count(kad_ctx *ctx, kad_h5 *file, const char *path,
                                     size_t *n);

/* Dataset of row-major data; overwrites. rank 0 is a scalar. */
KAD_MUST_USE kad_status kad_h5_write(kad_ctx *ctx, kad_h5 *file, const char *path,
                                     kad_h5_type type, int rank, const size_t *dims,
                                     const void *data);
/* Read with the shape required exactly (type converted on reading among reals, among
 * integers). */
KAD_MUST_USE kad_status kad_h5_read(kad_ctx *ctx, kad_h5 *file, const char *path,
                                    kad_h5_type type, int rank, const size_t *dims,
                                    void *data);
/* The same for numbers of either kind, integers as reals. */
KAD_MUST_USE kad_status kad_h5_read_numbers(kad_ctx *ctx, kad_h5 *file, const char *path,
                                            int rank, const size_t *dims, double *data);
/* Shape as claimed by the file, for readers that must adapt (rank <= KAD_H5_MAX_RANK);
 * the product is checked against overflow and against the bytes the file can hold. */
KAD_MUST_USE kad_status kad_h5_shape(kad_ctx *ctx, kad_h5 *file, const char *path,
                                     int *rank, size_t dims[KAD_H5_MAX_RANK]);
/* Variable-length UTF-8 strings, rank 1 (n strings) and attributes. */
KAD_MUST_USE kad_status kad_h5_write_strings(kad_ctx *ctx, kad_h5 *file, const char *path,
                                             size_t n, const char *const *text);
/* A scalar, which reads as one string. */
KAD_MUST_USE kad_status kad_h5_write_string(kad_ctx *ctx, kad_h5 *file, const char *path,
                                            const char *text);
KAD_MUST_USE kad_status kad_h5_read_strings(kad_scope *in, kad_h5 *file, const char *path,
                                            size_t n, char **text);

/* Attributes of a group or dataset ("/" is the root); overwrite. Reading an absent one:
 * KAD_EDATA. */
KAD_MUST_USE kad_status kad_h5_attr_set_string(kad_ctx *, kad_h5 *, const char *path,
                                               const char *name, const char *value);
KAD_MUST_USE kad_status kad_h5_attr_set_real(kad_ctx *, kad_h5 *, const char *path,
                                             const char *name, double value);
KAD_MUST_USE kad_status kad_h5_attr_set_int(kad_ctx *, kad_h5 *, const char *path,
                                            const char *name, int64_t value);
KAD_MUST_USE kad_status kad_h5_attr_string(kad_scope *in, kad_h5 *, const char *path,
                                           const char *name, char **value);
/* The same, "" where there is none. */
KAD_MUST_USE kad_status kad_h5_attr_text(kad_scope *in, kad_h5 *, const char *path,
                                         const char *name, char **value);
KAD_MUST_USE kad_status kad_h5_attr_real(kad_ctx *, kad_h5 *, const char *path,
                                         const char *name, double *value);
KAD_MUST_USE kad_status kad_h5_attr_int(kad_ctx *, kad_h5 *, const char *path,
                                        const char *name, int64_t *value);
bool kad_h5_attr_exists(const kad_h5 *file, const char *path, const char *name);

/* Convenience: units, long_name and estimator attributes of a dataset (NULL: left out).
 */
KAD_MUST_USE kad_status kad_h5_describe(kad_ctx *, kad_h5 *, const char *path,
                                        const char *units, const char *long_name,
                                        const char *estimator);
/* Attach dataset `scale` (made a dimension scale) to an axis of `path`, and label the
 * axis. scale may be NULL: label only. */
KAD_MUST_USE kad_status kad_h5_axis(kad_ctx *, kad_h5 *, const char *path, int axis,
                                    const char *label, const char *scale);
/* An axis's label as recorded so far, NULL without one; valid until the next label. */
KAD_MUST_USE kad_status kad_h5_axis_label(kad_ctx *, kad_h5 *, const char *path, int axis,
                                          const char **label);
/* Label all axes: as many words, separated by single spaces ("chain draw"). A results file
 * has a scale on every axis: where none was attached, the dataset of the group that has
 * the label as its name and the axis as its length; else a dimension without coordinates
 * of the label's name (LABEL_nLENGTH where that is taken, LABEL_2 for the second axis of a
 * matrix; n and the length without a label). Those are on disk only: they do not exist for the functions here. */
KAD_MUST_USE kad_status kad_h5_axes(kad_ctx *, kad_h5 *, const char *path,
                                    const char *labels);

/* Has any question about any file gone unanswered for want of memory? What followed from a
 * "no" (an absent group, say) is not to be believed then. */
bool kad_h5_was_starved(void);

#endif
