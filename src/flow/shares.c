#include "flow/shares.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/share.h"
#include "flow/parts.h"
#include "flow/shares_kern.h"

#include <string.h>

/* Rows behind the tile: row n_rows + k ends in row home[k]; share p has those from
 * first[p] to first[p + 1]. One share: the stage itself, of which nothing is here. */
typedef struct shared_stage {
    int n_parts, n_shares;
    kad_stage *share;
    int *first, *home;
} shared_stage;

struct kad_shares {
    const kad_flow *flow;
    int n_shares, n_away;
    size_t n_theta; /* the most of a stage in shares */
    shared_stage *stage;
};

/* away[row]: where share p adds the cotangent of a source row that `seen` holds already. */
static void find_away(const kad_parts *parts, int first, int n, int n_rows, int p,
                      unsigned char *seen, int *away, shared_stage *out)
{
    enum { NEW = 1, HERE = 2 };
    const int size = parts->n_src + parts->n_tgt;
    for (int i = first; i < first + n; i++)
        for (int k = 0; k < parts->n_src; k++)
            seen[parts->rows[i * size + k]] |= HERE;
    out->first[p + 1] = out->first[p];
    for (int row = 0; row < n_rows; row++) {
        away[row] = row;
        if (seen[row] == (NEW | HERE)) {
            away[row] = n_rows + out->first[p + 1];
            out->home[out->first[p + 1]++] = row;
        }
        if (seen[row]) seen[row] = NEW;
    }
}

static kad_status share_out(kad_ctx *ctx, const kad_stage *stage, const kad_parts *parts,
                            int n, shared_stage *out)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_rows = (size_t)stage->n_rows;
    unsigned char *seen;
    int *away;
    KAD_CALL(kad_take(&scope, n_rows, &seen));
    KAD_CALL(kad_take(&scope, n_rows, &away));
    KAD_CALL(kad_new(ctx, (size_t)n, sizeof *out->share, &out->share));
    KAD_CALL(kad_new(ctx, (size_t)n + 1, sizeof *out->first, &out->first));
    KAD_CALL(kad_new(ctx, (size_t)n * n_rows, sizeof *out->home, &out->home));
    for (int p = 0; p < n; p++) {
        const int first = parts->n_parts * p / n, end = parts->n_parts * (p + 1) / n;
        find_away(parts, first, end - first, stage->n_rows, p, seen, away, out);
        KAD_CALL(stage->ops->share(ctx, stage, first, end - first, away, &out->share[p]));
        out->n_shares = p + 1;
    }
    return KAD_OK;
}

static kad_status share_stage(kad_ctx *ctx, const kad_stage *stage, int most, int least,
                              shared_stage *out)
{
    kad_parts parts = {0};
    kad_status status = KAD_OK;
    out->n_shares = 1;
    if (stage->ops->parts) status = stage->ops->parts(ctx, stage, &parts);
    out->n_parts = parts.n_parts;
    const int n = parts.n_parts / least < most ? parts.n_parts / least : most;
    if (status == KAD_OK && n > 1 && stage->ops->share)
        status = share_out(ctx, stage, &parts, n, out);
    kad_parts_clear(&parts);
    return status;
}

kad_status kad_shares_create(kad_ctx *ctx, const kad_flow *flow, int most, int least,
                             kad_shares **out)
{
    KAD_LOCAL(kad_shares, shares);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *shares, &shares));
    shares->flow = flow;
    shares->n_shares = 1;
    KAD_CALL(kad_new(ctx, (size_t)flow->n_stages, sizeof *shares->stage, &shares->stage));
    for (int i = 0; i < flow->n_stages; i++) {
        shared_stage *s = &shares->stage[i];
        KAD_CALL(share_stage(ctx, &flow->stages[i], most, least, s));
        if (s->n_shares == 1) continue;
        if (s->n_shares > shares->n_shares) shares->n_shares = s->n_shares;
        if (s->first[s->n_shares] > shares->n_away)
            shares->n_away = s->first[s->n_shares];
        if (flow->stages[i].n_theta > shares->n_theta)
            shares->n_theta = flow->stages[i].n_theta;
    }
    *out = shares;
    shares = NULL;
    return KAD_OK;
}

void kad_shares_destroy(kad_shares *shares)
{
    if (!shares) return;
    for (int i = 0; shares->stage && i < shares->flow->n_stages; i++) {
        shared_stage *s = &shares->stage[i];
        for (int p = 0; s->share && p < s->n_shares; p++)
            kad_stage_clear(&s->share[p]);
        kad_free(s->share);
        kad_free(s->first);
        kad_free(s->home);
    }
    kad_free(shares->stage);
    kad_free(shares);
}

int kad_shares_most(const kad_shares *shares)
{
    return shares->n_shares;
}

double kad_shares_busiest(const kad_shares *shares, int n_threads)
{
    double busiest = 0, all = 0;
    for (int i = 0; i < shares->flow->n_stages; i++) {
        const shared_stage *s = &shares->stage[i];
        const int own = (s->n_shares + n_threads - 1) / n_threads;
        busiest += (double)s->n_parts * own / s->n_shares;
        all += s->n_parts;
    }
    return all > 0 ? busiest / all : 1;
}

