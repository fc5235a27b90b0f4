/* elementwise - ops on each number
 *
 * A thread has eight neighbours of a row, or one where rows are not aligned.  Tensors without gaps are one long row.
 */
#include "ops/cuda/thread.h"

enum { THREADS = 256 };

/* Up to two tensors in, up to two out; those that are not there are NULL. */
template <class T> struct operands {
    view<T> y, z, a, b;
};

/* The chunk of V elements that a thread has; row and column of its first. */
template <int V> static __device__ __forceinline__ bool place_of(int rows, int cols, int *row, int *col)
{
    const int64_t chunk = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    const int across = cols / V;
    if (rows == 1) { /* the usual case, and a division is dear */
        *row = 0;
        *col = (int)chunk * V;
        return chunk < across;
    }
    *row = (int)(chunk / across);
    *col = (int)(chunk % across) * V;
    return *row < rows;
}

template <class F, class T, int V> __global__ void each(F f, operands<T> o, int rows, int cols)
{
    int row, col;
    if (!place_of<V>(rows, cols, &row, &col))
        return;
    float y[V], z[V] = {}, a[V], b[V] = {};
    load_some<V>(a, o.a.row(row) + col);
    if (o.b.data)
        load_some<V>(b, o.b.row(row) + col);
    for (int i = 0; i < V; i++)
        f(y[i], z[i], a[i], b[i]);
    store_some<V>(o.y.row(row) + col, y);
    if (o.z.data)
        store_some<V>(o.z.row(row) + col, z);
}

/* Without gaps between its rows: one row. */
static bool flatten(el_tensor *const tensors[], int count)
{
    const el_tensor first = *tensors[0];
    if ((int64_t)first.rows * first.cols > INT32_MAX)
        return false;
    for (int i = 0; i < count; i++)
        if (tensors[i]->data && tensors[i]->stride != first.cols)
            return false;
    for (int i = 0; i < count; i++)
        *tensors[i] = el_tensor_make(tensors[i]->data, tensors[i]->type, 1, first.rows * first.cols);
    return true;
}

template <class F>
static void apply(el_queue *q, const char *op, F f, el_tensor y, el_tensor z, el_tensor a, el_tensor b)
{
    el_tensor *const all[] = {&y, &z, &a, &b};
    if (y.rows == 0 || y.cols == 0)
        return;
    flatten(all, 4);
    const bool wide = by_eight(y) && by_eight(z) && by_eight(a) && by_eight(b);
    const unsigned blocks = el_cuda_blocks((int64_t)y.rows * y.cols / (wide ? 8 : 1), THREADS);
    by_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        const operands<T> o = {view_of<T>(y), view_of<T>(z), view_of<T>(a), view_of<T>(b)};
        el_cuda_launch(q, op, wide ? each<F, T, 8> : each<F, T, 1>, blocks, THREADS, 0, f, o, y.rows, y.cols);
    });
}

/* ---- copies ---- */

template <class Y, class X, int V> __global__ void convert(view<Y> y, view<X> x, int rows, int cols)
{
    int row, col;
    float v[V];
    if (!place_of<V>(rows, cols, &row, &col))
        return;
    load_some<V>(v, x.row(row) + col);
    store_some<V>(y.row(row) + col, v);
}

template <class Y, int V> __global__ void clear(view<Y> y, int rows, int cols)
{
    int row, col;
    const float zero[V] = {};
    if (place_of<V>(rows, cols, &row, &col))
        store_some<V>(y.row(row) + col, zero);
}

extern "C" void el_cuda_zero(el_queue *q, el_tensor y)
{
    el_tensor *const all[] = {&y};
    if (y.rows == 0 || y.cols == 0)
        return;
    flatten(all, 1);
    const bool wide = by_eight(y);
    const unsigned blocks = el_cuda_blocks((int64_t)y.rows * y.cols / (wide ? 8 : 1), THREADS);
    by_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "zero", wide ? clear<T, 8> : clear<T, 1>, blocks, THREADS, 0, view_of<T>(y), y.rows,
                       y.cols);
    });
}

extern "C" void el_cuda_copy(el_queue *q, el_tensor y, el_tensor x)
{
    el_tensor *const all[] = {&y, &x};
    if (y.rows == 0 || y.cols == 0)
        return;
    flatten(all, 2);
    const bool wide = by_eight(y) && by_eight(x);
    const unsigned blocks = el_cuda_blocks((int64_t)y.rows * y.cols / (wide ? 8 : 1), THREADS);
    by_type(y.type, [&](auto to) {
        by_type(x.type, [&](auto from) {
            using Y = decltype(to);
            using X = decltype(from);
            el_cuda_launch(q, "copy", wide ? convert<Y, X, 8> : convert<Y, X, 1>, blocks, THREADS, 0,
                           view_of<Y>(y), view_of<X>(x), y.rows, y.cols);
        });
    });
}

/* ---- sums and functions ---- */

struct added {
    __device__ void operator()(float &y, float &, float a, float b) const
    {
        y = a + b;
    }
};

