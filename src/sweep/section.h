/* The section `sweep` of a config file as it is written, before points are made of it. */
#ifndef KAD_SWEEP_SECTION_H
#define KAD_SWEEP_SECTION_H

#include "sweep/sweep.h"

/* The values of a key, as YAML texts. */
typedef struct kad_axis {
    const char *key;
    int n;
    const char **value;
    bool scaled; /* value = centre + offset / L, with the point's own L */
    double centre, *offset;
} kad_axis;

/* key = value, several together. */
typedef struct kad_setting {
    int n;
    const char **key, **value;
} kad_setting;

typedef struct kad_sweep_rule {
    kad_setting where, set;
} kad_sweep_rule;

typedef struct kad_section {
    int n_grid, n_zip, n_extra, n_rules;
    kad_axis *grid, *zip;
    kad_setting *extra;
    kad_sweep_rule *rules;
    int n_plain;
    const char **plain; /* overrides: "sweep.map=point" */
} kad_section;

enum {
    KAD_SWEEP_MAX_POINTS = 100000,
    KAD_SWEEP_MAX_VALUES = 10000, /* of a key */
    KAD_SWEEP_MAX_KEYS = 32
};

/* Split a config text: its section `sweep`, and the text with that blanked out. Taken
 * in the scope. Errors: KAD_ECONFIG with name:line, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_section_read(kad_scope *scope, const char *text,
                                         const char *name, kad_section *section,
                                         const char **base);

/* A number as it stands in folders and tables: at most 12 digits, so that 2 + 3 * 0.1 is
 * 2.3. */
KAD_MUST_USE kad_status kad_take_number(kad_scope *scope, double value, const char **out);

#endif
