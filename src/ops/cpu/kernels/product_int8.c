/* product_int8 - products of whole numbers: weights as 8 bits a column, x as 8 bits a row
 *
 *   y = sx[i] sw[j] (sum over k of qx[i][k] qw[j][k]) + bias[j]
 *
 * with sw[j] the largest |w| of row j of w over 127, qw = w / sw to the nearest whole number, and sx, qx likewise for each
 * row of x.  Sums are of whole numbers, and so exact: how a product is cut changes nothing.  A row with a number that is not
 * finite has no such numbers: its s is NaN, and so is all that comes of it.
 *
 * A unit is what one instruction multiplies and adds in 32 bits.  With VNNI it is four numbers of 8 bits; the instruction
 * wants one side without sign, so x has 128 added, and 128 times the sum of a column's weights is taken off again.
 * Elsewhere it is two numbers of 16 bits: products of 8 bits in pairs would overflow 16.
 *
 * Packed memory: panels as in product.c; then sw of all columns, and those sums.
 */
#include <assert.h>

#include "functions.h"
#include "tile.h"

#ifdef __AVX512VNNI__
enum { EACH = 4, SHIFT = 128 }; /* numbers of a unit; what is added to x */
typedef int8_t number;
#else
enum { EACH = 2, SHIFT = 0 };
typedef int16_t number;
#endif
typedef number vnumbers __attribute__((vector_size(EL_WIDTH * sizeof(number))));

enum { ROWS = 42 }; /* of x at a time: a multiple of the rows of a block at every level */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int units_across(int depth)
{
    return (depth + EACH - 1) / EACH;
}

static int padded(int columns)
{
    return (columns + PANEL - 1) / PANEL * PANEL;
}

static float *scales_of(const void *packed, int depth, int columns)
{
    return (float *)((uint32_t *)packed + (int64_t)padded(columns) * units_across(depth));
}

static int32_t *sums_of(const void *packed, int depth, int columns)
{
    return (int32_t *)(scales_of(packed, depth, columns) + padded(columns));
}

size_t EL_KERNEL(packed_int8_bytes)(int k, int n)
{
    return (size_t)padded(n) * ((size_t)units_across(k) + 2) * 4;
}

/* ---- to whole numbers ---- */

enum { FINITE = 0x7f7fffff }; /* the bits of the largest float */

INLINE vi larger(vi a, vi b)
{
    const vi more = a > b;
    return (a & more) | (b & ~more);
}

/* Magnitudes are in the order of their bits, and above them lie infinity and NaN, which a maximum of floats may lose.  NaN
 * where one of these is among them. */
INLINE float largest_of(const float *row, int count)
{
    vi most = {0};
    for (int i = 0; i < count; i += WIDTH)
        most = larger(most, (vi)vabs(vload_upto(row, EL_F32, i, count - i)));
    return vbits(most > FINITE) ? NAN : vhighest((vf)most);
}

/* Whole vectors of numbers, zeros after the last, each with `shift` added; returns what one of them stands for. */
INLINE float quantise(number *to, const float *row, int count, int shift)
{
    const float most = largest_of(row, count), inverse = most > 0 ? 127 / most : 0;
    for (int i = 0; i < count; i += WIDTH) {
        const vf scaled = vload_upto(row, EL_F32, i, count - i) * inverse;
        const vnumbers whole =
            __builtin_convertvector(__builtin_convertvector(vnearest(scaled), vi) + shift, vnumbers);
        memcpy(to + i, &whole, sizeof whole);
    }
    return most / 127;
}

void EL_KERNEL(pack_int8)(void *packed, el_tensor w, int first, int rows)
{
    const int deep = units_across(w.cols);
    float *const scales = scales_of(packed, w.cols, w.rows);
    int32_t *const sums = sums_of(packed, w.cols, w.rows);
    number row[EL_INT8_DEPTH + WIDTH] = {0};
    assert(w.type == EL_F32 && w.cols <= EL_INT8_DEPTH);
    for (int j = first; j < first + rows; j++) {
        uint32_t *const column = (uint32_t *)packed + (int64_t)(j / PANEL) * deep * PANEL + j % PANEL;
        scales[j] = quantise(row, el_piece_at(w, j, 0), w.cols, 0);
        sums[j] = 0;
        for (int k = 0; k < w.cols; k++)
            sums[j] += SHIFT * row[k];
        for (int u = 0; u < deep; u++)
            memcpy(column + (int64_t)u * PANEL, row + u * EACH, 4);
    }
}

/* ---- the product ---- */

