/* schedule - see the header */
#include "train/schedule.h"

#include <math.h>

int64_t el_schedule_start(const el_schedule *schedule, int64_t step)
{
    return step >= schedule->restart ? schedule->restart : 0;
}

double el_schedule_rate(const el_schedule *schedule, int64_t step)
{
    const int64_t start = el_schedule_start(schedule, step);
    const int64_t end = step >= schedule->restart ? schedule->steps : schedule->restart;
    const int64_t steps = end - start, last = steps - 1;
    const double s = (double)(step - start < last ? step - start : last);
    const double decay = pow(1.0 - s / (double)steps, schedule->power);
    const double warm = s < (double)schedule->warmup ? s / (double)schedule->warmup : 1.0;
    return schedule->peak * decay * warm;
}
