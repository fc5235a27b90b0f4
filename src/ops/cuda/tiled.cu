/* tiled - our own products of any shape; see narrow.h
 *
 *   y = x W^T + b        dx = dy W        dW += dy^T x
 *
 * In bf16, where rows are aligned, a block has 128 x 128 of the result and goes along the depth 32 at a time on the tensor
 * cores: while it multiplies one step's factors in shared memory, the next step's are on their way from memory into registers.
 * A factor lies "deep" where the depth is what runs along its rows (x and W of y), else the other way round; the GPU turns it
 * while it loads 8 x 8 of it.  dW has few elements and a depth of all rows of the batch, so its depth is cut into parts that
 * are added in their order.
 *
 * All else goes by 64 x 64 of the result and 16 of the depth, in float.
 */
#include "ops/cuda/narrow.h"

#include "ops/cuda/thread.h"

enum { THREADS = 256, TILE = 64, DEPTH = 16 };

/* ---- bf16 on the tensor cores ---- */

enum {
    SIDE = 128,
    STEP = 32,                          /* of the depth at a time */
    PAD = 8,                            /* between rows of a tile: no two in the same banks */
    EIGHTS = SIDE * STEP / 8 / THREADS, /* that a thread brings of each factor */
    WARP_ROWS = 64,
    WARP_COLS = 32,
    FEWEST_STEPS = 8 /* in a part of the depth */
};

template <class D> struct square {
    view<D> d;
    const bf16 *a, *b;
    int64_t a_stride, b_stride;
    const float *bias; /* of the columns of d */
    float *parts;      /* of d, rows * cols each; or none */
    int rows, cols, depth, part_depth;
    bool adds;
};

/* Keeps the first elements of eight. */
static __device__ __forceinline__ uint4 cut(uint4 eight, int kept)
{
    unsigned words[4] = {eight.x, eight.y, eight.z, eight.w};
    for (int i = 0; i < 4; i++)
        words[i] = kept >= 2 * i + 2 ? words[i] : kept == 2 * i + 1 ? words[i] & 0xffff : 0;
    return {words[0], words[1], words[2], words[3]};
}

/* A tile in shared memory, in elements. */
template <bool DEEP> struct shape {
    enum { PITCH = (DEEP ? STEP : SIDE) + PAD, SIZE = (DEEP ? SIDE : STEP) * PITCH };
};

/* A thread's part of a tile. */
template <bool DEEP> struct lot {
    int line, place;
    __device__ __forceinline__ lot(int n)
    {
        const int at = (int)threadIdx.x + n * THREADS, across = (DEEP ? STEP : SIDE) / 8;
        line = at / across;
        place = at % across * 8;
    }
};

template <bool DEEP>
static __device__ __forceinline__ void bring(uint4 eights[EIGHTS], const bf16 *from, int64_t stride,
                                             int first, int limit, int k, int depth)
{
#pragma unroll
    for (int n = 0; n < EIGHTS; n++) {
        const lot<DEEP> l(n);
        const int line = l.line + (DEEP ? first : k), place = l.place + (DEEP ? k : first);
        eights[n] = {0, 0, 0, 0};
        if (line < (DEEP ? limit : depth) && place < (DEEP ? depth : limit))
            eights[n] = *(const uint4 *)(from + line * stride + place);
        if (DEEP && place + 8 > depth)
            eights[n] = cut(eights[n], depth - place);
    }
}

template <bool DEEP> static __device__ __forceinline__ void lay(bf16 *tile, const uint4 eights[EIGHTS])
{
#pragma unroll
    for (int n = 0; n < EIGHTS; n++) {
        const lot<DEEP> l(n);
        *(uint4 *)(tile + l.line * shape<DEEP>::PITCH + l.place) = eights[n];
    }
}

