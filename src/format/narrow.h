/* narrow - floats as the halves of model files: IEEE's (F16) and the upper half of a float (BF16), to nearest, ties to even */
#ifndef EL_FORMAT_NARROW_H
#define EL_FORMAT_NARROW_H

#include "base/safetensors.h"

/* Rewrites numbers in place, so that what is left takes half the bytes; F32: as they are.  False where one is too large
 * for the type, and then they are of no use. */
bool el_narrow(el_st_type type, void *numbers, int64_t count);

/* "float32", "float16", "bfloat16": what config.json calls a type. */
const char *el_narrow_name(el_st_type type);

#endif
