#include "flow/stage.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

void kad_stage_clear(kad_stage *stage)
{
    if (!stage) return;
    if (stage->ops && stage->ops->destroy && stage->self)
        stage->ops->destroy(stage->self);
    kad_free(stage->tensors);
    memset(stage, 0, sizeof *stage);
}

size_t kad_stage_add_tensor(kad_stage *stage, const char *name, int rows, int cols)
{
    const size_t n = (size_t)stage->n_tensors;
    kad_tensor *more = kad_alloc(n + 1, sizeof *more);
    if (!more || (n > 0 && !stage->tensors)) { /* an earlier failure stays a failure */
        kad_free(more);
        kad_free(stage->tensors);
        stage->tensors = NULL;
        stage->n_tensors = 1;
        return SIZE_MAX;
    }
    if (n > 0) memcpy(more, stage->tensors, n * sizeof *more);
    kad_free(stage->tensors);
    stage->tensors = more;
    kad_tensor *t = &more[n];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->rows = rows;
    t->cols = cols;
    t->offset = stage->n_theta;
    stage->n_tensors++;
    stage->n_theta += (size_t)rows * (size_t)cols;
    return t->offset;
}
