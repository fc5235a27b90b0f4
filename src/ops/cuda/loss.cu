/* loss - softmax cross-entropy with its guess, sample and gradient; logistic and squared loss
 *
 * A block has a row of logits.  Where it fits, the row is read once and kept in shared memory: 61 kB for 30522 classes in
 * bf16.  Classes are summed in chunks of 64, which a warp has two a lane, and the chunks in their order: the sample is found
 * by going along the chunks until the uniform number is passed, and then along the 64.
 */
#include "ops/copy_gate.h"
#include "ops/cuda/thread.h"

enum { THREADS = 512, WARPS = THREADS / WARP, CHUNK = 64, SMALL = 256 };

template <class T> struct softmax {
    view<T> dlogits, logits; /* dlogits may be none, or logits */
    float *loss;
    int64_t loss_stride;
    int *guess, *sample;
    const int *target;
    const float *weight;
    int classes, chunks;
    float scale, temperature;
    bool staged, disallow;
    el_random random;
    uint64_t first_row;
};

struct best {
    float value;
    int at;
};

/* The larger; of equals the first. */
static __device__ __forceinline__ best better(best a, best b)
{
    return b.value > a.value || (b.value == a.value && b.at < a.at) ? b : a;
}

/* Of all threads; every thread gets it. */
static __device__ __forceinline__ best block_best(best mine)
{
    EL_SHARED(float, values, WARPS);
    EL_SHARED(int, places, WARPS);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    for (int m = WARP / 2; m > 0; m /= 2) {
        const float value = __shfl_xor_sync(ALL, mine.value, m);
        const int at = __shfl_xor_sync(ALL, mine.at, m);
        mine = better(mine, {value, at});
    }
    __syncthreads(); /* what was there has been read */
    if (lane == 0) {
        values[warp] = mine.value;
        places[warp] = mine.at;
    }
    __syncthreads();
    best all = {values[0], places[0]};
    for (int w = 1; w < WARPS; w++)
        all = better(all, {values[w], places[w]});
    return all;
}

/* The largest logit but that of class `banned` (none: -1), and its class; class 0 where nothing is larger than another. */
template <class T> static __device__ __forceinline__ best largest(const T *row, int classes, int banned)
{
    best mine = {-INFINITY, 0};
    for (int c = (int)threadIdx.x; c < classes; c += THREADS)
        if (c != banned)
            mine = better(mine, {get(row[c]), c});
    return block_best(mine);
}

/* What a class weighs in a sum. */
template <class T>
static __device__ __forceinline__ float weight_of(const T *row, int c, float max, float by, int banned)
{
    return c == banned ? 0 : expf((get(row[c]) - max) * by);
}

/* sums[chunk]; after a barrier they are there for all threads. */
template <class T>
static __device__ __forceinline__ void sum_chunks(double *sums, const T *row, const softmax<T> &s, float max,
                                                  float by, int banned)
{
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    __syncthreads();
    for (int chunk = warp; chunk < s.chunks; chunk += WARPS) {
        const int c = chunk * CHUNK + 2 * lane;
        double sum = c < s.classes ? (double)weight_of(row, c, max, by, banned) : 0;
        sum += c + 1 < s.classes ? (double)weight_of(row, c + 1, max, by, banned) : 0;
        sum = warp_sum(sum);
        if (lane == 0)
            sums[chunk] = sum;
    }
    __syncthreads();
}

/* Chunks that a lane has, neighbours; their sum, and that of all lanes before it. */
static __device__ __forceinline__ double lane_share(const double *sums, int chunks, int each, int lane,
                                                    double *before)
{
    double mine = 0;
    for (int i = lane * each; i < (lane + 1) * each && i < chunks; i++)
        mine += sums[i];
    double up_to = mine;
    for (unsigned by = 1; by < WARP; by *= 2) {
        const double other = __shfl_up_sync(ALL, up_to, by);
        up_to += lane >= (int)by ? other : 0;
    }
    *before = up_to - mine;
    return up_to;
}

/* By every warp alike. */
static __device__ __forceinline__ double total_of(const double *sums, int chunks)
{
    double before;
    const double up_to =
        lane_share(sums, chunks, (chunks + WARP - 1) / WARP, (int)threadIdx.x % WARP, &before);
    return __shfl_sync(ALL, up_to, WARP - 1);
}

/* The last class of the chunks up to this one that has a chance. */
template <class T>
static __device__ __forceinline__ int last_with_a_chance(const T *row, const softmax<T> &s, float max,
                                                         float by, int banned)
{
    for (int c = s.classes - 1; c > 0; c--)
        if (weight_of(row, c, max, by, banned) > 0)
            return c;
    return 0;
}

