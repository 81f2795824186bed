/* Tables of text as comma-separated values (RFC 4180): fields with commas, quotes or line
 * ends in quotes. */
#ifndef KAD_SWEEP_CSV_H
#define KAD_SWEEP_CSV_H

#include "base/memory.h"

#include <stdio.h>

typedef struct kad_csv {
    size_t n_rows, n_columns;
    const char **field; /* [n_rows][n_columns] */
} kad_csv;

/* Read a text; every row must have as many fields as the first. Strings and array are
 * taken in the scope. Errors: KAD_EDATA with name:line, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_csv_read(kad_scope *scope, const char *name, const char *text,
                                     kad_csv *out);

/* Write a field, quoted where it must be; NULL is empty. */
void kad_csv_field(FILE *out, const char *text);

#endif
