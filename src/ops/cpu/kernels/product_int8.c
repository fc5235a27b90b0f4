/* product_int8 - products of whole numbers: weights as 8 bits a column, x as steps between the ends of each row
 *
 *   y = sx[i] sw[j] (sum over k of qx[i][k] qw[j][k]) + low[i] total[j] + bias[j]
 *
 * with sw[j] the largest |w| of row j of w over 127, qw = w / sw to the nearest whole number, total[j] their sum times sw[j];
 * low[i] the least number of row i of x, or 0, sx[i] the way from there to its greatest, or 0, over WHOLE_STEPS, and
 * qx = (x - low) / sx.  Sums are of whole numbers, and so exact: how a product is cut changes nothing.  A row with a number that
 * is not finite has no such numbers: its s is NaN, and so is all that comes of it.  Of a row of x whose ends are further apart
 * than a float can say, s is infinite, and nothing that comes of it is finite.
 *
 * A unit is what is multiplied and added up in 32 bits at a time.  With VNNI one instruction does that to four numbers of 8
 * bits, and so do tiles (amx.h).  AVX2 adds the products of two in 16 bits first, where 127 steps have room and 255 have not.
 * Elsewhere a unit is two numbers of 16 bits.
 *
 * Packed memory: panels as in product.c; then sw of all columns, and their totals.
 */
#include <assert.h>
#include <float.h>

#include "amx.h"
#include "functions.h"

typedef whole_number vnumbers __attribute__((vector_size(EL_WIDTH * sizeof(whole_number))));

enum { ROWS = AMX ? 64 : 42 }; /* of x at a time: a multiple of the rows of a block at every level */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Whole tiles of units where there are tiles. */
static int units_across(int depth)
{
    enum { STEP = AMX ? WHOLES * AMX_TILE : WHOLES };
    return (depth + STEP - 1) / STEP * (STEP / WHOLES);
}

static int padded(int columns)
{
    return (columns + PANEL - 1) / PANEL * PANEL;
}

static float *scales_of(const void *packed, int depth, int columns)
{
    return (float *)((uint32_t *)packed + (int64_t)padded(columns) * units_across(depth));
}

static float *totals_of(const void *packed, int depth, int columns)
{
    return scales_of(packed, depth, columns) + padded(columns);
}

int EL_KERNEL(int8_steps)(void)
{
    return WHOLE_STEPS;
}

size_t EL_KERNEL(packed_int8_bytes)(int k, int n)
{
    return (size_t)padded(n) * ((size_t)units_across(k) + 2) * 4;
}

/* ---- to whole numbers ---- */

/* Units of WHOLES * WIDTH whole numbers. */
INLINE vu units_from(const vi rounded[WHOLES])
{
#if EL_WIDTH == 8
    const __m256i low = _mm256_packs_epi32((__m256i)rounded[0], (__m256i)rounded[1]);
    const __m256i high = _mm256_packs_epi32((__m256i)rounded[2], (__m256i)rounded[3]);
    return (vu)_mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), /* both pack half by half */
                                           _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
#elif defined __AVX512VNNI__ /* the lowest 8 bits of each: those of x have no sign, those of weights do */
    const __m512i low = _mm512_packs_epi32((__m512i)(rounded[0] & 255), (__m512i)(rounded[1] & 255));
    const __m512i high = _mm512_packs_epi32((__m512i)(rounded[2] & 255), (__m512i)(rounded[3] & 255));
    return (vu)_mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        _mm512_packus_epi16(low, high)); /* each packs quarter by quarter */
#elif EL_WIDTH == 16
    return (vu)_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),
                                        _mm512_packs_epi32((__m512i)rounded[0], (__m512i)rounded[1]));
#else
    vnumbers part[WHOLES];
    vu joined;
    for (int i = 0; i < WHOLES; i++)
        part[i] = __builtin_convertvector(rounded[i], vnumbers);
    memcpy(&joined, part, sizeof joined);
    return joined;
#endif
}

/* From number i of a row on, zeros behind the last. */
INLINE vf numbers_at(const float *row, int i, int count)
{
    return i < count ? vload_upto(row, EL_F32, i, count - i) : (vf){0};
}

