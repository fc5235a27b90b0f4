/* statistics - of a few seeds: mean and deviation, and whether two systems differ */
#ifndef EL_ENGINE_COMPARE_STATISTICS_H
#define EL_ENGINE_COMPARE_STATISTICS_H

/* Of `count` values; those that are not finite do not count.  The deviation has n - 1 below it, and is NAN where n < 2. */
typedef struct {
    double mean, deviation;
    int count;
} el_sample;
el_sample el_sample_of(const double *values, int count);

/* Student's paired t test: the probability, both sides, of a mean of differences this far from 0 if there were none.  NAN with
 * fewer than two; where all differences are equal, 1 if they are 0, else 0. */
double el_paired_test(const double *differences, int count);

#endif
