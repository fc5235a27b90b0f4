/* check - what the tests of ops share: tensors, and comparing them
 *
 * Tensors made here live until check_release, which is each test's teardown.
 */
#ifndef TESTS_OPS_CHECK_H
#define TESTS_OPS_CHECK_H

#include <math.h>

#include "../check.h"
#include "ops/queue.h"

enum { CHECK_BLOCKS = 4096 };
static void *check_blocks[CHECK_BLOCKS];
static int check_block_count;

/* Where the memory of tensors comes from: another device's tests take what that device sees. */
static inline void *check_take_aligned(size_t bytes)
{
    return aligned_alloc(256, bytes);
}
static void *(*check_take)(size_t bytes) = check_take_aligned;
static void (*check_give)(void *memory) = free;

static inline void *check_memory(size_t bytes)
{
    assert_true(check_block_count < CHECK_BLOCKS);
    const size_t padded = (bytes + 255) / 256 * 256 + 256;
    void *memory = check_take(padded);
    assert_non_null(memory);
    check_blocks[check_block_count++] = memset(memory, 0, padded);
    return memory;
}

static inline int check_release(void **state)
{
    (void)state;
    while (check_block_count > 0)
        check_give(check_blocks[--check_block_count]);
    return 0;
}

/* A zeroed tensor; and one whose rows lie `stride` elements apart. */
static inline el_tensor check_strided(el_type type, int rows, int cols, int64_t stride)
{
    el_tensor t =
        el_tensor_make(check_memory((size_t)rows * (size_t)stride * el_type_bytes(type)), type, rows, cols);
    t.stride = stride;
    return t;
}

static inline el_tensor check_tensor(el_type type, int rows, int cols)
{
    return check_strided(type, rows, cols, cols);
}

static inline void check_fill(el_tensor t, double value)
{
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++)
            el_set(t, i, j, value);
}

/* Numbers for tests: which ones is said by `seed`. */
static inline el_random check_seed(uint64_t seed)
{
    return (el_random){.seed = seed, .stream = 77, .step = 5};
}

/* Normal with this deviation. */
static inline void check_randomize(el_tensor t, uint64_t seed, double deviation)
{
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++) {
            const uint64_t n = (uint64_t)i * (uint64_t)t.cols + (uint64_t)j;
            el_set(t, i, j, deviation * el_random_normal(check_seed(seed), n));
        }
}

static inline el_tensor check_random(el_type type, int rows, int cols, uint64_t seed, double deviation)
{
    el_tensor t = check_tensor(type, rows, cols);
    check_randomize(t, seed, deviation);
    return t;
}

/* The same numbers in another type, rounded. */
static inline el_tensor check_converted(el_type type, el_tensor x)
{
    el_tensor t = check_tensor(type, x.rows, x.cols);
    for (int i = 0; i < x.rows; i++)
        for (int j = 0; j < x.cols; j++)
            el_set(t, i, j, el_get(x, i, j));
    return t;
}

/* Whole numbers in [lowest, bound). */
static inline int *check_ints(int count, int lowest, int bound, uint64_t seed)
{
    int *ints = check_memory(sizeof(int) * (size_t)count);
    for (int i = 0; i < count; i++)
        ints[i] = lowest + (int)el_random_below(check_seed(seed), (uint64_t)i, (uint64_t)(bound - lowest));
    return ints;
}

static inline double check_deviation(el_tensor t)
{
    double sum = 0;
    for (int i = 0; i < t.rows; i++)
        for (int j = 0; j < t.cols; j++)
            sum += isfinite(el_get(t, i, j)) ? el_get(t, i, j) * el_get(t, i, j) : 0;
    return sqrt(sum / fmax(1, (double)t.rows * t.cols));
}

/* Each element of `got` is that of `expected` within `relative` of (its size + the tensor's usual size). */
static inline void check_close(const char *what, el_tensor got, el_tensor expected, double relative)
{
    CHECK(got.rows == expected.rows && got.cols == expected.cols, "%s: shape %d x %d, expected %d x %d", what,
          got.rows, got.cols, expected.rows, expected.cols);
    const double usual = check_deviation(expected);
    for (int i = 0; i < got.rows; i++)
        for (int j = 0; j < got.cols; j++) {
            const double a = el_get(got, i, j), b = el_get(expected, i, j);
            CHECK(a == b || fabs(a - b) <= relative * (fabs(b) + usual),
                  "%s at (%d, %d): %.9g, expected %.9g", what, i, j, a, b);
        }
}

/* Each element has the same bits. */
static inline void check_same(const char *what, el_tensor got, el_tensor expected)
{
    for (int i = 0; i < got.rows; i++)
        for (int j = 0; j < got.cols; j++) {
            const double a = el_get(got, i, j), b = el_get(expected, i, j);
            CHECK(memcmp(&a, &b, sizeof a) == 0, "%s at (%d, %d): %.17g, expected %.17g", what, i, j, a, b);
        }
}

#endif