extern "C" void el_cuda_add(el_queue *q, el_tensor y, el_tensor a, el_tensor b)
{
    apply(q, "add", added(), y, el_tensor_none(), a, b);
}

/* x Phi(x) and its slope by erf itself: for float. */
struct gelu {
    __device__ void operator()(float &y, float &slope, float x, float) const
    {
        const float phi = 0.5f * erfcf(-x * 0.70710678118654752f);
        y = x * phi;
        slope = phi + x * 0.39894228040143268f * expf(-0.5f * x * x);
    }
};

/* The same for bf16, in half the instructions: Phi by a polynomial (Abramowitz and Stegun, 7.1.26; error below 8e-8), whose
 * exponential is the slope's too. */
struct quick_gelu {
    __device__ void operator()(float &y, float &slope, float x, float) const
    {
        const float bell = el_quick_exp(-0.5f * x * x);
        const float t = el_quick_inverse(1 + 0.3275911f * 0.70710678118654752f * fabsf(x));
        const float tail = 0.5f * bell * t *
                           (0.254829592f + t * (-0.284496736f +
                                                t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
        const float phi = x < 0 ? tail : 1 - tail;
        y = x * phi;
        slope = phi + x * 0.39894228040143268f * bell;
    }
};

/* Both from what was kept, a; z is b times the slope as it would have been stored. */
template <class G, class T> struct gelu_twice {
    __device__ void operator()(float &y, float &z, float x, float dy) const
    {
        float slope;
        G()(y, slope, x, 0);
        z = dy * stored(slope, (const T *)nullptr);
    }
};

extern "C" void el_cuda_gelu_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    if (x.type == EL_BF16)
        apply(q, "gelu_forward", quick_gelu(), y, slope, x, el_tensor_none());
    else
        apply(q, "gelu_forward", gelu(), y, slope, x, el_tensor_none());
}

struct multiplied {
    __device__ void operator()(float &y, float &, float a, float b) const
    {
        y = a * b;
    }
};

extern "C" void el_cuda_gelu_backward(el_queue *q, el_tensor dx, el_tensor dy, el_tensor slope)
{
    apply(q, "gelu_backward", multiplied(), dx, el_tensor_none(), dy, slope);
}

extern "C" void el_cuda_gelu_again(el_queue *q, el_tensor y, el_tensor dx, el_tensor dy, el_tensor x)
{
    if (x.type == EL_BF16)
        apply(q, "gelu_again", gelu_twice<quick_gelu, bf16>(), y, dx, x, dy);
    else
        apply(q, "gelu_again", gelu_twice<gelu, float>(), y, dx, x, dy);
}

struct hyperbolic_tangent {
    __device__ void operator()(float &y, float &slope, float x, float) const
    {
        y = tanhf(x);
        slope = 1 - y * y;
    }
};

extern "C" void el_cuda_tanh_forward(el_queue *q, el_tensor y, el_tensor slope, el_tensor x)
{
    apply(q, "tanh_forward", hyperbolic_tangent(), y, slope, x, el_tensor_none());
}

/* ---- dropout ---- */

/* Of one long row: a warp has 256 neighbours. */
template <class T> __global__ void drop_flat(T *y, const T *x, int64_t count, mask m)
{
    const int lane = (int)threadIdx.x % WARP;
    const int64_t at = 8 * ((int64_t)blockIdx.x * THREADS + threadIdx.x);
    const uint32_t bits = mask_bits(m, m.row * m.stride + (uint64_t)(at - 8 * lane), lane);
    float v[8];
    if (at >= count)
        return;
    load8(v, x + at);
    mask_apply(m, bits, v);
    store8(y + at, v);
}

template <class T> __global__ void drop(view<T> y, view<T> x, int rows, int cols, mask m)
{
    int row, col;
    if (place_of<1>(rows, cols, &row, &col))
        put(y.row(row) + col, get(x.row(row)[col]) * mask_scale(m, (uint64_t)row, col));
}

extern "C" void el_cuda_dropout(el_queue *q, el_tensor y, el_tensor x, el_dropout dropped)
{
    if (dropped.rate == 0) {
        if (y.data != x.data)
            q->copy(q, y, x);
        return;
    }
    const mask m = mask_of(dropped, x.cols);
    const int64_t count = (int64_t)x.rows * x.cols;
    const bool flat =
        x.cols % 16 == 0 && y.stride == y.cols && x.stride == x.cols && by_eight(x) && by_eight(y);
    if (count == 0)
        return;
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        if (flat)
            el_cuda_launch(q, "dropout", drop_flat<T>, el_cuda_blocks(count / 8, THREADS), THREADS, 0,
                           (T *)y.data, (const T *)x.data, count, m);
        else
            el_cuda_launch(q, "dropout", drop<T>, el_cuda_blocks(count, THREADS), THREADS, 0, view_of<T>(y),
                           view_of<T>(x), x.rows, x.cols, m);
    });
}
