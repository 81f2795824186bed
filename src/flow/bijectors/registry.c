/* The registry of bijectors: the only file that knows all of them. */
#include "flow/bijectors/coupling.h"
#include "flow/bijectors/haar.h"
#include "flow/bijectors/ode.h"
#include "flow/bijectors/rotation.h"
#include "flow/bijectors/scale.h"
#include "flow/bijectors/spectrum.h"
#include "flow/bijectors/stencil.h"

const kad_bijector_ops *const kad_bijectors[] = {
    &kad_coupling_ops, &kad_haar_ops,    &kad_spectrum_ops, &kad_scale_ops,
    &kad_rotation_ops, &kad_stencil_ops, &kad_ode_ops,      NULL,
};
