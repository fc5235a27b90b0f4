/* clock - seconds of a clock that only goes forward */
#ifndef EL_BASE_CLOCK_H
#define EL_BASE_CLOCK_H

double el_now(void);

#endif