/* Rows `row` to row + 15 and depths k to k + 15 as a left factor. */
template <bool DEEP>
static __device__ __forceinline__ void load_left(uint32_t a[4], const bf16 *tile, int row, int k)
{
    const int lane = (int)threadIdx.x % WARP;
    if (DEEP)
        el_load_tiles(a, tile + (row + lane % 16) * shape<DEEP>::PITCH + k + lane / 16 * 8);
    else
        el_load_tiles_transposed(a, tile + (k + lane / 16 * 8 + lane % 8) * shape<DEEP>::PITCH + row +
                                        lane / 8 % 2 * 8);
}

/* Columns `col` to col + 15 and depths k to k + 15 as the right factors of two products. */
template <bool DEEP>
static __device__ __forceinline__ void load_right(uint32_t b[4], const bf16 *tile, int col, int k)
{
    const int lane = (int)threadIdx.x % WARP;
    if (DEEP)
        el_load_tiles(b, tile + (col + lane / 16 * 8 + lane % 8) * shape<DEEP>::PITCH + k + lane / 8 % 2 * 8);
    else
        el_load_tiles_transposed(b, tile + (k + lane % 16) * shape<DEEP>::PITCH + col + lane / 16 * 8);
}

/* A warp's part of a step. */
template <bool A_DEEP, bool B_DEEP>
static __device__ __forceinline__ void multiply_step(float d[WARP_ROWS / 16][WARP_COLS / 8][4], const bf16 *a,
                                                     const bf16 *b, int row, int col)
{
#pragma unroll
    for (int k = 0; k < STEP; k += 16) {
        uint32_t right[WARP_COLS / 16][4];
#pragma unroll
        for (int j = 0; j < WARP_COLS / 16; j++)
            load_right<B_DEEP>(right[j], b, col + 16 * j, k);
#pragma unroll
        for (int i = 0; i < WARP_ROWS / 16; i++) {
            uint32_t left[4];
            load_left<A_DEEP>(left, a, row + 16 * i, k);
#pragma unroll
            for (int j = 0; j < WARP_COLS / 8; j++)
                el_multiply_tile(d[i][j], left, right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]);
        }
    }
}

template <class D>
static __device__ __forceinline__ void put_element(const square<D> &t, int row, int col, float value)
{
    if (row >= t.rows || col >= t.cols)
        return;
    if (t.parts) {
        t.parts[((int64_t)blockIdx.z * t.rows + row) * t.cols + col] = value;
        return;
    }
    D *const place = t.d.row(row) + col;
    put(place, value + (t.bias ? t.bias[col] : 0) + (t.adds ? get(*place) : 0));
}

