/* fuzz_torch_file - any bytes: a sentence, or tensors whose every number can be read */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/torch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    float numbers[MOST];
    el_tensors source = {.path = strdup("input")};
    const el_status st = el_torch_read(&source, (el_bytes){data, size}, "input");
    assert(st == EL_OK || el_error()[0]);
    for (int i = 0; i < source.count; i++)
        if (el_stored_elements(&source.tensors[i]) <= MOST)
            el_stored_floats(&source.tensors[i], numbers);
    if (el_tensors_settle(&source) == EL_OK)
        for (int i = 0; i < source.count; i++)
            assert(el_tensors_find(&source, source.tensors[i].name) == &source.tensors[i]);
    el_tensors_close(&source);
    return 0;
}
