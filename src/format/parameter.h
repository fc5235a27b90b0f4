/* parameter - how the writers of other formats ask for a model's numbers */
#ifndef EL_FORMAT_PARAMETER_H
#define EL_FORMAT_PARAMETER_H

#include <stdint.h>

#include "base/error.h"

/* Fills `numbers` with a parameter by Hugging Face's name, of rows x cols or (rows 0) a vector of `cols`, row after row
 * as Hugging Face stores it. */
typedef el_status el_parameter_read(void *context, const char *name, int64_t rows, int64_t cols,
                                    float *numbers);

#endif
