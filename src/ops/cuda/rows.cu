/* rows - rows picked by number and put back: embeddings, gathering, replaced ids
 *
 * Adding rows to a table: two rows with one number must be added in their order, whatever comes first.  So the numbers are
 * sorted, stably, and each row of the table is the work of one warp.  A row that many are added to would be slow: it is cut
 * into pieces of 64 by its place in the sorted list, and their sums are added in order.  Sorting is counting: a thread counts
 * the keys before its own, (number, place), all of which are different.  For the 16384 of a batch of Small this is less work
 * than the launches of a radix sort; longer lists go in stretches.
 */
#include "ops/cuda/thread.h"

enum {
    THREADS = 256,
    WARPS = THREADS / WARP,
    MOST_TABLES = 8,
    STRETCH = 16384,
    PIECE = 64,
    STRIP = 128,
    SORTERS = 128 /* threads of a block that sorts: so few that 16384 keys keep every multiprocessor busy */
};

/* ---- embed, gather ---- */

struct tables {
    view<float> table[MOST_TABLES];
    const int *index[MOST_TABLES];
    int count;
};

template <class T> __global__ void embed_rows(view<T> y, tables t, int rows, int cols)
{
    const int64_t at = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    const int row = (int)(at / cols), col = (int)(at % cols);
    float sum = 0;
    if (row >= rows)
        return;
    for (int k = 0; k < t.count; k++)
        sum += t.table[k].row(t.index[k][row])[col];
    put(y.row(row) + col, sum);
}

extern "C" void el_cuda_embed_forward(el_queue *q, el_tensor y, const el_tensor *list,
                                      const int *const *indices, int count)
{
    tables t = {};
    for (int k = 0; k < count && k < MOST_TABLES; k++) {
        t.table[k] = view_of<float>(list[k]);
        t.index[k] = indices[k];
        t.count++;
    }
    by_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "embed_forward", embed_rows<T>, el_cuda_blocks((int64_t)y.rows * y.cols, THREADS),
                       THREADS, 0, view_of<T>(y), t, y.rows, y.cols);
    });
}

template <class T> __global__ void gather_rows(view<T> y, view<T> x, const int *rows, int count, int cols)
{
    const int64_t at = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    const int row = (int)(at / cols), col = (int)(at % cols);
    if (row < count)
        y.row(row)[col] = x.row(rows[row])[col];
}

extern "C" void el_cuda_gather_forward(el_queue *q, el_tensor y, el_tensor x, const int *rows)
{
    by_type(y.type, [&](auto zero) {
        using T = decltype(zero);
        el_cuda_launch(q, "gather_forward", gather_rows<T>, el_cuda_blocks((int64_t)y.rows * y.cols, THREADS),
                       THREADS, 0, view_of<T>(y), view_of<T>(x), rows, y.rows, y.cols);
    });
}

/* ---- adding rows to a table ---- */

/* Two numbers as one, so that all are different: of a row of the table and a place in the stretch. */
static __device__ __forceinline__ uint32_t key_of(int number, int place, int bits)
{
    return (uint32_t)number << bits | (uint32_t)place;
}

/* order[rank] = key; a thread counts the keys below its own. */
__global__ void sort_keys(uint32_t *order, const int *numbers, int count, int bits)
{
    EL_SHARED(uint32_t, keys, SORTERS);
    const int mine = (int)(blockIdx.x * SORTERS + threadIdx.x);
    const uint32_t key = mine < count ? key_of(numbers[mine], mine, bits) : ~0u;
    int rank = 0;
    for (int first = 0; first < count; first += SORTERS) {
        const int other = first + (int)threadIdx.x;
        __syncthreads();
        keys[threadIdx.x] = other < count ? key_of(numbers[other], other, bits) : ~0u;
        __syncthreads();
#pragma unroll 8
        for (int i = 0; i < SORTERS; i++)
            rank += keys[i] < key;
    }
    if (mine < count)
        order[rank] = key;
}