template <class D, bool A_DEEP, bool B_DEEP>
__global__ void __launch_bounds__(THREADS) multiply_squares(square<D> t)
{
    EL_SHARED(bf16, a, 2 * shape<A_DEEP>::SIZE);
    EL_SHARED(bf16, b, 2 * shape<B_DEEP>::SIZE);
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    const int row = (int)blockIdx.y * SIDE, col = (int)blockIdx.x * SIDE,
              begin = (int)blockIdx.z * t.part_depth;
    const int end = begin + t.part_depth < t.depth ? begin + t.part_depth : t.depth;
    const int own_row = warp / (SIDE / WARP_COLS) * WARP_ROWS,
              own_col = warp % (SIDE / WARP_COLS) * WARP_COLS;
    float d[WARP_ROWS / 16][WARP_COLS / 8][4] = {};
    uint4 next_a[EIGHTS], next_b[EIGHTS];
    bring<A_DEEP>(next_a, t.a, t.a_stride, row, t.rows, begin, end);
    bring<B_DEEP>(next_b, t.b, t.b_stride, col, t.cols, begin, end);
    lay<A_DEEP>(a, next_a);
    lay<B_DEEP>(b, next_b);
    __syncthreads();
    for (int k = begin, now = 0; k < end; k += STEP, now ^= 1) {
        const bool more = k + STEP < end;
        if (more) {
            bring<A_DEEP>(next_a, t.a, t.a_stride, row, t.rows, k + STEP, end);
            bring<B_DEEP>(next_b, t.b, t.b_stride, col, t.cols, k + STEP, end);
        }
        multiply_step<A_DEEP, B_DEEP>(d, a + now * shape<A_DEEP>::SIZE, b + now * shape<B_DEEP>::SIZE,
                                      own_row, own_col);
        if (more) {
            lay<A_DEEP>(a + (now ^ 1) * shape<A_DEEP>::SIZE, next_a);
            lay<B_DEEP>(b + (now ^ 1) * shape<B_DEEP>::SIZE, next_b);
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < WARP_ROWS / 16; i++)
#pragma unroll
        for (int j = 0; j < WARP_COLS / 8; j++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                put_element(t, row + own_row + 16 * i + lane / 4 + e / 2 * 8,
                            col + own_col + 8 * j + lane % 4 * 2 + e % 2, d[i][j][e]);
}

/* Whether a factor can be read eight elements at a time; what lies behind a row's last is not used. */
static bool aligned(el_tensor t)
{
    return t.type == EL_BF16 && t.stride % 8 == 0 && (uintptr_t)t.data % 16 == 0;
}

template <bool A_DEEP, bool B_DEEP, class D>
static void run_squares(el_queue *q, const char *op, square<D> t, int parts)
{
    const int steps = (t.depth + STEP - 1) / STEP;
    t.part_depth = (steps + parts - 1) / parts * STEP;
    el_cuda_launch(q, op, multiply_squares<D, A_DEEP, B_DEEP>,
                   dim3(el_cuda_blocks(t.cols, SIDE), el_cuda_blocks(t.rows, SIDE),
                        el_cuda_blocks(t.depth, t.part_depth)),
                   THREADS, 0, t);
}

/* How many parts the depth of dW is cut into, so that there is work for all of the GPU: a matter of shapes alone. */
static int parts_of(el_tensor dw, int depth)
{
    enum { ENOUGH = 264 /* blocks: two for each of an H200's multiprocessors */ };
    const int64_t size = (int64_t)dw.rows * dw.cols;
    const int blocks = (int)(el_cuda_blocks(dw.rows, SIDE) * el_cuda_blocks(dw.cols, SIDE));
    const int64_t room = dw.stride == dw.cols ? EL_CUDA_SUMS / size : 0, most = depth / (FEWEST_STEPS * STEP);
    int64_t parts = (ENOUGH + blocks - 1) / blocks;
    parts = parts < room ? parts : room;
    parts = parts < most ? parts : most;
    return parts > 1 ? (int)parts : 1;
}

/* ---- any shape, in float ---- */

/* Element (i, k) of a factor is at i * by_row + k * by_depth. */
template <class T> struct factor {
    const T *data;
    int64_t by_row, by_depth;
};

template <class D, class T> struct tiled {
    view<D> d;
    factor<T> a, b;
    const float *bias; /* of the columns of d */
    int rows, cols, depth;
    bool adds;
};

/* A thread has 4 x 4: rows ty + 16 i, columns tx + 16 j. */
template <class D, class T> __global__ void multiply_tiles(tiled<D, T> t)
{
    EL_SHARED(float, a, DEPTH *(TILE + 1));
    EL_SHARED(float, b, DEPTH *(TILE + 1));
    const int tx = (int)threadIdx.x % 16, ty = (int)threadIdx.x / 16;
    const int row = (int)blockIdx.y * TILE, col = (int)blockIdx.x * TILE;
    float sum[4][4] = {};
    for (int k0 = 0; k0 < t.depth; k0 += DEPTH) {
        for (int n = (int)threadIdx.x; n < DEPTH * TILE; n += THREADS) {
            const int i = n / DEPTH, k = n % DEPTH;
            const bool deep = k0 + k < t.depth;
            a[k * (TILE + 1) + i] = deep && row + i < t.rows
                                        ? get(t.a.data[(row + i) * t.a.by_row + (k0 + k) * t.a.by_depth])
                                        : 0;
            b[k * (TILE + 1) + i] = deep && col + i < t.cols
                                        ? get(t.b.data[(col + i) * t.b.by_row + (k0 + k) * t.b.by_depth])
                                        : 0;
        }
        __syncthreads();
        for (int k = 0; k < DEPTH; k++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] += a[k * (TILE + 1) + ty + 16 * i] * b[k * (TILE + 1) + tx + 16 * j];
        __syncthreads();
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int r = row + ty + 16 * i, c = col + tx + 16 * j;
            if (r >= t.rows || c >= t.cols)
                continue;
            D *const place = t.d.row(r) + c;
            put(place, sum[i][j] + (t.bias ? t.bias[c] : 0) + (t.adds ? get(*place) : 0));
        }
}

template <class D, class T> static void run(el_queue *q, const char *op, const tiled<D, T> &t)
{
    el_cuda_launch(q, op, multiply_tiles<D, T>,
                   dim3(el_cuda_blocks(t.cols, TILE), el_cuda_blocks(t.rows, TILE)), THREADS, 0, t);
}

/* ---- the three products ---- */

void el_cuda_tiled_forward(el_queue *q, el_tensor y, el_tensor x, el_tensor w, el_tensor b)
{
    if (aligned(x) && aligned(w)) {
        run_squares<true, true>(q, "linear_forward",
                                square<bf16>{view_of<bf16>(y), (const bf16 *)x.data, (const bf16 *)w.data,
                                             x.stride, w.stride, (const float *)b.data, NULL, y.rows, y.cols,
                                             x.cols, 0, false},
                                1);
        return;
    }
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        run<T, T>(q, "linear_forward",
                  {view_of<T>(y),
                   {(const T *)x.data, x.stride, 1},
                   {(const T *)w.data, w.stride, 1},
                   (const float *)b.data,
                   y.rows,
                   y.cols,
                   x.cols,
                   false});
    });
}

