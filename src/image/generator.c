#include "image/generator.h"

#include <string.h>

extern const kad_image_generator kad_image_msds1, kad_image_msds2, kad_image_pinwheel;

const kad_image_generator *const kad_image_generators[] = {
    &kad_image_msds1,
    &kad_image_msds2,
    &kad_image_pinwheel,
    NULL,
};

const kad_image_generator *kad_image_generator_find(const char *name)
{
    for (int i = 0; kad_image_generators[i] != NULL; i++)
        if (!strcmp(kad_image_generators[i]->name, name)) return kad_image_generators[i];
    return NULL;
}
