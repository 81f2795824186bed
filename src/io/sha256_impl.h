/* Inside of SHA-256: its compression of whole blocks, as portable C and by instructions of the
 * processor. */
#ifndef KAD_IO_SHA256_IMPL_H
#define KAD_IO_SHA256_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* K of section 4.2.2. */
extern const uint32_t kad_sha256_k[64];

/* The hash after n more blocks of 64 bytes. */
typedef void kad_sha256_blocks(uint32_t hash[8], const unsigned char *data, size_t n);

kad_sha256_blocks kad_sha256_portable;
/* NULL: this processor has none. */
kad_sha256_blocks *kad_sha256_instructions(void);

#endif
