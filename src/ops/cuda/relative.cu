/* relative - attention by distances, of either type and any head of up to 256 columns: a warp a row
 *
 * Formulas are in ops/reference/attention.c.  As in attention_any.cu, a lane makes the score of one of 32 keys, and then has some
 * columns of the sums over all of them.
 *
 * Gradients of places, biases and kinds are sums over all sequences.  Sequences come in groups; of a group's head, a warp has
 * the places of a stretch of distances, or the biases and kinds, and makes dS of its pairs anew.  The groups' sums lie in
 * `parts` and are added in their order.
 */
#include "ops/cuda/attention.h"

enum { WARPS = 4, THREADS = WARPS * WARP };
enum { STRETCH = 32 /* distances */, CONTENT = 0, PLACE, KIND, KINDS, EXTRA = KINDS + 2 };

template <class T> struct relative {
    attention<T> a;
    view<T> places;
    view<float> kinds, parts;
    const float *biases;
    const int *positions, *segments;
    int distances, sequences, groups;
};

/* What a warp keeps of a query: itself, and with each of the biases. */
struct query {
    float *content, *place, *kind, *dy;
};

enum { KEPT = 4 * MOST_COLUMNS };

static __device__ __forceinline__ query query_of(float *kept)
{
    float *const own = kept + (int)threadIdx.x / WARP * KEPT;
    return {own, own + MOST_COLUMNS, own + 2 * MOST_COLUMNS, own + 3 * MOST_COLUMNS};
}

template <class T>
static __device__ __forceinline__ void keep_query(const query &to, const relative<T> &r, const part &p, int i)
{
    const int col = p.head * r.a.size, hidden = r.a.heads * r.a.size;
    const T *const from = r.a.qkv.row(p.first + i) + col;
    const float *const bias = r.biases + col;
    for (int c = (int)threadIdx.x % WARP; c < r.a.size; c += WARP) {
        to.content[c] = get(from[c]) + bias[c];
        to.place[c] = get(from[c]) + bias[hidden + c];
        to.kind[c] = get(from[c]) + bias[2 * hidden + c];
        if (r.a.dy.data)
            to.dy[c] = get(r.a.dy.row(p.first + i)[col + c]);
    }
    __syncwarp();
}

template <class T>
static __device__ __forceinline__ int place_of(const relative<T> &r, const part &p, int i, int key)
{
    return r.positions[p.first + key] - r.positions[p.first + i] + r.distances / 2;
}

template <class T>
static __device__ __forceinline__ int kind_of(const relative<T> &r, const part &p, int i, int key)
{
    return r.segments[p.first + key] != r.segments[p.first + i];
}

template <class T>
static __device__ __forceinline__ float score(const relative<T> &r, const part &p, const query &q, int i,
                                              int key)
{
    const int col = p.head * r.a.size, hidden = r.a.heads * r.a.size;
    return (dot(q.content, r.a.qkv.row(p.first + key) + hidden + col, r.a.size) +
            dot(q.place, r.places.row(place_of(r, p, i, key)) + col, r.a.size) +
            dot(q.kind, r.kinds.row(kind_of(r, p, i, key)) + col, r.a.size)) *
           r.a.scale;
}

/* An element of dS; delta: of the query. */
template <class T>
static __device__ __forceinline__ float pair_backward(const relative<T> &r, const part &p, const query &q,
                                                      int i, int key, float delta)
{
    const int col = p.head * r.a.size, hidden = r.a.heads * r.a.size;
    const float x = expf(score(r, p, q, i, key) - r.a.lse.row(p.first + i)[p.head]);
    const float scale = keep_scale(r.a, p, i, key);
    return x * (scale * dot(q.dy, r.a.qkv.row(p.first + key) + 2 * hidden + col, r.a.size) - delta);
}

template <class T>
static __device__ __forceinline__ float delta_of(const relative<T> &r, const part &p, const query &q, int i)
{
    return dot(q.dy, r.a.y.row(p.first + i) + p.head * r.a.size, r.a.size);
}

/* sum[t] += factor * row[lane + 32 t] */
template <class T>
static __device__ __forceinline__ void add_row(float sum[A_LANE], float factor, const T *row, int size)
{
    const int lane = (int)threadIdx.x % WARP;
    for (int t = 0; t < A_LANE; t++)
        if (lane + WARP * t < size)
            sum[t] += factor * get(row[lane + WARP * t]);
}

