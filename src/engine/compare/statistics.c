/* statistics - see the header */
#include "engine/compare/statistics.h"

#include <math.h>

el_sample el_sample_of(const double *values, int count)
{
    el_sample s = {.mean = NAN, .deviation = NAN};
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i]))
            sum += values[i], s.count++;
    if (s.count)
        s.mean = sum / s.count;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i]))
            squares += (values[i] - s.mean) * (values[i] - s.mean);
    if (s.count > 1)
        s.deviation = sqrt(squares / (s.count - 1));
    return s;
}

/* The continued fraction of the incomplete beta function (Lentz), which converges for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x)
{
    enum { MOST = 300 };
    static const double TINY = 1e-300, CLOSE = 1e-14;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < TINY ? TINY : d);
    double value = d;
    for (int m = 1; m <= MOST; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double terms[] = {even, odd};
        double step = 1;
        for (int i = 0; i < 2; i++) {
            d = 1 + terms[i] * d;
            c = 1 + terms[i] / c;
            d = 1 / (fabs(d) < TINY ? TINY : d);
            c = fabs(c) < TINY ? TINY : c;
            step = c * d;
            value *= step;
        }
        if (fabs(step - 1) < CLOSE)
            break;
    }
    return value;
}

/* The regularised incomplete beta function. */
static double beta_share(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a : 1 - front * fraction(b, a, 1 - x) / b;
}

double el_paired_test(const double *differences, int count)
{
    const el_sample s = el_sample_of(differences, count);
    if (s.count < 2)
        return NAN;
    if (s.deviation == 0)
        return s.mean == 0 ? 1 : 0;
    const double t = s.mean / (s.deviation / sqrt(s.count)), free = s.count - 1;
    return beta_share(free / 2, 0.5, free / (free + t * t));
}
