/* crc32c - Castagnoli's checksum, which TensorFlow's files carry */
#ifndef EL_FORMAT_CRC32C_H
#define EL_FORMAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t el_crc32c(const void *data, size_t bytes);

/* As files keep it: turned and shifted, so that the checksum of data with checksums in them stays sound. */
uint32_t el_crc32c_masked(const void *data, size_t bytes);

#endif
