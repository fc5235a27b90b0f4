/* level - which instruction sets the processor has, and which multiply-adds are fast */
#include "level.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/arena.h"

/* ---- which there are, the plainest first ---- */

typedef struct {
    const el_kernels *kernels;
    bool (*available)(void);
} level;

static bool always(void)
{
    return true;
}

#if defined __x86_64__

/* What -march=haswell may use, as far as every compiler can ask for it: a virtual machine may hide a part. */
static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static bool has_avx512_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
}

/* Tiles that multiply bf16 and bytes.  Linux gives a process their memory when it asks, from version 5.16 on. */
static bool has_amx(void)
{
    enum { BF16 = 1 << 22, TILE = 1 << 24, INT8 = 1 << 25, ALL = BF16 | TILE | INT8 };
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* of asm/prctl.h, which older headers lack */
    unsigned int a, b, c, d;
    return has_avx512_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & ALL) == ALL &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static const level LEVELS[] = {{&el_kernels_baseline, always},
                               {&el_kernels_avx2, has_avx2},
                               {&el_kernels_avx512, has_avx512},
                               {&el_kernels_avx512_bf16, has_avx512_bf16},
                               {&el_kernels_amx, has_amx}};

/* AMD's processors that multiply bf16 at all do it at twice the rate of float: Zen 4 and Zen 5 were measured.  In tiles it
 * goes at many times that rate. */
static bool is_known_faster(const el_kernels *k)
{
    return k == &el_kernels_amx || __builtin_cpu_is("amd");
}

#elif defined __aarch64__

static bool has_bf16(void)
{
    return getauxval(AT_HWCAP2) & HWCAP2_BF16;
}

static const level LEVELS[] = {{&el_kernels_neon, always}, {&el_kernels_neon_bf16, has_bf16}};

static bool is_known_faster(const el_kernels *k)
{
    (void)k;
    return false;
}

#else

static const level LEVELS[] = {{&el_kernels_baseline, always}};

static bool is_known_faster(const el_kernels *k)
{
    (void)k;
    return false;
}

#endif

enum { COUNT = sizeof LEVELS / sizeof *LEVELS };

const char *el_level_name(int place)
{
    return place < COUNT ? LEVELS[place].kernels->level : NULL;
}

static const level *find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(name, LEVELS[i].kernels->level) == 0)
            return &LEVELS[i];
    return NULL;
}

/* ELECTRA_LEVEL of the build makes a processor of any that has it: the tests of each level run so (./test --level). */
static bool is_available(const level *l)
{
    const level *const highest = find(EL_HIGHEST_LEVEL);
    return (!highest || l <= highest) && l->available();
}

bool el_level_available(const char *name)
{
    const level *const found = find(name);
    return found && is_available(found);
}

const el_kernels *el_level_kernels(const char *name)
{
    int best = COUNT - 1;
    while (!name && !is_available(&LEVELS[best]))
        best--;
    const level *const found = name ? find(name) : &LEVELS[best];
    return found ? found->kernels : NULL;
}

/* ---- whether bf16 is faster ---- */

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

bool el_kernels_bf16_is_faster(const el_kernels *k)
{
    if (!k->pairs)
        return false;
    if (is_known_faster(k))
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