INLINE vi add_products(vi sum, vu a, vu b)
{
#if defined __AVX512VNNI__
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif EL_WIDTH == 16
    return sum + (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif EL_WIDTH == 8
    return sum + (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined __x86_64__
    return sum + (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return sum + ((vi)(a << 16) >> 16) * ((vi)(b << 16) >> 16) + ((vi)a >> 16) * ((vi)b >> 16);
#endif
}

/* Rows of x as units, with what stands for one of each row's numbers; and a panel of the columns that are left. */
typedef struct {
    const uint32_t *rows, *panel;
    int64_t stride; /* units from row to row */
    int units, cols;
    const float *row_scales, *scales, *bias;
    const int32_t *sums;
} block_job;

/* By what sums of WIDTH columns become numbers. */
typedef struct {
    vi less;
    vf scales, bias;
} columns;

/* Those of a panel from column `at` on. */
INLINE columns columns_of(const block_job *j, int at)
{
    const int left = j->cols - at;
    columns c = {.scales = vload(j->scales, EL_F32, at),
                 .bias = j->bias && left > 0 ? vload_upto(j->bias, EL_F32, at, left) : (vf){0}};
    memcpy(&c.less, j->sums + at, sizeof c.less);
    return c;
}

/* One expression, which a compiler rounds in the same way wherever it stands. */
INLINE vf finished(const columns *c, vi sum, float row_scale)
{
    return __builtin_convertvector(sum - c->less, vf) * (c->scales * row_scale) + c->bias;
}

/* The lines that will be written are asked for first: in a model they come from far away. */
INLINE void block(const int rows, const block_job *j, el_tensor y)
{
    vi sum[BLOCK_ROWS][2] = {{{0}}};
    const uint32_t *b = j->panel, *a[5];
    float *const to = y.data;
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        __builtin_prefetch(to + i * y.stride, 1);
        __builtin_prefetch(to + i * y.stride + WIDTH, 1);
    }
#pragma GCC unroll 5
    for (int i = 0; i < (rows + 2) / 3; i++)
        a[i] = j->rows + 3 * i * j->stride;
#pragma GCC unroll 2
    for (int u = 0; u < j->units; u++, b += PANEL) {
        vu left, right;
        memcpy(&left, b, sizeof left);
        memcpy(&right, b + WIDTH, sizeof right);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const vu x = vsplat_bits(a[i / 3][i % 3 * j->stride + u]);
            sum[i][0] = add_products(sum[i][0], x, left);
            sum[i][1] = add_products(sum[i][1], x, right);
        }
    }
    const columns of[2] = {columns_of(j, 0), columns_of(j, WIDTH)};
    if (j->cols >= PANEL) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            vstore(to, EL_F32, i * y.stride, finished(&of[0], sum[i][0], j->row_scales[i]));
            vstore(to, EL_F32, i * y.stride + WIDTH, finished(&of[1], sum[i][1], j->row_scales[i]));
        }
        return;
    }
    vi kept[BLOCK_ROWS][2]; /* so that the loop below, which is not unrolled, leaves `sum` in registers */
    memcpy(kept, sum, sizeof kept);
    for (int i = 0; i < rows; i++)
        for (int half = 0; half < 2 && half * WIDTH < j->cols; half++)
            vstore_upto(to, EL_F32, i * y.stride + half * WIDTH, j->cols - half * WIDTH,
                        finished(&of[half], kept[i][half], j->row_scales[i]));
}

/* All rows of a panel. */
INLINE void blocks(block_job j, el_tensor y)
{
    for (int i = 0, count; i < y.rows; i += count) {
        const el_tensor part = el_piece_rows(y, i, y.rows - i);
        count = tile_rows(y.rows - i);
        if (count == BLOCK_ROWS)
            block(BLOCK_ROWS, &j, part);
        else if (BLOCK_ROWS > 8 && count == 8)
            block(8, &j, part);
        else if (BLOCK_ROWS > 4 && count == 4)
            block(4, &j, part);
        else if (count == 2)
            block(2, &j, part);
        else
            block(1, &j, part);
        j.rows += count * j.stride;
        j.row_scales += count;
    }
}

/* At most ROWS rows. */
static void product_rows(el_tensor y, el_tensor x, const void *packed, int n, int first_panel,
                         const float *bias, uint32_t *scratch)
{
    const int deep = units_across(x.cols), first = first_panel * PANEL;
    const int64_t stride = (deep + WIDTH - 1) / WIDTH * WIDTH + WIDTH; /* no multiple of 4 KiB */
    float row_scales[ROWS];
    for (int i = 0; i < x.rows; i++)
        row_scales[i] = quantise((number *)(scratch + i * stride), el_piece_at(x, i, 0), x.cols, SHIFT);
    for (int j = 0; j < y.cols; j += PANEL) {
        const block_job job = {.rows = scratch,
                               .panel = (const uint32_t *)packed + (int64_t)(first + j) * deep,
                               .stride = stride,
                               .units = deep,
                               .cols = y.cols - j,
                               .row_scales = row_scales,
                               .scales = scales_of(packed, x.cols, n) + first + j,
                               .sums = sums_of(packed, x.cols, n) + first + j,
                               .bias = bias ? bias + j : NULL};
        blocks(job, el_piece_cols(y, j, y.cols - j));
    }
}

void EL_KERNEL(product_int8)(el_tensor y, el_tensor x, const void *packed, int n, int first_panel,
                             const float *bias, void *scratch)
{
    assert(x.type == EL_F32 && y.type == EL_F32 && x.rows == y.rows && x.cols <= EL_INT8_DEPTH);
    assert(ROWS * (EL_INT8_DEPTH / EACH + 2 * WIDTH) * 4u <= EL_KERNEL(product_scratch)());
    for (int i = 0; i < y.rows; i += ROWS) {
        const int rows = least(ROWS, y.rows - i);
        product_rows(el_piece_rows(y, i, rows), el_piece_rows(x, i, rows), packed, n, first_panel, bias,
                     scratch);
    }
}
