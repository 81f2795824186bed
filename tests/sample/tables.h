/* Values to be reproduced by every sampler, weights exp(-S), every bond of the periodic
 * lattice once (twice at extent 2). `error` 0: all digits are right. Sources:
 *
 * Ising: enumeration of 2^16 states at L = 4; ln Z and E/N of Kaufman, Phys. Rev. 76 (1949)
 * 1232, and transfer matrices for m2 at L = 8 and 16.
 * XY: exact sums at L = 4, a cluster Monte Carlo at L = 8.
 * Real phi^4, S = sum (m2 + 4) phi^2 + lambda phi^4 - 2 sum_<ij> phi phi, m2 = -4 (the
 * points E1, E3, E5 of Albergo, Kanwar, Shanahan, arXiv:1904.12072): transfer matrices up
 * to L = 6, a cluster Monte Carlo for E3 and E5.
 * Complex phi^4, hopping form, 2 x 2: quadrature. Free field: sums over momenta. */
#ifndef KAD_TESTS_TABLES_H
#define KAD_TESTS_TABLES_H

enum { TABLE_VALUES = 4 };

typedef struct table_value {
    const char *observable;
    double exact, error;
} table_value;

typedef struct table {
    const char *name;
    const char *lattice, *action; /* of the configuration */
    const char *flow;             /* what is not the recipe's */
    int steps;                    /* of training */
    int n_draws, n_latent;        /* of a chain; of one that moves latents */
    int thin;                     /* sweeps of the local sampler between draws */
    table_value value[TABLE_VALUES];
    double log_z; /* NaN: not known */
} table;

#define KAD_NAN __builtin_nan("")
#define ISING "name: on-dual, temperature: 2.269185314213022"
#define XY(beta) "name: on-dual, components: 2, beta: " beta
#define PHI4(lambda) "name: phi4, form: albergo, m2: -4, lambda: " lambda
#define COMPLEX "name: phi4, components: 2, form: hopping, "
/* Of flows that latent-metropolis can follow site by site on larger lattices. */
#define LOCAL ", spectrum: none, refinements: 1, refinements_finest: 1"
#define FREE(m2) "name: phi4, form: albergo, lambda: 0, m2: " m2

static const table tables[] = {
    {"Ising 4",
     "4, 4",
     ISING,
     "",
     300,
     400,
     250,
     20,
     {{"energy", -1.565623787638, 0},
      {"m2", 0.761358908569, 0},
      {"m4", 0.665691213267, 0},
      {"abs_m", 0.843860444815, 0}},
     15.5219154587553},
    {"Ising 8",
     "8, 8",
     ISING,
     LOCAL,
     1500,
     400,
     120,
     40,
     {{"energy", -1.491589107440, 0}, {"m2", 0.646911574994, 0}},
     60.1417807890692},
    {"Ising 16",
     "16, 16",
     ISING,
     LOCAL,
     1500,
     300,
     100,
     50,
     {{"energy", -1.453064852813, 0}, {"m2", 0.545417204397, 0}},
     238.642256635133},
    {"XY 4, beta 0.5",
     "4, 4",
     XY("0.5"),
     "",
     300,
     400,
     250,
     2,
     {{"energy", -0.607408941, 0}, {"helicity", 0.107425967, 0}, {"m2", 0.239950147, 0}},
     2.197240206},
    {"XY 4, beta 1",
     "4, 4",
     XY("1"),
     "",
     300,
     400,
     250,
     4,
     {{"energy", -1.411729120, 0}, {"helicity", 0.655523435, 0}, {"m2", 0.671849169, 0}},
     10.64748134},
    {"XY 8, beta 1",
     "8, 8",
     XY("1"),
     LOCAL,
     1500,
     400,
     100,
     10,
     {{"energy", -1.35733, 15e-5}, {"helicity", 0.57075, 21e-5}, {"m2", 0.53651, 12e-5}},
     KAD_NAN},
    {"phi^4 2",
     "2, 2",
     PHI4("6.975"),
     "",
     200,
     400,
     250,
     2,
     {{"phi2", 0.1956262102, 0}, {"phi4", 0.0711283841, 0}, {"m2", 0.544209631 / 4, 0}},
     1.1731847108},
    {"phi^4 4",
     "4, 4",
     PHI4("6.975"),
     "",
     200,
     400,
     250,
     2,
     {{"phi2", 0.1673917691, 0}, {"phi4", 0.0557089904, 0}, {"m2", 0.934972725 / 16, 0}},
     3.2183289229},
    {"phi^4 E1",
     "6, 6",
     PHI4("6.975"),
     "",
     300,
     400,
     150,
     2,
     {{"phi2", 0.16138658, 0}, {"m2", 1.0630753 / 36, 0}},
     KAD_NAN},
    {"phi^4 E3",
     "10, 10",
     PHI4("5.55"),
     LOCAL,
     1500,
     400,
     80,
     4,
     {{"phi2", 0.19901, 4e-5}, {"m2", 2.907e-2, 4e-5}},
     KAD_NAN},
    {"phi^4 E5",
     "14, 14",
     PHI4("5.113"),
     LOCAL,
     1500,
     300,
     80,
     8,
     {{"phi2", 0.21841, 4e-5}, {"m2", 5.360 / 196, 8e-3 / 196}},
     KAD_NAN},
    {"complex phi^4, kappa 0.2",
     "2, 2",
     COMPLEX "kappa: 0.2, lambda: 0.5",
     "",
     200,
     400,
     250,
     2,
     {{"phi2", 0.9107870277, 0}, {"bond", 0.3225148766, 0}, {"m2", 0.4363064728, 0}},
     3.9422590666},
    {"complex phi^4, kappa 0.3",
     "2, 2",
     COMPLEX "kappa: 0.3, lambda: 1",
     "",
     200,
     400,
     250,
     2,
     {{"phi2", 0.9883827574, 0}, {"bond", 0.5263439188, 0}, {"m2", 0.6105831750, 0}},
     3.8573340633},
    {"free field 8",
     "8, 8",
     FREE("0.25"),
     "",
     100,
     400,
     100,
     4,
     {{"phi2", 0.19275059454, 0}, {"bond", 0.07979750670, 0}, {"m2", 2.0 / 64, 0}},
     -4.33331455428},
    {"free field 16",
     "16, 16",
     FREE("0.1"),
     "",
     100,
     300,
     80,
     8,
     {{"phi2", 0.22841746758, 0}, {"bond", 0.10912790427, 0}, {"m2", 5.0 / 256, 0}},
     -9.60115087504},
};

enum { N_TABLES = sizeof tables / sizeof *tables };

#endif