void el_cuda_tiled_backward_input(el_queue *q, el_tensor dx, el_tensor dy, el_tensor w, bool accumulate)
{
    if (aligned(dy) && aligned(w)) {
        run_squares<true, false>(q, "linear_backward_input",
                                 square<bf16>{view_of<bf16>(dx), (const bf16 *)dy.data, (const bf16 *)w.data,
                                              dy.stride, w.stride, NULL, NULL, dx.rows, dx.cols, dy.cols, 0,
                                              accumulate},
                                 1);
        return;
    }
    by_type(dx.type, [&](auto zero) {
        using T = decltype(zero);
        run<T, T>(q, "linear_backward_input",
                  {view_of<T>(dx),
                   {(const T *)dy.data, dy.stride, 1},
                   {(const T *)w.data, 1, w.stride},
                   NULL,
                   dx.rows,
                   dx.cols,
                   dy.cols,
                   accumulate});
    });
}

void el_cuda_tiled_backward_weight(el_queue *q, el_tensor dw, el_tensor dy, el_tensor x)
{
    if (aligned(dy) && aligned(x)) {
        const int parts = parts_of(dw, x.rows);
        float *const sums = parts > 1 ? el_cuda_of(q)->sums : NULL;
        run_squares<false, false>(q, "linear_backward_weight",
                                  square<float>{view_of<float>(dw), (const bf16 *)dy.data,
                                                (const bf16 *)x.data, dy.stride, x.stride, NULL, sums,
                                                dw.rows, dw.cols, x.rows, 0, true},
                                  parts);
        const int there =
            (int)el_cuda_blocks(x.rows, (((x.rows + STEP - 1) / STEP + parts - 1) / parts) * STEP);
        if (sums)
            el_cuda_add_parts(q, "linear_backward_weight", (float *)dw.data, sums, (int64_t)dw.rows * dw.cols,
                              there, dw.rows * dw.cols);
        return;
    }
    by_type(x.type, [&](auto zero) {
        using T = decltype(zero);
        run<float, T>(q, "linear_backward_weight",
                      {view_of<float>(dw),
                       {(const T *)dy.data, 1, dy.stride},
                       {(const T *)x.data, 1, x.stride},
                       NULL,
                       dw.rows,
                       dw.cols,
                       x.rows,
                       true});
    });
}