/* By one warp: the first class at which the cumulative sum exceeds uniform * total. */
template <class T>
static __device__ __forceinline__ int draw(const double *sums, const T *row, const softmax<T> &s, float max,
                                           float by, int banned, double uniform)
{
    const int lane = (int)threadIdx.x % WARP, each = (s.chunks + WARP - 1) / WARP;
    double sum;
    const double up_to = lane_share(sums, s.chunks, each, lane, &sum);
    const double wanted = uniform * __shfl_sync(ALL, up_to, WARP - 1);
    const unsigned beyond = __ballot_sync(ALL, up_to > wanted);
    int first = 0;
    while (first < WARP && !(beyond >> first & 1))
        first++;
    int drawn = -1;
    if (lane == first) {
        int chunk = lane * each;
        for (; chunk + 1 < (lane + 1) * each && chunk + 1 < s.chunks && sum + sums[chunk] <= wanted; chunk++)
            sum += sums[chunk];
        for (int c = chunk * CHUNK; c < s.classes && c < (chunk + 1) * CHUNK && drawn < 0; c++) {
            sum += (double)weight_of(row, c, max, by, banned);
            if (sum > wanted)
                drawn = c;
        }
        for (int c = (chunk + 1) * CHUNK - 1; drawn < 0 && c >= 0; c--) /* rounding left the sum short */
            if (c < s.classes && weight_of(row, c, max, by, banned) > 0)
                drawn = c;
    }
    drawn = __shfl_sync(ALL, drawn, first % WARP);
    return drawn >= 0 ? drawn : last_with_a_chance(row, s, max, by, banned);
}

/* The target's is -(1 - p), made of what the others weigh: near certainty a difference of rounded numbers would be noise. */
template <class T>
static __device__ __forceinline__ void store_gradient(const softmax<T> &s, const T *row, int64_t i, float max,
                                                      double total)
{
    const int target = s.target[i];
    const float scale = target < 0 ? 0 : s.weight ? s.scale * s.weight[i] : s.scale, by = (float)(1 / total);
    T *const to = s.dlogits.row(i);
    for (int c = (int)threadIdx.x; c < s.classes; c += THREADS) {
        const float weight = weight_of(row, c, max, 1, -1);
        put(to + c, scale * (c == target ? (float)(((double)weight - total) / total) : weight * by));
    }
}

template <class T> __global__ void __launch_bounds__(THREADS) softmax_row(softmax<T> s)
{
    EL_SHARED_REST(double, sums);
    const int64_t i = blockIdx.x;
    const int target = s.target[i];
    const T *const given = s.logits.row(i);
    T *const kept = (T *)(sums + (s.chunks + 1) / 2 * 2);
    const T *const row = s.staged ? kept : given;
    for (int c = (int)threadIdx.x; s.staged && c < s.classes; c += THREADS)
        kept[c] = given[c];
    __syncthreads();
    const best top = largest(row, s.classes, -1);
    sum_chunks(sums, row, s, top.value, 1, -1);
    const double total = total_of(sums, s.chunks);
    const float lse = top.value + (float)log(total);
    if (threadIdx.x == 0) {
        if (s.guess)
            s.guess[i] = top.at;
        if (s.loss)
            s.loss[i * s.loss_stride] = target < 0 ? 0 : lse - get(row[target]);
    }
    if (s.sample) {
        const int banned = s.disallow ? target : -1;
        const float max = banned == top.at ? largest(row, s.classes, banned).value : top.value;
        if (s.temperature != 1 || banned >= 0)
            sum_chunks(sums, row, s, max, 1 / s.temperature, banned);
        if (threadIdx.x < WARP) {
            const double uniform = random_uniform(s.random, s.first_row + (uint64_t)i);
            const int drawn = draw(sums, row, s, max, 1 / s.temperature, banned, uniform);
            if (threadIdx.x == 0)
                s.sample[i] = drawn;
        }
    }
    __syncthreads(); /* the row may be the gradient's place */
    if (s.dlogits.data)
        store_gradient(s, row, i, top.value, total);
}

