/* stop - the flag by which long work is asked to save and stop */
#ifndef EL_BASE_STOP_H
#define EL_BASE_STOP_H

#include <stdatomic.h>

/* Not 0: stop.  Set by another thread, or by the handler of a signal, which may since it needs no lock. */
typedef atomic_int el_stop;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler of signals sets it");

#endif
