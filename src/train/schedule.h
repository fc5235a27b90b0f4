/* schedule - the learning rate of each step of the original
 *
 *   rate(s) = peak * (1 - s / steps)^power * min(1, s / warmup)        s = 0, 1, ...
 *
 * Warm-up and decay are multiplied and overlap, and the first step's rate is 0, as in the original.  Without
 * warm-up the second factor is 1.  A run that goes on after its last step keeps that step's rate.
 */
#ifndef EL_TRAIN_SCHEDULE_H
#define EL_TRAIN_SCHEDULE_H

#include <stdint.h>

typedef struct {
    double peak, power;    /* power 0: no decay */
    int64_t warmup, steps; /* steps > 0 */
} el_schedule;

double el_schedule_rate(const el_schedule *schedule, int64_t step);

#endif
