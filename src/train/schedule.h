/* schedule - the learning rate of each step of the original
 *
 *   rate(s) = peak * (1 - s / steps)^power * min(1, s / warmup)        s = 0, 1, ...
 *
 * With a restart there are two such courses, one up to that step and one from it on, each with its warm-up.
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
    int64_t restart;       /* 0: there is none */
} el_schedule;

/* The step that the course of this step began with. */
int64_t el_schedule_start(const el_schedule *schedule, int64_t step);

double el_schedule_rate(const el_schedule *schedule, int64_t step);

#endif
