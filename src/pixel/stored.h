/* The map of a results file of a run on images. */
#ifndef KAD_PIXEL_STORED_H
#define KAD_PIXEL_STORED_H

#include "io/h5.h"
#include "pixel/pixel.h"

/* /images/map/theta with its options, and the shape of /images/data. *map is destroyed by
 * the caller, theta lives in the scope. Errors: KAD_ENOINPUT (there is none), KAD_ECONFIG
 * (of another recipe), KAD_EDATA (damaged), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_map_read(kad_scope *in, kad_h5 *file,
                                           kad_pixel_map **map, double **theta);

#endif
