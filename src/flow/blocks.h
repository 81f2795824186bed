/* Index lists from which hierarchies are built: blocks, splits of a block, and stencils
 * between the parity classes of a sublattice. Only geometry; no parameters.
 *
 * The sublattice of stride s holds the sites with coordinates i s, i < n = shape / s
 * (rounded down, at least 1). A *class* is a bit mask p: bit mu is set where index i of
 * axis mu is odd; class 0 is the sublattice of stride 2s. On an axis of odd extent n > 1
 * the last index, n - 1, counts as odd too: beside it is the *seam*, where two indices of
 * one class meet. */
#ifndef KAD_FLOW_BLOCKS_H
#define KAD_FLOW_BLOCKS_H

#include "lattice/lattice.h"

typedef struct kad_index_list {
    int n_lists; /* blocks, or parts */
    int size;    /* entries of each */
    int *sites;  /* [n_lists][size], from kad_alloc */
} kad_index_list;

void kad_index_list_clear(kad_index_list *list);

/* Extents n of the sublattice of stride s. */
void kad_blocks_extents(const kad_lattice *lattice, int stride, int extents[KAD_MAX_DIM]);

/* Blocks of m^d sites with spacing `stride` on the sublattice of that stride; origins
 * shifted by m/2 strides along the axes of the bit mask `offset`. m must divide every
 * extent of the sublattice. m = 0: one block of all its sites. Entry 0 of a block is its
 * origin; last axis fastest. */
KAD_MUST_USE kad_status kad_blocks_create(kad_ctx *ctx, const kad_lattice *lattice,
                                          int stride, int m, int offset,
                                          kad_index_list *out);

/* Split k of a block: 1 where a site is a target. Pairings by the parity of the
 * coordinates in every axis subset in turn, both directions: period 2 (2^d - 1).
 * side[block size]. Returns the number of targets. m: extents of the block per axis. */
int kad_blocks_split(int d, const int m[KAD_MAX_DIM], int k, unsigned char *side);

/* Parts of a stencil: targets = active sites of the classes in `targets` (bit p
 * set: class p); sources of each = the `n_offsets` nearest offsets that lead to classes
 * of `sources` for every target class, in whole shells, at most max_sources. A step of an
 * offset goes to the next index of the other class, across a seam if need be; `shift` > 0
 * counts the indices of odd extents from there, which moves their seams. Each list:
 * sources first, the target last. `active` may be NULL. Zero parts and size 1 are
 * possible. */
KAD_MUST_USE kad_status kad_blocks_stencil(kad_ctx *ctx, const kad_lattice *lattice,
                                           const unsigned char *active, int stride,
                                           int shift, unsigned targets, unsigned sources,
                                           int max_sources, kad_index_list *out);

/* Exchange parts so that those alike `first`, with sources at the same
 * displacements from the target, follow it; returns how many they are, `first` included.
 */
int kad_blocks_gather(const kad_lattice *lattice, kad_index_list *list, int first);

/* Details of the 2^d blocks of a level given the coarse sites around: target = origin +
 * stride * p, sources = the 3^d coarse sites origin + 2 stride {-1, 0, 1}^d. */
KAD_MUST_USE kad_status kad_blocks_details(kad_ctx *ctx, const kad_lattice *lattice,
                                           int stride, unsigned p, kad_index_list *out);

#endif
