/* fuzz_squad - any bytes as questions; the first byte chooses the form */
#include "task/fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const el_form FORMS[] = {EL_FORM_SQUAD, EL_FORM_MRQA, EL_FORM_OPEN};
    if (size == 0)
        return 0;
    fuzz_read("squad", FORMS[data[0] % 3], data + 1, size - 1);
    return 0;
}
