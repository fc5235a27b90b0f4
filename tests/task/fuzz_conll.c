/* fuzz_conll - any bytes as words and their tags; the first byte: whether the rows decide the form */
#include "task/fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    fuzz_read("ner", data[0] % 2 ? EL_FORM_CONLL : EL_FORM_OPEN, data + 1, size - 1);
    return 0;
}
