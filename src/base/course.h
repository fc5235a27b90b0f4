/* course - a number that may change over a run: from `first` at its beginning to `last` at its end */
#ifndef EL_BASE_COURSE_H
#define EL_BASE_COURSE_H

typedef struct {
    double first, last;
} el_course;

/* Where `share` of the run is done, from 0 to 1: on a straight line; or, with a decay, last + (first - last) e^(-share / decay),
 * which comes close to its end and not quite there. */
double el_course_at(el_course course, double decay, double share);

#endif
