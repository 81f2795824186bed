/* Whole files: read with a size limit, written so that a reader or a crash never sees
 * half of one. */
#ifndef KAD_IO_FILE_H
#define KAD_IO_FILE_H

#include "base/context.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A system call, again when a signal came in between. */
#define KAD_RETRY(result, call) \
    do {                        \
        (result) = (call);      \
    } while ((result) == -1 && errno == EINTR)

/* What an errno means: KAD_ENOMEM, KAD_EIO (the medium or the system failed: EIO, a full
 * disk, no more descriptors, ...), else `other` (the name is at fault). */
kad_status kad_errno_status(int why, kad_status other);

/* Is there anything of that name? A link that leads nowhere counts. Absent means ENOENT,
 * or ENOTDIR, below which nothing can be or be made; any other failure is an error
 * (KAD_EIO, KAD_ENOMEM) and says nothing about the file. */
KAD_MUST_USE kad_status kad_file_exists(kad_ctx *ctx, const char *path, bool *exists);
/* Is it a folder, reached through links or not? Absent: no. */
KAD_MUST_USE kad_status kad_file_is_folder(kad_ctx *ctx, const char *path, bool *folder);

/* Read a regular file of at most max_bytes into *data (from kad_alloc; one zero byte
 * follows the contents). Errors: KAD_ENOINPUT (absent, not permitted, not a regular
 * file), KAD_EDATA (too large), KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_file_read(kad_ctx *ctx, const char *path, size_t max_bytes,
                                      char **data, size_t *n_bytes);

/* The same of standard input, a pipe included. */
KAD_MUST_USE kad_status kad_file_read_input(kad_ctx *ctx, size_t max_bytes, char **data,
                                            size_t *n_bytes);

/* Close a descriptor that is one, and make it -1; for what was only read. */
void kad_file_close(int *fd);

/* The first and the last n bytes of a regular file, zeros where it is shorter, and its
 * length. Errors as kad_file_read. */
KAD_MUST_USE kad_status kad_file_ends(kad_ctx *ctx, const char *path, size_t n,
                                      void *head, void *tail, size_t *n_bytes);

/* One piece of a file to be written. */
typedef struct kad_file_piece {
    const void *data;
    size_t n_bytes;
} kad_file_piece;

/* Write the pieces to PATH.tmp, a new file whatever was there (no link is followed), and
 * fsync it: the first half of an atomic write. On failure no temporary file is left. Errors: KAD_ECREATE (cannot be created), KAD_EIO
 * (full disk, file size limit, ...), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_file_write_temporary(kad_ctx *ctx, const char *path,
                                                 size_t n_pieces,
                                                 const kad_file_piece *pieces);
/* Give it up: PATH.tmp goes. */
void kad_file_drop_temporary(const char *path);
/* Rename PATH.tmp to PATH and fsync the folder: the second half. */
KAD_MUST_USE kad_status kad_file_commit(kad_ctx *ctx, const char *path);
/* Both halves. The old file stands until the new one is complete on the disk. */
KAD_MUST_USE kad_status kad_file_write(kad_ctx *ctx, const char *path, size_t n_pieces,
                                       const kad_file_piece *pieces);

/* The same of what print(out, self) prints, where the file does not say it already. */
typedef void kad_file_printer(FILE *out, const void *self);
KAD_MUST_USE kad_status kad_file_print(kad_ctx *ctx, const char *path,
                                       kad_file_printer *print, const void *self);

/* Is there room for so many bytes where a path is or will be? KAD_ECONFIG with both numbers
 * when not; a file system that does not say is believed to have it. */
KAD_MUST_USE kad_status kad_file_require_space(kad_ctx *ctx, const char *path,
                                               double n_bytes, const char *what);

/* A folder with all those above it (mkdir -p); one that is there is fine. KAD_ECREATE,
 * KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_file_make_folder(kad_ctx *ctx, const char *path);

/* A folder of ours with all below it (rm -r, no link is followed); absent is fine. KAD_EIO,
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_file_remove_folder(kad_ctx *ctx, const char *path);

/* A lock of this process on an open file, until it closes the file. Returns as fcntl, with
 * errno. */
int kad_file_lock(int fd);
/* Does another process hold one, and which (NULL: not asked)? Where there are no locks nobody
 * does. */
bool kad_file_is_held(int fd, long *pid);

/* The folder a path lies in, open, for who lists or syncs it; -1 with errno. */
int kad_file_folder(const char *path);
/* fsync of the folder a path lies in; file systems that cannot are forgiven. */
KAD_MUST_USE kad_status kad_file_sync_folder(kad_ctx *ctx, const char *path);

#endif
