/* course - see the header */
#include "course.h"

#include <math.h>

double el_course_at(el_course c, double decay, double share)
{
    if (c.first == c.last || (decay == 0 && share >= 1))
        return c.last; /* without rounding */
    return decay > 0 ? c.last + (c.first - c.last) * exp(-share / decay)
                     : c.first + (c.last - c.first) * share;
}