extern "C" void el_cuda_softmax_loss(el_queue *q, el_tensor loss, int *guess, int *sample, el_tensor dlogits,
                                     el_tensor logits, const int *target, const float *weight,
                                     const el_sampling *sampling, double scale)
{
    if (!loss.data && !guess && !(sample && sampling) && !dlogits.data)
        return;
    const int chunks = (logits.cols + CHUNK - 1) / CHUNK;
    const size_t sums = (size_t)(chunks + 1) / 2 * 2 * sizeof(double);
    const size_t row = (size_t)logits.cols * el_type_bytes(logits.type);
    const bool staged = sums + row + 2048 <= el_cuda_device_of(q)->shared; /* some is the kernel's own */
    const el_sampling drawn = sampling ? *sampling : el_sampling{1, false, {}, 0};
    by_type(logits.type, [&](auto zero) {
        using T = decltype(zero);
        const softmax<T> s = {view_of<T>(dlogits),
                              view_of<T>(logits),
                              (float *)loss.data,
                              loss.stride,
                              guess,
                              sampling ? sample : NULL,
                              target,
                              weight,
                              logits.cols,
                              chunks,
                              (float)scale,
                              (float)drawn.temperature,
                              staged,
                              drawn.disallow_target,
                              drawn.random,
                              drawn.first_row};
        el_cuda_launch(q, "softmax_loss", softmax_row<T>, (unsigned)logits.rows, THREADS,
                       sums + (staged ? row : 0), s);
    });
}

/* ---- a number a row ---- */

template <class T>
__global__ void logistic_rows(view<float> loss, view<T> dlogits, view<T> logits, const float *label, int rows,
                              float scale)
{
    const int i = (int)(blockIdx.x * SMALL + threadIdx.x);
    if (i >= rows)
        return;
    const float z = get(*logits.row(i)), y = label[i];
    const bool asked = y == y;
    if (loss.data)
        *loss.row(i) = asked ? fmaxf(z, 0) + log1pf(expf(-fabsf(z))) - y * z : 0;
    if (dlogits.data)
        put(dlogits.row(i), asked ? scale * (1 / (1 + expf(-z)) - y) : 0);
}

extern "C" void el_cuda_logistic_loss(el_queue *q, el_tensor loss, el_tensor dlogits, el_tensor logits,
                                      const float *label, double scale)
{
    by_type(logits.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "logistic_loss", logistic_rows<T>, el_cuda_blocks(logits.rows, SMALL), SMALL, 0,
                       view_of<float>(loss), view_of<T>(dlogits), view_of<T>(logits), label, logits.rows,
                       (float)scale);
    });
}

template <class T>
__global__ void squared_rows(view<float> loss, view<T> dx, view<T> x, const float *target, int rows,
                             float scale)
{
    const int i = (int)(blockIdx.x * SMALL + threadIdx.x);
    if (i >= rows)
        return;
    const float wanted = target[i], off = wanted == wanted ? get(*x.row(i)) - wanted : 0;
    if (loss.data)
        *loss.row(i) = off * off;
    if (dx.data)
        put(dx.row(i), scale * 2 * off);
}

extern "C" void el_cuda_squared_loss(el_queue *q, el_tensor loss, el_tensor dx, el_tensor x,
                                     const float *target, double scale)
{
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "squared_loss", squared_rows<T>, el_cuda_blocks(x.rows, SMALL), SMALL, 0,
                       view_of<float>(loss), view_of<T>(dx), view_of<T>(x), target, x.rows, (float)scale);
    });
}

/* ---- what is made of losses; in double, as it is defined: a number a token ---- */

template <class T>
__global__ void copy_rows(float *copied, float *drawn, view<T> u, view<float> loss, const int *shown,
                          const int *original, int rows)
{
    const int i = (int)(blockIdx.x * SMALL + threadIdx.x);
    if (i >= rows)
        return;
    const el_copy copy = el_copy_of((double)get(*u.row(i)), (double)*loss.row(i), shown[i] == original[i]);
    copied[i] = (float)copy.copied;
    drawn[i] = (float)(1 - copy.copied);
}

extern "C" void el_cuda_copy_gate(el_queue *q, float *copied, float *drawn, el_tensor u, el_tensor loss,
                                  const int *shown, const int *original)
{
    by_type(u.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "copy_gate", copy_rows<T>, el_cuda_blocks(u.rows, SMALL), SMALL, 0, copied, drawn,
                       view_of<T>(u), view_of<float>(loss), shown, original, u.rows);
    });
}

template <class T>
__global__ void advantage_rows(float *advantage, float *right, view<float> reward, view<T> u, int rows)
{
    const int i = (int)(blockIdx.x * SMALL + threadIdx.x);
    if (i >= rows)
        return;
    const double r = (double)*reward.row(i);
    advantage[i] = (float)(u.data ? r - (double)(float)el_softplus(-(double)get(*u.row(i))) : r);
    if (u.data)
        right[i] = (float)exp(-r);
}

extern "C" void el_cuda_advantages(el_queue *q, float *advantage, float *right, el_tensor reward, el_tensor u)
{
    by_type(u.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "advantages", advantage_rows<T>, el_cuda_blocks(reward.rows, SMALL), SMALL, 0,
                       advantage, right, view_of<float>(reward), view_of<T>(u), reward.rows);
    });
}
