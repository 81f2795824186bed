#include "flow/transforms/transform.h"

#include <string.h>

const char *kad_transform_name(size_t i)
{
    for (size_t k = 0; kad_transforms[k] != NULL; k++)
        if (k == i) return kad_transforms[k]->name;
    return NULL;
}

const kad_transform_ops *kad_transform_find(const char *name)
{
    for (size_t i = 0; kad_transforms[i] != NULL; i++)
        if (strcmp(kad_transforms[i]->name, name) == 0) return kad_transforms[i];
    return NULL;
}
