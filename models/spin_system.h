/* The spin system behind a field x, kept next to the action (ops->spins): what
 * observables of spins (src/measure) ask of it. Given x the spins s_i are independent;
 * given s the field is normal with mean A s (and `shift`) and covariance A. Actions without it are
 * fields: their observables are the field's own.
 * Rows are component by component, [n_comp][stride] with sites 0 .. N - 1 in order,
 * 64-byte aligned, the stride a multiple of KAD_W_DOUBLE; x is zero beyond the sites, and
 * what is written there is not read. All functions are reentrant. */
#ifndef KAD_MODELS_SPIN_SYSTEM_H
#define KAD_MODELS_SPIN_SYSTEM_H

#include "models/action.h"
#include "models/spins.h"

/* A bond of given couplings, energy -J s_i . s_j. */
typedef struct kad_pair {
    int i, j;
    double J;
} kad_pair;

struct kad_action_spins {
    /* Spins point anywhere on the unit sphere, with equal weight but for the bonds (n =
     * 1: s = +-1). Their moments given x then have closed forms, by which energy2, m4
     * and the helicity modulus are measured. false (clock models, spins of several
     * lengths): energy2 and m4 are those of spins drawn given x; helicity modulus and
     * vortices are not measured. */
    bool sphere;
    /* The spins are a function of x: `mean` and `draw` give the same, and there is no
     * variance given x. */
    bool direct;
    /* REQUIRED. m = <s|x>; returns sum_i [<|s_i|^2 | x> - |m_i|^2]. */
    double (*mean)(const kad_action *action, size_t stride, const double *x, double *m);
    /* REQUIRED. s given x, drawn exactly with the source's numbers. */
    void (*draw)(const kad_action *action, const kad_spin_source *source, size_t stride,
                 const double *x, double *s);
    /* OPTIONAL (NULL: 1). J of the bonds between nearest neighbours, energy -J s_i.s_j,
     * both bonds of a pair at extent 2. */
    double (*exchange)(const kad_action *action);
    /* OPTIONAL (NULL: 0). How many bonds of given couplings there are, each pair of sites
     * once, and where out is not NULL, these. 0: nearest neighbours, `exchange`. */
    size_t (*pairs)(const kad_action *action, kad_pair *out);
    /* OPTIONAL (NULL: 0). Energy of the sites in external fields, a function of the spins
     * that is linear in each of them unless `direct`. */
    double (*external)(const kad_action *action, size_t stride, const double *s);
    /* OPTIONAL (NULL: 0). p of an energy -h_p sum_i cos(p theta_i) of directions in the
     * plane; 0: there is none, and cos(p theta) is not measured. */
    int (*clock_states)(const kad_action *action);
    /* OPTIONAL (NULL: 0). What an external field adds to the first component of x: it then has
     * the mean A s + shift e_1 given s. */
    double (*shift)(const kad_action *action);
    /* OPTIONAL (NULL: structure_dual is not measured). A of the plane waves of a mode (a
     * site's coordinates in units of 2 pi / L); NaN where A has other eigenvectors. */
    double (*kernel)(const kad_action *action, int mode);
};

#endif
