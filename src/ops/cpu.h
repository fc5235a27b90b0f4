/* cpu - what can be asked about the processor */
#ifndef EL_OPS_CPU_H
#define EL_OPS_CPU_H

#include <stdbool.h>

/* Whether the processor has the instruction-set level. */
bool el_level_available(const char *level);

#endif