int kad_shares_rows(const kad_shares *shares)
{
    return shares->flow->n_rows + shares->n_away;
}

/* --- application --------------------------------------------------------------------- */

static size_t real_bytes(kad_prec prec)
{
    return prec == KAD_SINGLE ? sizeof(float) : sizeof(double);
}

/* Of one share: its log-determinants, then its gradients. */
static size_t sums_bytes(const kad_shares *shares, kad_prec prec)
{
    return kad_cut_bytes(1, KAD_W_MAX * sizeof(double)) +
           kad_cut_bytes(shares->n_theta, real_bytes(prec));
}

size_t kad_shares_sums_bytes(const kad_shares *shares, kad_prec prec)
{
    return (size_t)shares->n_shares * sums_bytes(shares, prec);
}

/* Arguments of an operation, on the whole of a stage. */
typedef struct call {
    const kad_shares *shares;
    const kad_hands *hands;
    kad_operation operation;
    kad_prec prec;
    const void *packed;
    void *x, *g;
    double gl;
    void *dtheta;
    double *ld;
    const kad_stage *stage; /* at work, and its shares */
    const shared_stage *into;
} call;

static void run(const call *a, const kad_stage *stage, void *dtheta, double *ld,
                void *scratch)
{
    const kad_bijector_kern *kern = stage->ops->kern[a->prec];
    const void *packed = (const char *)a->packed + a->stage->packed[a->prec];
    switch (a->operation) {
    case KAD_GENERATE:
        kern->generate(stage, packed, a->x, ld, scratch);
        break;
    case KAD_INFER:
        kern->infer(stage, packed, a->x, ld, scratch);
        break;
    case KAD_GENERATE_ADJOINT:
        kern->generate_adjoint(stage, packed, a->x, a->g, a->gl, dtheta, ld, scratch);
        break;
    default:
        kern->infer_adjoint(stage, packed, a->x, a->g, a->gl, dtheta, ld, scratch);
    }
}

static char *row_of(void *tile, int row)
{
    return (char *)tile + (size_t)row * KAD_ROW_BYTES;
}

static double *ld_of(const call *a, int p)
{
    return (double *)((char *)a->hands->sums +
                      (size_t)p * sums_bytes(a->shares, a->prec));
}

static void *dtheta_of(const call *a, int p)
{
    return ld_of(a, p) + KAD_W_MAX;
}

/* The stage's part of the flow's gradient. */
static void *slice(const call *a)
{
    return (char *)a->dtheta + a->stage->theta * real_bytes(a->prec);
}

static bool do_share(void *self, size_t i, int thread)
{
    const call *a = self;
    const shared_stage *s = a->into;
    const int p = (int)i, n_away = s->first[p + 1] - s->first[p];
    double *ld = a->ld ? ld_of(a, p) : NULL;
    void *dtheta = a->dtheta ? dtheta_of(a, p) : NULL;
    if (ld) memset(ld, 0, KAD_W_MAX * sizeof *ld);
    if (dtheta) memset(dtheta, 0, a->stage->n_theta * real_bytes(a->prec));
    if (a->g)
        memset(row_of(a->g, a->stage->n_rows + s->first[p]), 0,
               (size_t)n_away * KAD_ROW_BYTES);
    run(a, &s->share[p], dtheta, ld, a->hands->scratch[thread]);
    return true;
}

/* In the order of the shares. */
static void add_shares(const call *a)
{
    const shared_stage *s = a->into;
    const bool single = a->prec == KAD_SINGLE;
    if (a->g)
        (single ? kad_shares_home_f32 : kad_shares_home_f64)(
            s->first[s->n_shares], s->home, row_of(a->g, a->stage->n_rows), a->g);
    for (int p = 0; p < s->n_shares; p++) {
        if (a->ld) kad_shares_add_f64((size_t)kad_lanes(a->prec), ld_of(a, p), a->ld);
        if (a->dtheta)
            (single ? kad_shares_add_f32 : kad_shares_add_f64)(a->stage->n_theta,
                                                               dtheta_of(a, p), slice(a));
    }
}

static void do_stage(call *a, int i)
{
    a->stage = &a->shares->flow->stages[i];
    a->into = &a->shares->stage[i];
    if (a->into->n_shares == 1) {
        run(a, a->stage, a->dtheta ? slice(a) : NULL, a->ld,
            a->hands->scratch[a->hands->thread]);
        return;
    }
    kad_share(a->hands->board, a->hands->thread, a->into->n_shares, do_share, a);
    add_shares(a);
}

void kad_shares_apply(const kad_shares *shares, const kad_hands *hands,
                      kad_operation operation, kad_prec prec, const void *packed, void *x,
                      void *g, double gl, void *dtheta, double *ld)
{
    const bool up = operation == KAD_GENERATE || operation == KAD_INFER_ADJOINT;
    const int n = shares->flow->n_stages;
    call a = {.shares = shares,
              .hands = hands,
              .operation = operation,
              .prec = prec,
              .packed = packed,
              .x = x,
              .g = g,
              .gl = gl,
              .dtheta = dtheta,
              .ld = ld};
    if (operation == KAD_GENERATE) kad_flow_prior_wrap(shares->flow, prec, x);
    for (int i = 0; i < n; i++)
        do_stage(&a, up ? i : n - 1 - i);
}