/* The numbers of a row, less `low`, as whole vectors of units; `inverse`: of what one stands for. */
INLINE void put_units(void *to, const float *row, int count, float low, float inverse)
{
    for (int i = 0; i < count; i += WHOLES * WIDTH) {
        vi rounded[WHOLES];
#pragma GCC unroll 4
        for (int k = 0; k < WHOLES; k++)
            rounded[k] = __builtin_convertvector(
                vnearest((numbers_at(row, i + k * WIDTH, count) - low) * inverse), vi);
        vput((whole_number *)to + i, units_from(rounded));
    }
}

typedef struct {
    float low, high; /* NaN where a number is not finite */
} ends;

/* The least and the greatest number of a row, or 0. */
INLINE ends ends_of(const float *row, int count)
{
    vf low = {0}, high = {0};
    vi odd = {0};
    for (int i = 0; i < count; i += WIDTH) {
        const vf x = vload_upto(row, EL_F32, i, count - i);
        low = vmin(low, x);
        high = vmax(high, x);
        odd |= x - x != 0; /* a maximum of floats may lose them */
    }
    return vbits(odd) ? (ends){NAN, NAN} : (ends){-vhighest(-low), vhighest(high)};
}

/* 1 / unit; 0 where that is more than a float can say: such numbers are all as good as 0. */
INLINE float inverse_of(float unit)
{
    return unit > FLT_MIN ? 1 / unit : 0;
}

/* What one of a column's numbers stands for. */
static float quantise_column(whole_number *to, const float *row, int count)
{
    const ends e = ends_of(row, count);
    const float unit = (e.high > -e.low ? e.high : -e.low) / 127;
    put_units(to, row, count, 0, inverse_of(unit));
    return unit;
}

/* Of a row of x: what one of its numbers stands for, and what 0 does. */
typedef struct {
    float unit, low;
} row_scale;

INLINE row_scale quantise_row(uint32_t *to, const float *row, int count)
{
    const ends e = ends_of(row, count);
    const float unit = (e.high - e.low) / WHOLE_STEPS;
    put_units(to, row, count, e.low, inverse_of(unit));
    return (row_scale){unit, e.low};
}

void EL_KERNEL(pack_int8)(void *packed, el_tensor w, int first, int rows)
{
    const int deep = units_across(w.cols);
    float *const scales = scales_of(packed, w.cols, w.rows);
    float *const totals = totals_of(packed, w.cols, w.rows);
    whole_number row[EL_INT8_DEPTH + WHOLES * WIDTH] = {0};
    assert(w.type == EL_F32 && w.cols <= EL_INT8_DEPTH);
    for (int j = first; j < first + rows; j++) {
        uint32_t *const column = (uint32_t *)packed + (int64_t)(j / PANEL) * deep * PANEL + j % PANEL;
        int sum = 0;
        scales[j] = quantise_column(row, el_piece_at(w, j, 0), w.cols);
        for (int k = 0; k < w.cols; k++)
            sum += row[k];
        totals[j] = scales[j] * (float)sum;
        for (int u = 0; u < deep; u++)
            memcpy(column + (int64_t)u * PANEL, row + u * WHOLES, 4);
    }
}

/* ---- the product ---- */

/* Rows of x as units, with what their numbers stand for; and a panel of the columns that are left. */
typedef struct {
    const uint32_t *rows, *panel;
    int64_t stride; /* units from row to row */
    int units, cols;
    const row_scale *row_scales;
    const float *scales, *totals, *bias;
} block_job;

/* By what sums of WIDTH columns become numbers. */
typedef struct {
    vf scales, totals, bias;
} columns;

/* Those of a panel from column `at` on. */
INLINE columns columns_of(const block_job *j, int at)
{
    const int left = j->cols - at;
    return (columns){.scales = vload(j->scales, EL_F32, at),
                     .totals = vload(j->totals, EL_F32, at),
                     .bias = j->bias && left > 0 ? vload_upto(j->bias, EL_F32, at, left) : (vf){0}};
}

/* One expression, which a compiler rounds in the same way wherever it stands. */
INLINE vf finished(const columns *c, vi sum, row_scale row)
{
    return __builtin_convertvector(sum, vf) * (c->scales * row.unit) + (c->totals * row.low + c->bias);
}

#ifdef EL_AMX

