/* Tables of the report: cells are collected row by row, then written as HTML and, with all
 * digits, to the figure's numbers. A column in which nothing stands is left out. */
#ifndef KAD_REPORT_GRID_H
#define KAD_REPORT_GRID_H

#include "analysis/text.h"

enum { KAD_GRID_COLUMNS = 72 };

typedef enum kad_grid_kind {
    KAD_GRID_NAME,    /* text; as the row's head when it is the first column */
    KAD_GRID_REAL,    /* a number */
    KAD_GRID_ESTIMATE /* a number with an error: two columns of the CSV */
} kad_grid_kind;

typedef struct kad_grid_cell kad_grid_cell;

/* Start from {0}; end with kad_grid_render, which empties it again. */
typedef struct kad_grid {
    size_t n_columns, n_cells, capacity;
    bool wide; /* many columns: the first stays in place when the table is scrolled */
    bool failed;
    char head[KAD_GRID_COLUMNS][64]; /* HTML */
    kad_grid_kind kind[KAD_GRID_COLUMNS];
    kad_grid_cell *cell; /* row by row */
    kad_text pool;
} kad_grid;

/* Columns, before the first cell. head: HTML. Those beyond KAD_GRID_COLUMNS fail. */
void kad_grid_column(kad_grid *grid, const char *head, kad_grid_kind kind);
/* The same headed by a name from a file, which is escaped. */
void kad_grid_named(kad_grid *grid, const char *name, kad_grid_kind kind);
/* The next cell. NULL text is an empty cell. */
void kad_grid_text(kad_grid *grid, const char *text);
/* A text that leads to a file beside the page. */
void kad_grid_link(kad_grid *grid, const char *text, const char *path);
/* A number with so many decimals (from 1e4 on with three digits), or rounded to so many
 * digits; empty when it is not finite. */
void kad_grid_fixed(kad_grid *grid, int decimals, double value);
void kad_grid_real(kad_grid *grid, int digits, double value);
/* A probability, in two digits; "< 1e-99" instead of 0. */
void kad_grid_p(kad_grid *grid, double p);
/* "0.82(2)"; "0.82 (?)" where an error belongs and is not stated (expected), "0.82" where
 * it does not. */
void kad_grid_estimate(kad_grid *grid, double value, double err, bool expected);
/* The same number with other words for the reader: "never", "> 12". */
void kad_grid_words(kad_grid *grid, double value, double err, const char *words);
/* Colour the last cell as one to worry about. */
void kad_grid_mark(kad_grid *grid);
/* Nothing without a cell that holds something. */
void kad_grid_render(kad_grid *grid, kad_text *out);

#endif