/* Where a number's keys begin in the sorted list, or would. */
static __device__ __forceinline__ int first_of(const uint32_t *order, int count, uint32_t number, int bits)
{
    int low = 0, high = count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (order[middle] >> bits < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The place in `parts` of the piece that begins at `place`.  A number's last piece may be short, so that the next number's
 * begins within the same 64: those have places of their own. */
static __device__ __forceinline__ int64_t part_of(int place, bool last, int cols)
{
    return ((int64_t)place / PIECE * 2 + last) * cols;
}

/* A warp for every place of the sorted list at which a piece begins, and a strip of columns: a lane has STRIP / WARP. */
template <class D, class T>
__global__ void add_pieces(view<D> table, float *parts, view<T> x, const uint32_t *order, int count, int cols,
                           int bits)
{
    const int place = (int)blockIdx.x * WARPS + (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    if (place >= count)
        return;
    const uint32_t number = order[place] >> bits;
    if (place > 0 && order[place - 1] >> bits == number &&
        (place - first_of(order, count, number, bits)) % PIECE != 0)
        return;
    const int begin = first_of(order, count, number, bits), end = first_of(order, count, number + 1, bits);
    const int stop = place + PIECE < end ? place + PIECE : end;
    const bool alone = end - begin <= PIECE;
    const uint32_t low = ((uint32_t)1 << bits) - 1;
    float sum[STRIP / WARP];
    for (int k = 0; k < STRIP / WARP; k++) {
        const int col = (int)blockIdx.y * STRIP + k * WARP + lane;
        sum[k] = alone && col < cols ? get(table.row(number)[col]) : 0;
    }
#pragma unroll 4
    for (int i = place; i < stop; i++)
        for (int k = 0; k < STRIP / WARP; k++) {
            const int col = (int)blockIdx.y * STRIP + k * WARP + lane;
            sum[k] += col < cols ? get(x.row(order[i] & low)[col]) : 0;
        }
    for (int k = 0; k < STRIP / WARP; k++) {
        const int col = (int)blockIdx.y * STRIP + k * WARP + lane;
        if (col >= cols)
            continue;
        if (alone)
            put(table.row(number) + col, sum[k]);
        else
            parts[part_of(place, stop == end, cols) + col] = sum[k];
    }
}

/* The numbers that were cut: a warp for each that begins a 64 of the list, which each of them does. */
template <class D>
__global__ void add_cut(view<D> table, const float *parts, const uint32_t *order, int count, int cols,
                        int bits)
{
    const int place = ((int)blockIdx.x * WARPS + (int)threadIdx.x / WARP) * PIECE,
              lane = (int)threadIdx.x % WARP;
    if (place >= count)
        return;
    const uint32_t number = order[place] >> bits;
    const int begin = first_of(order, count, number, bits), end = first_of(order, count, number + 1, bits);
    if (end - begin <= PIECE || (begin + PIECE - 1) / PIECE * PIECE != place)
        return;
    for (int col = (int)blockIdx.y * STRIP + lane; col < cols && col < ((int)blockIdx.y + 1) * STRIP;
         col += WARP) {
        float sum = get(table.row(number)[col]);
        for (int p = begin; p < end; p += PIECE)
            sum += parts[part_of(p, p + PIECE >= end, cols) + col];
        put(table.row(number) + col, sum);
    }
}

static int bits_of(int64_t count)
{
    int bits = 0;
    while ((int64_t)1 << bits < count)
        bits++;
    return bits;
}

/* table[numbers[i]] += x[i], in the order of i. */
static void add_rows(el_queue *q, const char *op, el_tensor table, el_tensor x, const int *numbers)
{
    uint32_t *const order = (uint32_t *)el_cuda_of(q)->sums;
    float *const parts = el_cuda_of(q)->sums + STRETCH;
    const int places = 32 - bits_of((int64_t)table.rows + 1),
              room = bits_of((EL_CUDA_SUMS - STRETCH) / x.cols / 2 + 1) + 5;
    int bits = places < bits_of(STRETCH) ? places : bits_of(STRETCH);
    bits = room < bits ? room : bits;
    for (int first = 0; first < x.rows; first += 1 << bits) {
        const int left = x.rows - first, count = left < 1 << bits ? left : 1 << bits;
        const el_tensor part = el_tensor_rows(x, first, count);
        const unsigned strips = el_cuda_blocks(x.cols, STRIP);
        el_cuda_launch(q, op, sort_keys, el_cuda_blocks(count, SORTERS), SORTERS, 0, order, numbers + first,
                       count, bits);
        by_type(table.type, [&](auto to) {
            by_type(x.type, [&](auto from) {
                using D = decltype(to);
                using T = decltype(from);
                el_cuda_launch(q, op, add_pieces<D, T>, dim3(el_cuda_blocks(count, WARPS), strips), THREADS,
                               0, view_of<D>(table), parts, view_of<T>(part), order, count, x.cols, bits);
            });
            using D = decltype(to);
            el_cuda_launch(q, op, add_cut<D>, dim3(el_cuda_blocks(count, WARPS * PIECE), strips), THREADS, 0,
                           view_of<D>(table), parts, order, count, x.cols, bits);
        });
    }
}

extern "C" void el_cuda_embed_backward(el_queue *q, el_tensor dtable, el_tensor dy, const int *index)
{
    add_rows(q, "embed_backward", dtable, dy, index);
}

extern "C" void el_cuda_gather_backward(el_queue *q, el_tensor dx, el_tensor dy, const int *rows,
                                        bool accumulate)
{
    if (!accumulate)
        q->zero(q, dx);
    add_rows(q, "gather_backward", dx, dy, rows);
}

/* ---- replaced ids ---- */

/* Rows from `first` on that there is room for in the sums, `count` of them; `last` is to be the smallest of ~0, ~1, ... of the
 * slots at a row: of several at one place the last counts. */
struct stretch {
    int *last;
    int first, count;
};

__global__ void copy_ids(stretch of, int *ids, float *label, const int *original, float elsewhere)
{
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (i >= of.count)
        return;
    ids[of.first + i] = original[of.first + i];
    of.last[i] = 0;
    if (label)
        label[of.first + i] = elsewhere;
}

/* Where a slot's row is in `last`; NULL: in another stretch. */
static __device__ __forceinline__ int *last_of(const stretch &of, const int *rows, int slot, int slots)
{
    const int place = slot < slots ? rows[slot] - of.first : -1;
    return place >= 0 && place < of.count ? of.last + place : NULL;
}

__global__ void claim_rows(stretch of, const int *rows, int slots)
{
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    int *const last = last_of(of, rows, i, slots);
    if (last)
        atomicMin(last, ~i);
}

__global__ void put_samples(stretch of, int *ids, float *label, const int *original, const int *rows,
                            const int *sample, int slots)
{
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    const int *const last = last_of(of, rows, i, slots);
    if (!last || *last != ~i)
        return;
    const int row = rows[i];
    ids[row] = sample[i];
    if (label)
        label[row] = sample[i] != original[row] ? 1.0f : 0.0f;
}

extern "C" void el_cuda_replace_ids(el_queue *q, int *ids, float *label, const int *original, int count,
                                    const int *rows, const int *sample, int slots, double elsewhere)
{
    const unsigned blocks = el_cuda_blocks(slots, THREADS);
    for (int first = 0; first < count; first += EL_CUDA_SUMS) {
        const int left = count - first;
        const stretch of = {(int *)el_cuda_of(q)->sums, first, left < EL_CUDA_SUMS ? left : EL_CUDA_SUMS};
        el_cuda_launch(q, "replace_ids", copy_ids, el_cuda_blocks(of.count, THREADS), THREADS, 0, of, ids,
                       label, original, (float)elsewhere);
        el_cuda_launch(q, "replace_ids", claim_rows, blocks, THREADS, 0, of, rows, slots);
        el_cuda_launch(q, "replace_ids", put_samples, blocks, THREADS, 0, of, ids, label, original, rows,
                       sample, slots);
    }
}

/* ---- numbers and ids picked one by one ---- */

__global__ void choose(int *y, const int *x, const int *at, const int *other, int count)
{
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (i < count)
        y[i] = at[i] < 0 ? other[i] : x[at[i]];
}

extern "C" void el_cuda_choose_ids(el_queue *q, int *y, const int *x, const int *at, const int *other,
                                   int count)
{
    el_cuda_launch(q, "choose_ids", choose, el_cuda_blocks(count, THREADS), THREADS, 0, y, x, at, other,
                   count);
}

__global__ void offset_rows(view<float> y, view<float> x, const int *at, int rows, double shift)
{
    const int i = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (i < rows)
        *y.row(i) = at[i] < 0 ? 0 : (float)(shift - (double)*x.row(at[i]));
}

extern "C" void el_cuda_offsets(el_queue *q, el_tensor y, el_tensor x, const int *at, double shift)
{
    el_cuda_launch(q, "offsets", offset_rows, el_cuda_blocks(y.rows, THREADS), THREADS, 0, view_of<float>(y),
                   view_of<float>(x), at, y.rows, shift);
}
