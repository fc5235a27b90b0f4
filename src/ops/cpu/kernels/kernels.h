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
} el_attention_args;

/* Of a weight's gradient, at most, in a piece; rows in whole blocks.  The larger, the less is packed twice. */
enum { EL_WEIGHT_ROWS = 532, EL_WEIGHT_COLUMNS = 512 };

typedef struct {
    const char *level;
    int block_rows, panel; /* rows that a product works on at a time, columns that are packed together */
    bool pairs;            /* bf16 products have an instruction of their own */

    void (*copy)(el_tensor y, el_tensor x);
    void (*add)(el_tensor y, el_tensor a, el_tensor b);
    void (*gelu_forward)(el_tensor y, el_tensor slope, el_tensor x);
    void (*gelu_backward)(el_tensor dx, el_tensor dy, el_tensor slope);
    void (*dropout)(el_tensor y, el_tensor x, el_dropout dropout);

    /* y = layer_norm(sum), sum = x + dropout(branch); without a branch y = layer_norm(x) and sum is not
     * written. */
    void (*norm_forward)(el_tensor y, el_tensor sum, el_tensor stats, el_tensor x, el_tensor branch,
                         el_tensor gamma, el_tensor beta, double epsilon, el_dropout dropout);
    /* dx and, where there is one, dbranch = dropout(dx); sums (2 * cols) = this piece's dgamma, dbeta. */
    void (*norm_backward)(el_tensor dx, el_tensor dbranch, float *sums, el_tensor dy, el_tensor x,
                          el_tensor stats, el_tensor gamma, el_dropout dropout);
    /* sums[j] += sum over i of x[i][j] */
    void (*column_sums)(float *sums, el_tensor x);

    /* Row `first` of the op is row 0 of y. */
    void (*embed)(el_tensor y, const el_tensor *tables, const int *const *indices, int count, int first);
    void (*gather)(el_tensor y, el_tensor x, const int *rows);  /* y[i] = x[rows[i]] */
    void (*scatter)(el_tensor y, el_tensor x, const int *rows); /* y[rows[i]] += x[i], in order */

    /* One of all heads, those of a sequence side by side; `scratch` has the bytes that attention_scratch tells. */
    size_t (*attention_scratch)(int longest, int head_size);
    void (*attention_forward)(const el_attention_args *a, int index, void *scratch);
    void (*attention_backward)(const el_attention_args *a, int index, void *scratch);

    void (*softmax_loss)(el_tensor loss, int *guess, int *sample, el_tensor dlogits, el_tensor logits,
                         const int *target, const el_sampling *sampling, double scale);
    void (*logistic_loss)(el_tensor loss, el_tensor dlogits, el_tensor logits, const int *label,
                          double scale);
    void (*squared_loss)(el_tensor loss, el_tensor dx, el_tensor x, const float *target, double scale);

    double (*sum_squares)(el_tensor x);
    void (*adamw)(el_tensor value, el_tensor m, el_tensor v, el_tensor gradient, el_adamw step);

    /* Products.  A matrix B (k, n) is packed in panels of `panel` columns; panels lie one after the other.
     * pack: B = w^T forward and, unless NULL, B = w backward, of `rows` rows of w from `first` on, whole panels but for
     * the last rows.  Packed memory begins at a multiple of a cache line.
     * product: y = x B + bias, or y += x B, for columns from first_panel on, as many as y has.
     * product_weight: dw += dy^T x and, where there is db, db += column sums of dy. */
    size_t (*packed_bytes)(int k, int n, el_type type);
    void (*pack)(void *forward, void *backward, el_tensor w, el_type type, int first, int rows);
    size_t (*product_scratch)(void);
    void (*product)(el_tensor y, el_tensor x, const void *packed, int first_panel, const float *bias,
                    bool accumulate, void *scratch);
    void (*product_weight)(el_tensor dw, el_tensor db, el_tensor dy, el_tensor x, void *scratch);

    /* Multiply-adds on registers alone, to time: does them and returns how many they were. */
    double (*multiply_adds)(el_type type, long rounds);
} el_kernels;

extern const el_kernels el_kernels_baseline, el_kernels_avx2, el_kernels_avx512, el_kernels_avx512_bf16;

/* The name of a function at the level that is being compiled. */
#define EL_JOIN_(a, b) el_##a##_##b
#define EL_JOIN(a, b) EL_JOIN_(a, b)
#define EL_KERNEL(name) EL_JOIN(name, EL_LEVEL)

/* What is used of other folders: views, in a form that every level compiles for itself. */
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
