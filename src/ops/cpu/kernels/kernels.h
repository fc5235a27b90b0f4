/* kernels - what one thread does to one piece of an op, as a table for each instruction-set level
 *
 * Every source in this folder is compiled once for each level, with EL_WIDTH floats in a vector; the table
 * names the functions of one level.  The files of ops/cpu cut ops into pieces and call them: tensors here are pieces.
 * Types are F32 and BF16.  Nothing is allocated; sums run in an order that depends on shapes alone.
 */
#ifndef EL_OPS_KERNELS_KERNELS_H
#define EL_OPS_KERNELS_KERNELS_H

#include "ops/queue.h"

/* Where attention is done: everything but the sequence and the head. */
typedef struct {
    el_tensor y, dy, lse, qkv, dqkv; /* all rows of the batch; dy and dqkv in the backward only */
    el_layout layout;
    int heads;
    el_dropout dropout;
    int width;
    int parts; /* forward: that the queries of a head come in, where there are EL_ATTENTION_QUERIES for each */
} el_attention_args;

enum { EL_ATTENTION_QUERIES = 64 }; /* of a part, at least: each packs all keys and values of its head */

/* The same by distances, and how many groups the sequences come in. */
typedef struct {
    el_attention_args attention;
    el_relative relative;
    el_tensor parts;
    int groups;
} el_relative_args;

/* Of a weight's gradient, at most, in a piece; rows in whole blocks.  The larger, the less is packed twice. */
enum { EL_WEIGHT_ROWS = 1120, EL_WEIGHT_COLUMNS = 512 };

typedef struct {
    const char *level;
    int block_rows, narrow_rows; /* rows that a product works on at a time: of floats; of bf16 and int8 */
    int panel;                   /* columns that are packed together */
    bool pairs;                  /* bf16 products have an instruction of their own */

#define EL_KERNEL_OF(result, name, parameters) result(*name) parameters;
#include "ops/cpu/kernels/kernels.def"
#undef EL_KERNEL_OF
} el_kernels;

#if defined __x86_64__
extern const el_kernels el_kernels_baseline, el_kernels_avx2, el_kernels_avx512, el_kernels_avx512_bf16,
    el_kernels_amx;
#elif defined __aarch64__
extern const el_kernels el_kernels_neon, el_kernels_neon_bf16;
#else
extern const el_kernels el_kernels_baseline;
#endif

/* The name of a function at the level that is being compiled. */
#define EL_JOIN_(a, b) el_##a##_##b
#define EL_JOIN(a, b) EL_JOIN_(a, b)
#define EL_KERNEL(name) EL_JOIN(name, EL_LEVEL)

/* Tensor views, defined again inline so that each level compiles its own. */
static inline void *el_piece_at(el_tensor t, int row, int col)
{
    return (char *)t.data + (row * t.stride + col) * (t.type == EL_BF16 ? 2 : 4);
}

static inline el_tensor el_piece_rows(el_tensor t, int first, int rows)
{
    if (t.data)
        t.data = el_piece_at(t, first, 0);
    t.rows = rows;
    return t;
}

static inline el_tensor el_piece_cols(el_tensor t, int first, int cols)
{
    if (t.data)
        t.data = el_piece_at(t, 0, first);
    t.cols = cols;
    return t;
}

#endif
