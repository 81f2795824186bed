/* The registry of bijectors: the only file that knows all of them. */
#include "flow/coupling.h"
#include "flow/econv.h"
#include "flow/haar.h"
#include "flow/rotation.h"
#include "flow/scale.h"
#include "flow/spectrum.h"

const kad_bijector_ops *const kad_bijectors[] = {
    &kad_coupling_ops,
    &kad_haar_ops,
    &kad_spectrum_ops,
    &kad_scale_ops,
    &kad_rotation_ops,
    &kad_econv_ops,
    NULL,
};
