/* layer_norm - y = (x - mean) rstd gamma + beta over each row
 *
 *   mean = sum x / cols      rstd = 1 / sqrt(sum (x - mean)^2 / cols + epsilon)      xhat = (x - mean) rstd
 *
 *   g = dy gamma        dx = rstd (g - mean(g) - xhat mean(g xhat))
 *   dgamma += column sums of dy xhat        dbeta += column sums of dy
 */
#include <assert.h>
#include <math.h>

#include "ops/reference/reference.h"

static double row_mean(el_tensor x, int row)
{
    double sum = 0;
    for (int j = 0; j < x.cols; j++)
        sum += el_get(x, row, j);
    return sum / x.cols;
}

static double row_variance(el_tensor x, int row, double mean)
{
    double sum = 0;
    for (int j = 0; j < x.cols; j++)
        sum += (el_get(x, row, j) - mean) * (el_get(x, row, j) - mean);
    return sum / x.cols;
}

void el_ref_layer_norm_forward(el_queue *q, el_tensor y, el_tensor stats, el_tensor x, el_tensor gamma,
                               el_tensor beta, double epsilon)
{
    (void)q;
    assert(y.rows == x.rows && y.cols == x.cols && stats.rows == x.rows && stats.cols == 2);
    assert(gamma.cols == x.cols && beta.cols == x.cols);
    for (int i = 0; i < x.rows; i++) {
        const double mean = row_mean(x, i);
        const double rstd = 1 / sqrt(row_variance(x, i, mean) + epsilon);
        for (int j = 0; j < x.cols; j++)
            el_set(y, i, j, (el_get(x, i, j) - mean) * rstd * el_get(gamma, 0, j) + el_get(beta, 0, j));
        el_set(stats, i, 0, mean);
        el_set(stats, i, 1, rstd);
    }
}

static double normal(el_tensor x, el_tensor stats, int i, int j)
{
    return (el_get(x, i, j) - el_get(stats, i, 0)) * el_get(stats, i, 1);
}

/* dgamma and dbeta, before dx takes the place of dy. */
static void parameters_backward(el_tensor dgamma, el_tensor dbeta, el_tensor dy, el_tensor x, el_tensor stats)
{
    for (int j = 0; j < x.cols; j++) {
        double gamma_sum = 0, beta_sum = 0;
        for (int i = 0; i < x.rows; i++) {
            gamma_sum += el_get(dy, i, j) * normal(x, stats, i, j);
            beta_sum += el_get(dy, i, j);
        }
        el_set(dgamma, 0, j, el_get(dgamma, 0, j) + gamma_sum);
        el_set(dbeta, 0, j, el_get(dbeta, 0, j) + beta_sum);
    }
}

void el_ref_layer_norm_backward(el_queue *q, el_tensor dx, el_tensor dgamma, el_tensor dbeta, el_tensor dy,
                                el_tensor x, el_tensor stats, el_tensor gamma)
{
    (void)q;
    assert(dx.rows == x.rows && dx.cols == x.cols && dy.rows == x.rows && dy.cols == x.cols);
    assert(dgamma.cols == x.cols && dbeta.cols == x.cols && gamma.cols == x.cols);
    parameters_backward(dgamma, dbeta, dy, x, stats);
    for (int i = 0; i < x.rows; i++) {
        double mean_g = 0, mean_gx = 0;
        for (int j = 0; j < x.cols; j++) {
            const double g = el_get(dy, i, j) * el_get(gamma, 0, j);
            mean_g += g / x.cols;
            mean_gx += g * normal(x, stats, i, j) / x.cols;
        }
        for (int j = 0; j < x.cols; j++) {
            const double g = el_get(dy, i, j) * el_get(gamma, 0, j);
            el_set(dx, i, j, el_get(stats, i, 1) * (g - mean_g - normal(x, stats, i, j) * mean_gx));
        }
    }
}
