/* fuzz_safetensors - any bytes: a sentence, or tensors whose every byte can be read */
#include <assert.h>
#include <string.h>

#include "base/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    el_safetensors st;
    if (el_safetensors_parse(&st, data, size, "input")) {
        assert(el_error()[0]);
        return 0;
    }
    size_t bytes = 0;
    uint64_t sum = 0;
    for (int i = 0; i < st.count; i++) {
        const el_st_entry *entry = &st.entries[i];
        assert(entry->type == EL_ST_OTHER ||
               (size_t)el_st_elements(entry) * el_st_type_bytes(entry->type) == entry->bytes);
        assert((uintptr_t)entry->data % el_st_type_bytes(entry->type) == 0);
        assert(el_safetensors_find(&st, entry->name) == entry);
        sum += el_hash(entry->data, entry->bytes);
        bytes += entry->bytes;
    }
    assert(bytes <= size);
    const el_st_entry *entry;
    const el_status needed = el_safetensors_need(&st, "a", EL_ST_F32, 2, &entry);
    assert(needed == EL_OK || el_error()[0]);
    el_safetensors_verify(&st);
    el_safetensors_close(&st);
    return (int)(sum & 0); /* the sum is used, so that the bytes are read */
}
