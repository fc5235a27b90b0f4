/* loss - softmax and logistic cross-entropy of rows, with guess, sample and gradient; squared error
 *
 * A row of logits is read for its maximum, for the sum of exponentials, and for the gradient.  Sums run in
 * float over SUMMED vectors and in double over these.
 */
#include <assert.h>
#include <math.h>

#include "functions.h"
#include "vector.h"

enum {
    STRETCHES = 1024,
    SHORTEST = 32 * WIDTH
}; /* a row is cut into at most so many stretches, at least so long */

/* Sums of e^(factor (z - max)) over stretches of a row. */
typedef struct {
    double total;
    float sum[STRETCHES];
    int length;
} stretches;

INLINE float highest(const void *z, int count, const el_type type)
{
    vf best = vsplat(-INFINITY);
    int j = 0;
    for (; j + WIDTH <= count; j += WIDTH)
        best = vmax(best, vload(z, type, j));
    if (j < count)
        best = vmax(best, vfirst(count - j, vload_part(z, type, j, count - j), best));
    return vhighest(best);
}

INLINE float number(const void *z, const el_type type, int j)
{
    return vlane(vload_part(z, type, j, 1), 0);
}

INLINE int first_equal(const void *z, int count, float value, const el_type type)
{
    for (int j = 0; j < count; j += WIDTH) {
        const vi equal = vload_upto(z, type, j, count - j) == value;
        if (!vbits(equal))
            continue;
        for (int i = 0; i < WIDTH && j + i < count; i++)
            if (equal[i])
                return j + i;
    }
    return 0; /* nothing equals what is not a number */
}

/* A banned class (-1: none) counts nothing. */
INLINE vf powers(const void *z, int j, int left, float max, float factor, int banned, const el_type type)
{
    const vf e = vexp((vload_upto(z, type, j, left) - max) * factor);
    const vf counted = left >= WIDTH ? e : vfirst(left, e, (vf){0});
    return banned < 0 ? counted : vselect(vlanes() == banned - j, (vf){0}, counted);
}

INLINE void sum_row(stretches *s, const void *z, int count, float max, float factor, int banned,
                    const el_type type)
{
    const int least = (count + STRETCHES - 1) / STRETCHES;
    s->length = least <= SHORTEST ? SHORTEST : (least + WIDTH - 1) / WIDTH * WIDTH;
    s->total = 0;
    for (int first = 0; first < count; first += s->length) {
        const int end = count - first < s->length ? count : first + s->length;
        vf sum = {0};
        for (int j = first; j < end; j += WIDTH)
            sum += powers(z, j, end - j, max, factor, banned, type);
        s->sum[first / s->length] = vsum(sum);
        s->total += (double)s->sum[first / s->length];
    }
}

/* The first class at which the running sum exceeds the share `uniform` of the total.  A banned class is left
 * out; `gone` is what the sums hold of it. */
INLINE int draw(const stretches *s, const void *z, int count, float max, float factor, int banned,
                double gone, double uniform, const el_type type)
{
    const double goal = uniform * (s->total - gone);
    double sum = 0;
    int first = 0, last = banned == 0 ? 1 : 0;
    for (; first + s->length < count; first += s->length) {
        const bool inside = banned >= first && banned < first + s->length;
        const double next = sum + (double)s->sum[first / s->length] - (inside ? gone : 0);
        if (next > goal)
            break;
        sum = next;
    }
    for (int j = first; j < count; j += WIDTH) {
        const vf e = powers(z, j, count - j, max, factor, banned, type);
        for (int i = 0; i < WIDTH && j + i < count; i++) {
            sum += (double)e[i];
            if (sum > goal)
                return j + i;
            if (e[i] > 0)
                last = j + i;
        }
    }
    return last; /* rounding left the sum short */
}

/* The largest of all but one. */
INLINE float highest_without(const void *z, int count, int banned, const el_type type)
{
    if (banned < 0)
        return highest(z, count, type);
    const float before = highest(z, banned, type);
    const float after = highest(place(z, type, banned + 1), count - banned - 1, type);
    return before > after ? before : after;
}

