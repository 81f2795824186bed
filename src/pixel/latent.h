/* The prior of the latents of images: components of variance 1, and their quantiles. With
 * t of the density (density.h) a latent is z = Q(t), and ln|dz/dy| = ln P(v) - ln p(z) for
 * y = v + u: what the prior is only relabels latents. */
#ifndef KAD_PIXEL_LATENT_H
#define KAD_PIXEL_LATENT_H

typedef enum kad_pixel_prior { KAD_PIXEL_NORMAL, KAD_PIXEL_LAPLACE } kad_pixel_prior;

/* Q(t) from t and rest = 1 - t, both in (0, 1): the smaller one decides. */
double kad_pixel_quantile(kad_pixel_prior prior, double t, double rest);
/* The inverse. */
void kad_pixel_distribution(kad_pixel_prior prior, double z, double *t, double *rest);
/* ln p(z). */
double kad_pixel_prior_ln(kad_pixel_prior prior, double z);

#endif
