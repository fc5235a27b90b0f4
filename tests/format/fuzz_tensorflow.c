/* fuzz_tensorflow - any bytes: a sentence, or tensors whose every number can be read
 *
 * The first two bytes are the length of the index; what comes behind it is its one file of data.  Checksums that do not
 * hold would keep every mutation out, so that those of blocks are made right first.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/crc32c.h"
#include "format/tensorflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 12, FOOTER = 48 };

/* Of the block that a handle names, if it lies in the index. */
static void mend(unsigned char *index, size_t size, uint64_t offset, uint64_t bytes)
{
    if (offset > size || bytes > size - offset || size - offset - bytes < 5)
        return;
    const uint32_t crc = el_crc32c_masked(index + offset, (size_t)bytes + 1);
    for (int i = 0; i < 4; i++)
        index[offset + bytes + 1 + (size_t)i] = (unsigned char)(crc >> 8 * i);
}

/* The data block ends where the one that the footer names first begins, as in the corpus. */
static void mend_all(unsigned char *index, size_t size)
{
    uint64_t offset, bytes;
    if (size < FOOTER)
        return;
    el_bytes footer = {index + size - FOOTER, FOOTER - 8};
    for (int block = 0; block < 2; block++) {
        if (!el_bytes_varint(&footer, &offset) || !el_bytes_varint(&footer, &bytes))
            return;
        if (block == 0 && offset > 5)
            mend(index, size, 0, offset - 5);
        mend(index, size, offset, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    float numbers[MOST];
    if (size < 2)
        return 0;
    const size_t given = (size_t)data[0] | (size_t)data[1] << 8;
    const size_t length = given < size - 2 ? given : size - 2;
    unsigned char *const index = malloc(length + 1);
    if (!index)
        abort();
    memcpy(index, data + 2, length);
    mend_all(index, length);
    el_tensors source = {.path = strdup("input")};
    const el_bytes shard = {data + 2 + length, size - 2 - length};
    const el_status st = el_tensorflow_read(&source, (el_bytes){index, length}, &shard, 1, "input");
    assert(st == EL_OK || el_error()[0]);
    for (int i = 0; i < source.count; i++)
        if (el_stored_elements(&source.tensors[i]) <= MOST)
            el_stored_floats(&source.tensors[i], numbers);
    el_tensors_close(&source);
    free(index);
    return 0;
}
