/* amx - products on the processor's tiles: registers of AMX_TILE rows of AMX_TILE units, which one instruction multiplies
 *
 * A block is two tiles of rows by two of columns, a panel of B: sums in tiles 0 to 3, rows of A in 4 and 5, B in 6 and 7.
 * Tiles are always whole.  Rows and columns beyond an edge may hold anything, as they give sums that nobody reads.  Places
 * beyond the depth are zero on one side at least, and finite on the other where the caller's numbers are.
 *
 * A thread may use tiles between amx_open() and amx_close().  These do what any function may do: what the caller of the
 * library had in tiles, and how it had shaped them, is lost.
 *
 * An instruction rounds after each product of its AMX_TILE units, two sums side by side, and adds these to the tile: the
 * order depends on the depth alone.  Numbers too small for a normal float count as zero.
 */
#ifndef EL_OPS_KERNELS_AMX_H
#define EL_OPS_KERNELS_AMX_H

#include "kernels.h"
#include "panel.h"

/* `product` and `product_weight` of kernels.def for pairs of bf16 (product_amx.c); `packed` begins with the first panel that
 * is wanted. */
#define amx_product_scratch EL_KERNEL(amx_product_scratch)
#define amx_product EL_KERNEL(amx_product)
#define amx_product_weight EL_KERNEL(amx_product_weight)
size_t amx_product_scratch(void);
void amx_product(el_tensor y, el_tensor x, const uint32_t *packed, const float *bias, bool accumulate,
                 void *scratch);
void amx_product_weight(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch);

/* What one instruction multiplies: pairs of bf16, or four whole numbers without a sign by four with one. */
typedef enum { BF16_PAIRS, WHOLE_FOURS } unit_kind;

#ifndef EL_AMX /* what other files call where AMX is true */

INLINE void amx_open(void)
{
}
INLINE void amx_close(void)
{
}
INLINE void amx_chain(unit_kind kind, long rounds)
{
    (void)kind, (void)rounds;
}
INLINE void amx_multiply_rows(int rows, int panels, int count, units a, const uint32_t *b,
                              int64_t panel_units, float *c, int64_t stride, bool accumulate)
{
    (void)rows, (void)panels, (void)count, (void)a, (void)b, (void)panel_units, (void)c, (void)stride;
    (void)accumulate;
}

#else

enum { AMX_ROW_BYTES = AMX_TILE * 4, PANEL_BYTES = PANEL * 4 /* bytes from unit to unit of B */ };
_Static_assert(PANEL == AMX_BLOCK, "a panel is two tiles wide");

INLINE void amx_open(void)
{
    static const struct { /* not on the stack: the compiler does not know that all of it is read */
        uint8_t palette, start, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1,
               .row_bytes = {AMX_ROW_BYTES, AMX_ROW_BYTES, AMX_ROW_BYTES, AMX_ROW_BYTES, AMX_ROW_BYTES,
                             AMX_ROW_BYTES, AMX_ROW_BYTES, AMX_ROW_BYTES},
               .rows = {AMX_TILE, AMX_TILE, AMX_TILE, AMX_TILE, AMX_TILE, AMX_TILE, AMX_TILE, AMX_TILE}};
    _tile_loadconfig(&shape);
}

INLINE void amx_close(void)
{
    _tile_release();
}

INLINE void amx_clear(const bool lower)
{
    _tile_zero(0);
    _tile_zero(1);
    if (lower) {
        _tile_zero(2);
        _tile_zero(3);
    }
}

/* The compiler does not know that a tile's load reads memory: stores before it have to be done. */
INLINE void amx_barrier(void)
{
    __asm__ volatile("" : : : "memory");
}

/* Sums of a block from c, 32-bit numbers, `stride` of them from row to row; `lower`: of both tiles of rows. */
INLINE void amx_load(const bool lower, const void *c, int64_t stride)
{
    const char *const from = c;
    amx_barrier();
    _tile_loadd(0, from, stride * 4);
    _tile_loadd(1, from + AMX_ROW_BYTES, stride * 4);
    if (lower) {
        _tile_loadd(2, from + AMX_TILE * stride * 4, stride * 4);
        _tile_loadd(3, from + AMX_TILE * stride * 4 + AMX_ROW_BYTES, stride * 4);
    }
}

INLINE void amx_store(const bool lower, void *c, int64_t stride)
{
    char *const to = c;
    _tile_stored(0, to, stride * 4);
    _tile_stored(1, to + AMX_ROW_BYTES, stride * 4);
    if (lower) {
        _tile_stored(2, to + AMX_TILE * stride * 4, stride * 4);
        _tile_stored(3, to + AMX_TILE * stride * 4 + AMX_ROW_BYTES, stride * 4);
    }
    amx_barrier();
}

/* Sums of a block += its rows of A by B, one tile of the depth, which are in their tiles. */
INLINE void amx_products(const bool lower, const unit_kind kind)
{
    if (kind == BF16_PAIRS) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        if (lower) {
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    } else {
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        if (lower) {
            _tile_dpbusd(2, 5, 6);
            _tile_dpbusd(3, 5, 7);
        }
    }
}

/* amx_products() of what is in memory; the units of a row of A lie side by side, `row` bytes from row to row. */
INLINE void amx_step(const bool lower, const unit_kind kind, const char *a, ptrdiff_t row, const uint32_t *b)
{
    _tile_loadd(6, b, PANEL_BYTES);
    _tile_loadd(4, a, row);
    _tile_loadd(7, b + AMX_TILE, PANEL_BYTES);
    if (lower)
        _tile_loadd(5, a + AMX_TILE * row, row);
    amx_products(lower, kind);
}

/* Steps over `count` units of the depth, whole tiles of them. */
INLINE void amx_multiply(const bool lower, const unit_kind kind, int count, units a, const uint32_t *b)
{
    amx_barrier();
    for (int s = 0; s < count; s += AMX_TILE, a.data += AMX_ROW_BYTES, b += AMX_TILE * PANEL)
        amx_step(lower, kind, a.data, a.row, b);
}

/* Products on registers alone, to time. */
INLINE void amx_chain(const unit_kind kind, long rounds)
{
    amx_open();
    amx_clear(true);
    for (long r = 0; r < rounds; r++)
        amx_products(true, kind);
    amx_close();
}

/* c (rows, panels of columns) = or += A B; B's panels lie `panel_units` apart.  Rows of c are written up to a whole tile. */
INLINE void amx_multiply_rows(int rows, int panels, int count, units a, const uint32_t *b,
                              int64_t panel_units, float *c, int64_t stride, bool accumulate)
{
    for (int p = 0; p < panels; p++, b += panel_units, c += PANEL)
        for (int i = 0; i < rows; i += AMX_BLOCK) {
            const units of = {a.data + i * a.row, a.row, 4};
            float *const to = c + i * stride;
            const bool lower = rows - i > AMX_TILE;
            if (accumulate)
                amx_load(lower, to, stride);
            else
                amx_clear(lower);
            if (lower)
                amx_multiply(true, BF16_PAIRS, count, of, b);
            else
                amx_multiply(false, BF16_PAIRS, count, of, b);
            amx_store(lower, to, stride);
        }
}

#endif
#endif
