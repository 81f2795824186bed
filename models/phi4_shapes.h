/* Kernels with the number of components and of dimensions as constants. */
#ifndef KAD_MODELS_PHI4_SHAPES_H
#define KAD_MODELS_PHI4_SHAPES_H

/* BODY(n, d) for the action's n = 1, 2, 3 components in d = 1, 2, 3 dimensions. */
#define KAD_PHI4_SHAPES(action, BODY)                       \
    switch (10 * (action)->n_comp + (action)->lattice->d) { \
    case 11:                                                \
        BODY(1, 1);                                         \
        break;                                              \
    case 12:                                                \
        BODY(1, 2);                                         \
        break;                                              \
    case 13:                                                \
        BODY(1, 3);                                         \
        break;                                              \
    case 21:                                                \
        BODY(2, 1);                                         \
        break;                                              \
    case 22:                                                \
        BODY(2, 2);                                         \
        break;                                              \
    case 23:                                                \
        BODY(2, 3);                                         \
        break;                                              \
    case 31:                                                \
        BODY(3, 1);                                         \
        break;                                              \
    case 32:                                                \
        BODY(3, 2);                                         \
        break;                                              \
    default:                                                \
        BODY(3, 3);                                         \
        break;                                              \
    }

#endif
