/* What a results file is written with: one group, filled with described data sets and
 * attributes. The first failure sticks, what follows it does nothing, and the end returns
 * it, so that a writer is a list of what the group holds:
 *
 *     kad_writer w = kad_write_anew(ctx, file, "/agreement");
 *     kad_write_names(&w, "sampler", "sampler", "samplers compared", n, names);
 *     kad_write(&w, "err", KAD_H5_F64, "sampler", "1", "standard errors", &n, err);
 *     kad_write_real(&w, "limit", limit);
 *     kad_write_text(&w, "err@estimator", "jackknife");
 *     return kad_write_end(&w);
 *
 * Nothing is owned, nothing is to be released. Axes are named by words; an axis takes the
 * data set of its name and length as its scale, of the data set's group or of the
 * writer's (io/h5.h: kad_h5_axes). Units of a pure number are "1". */
#ifndef KAD_IO_WRITER_H
#define KAD_IO_WRITER_H

#include "io/h5.h"

enum { KAD_WRITER_PATH = 256 };

typedef struct kad_writer {
    kad_ctx *ctx;
    kad_h5 *file;
    char group[KAD_WRITER_PATH];
    kad_status status; /* of all so far */
} kad_writer;

/* Into a group, which is made where there is none; the group made anew. */
kad_writer kad_write_into(kad_ctx *ctx, kad_h5 *file, const char *group);
kad_writer kad_write_anew(kad_ctx *ctx, kad_h5 *file, const char *group);
KAD_MUST_USE kad_status kad_write_end(const kad_writer *w);
/* Is NAME there? */
bool kad_write_has(kad_writer *w, const char *name);
/* Memory to put values together in, by kad_free; NULL after a failure, its own among them.
 */
void *kad_write_scratch(kad_writer *w, size_t n, size_t size);

/* A data set NAME, or SUBGROUP/NAME, of as many axes as there are words in `axes` ("chain
 * draw"; "": a scalar, dims NULL). */
void kad_write(kad_writer *w, const char *name, kad_h5_type type, const char *axes,
               const char *units, const char *long_name, const size_t *dims,
               const void *data);
/* A list of words; the axis's own name where name and axis are the same. */
void kad_write_names(kad_writer *w, const char *name, const char *axis,
                     const char *long_name, size_t n, const char *const *names);

/* One text, a scalar. */
void kad_write_word(kad_writer *w, const char *name, const char *long_name,
                    const char *text);

/* An attribute of the group, "NAME", or of one of its data sets, "DATASET@NAME". */
void kad_write_int(kad_writer *w, const char *name, int64_t value);
void kad_write_real(kad_writer *w, const char *name, double value);
void kad_write_text(kad_writer *w, const char *name, const char *value);

/* A member of a struct as a column: reals as doubles, the others as integers of 64 bit. */
typedef enum kad_cell {
    KAD_CELL_REAL, /* double */
    KAD_CELL_INT,  /* int, or an enum */
    KAD_CELL_I64,  /* int64_t */
    KAD_CELL_SIZE, /* size_t */
    KAD_CELL_BOOL  /* bool: 0 or 1 */
} kad_cell;

typedef struct kad_write_column {
    const char *name;
    kad_cell cell;
    size_t offset; /* of it in a row, by offsetof */
    const char *units, *long_name;
} kad_write_column;

/* One data set a column along `axis`, of rows that lie row_bytes apart. */
void kad_write_columns(kad_writer *w, const char *axis, size_t n_columns,
                       const kad_write_column *columns, size_t n_rows, const void *rows,
                       size_t row_bytes);

#endif