INLINE int sample_row(const stretches *sums, float max, const void *z, int count, int target,
                      const el_sampling *sampling, int row, const el_type type)
{
    const int banned = sampling->disallow_target ? target : -1;
    const double uniform = el_random_uniform(sampling->random, sampling->first_row + (uint64_t)row);
    if (sampling->temperature == 1 && (banned < 0 || number(z, type, banned) < max))
        return draw(sums, z, count, max, 1, banned,
                    banned < 0 ? 0 : (double)expf(number(z, type, banned) - max), uniform, type);
    stretches own; /* of another distribution, or one whose largest class is left out */
    const float top = highest_without(z, count, banned, type), factor = (float)(1 / sampling->temperature);
    sum_row(&own, z, count, top, factor, banned, type);
    return draw(&own, z, count, top, factor, banned, 0, uniform, type);
}

INLINE void gradient_row(void *dz, const void *z, int count, int target, float lse, float scale,
                         const el_type type)
{
    for (int j = 0; j < count; j += WIDTH)
        vstore_upto(dz, type, j, count - j,
                    target < 0 ? (vf){0} : vexp(vload_upto(z, type, j, count - j) - lse) * scale);
}

INLINE void softmax_rows(el_tensor loss, int *guess, int *sample, el_tensor dlogits, el_tensor logits,
                         const int *target, const float *weight, const el_sampling *sampling, double scale,
                         const el_type type)
{
    const int count = logits.cols;
    stretches sums;
    for (int i = 0; i < logits.rows; i++) {
        const void *const z = el_piece_at(logits, i, 0);
        assert(target[i] >= -1 && target[i] < count);
        const float max = highest(z, count, type);
        if (guess)
            guess[i] = first_equal(z, count, max, type);
        sum_row(&sums, z, count, max, 1, -1, type);
        const double lse = (double)max + log(sums.total);
        const float hit = target[i] < 0 ? 0 : number(z, type, target[i]);
        if (loss.data)
            *(float *)el_piece_at(loss, i, 0) = target[i] < 0 ? 0 : (float)(lse - (double)hit);
        if (sample && sampling)
            sample[i] = sample_row(&sums, max, z, count, target[i], sampling, i, type);
        if (!dlogits.data)
            continue;
        void *const dz = el_piece_at(dlogits, i, 0);
        const double factor = weight ? scale * (double)weight[i] : scale;
        gradient_row(dz, z, count, target[i], (float)lse, (float)factor, type);
        if (target[i] >= 0) {
            const float d = (float)(factor * (exp((double)hit - lse) - 1));
            vstore_part(dz, type, target[i], 1, vsplat(d));
        }
    }
}

void EL_KERNEL(softmax_loss)(el_tensor loss, int *guess, int *sample, el_tensor dlogits, el_tensor logits,
                             const int *target, const float *weight, const el_sampling *sampling,
                             double scale)
{
    if (logits.type == EL_BF16)
        softmax_rows(loss, guess, sample, dlogits, logits, target, weight, sampling, scale, EL_BF16);
    else
        softmax_rows(loss, guess, sample, dlogits, logits, target, weight, sampling, scale, EL_F32);
}

void EL_KERNEL(logistic_loss)(el_tensor loss, el_tensor dlogits, el_tensor logits, const float *label,
                              double scale)
{
    for (int i = 0; i < logits.rows; i++) {
        const float z = vlane(vload_part(el_piece_at(logits, i, 0), logits.type, 0, 1), 0);
        const float e = expf(-fabsf(z)), softplus = fmaxf(z, 0) + log1pf(e);
        const float sigmoid = z >= 0 ? 1 / (1 + e) : e / (1 + e);
        const bool counts = !isnan(label[i]);
        if (loss.data)
            *(float *)el_piece_at(loss, i, 0) = counts ? softplus - label[i] * z : 0;
        if (dlogits.data)
            vstore_part(el_piece_at(dlogits, i, 0), dlogits.type, 0, 1,
                        vsplat(counts ? (float)scale * (sigmoid - label[i]) : 0));
    }
}

void EL_KERNEL(squared_loss)(el_tensor loss, el_tensor dx, el_tensor x, const float *target, double scale)
{
    for (int i = 0; i < x.rows; i++) {
        const float off =
            isnan(target[i]) ? 0 : vlane(vload_part(el_piece_at(x, i, 0), x.type, 0, 1), 0) - target[i];
        if (loss.data)
            *(float *)el_piece_at(loss, i, 0) = off * off;
        if (dx.data)
            vstore_part(el_piece_at(dx, i, 0), dx.type, 0, 1, vsplat((float)(2 * scale) * off));
    }
}