/* Rows of x beyond the last may hold anything: they are read, and their sums are not. */
INLINE void block_in_tiles(const bool lower, const block_job *j, el_tensor y)
{
    int32_t sums[AMX_BLOCK][PANEL] __attribute__((aligned(64)));
    const units rows = {(const char *)j->rows, j->stride * 4, 4};
    const columns of[2] = {columns_of(j, 0), columns_of(j, WIDTH)};
    amx_clear(lower);
    amx_multiply(lower, WHOLE_FOURS, j->units, rows, j->panel);
    amx_store(lower, sums, PANEL);
    for (int i = 0; i < least(y.rows, lower ? AMX_BLOCK : AMX_TILE); i++)
        for (int half = 0; half < 2 && half * WIDTH < j->cols; half++)
            vstore_upto(y.data, EL_F32, i * y.stride + half * WIDTH, j->cols - half * WIDTH,
                        finished(&of[half], (vi)vget(sums[i] + half * WIDTH), j->row_scales[i]));
}

/* All rows of a panel. */
INLINE void blocks(block_job j, el_tensor y)
{
    for (int i = 0; i < y.rows; i += AMX_BLOCK) {
        const el_tensor part = el_piece_rows(y, i, y.rows - i);
        if (part.rows > AMX_TILE)
            block_in_tiles(true, &j, part);
        else
            block_in_tiles(false, &j, part);
        j.rows += AMX_BLOCK * j.stride;
        j.row_scales += AMX_BLOCK;
    }
}

#else

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
        const vu left = vget(b), right = vget(b + WIDTH);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const vu x = vsplat_bits(a[i / 3][i % 3 * j->stride + u]);
            sum[i][0] = vmultiply_add_whole(sum[i][0], x, left);
            sum[i][1] = vmultiply_add_whole(sum[i][1], x, right);
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
        count = panel_rows(y.rows - i);
        if (count == BLOCK_ROWS)
            block(BLOCK_ROWS, &j, part);
        else if (BLOCK_ROWS > 8 && count == 8)
            block(8, &j, part);
        else if (BLOCK_ROWS == 6 && count == 5)
            block(5, &j, part);
        else if (BLOCK_ROWS > 4 && count == 4)
            block(4, &j, part);
        else if (BLOCK_ROWS == 6 && count == 3)
            block(3, &j, part);
        else if (count == 2)
            block(2, &j, part);
        else
            block(1, &j, part);
        j.rows += count * j.stride;
        j.row_scales += count;
    }
}

#endif

/* At most ROWS rows. */
static void product_rows(el_tensor y, el_tensor x, const void *packed, int n, int first_panel,
                         const float *bias, uint32_t *scratch)
{
    const int deep = units_across(x.cols), first = first_panel * PANEL;
    const int64_t stride = (deep + WIDTH - 1) / WIDTH * WIDTH + WIDTH; /* no multiple of 4 KiB */
    row_scale row_scales[ROWS];
    for (int i = 0; i < x.rows; i++)
        row_scales[i] = quantise_row(scratch + i * stride, el_piece_at(x, i, 0), x.cols);
    for (int j = 0; j < y.cols; j += PANEL) {
        const block_job job = {.rows = scratch,
                               .panel = (const uint32_t *)packed + (int64_t)(first + j) * deep,
                               .stride = stride,
                               .units = deep,
                               .cols = y.cols - j,
                               .row_scales = row_scales,
                               .scales = scales_of(packed, x.cols, n) + first + j,
                               .totals = totals_of(packed, x.cols, n) + first + j,
                               .bias = bias ? bias + j : NULL};
        blocks(job, el_piece_cols(y, j, y.cols - j));
    }
}

size_t EL_KERNEL(product_int8_scratch)(void)
{
    return (size_t)ROWS * (EL_INT8_DEPTH / WHOLES + 2 * WIDTH) * 4;
}

void EL_KERNEL(product_int8)(el_tensor y, el_tensor x, const void *packed, int n, int first_panel,
                             const float *bias, void *scratch)
{
    assert(x.type == EL_F32 && y.type == EL_F32 && x.rows == y.rows && x.cols <= EL_INT8_DEPTH);
    amx_open();
    for (int i = 0; i < y.rows; i += ROWS) {
        const int rows = least(ROWS, y.rows - i);
        product_rows(el_piece_rows(y, i, rows), el_piece_rows(x, i, rows), packed, n, first_panel, bias,
                     scratch);
    }
    amx_close();
}
