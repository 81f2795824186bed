/* Rows of a data set of bytes in an HDF5 file of any size, some at a time: others' files,
 * too large for io/h5.h, which reads a file as a whole. */
#ifndef KAD_IO_ROWS_H
#define KAD_IO_ROWS_H

#include "io/h5.h"

typedef struct kad_h5_rows kad_h5_rows;

/* `dataset` NULL: the only one in the file of unsigned bytes and 3 or 4 axes. rank and dims
 * as claimed; a file cannot claim more than it holds. Another process tries first, since
 * damage can make HDF5 crash or hang. Errors: KAD_ENOINPUT, KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_h5_rows_open(kad_ctx *ctx, const char *path,
                                         const char *dataset, kad_h5_rows **out,
                                         int *rank, size_t dims[KAD_H5_MAX_RANK]);
/* Is there such a data set? `unless`: not where there is something of this name. */
KAD_MUST_USE kad_status kad_h5_rows_exist(kad_ctx *ctx, const char *path,
                                          const char *dataset, const char *unless,
                                          bool *exist);
/* Rows first .. first + n - 1 along the first axis. KAD_EDATA: damaged. */
KAD_MUST_USE kad_status kad_h5_rows_read(kad_ctx *ctx, kad_h5_rows *rows, size_t first,
                                         size_t n, uint8_t *out);
void kad_h5_rows_close(kad_h5_rows *rows);
KAD_LOCAL_OF(kad_h5_rows, kad_h5_rows_close)

#endif
