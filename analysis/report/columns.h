/* Figures that are columns of a group of run.h5 as a table: rows of what is read, all
 * written by kad_tabled_draw. */
#ifndef KAD_REPORT_COLUMNS_H
#define KAD_REPORT_COLUMNS_H

#include "analysis/text.h"
#include "io/h5.h"

#include <stdbool.h>

enum { KAD_COLUMNS = 8 };

typedef struct kad_column {
    const char *head; /* HTML; NULL: no more columns */
    const char *name; /* of the data set; NULL: 0, 1, 2, ... */
    const char *err;  /* of its error; NULL: none */
    int digits;       /* of a number without an error; 0: three */
    bool text;        /* words, not numbers: not the only column */
} kad_column;

/* A figure that only tabulates; group NULL: none. */
typedef struct kad_tabled {
    const char *group;
    kad_column column[KAD_COLUMNS];
} kad_tabled;

/* As many rows as the first data set has entries; nothing where it is not there. A data set
 * of another length is a column left out. Errors: KAD_EDATA, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_tabled_draw(kad_ctx *ctx, kad_h5 *file,
                                        const kad_tabled *tabled, kad_text *out);

#endif