template <class T> __global__ void __launch_bounds__(THREADS, 1) attend_by_distances(relative<T> r)
{
    EL_SHARED(float, kept, WARPS *KEPT);
    const part p = part_of(r.a);
    const int lane = (int)threadIdx.x % WARP, i = (int)blockIdx.y * WARPS + (int)threadIdx.x / WARP;
    const int col = p.head * r.a.size, hidden = r.a.heads * r.a.size, keys = keys_of(r.a, p, i);
    const query q = query_of(kept);
    float y[A_LANE] = {}, max = -INFINITY, sum = 0;
    if (i >= p.length)
        return;
    keep_query(q, r, p, i);
    for (int first = 0; first < keys; first += WARP) {
        const int key = first + lane, count = keys - first < WARP ? keys - first : WARP;
        const float s = key < keys ? score(r, p, q, i, key) : -INFINITY;
        const float larger = fmaxf(max, warp_max(s)), before = expf(max - larger);
        const float x = key < keys ? expf(s - larger) : 0;
        const float weight = x * keep_scale(r.a, p, i, key);
        sum = sum * before + warp_sum(x);
        max = larger;
        for (int t = 0; t < A_LANE; t++)
            y[t] *= before;
        for (int n = 0; n < count; n++)
            add_row(y, __shfl_sync(ALL, weight, n), r.a.qkv.row(p.first + first + n) + 2 * hidden + col,
                    r.a.size);
    }
    store_row(r.a.y.row(p.first + i) + col, y, keys > 0 ? 1 / sum : 0, r.a.size);
    if (lane == 0)
        r.a.lse.row(p.first + i)[p.head] = keys > 0 ? max + logf(sum) : -INFINITY;
}

template <class T> __global__ void __launch_bounds__(THREADS, 1) queries_by_distances(relative<T> r)
{
    EL_SHARED(float, kept, WARPS *KEPT);
    const part p = part_of(r.a);
    const int lane = (int)threadIdx.x % WARP, i = (int)blockIdx.y * WARPS + (int)threadIdx.x / WARP;
    const int col = p.head * r.a.size, hidden = r.a.heads * r.a.size, keys = keys_of(r.a, p, i);
    const query q = query_of(kept);
    float dq[A_LANE] = {};
    if (i >= p.length)
        return;
    keep_query(q, r, p, i);
    const float delta = delta_of(r, p, q, i);
    for (int first = 0; first < keys; first += WARP) {
        const int key = first + lane, count = keys - first < WARP ? keys - first : WARP;
        const float ds = key < keys ? pair_backward(r, p, q, i, key, delta) : 0;
        for (int n = 0; n < count; n++) {
            const float by = __shfl_sync(ALL, ds, n);
            add_row(dq, by, r.a.qkv.row(p.first + first + n) + hidden + col, r.a.size);
            add_row(dq, by, r.places.row(place_of(r, p, i, first + n)) + col, r.a.size);
            add_row(dq, by, r.kinds.row(kind_of(r, p, i, first + n)) + col, r.a.size);
        }
    }
    store_row(r.a.dqkv.row(p.first + i) + col, dq, r.a.scale, r.a.size);
}

