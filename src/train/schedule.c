/* schedule - see the header */
#include "train/schedule.h"

#include <math.h>

double el_schedule_rate(const el_schedule *schedule, int64_t step)
{
    const int64_t last = schedule->steps - 1;
    const double s = (double)(step < last ? step : last);
    const double decay = pow(1.0 - s / (double)schedule->steps, schedule->power);
    const double warm = s < (double)schedule->warmup ? s / (double)schedule->warmup : 1.0;
    return schedule->peak * decay * warm;
}
