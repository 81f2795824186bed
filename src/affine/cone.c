#include "affine/affine.h"

static bool any(const int *at, const int *rows, int n, const bool *mark)
{
    for (int r = 0; r < n; r++)
        if (at[rows[r]] >= 0 && mark[at[rows[r]]]) return true;
    return false;
}

/* Whoever is moved by what is marked is marked. A column's passes are done again and again, so
 * that with two of them their order does not matter; what is moved no other column sees. */
static void pass_on(const kad_affine_stage *s, bool *mark)
{
    for (int c = 0; c < s->n_columns; c++) {
        const int *at = s->index + c * s->n_rows;
        for (int k = 0; k < 2 * s->n_passes; k++) {
            const kad_affine_pass *p = &s->pass[k % s->n_passes];
            if (!any(at, p->seen, p->n_seen, mark)) continue;
            for (int r = 0; r < p->n_moved; r++)
                if (at[p->moved[r]] >= 0) mark[at[p->moved[r]]] = true;
        }
    }
}

void kad_affine_inference_cone(const kad_affine_map *map, bool *mark)
{
    for (int i = 0; i < map->n_stages; i++)
        pass_on(&map->stage[i], mark);
}

void kad_affine_generation_cone(const kad_affine_map *map, bool *mark)
{
    for (int i = map->n_stages - 1; i >= 0; i--)
        pass_on(&map->stage[i], mark);
}
