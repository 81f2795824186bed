/* Reading couplings from files. Nothing in the file is trusted: sizes come from the
 * lattice, every number is a whole token, finite and in range. */
#include "models/couplings.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/h5.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double MAX_COUPLING = 1e6, MAX_PHASE = 1e3;

typedef struct reader {
    kad_ctx *ctx;
    const char *path;
    int line, N;
    double *J, *A;
    uint8_t *seen; /* [N][N] */
} reader;

static kad_status fail(const reader *r, const char *what, const char *token)
{
    return kad_fail(r->ctx, KAD_EDATA, "%s:%d: %s, got \"%.40s\"", r->path, r->line, what,
                    token);
}

static kad_status read_site(const reader *r, const char *token, int64_t *site)
{
    if (!kad_parse_int(token, site) || *site < 0 || *site >= r->N) {
        char what[64];
        snprintf(what, sizeof what, "expected a site from 0 to %d", r->N - 1);
        return fail(r, what, token);
    }
    return KAD_OK;
}

static kad_status read_line(reader *r, char *line)
{
    const int most = r->A ? 4 : 3;
    char *token[5] = {NULL}, *rest = NULL;
    int n = 0;
    int64_t i = 0, j = 0;
    double value = 0, phase = 0;
    line[strcspn(line, "#\r\n")] = 0;
    for (char *s = line; n < most + 1; s = NULL, n++)
        if (!(token[n] = strtok_r(s, " \t", &rest))) break;
    if (n == 0) return KAD_OK;
    if (n < 3 || n > most)
        return fail(
            r,
            r->A ? "expected \"site site coupling\" or \"site site coupling phase\""
                 : "expected \"site site coupling\"",
            token[n > most ? most : 0]);
    KAD_CALL(read_site(r, token[0], &i));
    KAD_CALL(read_site(r, token[1], &j));
    if (i == j) return fail(r, "expected two different sites", token[1]);
    if (!kad_parse_real(token[2], &value) || fabs(value) > MAX_COUPLING)
        return fail(r, "expected a coupling between -1e6 and 1e6", token[2]);
    if (n == 4 && (!kad_parse_real(token[3], &phase) || fabs(phase) > MAX_PHASE))
        return fail(r, "expected a phase between -1000 and 1000", token[3]);
    const size_t ij = (size_t)(i * r->N + j), ji = (size_t)(j * r->N + i);
    if (r->seen[ij]) return fail(r, "a pair of sites appears twice", token[1]);
    r->seen[ij] = r->seen[ji] = 1;
    r->J[ij] = r->J[ji] = value;
    if (r->A) {
        r->A[ij] = phase;
        r->A[ji] = -phase;
    }
    return KAD_OK;
}

/* Lines of `text`, which is cut up. */
static kad_status read_text(kad_ctx *ctx, const char *path, char *text, size_t n_bytes,
                            int N, double *J, double *A)
{
    KAD_SCOPE(scope, ctx);
    reader r = {.ctx = ctx, .path = path, .N = N, .J = J, .A = A};
    const size_t n = (size_t)N;
    KAD_CALL(kad_take(&scope, n * n, &r.seen));
    for (char *line = text, *end = text + n_bytes; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline) *newline = 0;
        r.line++;
        KAD_CALL(read_line(&r, line));
        line = newline ? newline + 1 : end;
    }
    return KAD_OK;
}

/* /phases, where it is there. */
static kad_status read_phases(kad_ctx *ctx, kad_h5 *file, const char *path, int N,
                              double *A)
{
    const size_t n = (size_t)N, dims[2] = {n, n};
    if (!kad_h5_exists(file, "/phases")) return KAD_OK;
    KAD_CALL(kad_h5_read(ctx, file, "/phases", KAD_H5_F64, 2, dims, A));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            if (!(fabs(A[i * n + j]) <= MAX_PHASE) || A[i * n + j] != -A[j * n + i])
                KAD_CALL(
                    kad_fail(ctx, KAD_EDATA,
                             "%s: /phases[%zu,%zu]: expected an antisymmetric finite "
                             "matrix, got %g and %g",
                             path, i, j, A[i * n + j], A[j * n + i]));
    return KAD_OK;
}

static kad_status read_h5(kad_ctx *ctx, const char *path, int N, double *J, double *A)
{
    KAD_LOCAL(kad_h5, file);
    const size_t n = (size_t)N, dims[2] = {n, n};
    KAD_CALL(kad_h5_open(ctx, path, false, 0, &file));
    KAD_CALL(kad_h5_read(ctx, file, "/couplings", KAD_H5_F64, 2, dims, J));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double a = J[i * n + j], b = J[j * n + i];
            if (!(fabs(a) <= MAX_COUPLING) || a != b || (i == j && a != 0))
                KAD_CALL(kad_fail(ctx, KAD_EDATA,
                                  "%s: /couplings[%zu,%zu]: expected a symmetric finite "
                                  "matrix with zero diagonal, got %g and %g",
                                  path, i, j, a, b));
        }
    return A ? read_phases(ctx, file, path, N, A) : KAD_OK;
}

static kad_status require_coupling(kad_ctx *ctx, const char *path, int N, const double *J)
{
    for (size_t i = 0; i < (size_t)N * (size_t)N; i++)
        if (J[i] != 0) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA,
                    "action.couplings: %s: no coupling in it differs from 0", path);
}

kad_status kad_couplings_check(kad_ctx *ctx, int n_sites)
{
    if (n_sites <= KAD_COUPLINGS_MAX_SITES) return KAD_OK;
    return kad_fail(
        ctx, KAD_ECONFIG,
        "action.couplings: couplings from a file are limited to %d sites, got "
        "%d",
        KAD_COUPLINGS_MAX_SITES, n_sites);
}

kad_status kad_couplings_read(kad_ctx *ctx, const char *path, int N, double *J, double *A,
                              char digest[KAD_DIGEST_CHARS])
{
    enum { MAX_BYTES = 1 << 26 };
    const size_t length = strlen(path);
    KAD_LOCAL(char, data);
    size_t n_bytes;
    memset(J, 0, (size_t)N * (size_t)N * sizeof *J);
    if (A) memset(A, 0, (size_t)N * (size_t)N * sizeof *A);
    const kad_status status = kad_file_read(ctx, path, MAX_BYTES, &data, &n_bytes);
    if (status != KAD_OK)
        return kad_fail(ctx, status, "action.couplings: %s", ctx->message);
    kad_digest(data, n_bytes, digest);
    const bool binary = length > 3 && !strcmp(path + length - 3, ".h5");
    if (!binary && memchr(data, 0, n_bytes))
        return kad_fail(ctx, KAD_EDATA, "action.couplings: %s: contains a zero byte",
                        path);
    if (binary)
        KAD_CALL(read_h5(ctx, path, N, J, A));
    else
        KAD_CALL(read_text(ctx, path, data, n_bytes, N, J, A));
    return require_coupling(ctx, path, N, J);
}
