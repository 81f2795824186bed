/* Arrays too large for memory in one file, written piece by piece and read by mapping it.
 * The file is HDF5 (h5dump, h5py read it) whose data sets are contiguous; a user block
 * before it says where they lie, so that reading needs no HDF5. A file appears when it is
 * complete, by its last rename; what it holds is checked when it is opened.
 *
 * Arrays begin at multiples of 64 bytes. User block, MAPPED_BLOCK bytes, little-endian: magic[16], key[64], bytes of the file,
 * sum (a 64-bit hash of all arrays), sum of the block before it, number of arrays; for each
 * offset, bytes, rank, dims[4]. */
#ifndef KAD_IO_MAPPED_H
#define KAD_IO_MAPPED_H

#include "io/h5.h"

enum { KAD_MAPPED_ARRAYS = 12, KAD_MAPPED_RANK = 4, KAD_MAPPED_KEY_CHARS = 65 };

/* What a file holds. */
typedef struct kad_mapped_array {
    const char *path; /* "/train/pixels" */
    kad_h5_type type;
    int rank;
    size_t dims[KAD_MAPPED_RANK];
    const char *units, *long_name;
} kad_mapped_array;

typedef struct kad_mapped_writer kad_mapped_writer;

/* Removes files PATH.tmp.PID that were begun and never finished: all of them in a folder that only
 * this process writes to (`own`), else those that are a day old and not locked. */
void kad_mapped_clear(const char *path, bool own);
/* Begin PATH, as PATH.tmp.PID. Arrays of no elements are fine. Errors: KAD_ECREATE,
 * KAD_EIO, KAD_ECONFIG (no room on the disk), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mapped_begin(kad_ctx *ctx, const char *path, size_t n,
                                         const kad_mapped_array *arrays,
                                         kad_mapped_writer **out);
/* n_bytes of array i from byte `at` on, in any order, each byte once. KAD_EIO. */
KAD_MUST_USE kad_status kad_mapped_write(kad_ctx *ctx, kad_mapped_writer *w, size_t i,
                                         size_t at, size_t n_bytes, const void *data);
/* SHA-256 of all that array i now holds. */
KAD_MUST_USE kad_status kad_mapped_digest(kad_ctx *ctx, kad_mapped_writer *w, size_t i,
                                          char digest[KAD_MAPPED_KEY_CHARS]);
/* Complete on the disk, under its name; `key`: 64 characters by which it is known. */
KAD_MUST_USE kad_status kad_mapped_finish(kad_ctx *ctx, kad_mapped_writer *w,
                                          const char *key);
/* Gives up what was not finished. */
void kad_mapped_writer_destroy(kad_mapped_writer *w);
KAD_LOCAL_OF(kad_mapped_writer, kad_mapped_writer_destroy)

typedef struct kad_mapped kad_mapped;

/* *out = NULL and KAD_OK: there is none, or one of another key. KAD_EDATA: it is of this
 * key but damaged. Otherwise KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mapped_open(kad_ctx *ctx, const char *path, const char *key,
                                        kad_mapped **out);
void kad_mapped_close(kad_mapped *file);
KAD_LOCAL_OF(kad_mapped, kad_mapped_close)
/* Array i, read-only, in the file's order; its rank and dims. */
const void *kad_mapped_data(const kad_mapped *file, size_t i, int *rank,
                            size_t dims[KAD_MAPPED_RANK]);
/* Pages that were read leave this process's memory until they are read again; from time to
 * time, or they add up to the whole file. */
void kad_mapped_rest(const kad_mapped *file);

#endif
