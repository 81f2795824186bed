/* Reading of a results file for the report: what is absent is not an error, it gives an
 * empty series, so that a report can be made of any stage of a run. What is there but
 * damaged is. */
#ifndef KAD_ANALYSIS_RESULTS_H
#define KAD_ANALYSIS_RESULTS_H

#include "io/h5.h"

/* A dataset of doubles of any rank, flattened. */
typedef struct kad_values {
    size_t n; /* 0: absent */
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    double *data; /* [n] */
} kad_values;

KAD_MUST_USE kad_status kad_values_read(kad_scope *in, kad_h5 *file, const char *path,
                                        kad_values *out);
/* The same of PARENT/NAME. */
KAD_MUST_USE kad_status kad_values_read_in(kad_scope *in, kad_h5 *file,
                                           const char *parent, const char *name,
                                           kad_values *out);
/* Names in a group in the order people read them: those of ln Z first, then each sampler
 * of /samplers with what is made of it (NAME, NAME_reweighted, NAME_reshuffled) in the
 * config's order (attribute `entry`), then the rest by name. n = 0 when the group is
 * absent. */
KAD_MUST_USE kad_status kad_members(kad_scope *in, kad_h5 *file, const char *group,
                                    size_t *n, char ***names);

/* Is a name of /analysis, or of a sweep's results, that of a sampler's own table: not of ln Z, of
 * images, or of what is made of the sampler's draws besides? */
bool kad_is_sampler_table(const char *name);

/* x[i]; NaN past its end. */
double kad_values_at(const kad_values *x, size_t i);
/* The n texts of PARENT/NAME; *out NULL where it is absent. */
KAD_MUST_USE kad_status kad_texts_read_in(kad_scope *in, kad_h5 *file, const char *parent,
                                          const char *name, size_t n, char ***out);

/* Attributes with a default: NaN, -1, and NULL. */
double kad_attr_real(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name);
int64_t kad_attr_int(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name);
char *kad_attr_string(kad_scope *in, kad_h5 *file, const char *path, const char *name);

#endif
