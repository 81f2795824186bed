/* Whole files: read with a size limit, written so that a reader or a crash never sees
 * half of one. */
#ifndef KAD_IO_FILE_H
#define KAD_IO_FILE_H

#include "base/context.h"

#include <stddef.h>

/* Read a regular file of at most max_bytes into *data (from kad_alloc; one zero byte
 * follows the contents). Errors: KAD_ENOINPUT (absent, unreadable, not a regular file),
 * KAD_EDATA (too large), KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_file_read(kad_ctx *ctx, const char *path, size_t max_bytes,
                                      char **data, size_t *n_bytes);

/* The same of standard input, a pipe included. */
KAD_MUST_USE kad_status kad_file_read_input(kad_ctx *ctx, size_t max_bytes, char **data,
                                            size_t *n_bytes);

/* One piece of a file to be written. */
typedef struct kad_piece {
    const void *data;
    size_t n_bytes;
} kad_piece;

/* Write the pieces to PATH.tmp and fsync it: the first half of an atomic write. On
 * failure no temporary file is left. Errors: KAD_ECREATE (cannot be created), KAD_EIO
 * (full disk, file size limit, ...), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_file_write_temporary(kad_ctx *ctx, const char *path,
                                                 size_t n_pieces,
                                                 const kad_piece *pieces);
/* Rename PATH.tmp to PATH and fsync the folder: the second half. */
KAD_MUST_USE kad_status kad_file_commit(kad_ctx *ctx, const char *path);
/* Both halves. The old file stands until the new one is complete on the disk. */
KAD_MUST_USE kad_status kad_file_write(kad_ctx *ctx, const char *path, size_t n_pieces,
                                       const kad_piece *pieces);

/* fsync of the folder a path lies in; file systems that cannot are forgiven. */
KAD_MUST_USE kad_status kad_file_sync_folder(kad_ctx *ctx, const char *path);

#endif
