/* cpu - what can be asked about the processor */
#ifndef EL_OPS_CPU_H
#define EL_OPS_CPU_H

#include <stdbool.h>

/* The instruction-set levels that kernels are there for, by place, the plainest first; NULL past the last. */
const char *el_level_name(int place);

/* Whether the processor has a level; false for an unknown one. */
bool el_level_available(const char *level);

#endif
