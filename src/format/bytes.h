/* bytes - a place in a file's bytes that cannot be left
 *
 * Readers of foreign files take what they need from the front; a take that goes beyond the end gives NULL or false
 * and moves nothing.  Numbers are little endian, whatever their place in the file.
 */
#ifndef EL_FORMAT_BYTES_H
#define EL_FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const unsigned char *at;
    size_t left;
} el_bytes;

/* The next `count` bytes, or NULL. */
static inline const unsigned char *el_bytes_take(el_bytes *bytes, uint64_t count)
{
    if (count > bytes->left)
        return NULL;
    const unsigned char *const taken = bytes->at;
    bytes->at += count;
    bytes->left -= (size_t)count;
    return taken;
}

/* `count` bytes from `from` on, which need not be what is next; false where they are not all there. */
static inline bool el_bytes_part(el_bytes whole, uint64_t from, uint64_t count, el_bytes *part)
{
    if (from > whole.left || count > whole.left - from)
        return false;
    *part = (el_bytes){whole.at + from, (size_t)count};
    return true;
}

static inline uint64_t el_little_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* A number of 1 to 8 bytes. */
static inline bool el_bytes_number(el_bytes *bytes, int size, uint64_t *value)
{
    const unsigned char *const at = el_bytes_take(bytes, (uint64_t)size);
    if (at)
        *value = el_little_endian(at, size);
    return at != NULL;
}

/* Seven bits a byte, the lowest first, the last byte below 128: protobuf's and LevelDB's varint. */
static inline bool el_bytes_varint(el_bytes *bytes, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const unsigned char *const at = el_bytes_take(bytes, 1);
        if (!at)
            return false;
        *value |= (uint64_t)(*at & 127) << shift;
        if (*at < 128)
            return true;
    }
    return false;
}

#endif
