/* fuzz_table - any bytes as a table of any form; the first byte chooses the task and the form */
#include "task/fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const TASKS[] = {"classify", "regress", "multilabel", "tag",
                                        "span",     "sst2",    "mnli",       "stsb"};
    static const el_form FORMS[] = {EL_FORM_OPEN,  EL_FORM_TSV,  EL_FORM_CSV,
                                    EL_FORM_JSONL, EL_FORM_JSON, EL_FORM_LINES};
    if (size == 0)
        return 0;
    fuzz_read(TASKS[data[0] % 8], FORMS[data[0] / 8 % 6], data + 1, size - 1);
    return 0;
}