/* A warp has a key and goes along the queries; of each, a lane has some columns. */
template <class T> __global__ void __launch_bounds__(THREADS, 1) keys_by_distances(relative<T> r)
{
    const part p = part_of(r.a);
    const int key = (int)blockIdx.y * WARPS + (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    const int col = p.head * r.a.size, hidden = r.a.heads * r.a.size;
    float dk[A_LANE] = {}, dv[A_LANE] = {};
    if (key >= p.length)
        return;
    const T *const k = r.a.qkv.row(p.first + key) + hidden + col, *const v = k + hidden;
    for (int i = 0; i < p.length; i++) {
        if (key >= keys_of(r.a, p, i))
            continue;
        const T *const q = r.a.qkv.row(p.first + i) + col, *const dy = r.a.dy.row(p.first + i) + col;
        const T *const y = r.a.y.row(p.first + i) + col, *const place =
                                                             r.places.row(place_of(r, p, i, key)) + col;
        const float *const kind = r.kinds.row(kind_of(r, p, i, key)) + col, *const bias = r.biases + col;
        float content[A_LANE] = {}, s = 0, g = 0, delta = 0;
        for (int t = 0, c = lane; c < r.a.size; t++, c += WARP) {
            const float x = get(q[c]);
            content[t] = x + bias[c];
            s += content[t] * get(k[c]) + (x + bias[hidden + c]) * get(place[c]) +
                 (x + bias[2 * hidden + c]) * kind[c];
            g += get(dy[c]) * get(v[c]);
            delta += get(dy[c]) * get(y[c]);
        }
        const float x = expf(warp_sum(s) * r.a.scale - r.a.lse.row(p.first + i)[p.head]);
        const float scale = keep_scale(r.a, p, i, key), ds = x * (scale * warp_sum(g) - warp_sum(delta));
        add_row(dv, x * scale, dy, r.a.size);
        for (int t = 0; t < A_LANE; t++)
            dk[t] += ds * content[t];
    }
    store_row(r.a.dqkv.row(p.first + key) + hidden + col, dk, r.a.scale, r.a.size);
    store_row(r.a.dqkv.row(p.first + key) + 2 * hidden + col, dv, 1, r.a.size);
}

/* What a block of one warp works on: sequences of a group, one head. */
template <class T> static __device__ __forceinline__ int group_start(const relative<T> &r, int group)
{
    return (int)((int64_t)r.sequences * group / r.groups);
}

template <class T> static __device__ __forceinline__ part sequence_of(const relative<T> &r, int sequence)
{
    const int first = r.a.starts[sequence];
    return {(int)blockIdx.x % r.a.heads, first, r.a.starts[sequence + 1] - first};
}

/* Row `row` of the group's sums, columns of the head. */
template <class T> static __device__ __forceinline__ float *sum_of(const relative<T> &r, int row)
{
    const int group = (int)blockIdx.x / r.a.heads, head = (int)blockIdx.x % r.a.heads;
    return r.parts.row((int64_t)group * (r.distances + EXTRA) + row) + head * r.a.size;
}

/* dplaces of some distances. */
template <class T> __global__ void __launch_bounds__(WARP, 1) places_by_distances(relative<T> r)
{
    EL_SHARED(float, kept, KEPT);
    const query q = query_of(kept);
    const int lane = (int)threadIdx.x, group = (int)blockIdx.x / r.a.heads;
    const int begin = (int)blockIdx.y * STRETCH,
              end = begin + STRETCH < r.distances ? begin + STRETCH : r.distances;
    for (int t = begin; t < end; t++)
        for (int c = lane; c < r.a.size; c += WARP)
            sum_of(r, t)[c] = 0;
    for (int s = group_start(r, group); s < group_start(r, group + 1); s++) {
        const part p = sequence_of(r, s);
        for (int i = 0; i < p.length; i++) {
            const int keys = keys_of(r.a, p, i);
            keep_query(q, r, p, i);
            const float delta = delta_of(r, p, q, i);
            for (int first = 0; first < keys; first += WARP) {
                const int key = first + lane, place = key < keys ? place_of(r, p, i, key) : -1;
                float ds = 0;
                if (place >= begin && place < end)
                    ds = pair_backward(r, p, q, i, key, delta);
                for (int n = 0; n < WARP; n++) {
                    const int at = __shfl_sync(ALL, place, n);
                    const float by = __shfl_sync(ALL, ds, n);
                    for (int c = lane; at >= begin && at < end && c < r.a.size; c += WARP)
                        sum_of(r, at)[c] += by * r.a.scale * q.place[c];
                }
            }
            __syncwarp();
        }
    }
}

/* dbiases and dkinds. */
template <class T> __global__ void __launch_bounds__(WARP, 1) biases_by_distances(relative<T> r)
{
    EL_SHARED(float, kept, KEPT);
    const query q = query_of(kept);
    const int lane = (int)threadIdx.x, group = (int)blockIdx.x / r.a.heads, hidden = r.a.heads * r.a.size;
    float sums[EXTRA][A_LANE] = {};
    for (int s = group_start(r, group); s < group_start(r, group + 1); s++) {
        const part p = sequence_of(r, s);
        const int col = p.head * r.a.size;
        for (int i = 0; i < p.length; i++) {
            const int keys = keys_of(r.a, p, i);
            float near[2] = {};
            keep_query(q, r, p, i);
            const float delta = delta_of(r, p, q, i);
            for (int first = 0; first < keys; first += WARP) {
                const int key = first + lane, count = keys - first < WARP ? keys - first : WARP;
                float ds = 0;
                if (key < keys)
                    ds = pair_backward(r, p, q, i, key, delta);
                for (int n = 0; n < count; n++) {
                    const float by = __shfl_sync(ALL, ds, n);
                    add_row(sums[CONTENT], by, r.a.qkv.row(p.first + first + n) + hidden + col, r.a.size);
                    add_row(sums[PLACE], by, r.places.row(place_of(r, p, i, first + n)) + col, r.a.size);
                    near[kind_of(r, p, i, first + n)] += by;
                }
            }
            for (int kind = 0; kind < 2; kind++) {
                add_row(sums[KIND], near[kind], r.kinds.row(kind) + col, r.a.size);
                add_row(sums[KINDS + kind], near[kind], q.kind, r.a.size);
            }
            __syncwarp();
        }
    }
    for (int k = 0; k < EXTRA; k++)
        store_row(sum_of(r, r.distances + k), sums[k], r.a.scale, r.a.size);
}

/* All groups' sums: those of places to where they are wanted, the others added. */
template <class T>
__global__ void __launch_bounds__(THREADS, 1)
    add_groups(relative<T> r, view<T> places, float *biases, view<float> kinds)
{
    const int hidden = r.a.heads * r.a.size, row = (int)blockIdx.x,
              c = (int)(blockIdx.y * THREADS + threadIdx.x);
    float sum = 0;
    if (c >= hidden)
        return;
    for (int group = 0; group < r.groups; group++)
        sum += r.parts.row((int64_t)group * (r.distances + EXTRA) + row)[c];
    if (row < r.distances)
        put(places.row(row) + c, sum);
    else if (row < r.distances + KINDS)
        biases[(row - r.distances) * hidden + c] += sum;
    else
        kinds.row(row - r.distances - KINDS)[c] += sum;
}

template <class T>
static relative<T> relative_of(const attention<T> &a, const el_relative &r, const el_layout &layout)
{
    const int groups = layout.sequences < EL_RELATIVE_PARTS ? layout.sequences : EL_RELATIVE_PARTS;
    return {a,
            view_of<T>(r.places),
            view_of<float>(r.kinds),
            {},
            (const float *)r.biases.data,
            r.positions,
            r.segments,
            r.places.rows,
            layout.sequences,
            groups};
}

extern "C" void el_cuda_relative_attention_forward(el_queue *q, el_tensor y, el_tensor lse, el_tensor qkv,
                                                   el_relative by, el_layout layout, int heads,
                                                   el_dropout dropped, int width)
{
    by_type(qkv.type, [&](auto zero) {
        using T = decltype(zero);
        const relative<T> r =
            relative_of(attention_of<T>(y, lse, qkv, layout, heads, dropped, width), by, layout);
        el_cuda_launch(q, "relative_attention_forward", attend_by_distances<T>,
                       dim3((unsigned)(layout.sequences * heads), el_cuda_blocks(layout.longest, WARPS)),
                       THREADS, 0, r);
    });
}

extern "C" void el_cuda_relative_attention_backward(el_queue *q, el_tensor dqkv, el_relative_gradients d,
                                                    el_tensor dy, el_tensor y, el_tensor lse, el_tensor qkv,
                                                    el_relative by, el_layout layout, int heads,
                                                    el_dropout dropped, int width)
{
    by_type(qkv.type, [&](auto zero) {
        using T = decltype(zero);
        relative<T> r = relative_of(attention_of<T>(y, lse, qkv, layout, heads, dropped, width), by, layout);
        r.a.dy = view_of<T>(dy);
        r.a.dqkv = view_of<T>(dqkv);
        r.parts = view_of<float>(d.parts);
        const dim3 rows((unsigned)(layout.sequences * heads), el_cuda_blocks(layout.longest, WARPS));
        const unsigned groups = (unsigned)(r.groups * heads);
        const char *const op = "relative_attention_backward";
        el_cuda_launch(q, op, queries_by_distances<T>, rows, THREADS, 0, r);
        el_cuda_launch(q, op, keys_by_distances<T>, rows, THREADS, 0, r);
        el_cuda_launch(q, op, places_by_distances<T>, dim3(groups, el_cuda_blocks(r.distances, STRETCH)),
                       WARP, 0, r);
        el_cuda_launch(q, op, biases_by_distances<T>, dim3(groups), WARP, 0, r);
        el_cuda_launch(q, op, add_groups<T>,
                       dim3((unsigned)(r.distances + EXTRA), el_cuda_blocks(y.cols, THREADS)), THREADS, 0, r,
                       view_of<T>(d.places), (float *)d.biases.data, view_of<float>(d.kinds));
    });
}
