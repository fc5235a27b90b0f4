/* fuzz_main - runs a fuzz driver without libFuzzer
 *
 *   fuzz_NAME CORPUS [SECONDS [INPUTS]]
 *
 * Gives LLVMFuzzerTestOneInput every file of the folder CORPUS as it is, then mutated ones: always
 * the same inputs in the same order, for about SECONDS (1) and at most INPUTS (200000), so that an input that
 * fails comes again.  The number of the input is written to stderr by the crash handler below; how many there
 * were, and the longest that the processor worked on one, is printed.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"

enum { LONGEST = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    unsigned char *data;
    size_t size;
} input;

static volatile sig_atomic_t current; /* the number of the running input, for the crash handler */

static void say_which(int signal_number)
{
    char line[64];
    const int length = snprintf(line, sizeof line, "fuzz: input %d\n", (int)current);
    if (write(STDERR_FILENO, line, (size_t)length) >= 0)
        signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static double worked; /* on the slowest input */

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs an exact copy, so that a sanitizer sees the first byte too far. */
static void run(const input *in)
{
    unsigned char *copy = malloc(in->size ? in->size : 1);
    if (!copy)
        exit(1);
    memcpy(copy, in->data, in->size);
    const double begun = now(CLOCK_PROCESS_CPUTIME_ID);
    LLVMFuzzerTestOneInput(copy, in->size);
    const double work = now(CLOCK_PROCESS_CPUTIME_ID) - begun;
    worked = work > worked ? work : worked;
    free(copy);
    current++;
}

/* ---- mutations, drawn from one numbered sequence ---- */

static uint64_t drawn;

static size_t below(size_t bound)
{
    return (size_t)el_random_below((el_random){.seed = 1}, drawn++, bound ? bound : 1);
}

static void overwrite(input *in)
{
    static const unsigned char telling[] = {0,   1,    0x7f, 0x80, 0xc0, 0xed, 0xf4, 0xff,
                                            '"', '\\', '[',  '{',  ',',  '-',  '9'};
    if (in->size)
        in->data[below(in->size)] = below(2) ? telling[below(sizeof telling)] : (unsigned char)below(256);
}

static void flip(input *in)
{
    if (in->size)
        in->data[below(in->size)] ^= (unsigned char)(1 << below(8));
}

static void cut(input *in)
{
    const size_t at = below(in->size + 1), length = below(in->size - at + 1);
    memmove(in->data + at, in->data + at + length, in->size - at - length);
    in->size -= length;
}

/* Puts `length` bytes of another place, or of another input, at a place. */
static void insert(input *in, const unsigned char *from, size_t length)
{
    unsigned char piece[256];
    length = length < sizeof piece ? length : sizeof piece;
    length = length < LONGEST - in->size ? length : LONGEST - in->size;
    const size_t at = below(in->size + 1);
    memcpy(piece, from, length);
    memmove(in->data + at + length, in->data + at, in->size - at);
    memcpy(in->data + at, piece, length);
    in->size += length;
}

static void repeat(input *in)
{
    const size_t at = below(in->size);
    insert(in, in->data + at, below(in->size - at + 1));
}

static void borrow(input *in, const input *other)
{
    const size_t at = below(other->size);
    insert(in, other->data + at, below(other->size - at + 1));
}

static void number(input *in)
{
    static const char *const telling[] = {
        "0",     "-1",  "4294967296", "9223372036854775807",  "9223372036854775808",
        "1e999", "0.5", "-0",         "18446744073709551615", "100000000"};
    const char *text = telling[below(sizeof telling / sizeof *telling)];
    size_t at = below(in->size);
    while (at < in->size && (in->data[at] < '0' || in->data[at] > '9'))
        at++;
    const size_t length = strlen(text);
    if (at < in->size && in->size + length <= LONGEST) { /* in place of one digit */
        memmove(in->data + at + length, in->data + at + 1, in->size - at - 1);
        memcpy(in->data + at, text, length);
        in->size += length - 1;
    }
}

static void mutate(input *in, const input *other)
{
    for (size_t times = 1 + below(4); times; times--)
        switch (below(7)) {
        case 0:
            overwrite(in);
            break;
        case 1:
            flip(in);
            break;
        case 2:
            cut(in);
            break;
        case 3:
            repeat(in);
            break;
        case 4:
            borrow(in, other);
            break;
        default:
            number(in);
            break;
        }
}

/* ---- the corpus ---- */

static input *load(const char *folder, int *count)
{
    char **names;
    if (el_folder_list(folder, &names, count) || *count == 0) {
        fprintf(stderr, "fuzz: no inputs in %s\n", folder);
        exit(1);
    }
    input *corpus = calloc((size_t)*count, sizeof *corpus);
    for (int i = 0; i < *count; i++) {
        char *path = el_path_join(folder, names[i]);
        el_mapping file;
        if (!corpus || !path || el_mapping_open(&file, path) || file.size > LONGEST / 2) {
            fprintf(stderr, "fuzz: %s: unreadable or too long\n", names[i]);
            exit(1);
        }
        corpus[i] = (input){.data = malloc(file.size + 1), .size = file.size};
        memcpy(corpus[i].data, file.data, file.size);
        el_mapping_close(&file);
        free(path);
    }
    el_folder_list_release(names, *count);
    return corpus;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    const double end = now(CLOCK_MONOTONIC) + (argc > 2 ? atof(argv[2]) : 1.0);
    const int inputs = argc > 3 ? atoi(argv[3]) : 200000;
    signal(SIGSEGV, say_which);
    signal(SIGABRT, say_which);
    int count;
    input *corpus = load(argv[1], &count), scratch = {.data = malloc(LONGEST)};
    for (int i = 0; i < count; i++)
        run(&corpus[i]);
    while (current < inputs && (current % 16 || now(CLOCK_MONOTONIC) < end)) {
        const input *seed = &corpus[below((size_t)count)];
        memcpy(scratch.data, seed->data, seed->size);
        scratch.size = seed->size;
        mutate(&scratch, &corpus[below((size_t)count)]);
        run(&scratch);
    }
    printf("%d inputs, %.3f s at most\n", (int)current, worked);
    for (int i = 0; i < count; i++)
        free(corpus[i].data);
    free(corpus);
    free(scratch.data);
    return 0;
}
