/* interrupt - who is asked, in the middle of long work, whether to give it up */
#ifndef EL_BASE_INTERRUPT_H
#define EL_BASE_INTERRUPT_H

#include <stdbool.h>

/* Zeroed: nobody is asked. */
typedef struct {
    bool (*wanted)(void *context);
    void *context;
} el_interrupt;

static inline bool el_interrupt_wanted(el_interrupt interrupt)
{
    return interrupt.wanted && interrupt.wanted(interrupt.context);
}

#endif
