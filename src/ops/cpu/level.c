/* level - which instruction sets the processor has, and which multiply-adds are fast */
#include "level.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"

bool el_level_available(const char *level)
{
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    if (strcmp(level, "baseline") == 0)
        return true;
    if (strcmp(level, "avx2") == 0)
        return avx2;
    if (strcmp(level, "avx512") == 0)
        return avx512;
    if (strcmp(level, "avx512_bf16") == 0)
        return avx512 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
    return false;
}

const el_kernels *el_level_kernels(const char *level)
{
    const el_kernels *const all[] = {&el_kernels_avx512_bf16, &el_kernels_avx512, &el_kernels_avx2,
                                     &el_kernels_baseline};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (level ? strcmp(level, all[i]->level) == 0 : el_level_available(all[i]->level))
            return all[i];
    return NULL;
}

/* A product small enough for the first cache: 56 x 64 x 256 numbers. */
enum { ROWS = 56, COLUMNS = 64, DEPTH = 256, REPEATS = 20, TRIALS = 7 };

typedef struct {
    float packed[(COLUMNS + 32) * DEPTH]; /* first, where memory is aligned */
    float x[ROWS * DEPTH], y[ROWS * COLUMNS], w[COLUMNS * DEPTH];
    char scratch[];
} bench;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double product_time(const el_kernels *k, bench *b, el_type type)
{
    const el_tensor w = el_tensor_make(b->w, EL_F32, COLUMNS, DEPTH);
    const el_tensor x = el_tensor_make(b->x, type, ROWS, DEPTH),
                    y = el_tensor_make(b->y, type, ROWS, COLUMNS);
    double best = 1e9;
    k->pack(b->packed, NULL, w, type, 0, COLUMNS);
    for (int trial = 0; trial < TRIALS; trial++) {
        const double start = seconds();
        for (int i = 0; i < REPEATS; i++)
            k->product(y, x, b->packed, 0, NULL, false, b->scratch);
        const double time = seconds() - start;
        best = time < best ? time : best;
    }
    return best;
}

/* AMD's processors that multiply bf16 at all do it at twice the rate of float: Zen 4 and Zen 5 were measured. */
static bool is_known_faster(void)
{
    return __builtin_cpu_is("amd");
}

bool el_kernels_bf16_is_faster(const el_kernels *k)
{
    if (!k->pairs)
        return false;
    if (is_known_faster())
        return true;
    const size_t bytes =
        (sizeof(bench) + k->product_scratch() + EL_ALIGNMENT - 1) / EL_ALIGNMENT * EL_ALIGNMENT;
    bench *const b = aligned_alloc(EL_ALIGNMENT, bytes);
    if (!b)
        return false;
    memset(b, 0, bytes);
    const bool faster = product_time(k, b, EL_BF16) < 0.8 * product_time(k, b, EL_F32);
    free(b);
    return faster;
}
