/* faults - runs a command of the program again and again, each time with another call that fails
 *
 *     faults [OPTION]... COMMAND ARGUMENT...
 *
 *     --kind memory|io   which calls: allocations (of every library, and mappings of memory), or those of base/io.h
 *     --lasting          from the chosen call on all fail, as on a full disk
 *     --again            at each place in the program, told by its callers, the 1st call, the 2nd, 4th, 8th and so on; without
 *                        it the 1st alone
 *     --most N           N of these at most, evenly spread
 *     --part K/N         of these the K-th, K + N-th and so on: N processes in folders of their own share the work
 *     --only N           the N-th call alone; 0: none
 *     --trace            the callers of the call that fails go to stderr, for addr2line
 *     --before SCRIPT    run by the shell before each time
 *     --after SCRIPT     run afterwards with $CODE; it fails where earlier results or new ones are not what they should be
 *
 * Each time is a process of its own, forked from this one, with its output in the files `stdout` and `stderr`.  It must end
 * with 0, or with 1 and one sentence of the command on its last line: never by a signal; and it must have freed all that it
 * allocated.  Memory and calls are counted by functions that stand before the real ones: malloc and its kin because this
 * program defines them, base/io's by the linker's --wrap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "ops/cpu/level.h"

int electra_main(int argc, char **argv); /* cli/main.c's */

enum { MOST_PLACES = 1 << 14, MOST_BLOCKS = 1 << 16, CALLERS = 12, SECONDS = 300, MOST_FAULTS = 10 };

typedef enum { NONE, MEMORY, IO } kind;

/* Shared with the process that runs the command. */
typedef struct {
    atomic_long calls; /* of the kind */
    bool placing;      /* whether places are looked for */
    bool again;        /* not only their first calls */
    int places;
    uint64_t hashes[MOST_PLACES];
    long seen[MOST_PLACES]; /* calls of each place */
    int tries;
    long numbers[MOST_PLACES]; /* of the calls to try */
    int left;                  /* blocks that the command allocated and did not free */
    void *leak[CALLERS];       /* who allocated the first of them */
    char lost[4096];           /* a path whose place on the disk could not be read: nothing below it can */
} record;

static record *shared;
static kind armed;
static long chosen; /* the call that fails */
static bool lasting, trace;

static void take(atomic_flag *flag)
{
    while (atomic_flag_test_and_set(flag)) {
    }
}

/* ---- the calls ---- */

static void note_place(long call)
{
    static _Thread_local bool busy; /* telling the callers may itself allocate */
    static atomic_flag places_in_use = ATOMIC_FLAG_INIT;
    if (!shared->placing || busy)
        return;
    busy = true;
    void *callers[CALLERS];
    const int count = backtrace(callers, CALLERS);
    take(&places_in_use);
    uint64_t hash = 14695981039346656037u;
    for (int i = 2; i < count; i++)
        hash = (hash ^ (uintptr_t)callers[i]) * 1099511628211u;
    int i = 0;
    while (i < shared->places && shared->hashes[i] != hash)
        i++;
    if (i == shared->places) {
        shared->hashes[i] = hash;
        shared->places++;
    }
    const long seen = ++shared->seen[i];
    if (seen == 1 || (shared->again && (seen & (seen - 1)) == 0))
        shared->numbers[shared->tries++] = call;
    if (shared->places == MOST_PLACES || shared->tries == MOST_PLACES)
        abort();
    atomic_flag_clear(&places_in_use);
    busy = false;
}

static bool fails(kind k, int reason)
{
    if (armed != k)
        return false;
    const long call = atomic_fetch_add(&shared->calls, 1) + 1;
    note_place(call);
    if (call != chosen && !(lasting && call > chosen && chosen > 0))
        return false;
    if (trace && call == chosen) {
        void *callers[CALLERS];
        backtrace_symbols_fd(callers, backtrace(callers, CALLERS), STDERR_FILENO);
    }
    errno = reason;
    return true;
}

/* ---- memory: what a command allocates is on a list until it is freed ---- */

static void
    *blocks[MOST_BLOCKS]; /* by the hash of the address, then the next place that is free; NULL: never used */
static void *makers[MOST_BLOCKS][CALLERS]; /* who allocated each, with --trace */
static atomic_flag blocks_in_use = ATOMIC_FLAG_INIT;
static bool listing; /* in the process that runs the command */
static char GONE[1]; /* in the place of one that was freed */

static size_t place_of(const void *block)
{
    return (size_t)(((uintptr_t)block >> 4) * 0x9E3779B97F4A7C15u >> 48) % MOST_BLOCKS;
}

static void *list_block(void *block)
{
    static _Thread_local bool busy; /* telling the callers may itself allocate */
    if (!listing || !block || busy)
        return block;
    busy = true;
    void *callers[CALLERS] = {0};
    if (trace)
        backtrace(callers, CALLERS);
    take(&blocks_in_use);
    size_t at = place_of(block);
    for (int tried = 0; blocks[at] && blocks[at] != GONE; at = (at + 1) % MOST_BLOCKS)
        if (++tried == MOST_BLOCKS)
            abort();
    blocks[at] = block;
    if (trace)
        memcpy(makers[at], callers, sizeof callers);
    atomic_flag_clear(&blocks_in_use);
    busy = false;
    return block;
}

/* Blocks of before the command are not on the list. */
static void unlist_block(const void *block)
{
    if (!listing || !block)
        return;
    take(&blocks_in_use);
    size_t at = place_of(block);
    while (blocks[at] && blocks[at] != block)
        at = (at + 1) % MOST_BLOCKS;
    if (blocks[at])
        blocks[at] = GONE;
    atomic_flag_clear(&blocks_in_use);
}

static void count_blocks(void)
{
    for (int i = 0; i < MOST_BLOCKS; i++)
        if (blocks[i] && blocks[i] != GONE && shared->left++ == 0)
            memcpy(shared->leak, makers[i], sizeof shared->leak);
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

__attribute__((visibility("default"))) void *malloc(size_t bytes)
{
    return fails(MEMORY, ENOMEM) ? NULL : list_block(__libc_malloc(bytes));
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t bytes)
{
    return fails(MEMORY, ENOMEM) ? NULL : list_block(__libc_calloc(count, bytes));
}

__attribute__((visibility("default"))) void *realloc(void *memory, size_t bytes)
{
    if (fails(MEMORY, ENOMEM))
        return NULL;
    unlist_block(memory);
    return list_block(__libc_realloc(memory, bytes));
}

__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails(MEMORY, ENOMEM) ? NULL : list_block(__libc_memalign(alignment, bytes));
}

__attribute__((visibility("default"))) int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    *memory = fails(MEMORY, ENOMEM) ? NULL : list_block(__libc_memalign(alignment, bytes));
    return *memory ? 0 : ENOMEM;
}

__attribute__((visibility("default"))) void free(void *memory)
{
    unlist_block(memory);
    __libc_free(memory);
}

/* ---- the system's ---- */

static bool is_lost(const char *path)
{
    const size_t bytes = strlen(shared->lost);
    if (bytes == 0 || armed != IO || strncmp(path, shared->lost, bytes) != 0)
        return false;
    errno = EIO;
    return true;
}

static bool loses(const char *path)
{
    if (is_lost(path))
        return true;
    if (!fails(IO, EIO))
        return false;
    snprintf(shared->lost, sizeof shared->lost, "%s", path);
    errno = EIO;
    return true;
}

/* A function of base/io.h, with what it gives when it fails and why. */
#define WRAP(type, name, declared, given, which, reason, failure)                                            \
    type __real_##name declared;                                                                             \
    type __wrap_##name declared;                                                                             \
    type __wrap_##name declared                                                                              \
    {                                                                                                        \
        return fails(which, reason) ? failure : __real_##name given;                                         \
    }

WRAP(int, el_io_close, (int file), (file), IO, EIO, (__real_el_io_close(file), errno = EIO, -1))
WRAP(ssize_t, el_io_read, (int file, void *data, size_t bytes), (file, data, bytes), IO, EIO, -1)
WRAP(ssize_t, el_io_write, (int file, const void *data, size_t bytes), (file, data, bytes), IO, ENOSPC, -1)
WRAP(off_t, el_io_seek, (int file, off_t offset, int whence), (file, offset, whence), IO, EIO, -1)
WRAP(int, el_io_truncate, (int file, off_t bytes), (file, bytes), IO, EIO, -1)
WRAP(int, el_io_sync, (int file), (file), IO, EIO, -1)
WRAP(int, el_io_lock, (int file), (file), IO, ENOLCK, -1)
WRAP(void *, el_io_map, (int file, size_t bytes), (file, bytes), IO, ENOMEM, NULL)
WRAP(void *, el_io_memory, (size_t bytes), (bytes), MEMORY, ENOMEM, NULL)
WRAP(int, el_io_fstat, (int file, struct stat *info), (file, info), IO, EIO, -1)
WRAP(ssize_t, el_io_link, (const char *path, char *target, size_t bytes), (path, target, bytes), IO, EIO, -1)
WRAP(int, el_io_rename, (const char *from, const char *to), (from, to), IO, EIO, -1)
WRAP(int, el_io_exchange, (const char *a, const char *b), (a, b), IO, EINVAL, -1)
WRAP(int, el_io_name, (int file, const char *path), (file, path), IO, EPERM, -1)
WRAP(int, el_io_unlink, (const char *path), (path), IO, EIO, -1)
WRAP(int, el_io_make_folder, (const char *path), (path), IO, ENOSPC, -1)
WRAP(int, el_io_remove_folder, (const char *path), (path), IO, EIO, -1)
WRAP(const char *, el_io_folder_next, (DIR * folder), (folder), IO, EIO, NULL)

#define WRAP_LOOK(name)                                                                                      \
    int __real_##name(const char *path, struct stat *info);                                                  \
    int __wrap_##name(const char *path, struct stat *info);                                                  \
    int __wrap_##name(const char *path, struct stat *info)                                                   \
    {                                                                                                        \
        return loses(path) ? -1 : __real_##name(path, info);                                                 \
    }
WRAP_LOOK(el_io_stat)
WRAP_LOOK(el_io_lstat)

int __real_el_io_open(const char *path, int flags);
int __wrap_el_io_open(const char *path, int flags);
int __wrap_el_io_open(const char *path, int flags)
{
    return is_lost(path) || fails(IO, EMFILE) ? -1 : __real_el_io_open(path, flags);
}

int __real_el_io_open_nameless(const char *folder);
int __wrap_el_io_open_nameless(const char *folder);
int __wrap_el_io_open_nameless(const char *folder)
{
    return is_lost(folder) || fails(IO, EOPNOTSUPP) ? -1 : __real_el_io_open_nameless(folder);
}

DIR *__real_el_io_folder_open(const char *path);
DIR *__wrap_el_io_folder_open(const char *path);
DIR *__wrap_el_io_folder_open(const char *path)
{
    return is_lost(path) || fails(IO, EMFILE) ? NULL : __real_el_io_folder_open(path);
}

/* A command that asks for the processor's peak is told one: measuring takes longer than all else that it does here. */
double __wrap_el_kernels_peak(const el_kernels *kernels, el_type type, el_pool *pool, int threads);
double __wrap_el_kernels_peak(const el_kernels *kernels, el_type type, el_pool *pool, int threads)
{
    (void)kernels, (void)type, (void)pool, (void)threads;
    return 1e11;
}

/* ---- one run ---- */

typedef struct {
    kind kind;
    long only; /* -1: not asked for */
    int most, part, parts;
    const char *before, *after;
    char **command;
    int words;
    int faults;
} settings;

static void redirect(const char *path, int to)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, to) < 0)
        _exit(99);
    close(file);
}

static void *rest(void *context)
{
    pthread_barrier_wait(context);
    return NULL;
}

/* What the C library allocates once and keeps, it allocates here: stdout's buffer, the time zone, threads' stacks. */
static void warm_up(void)
{
    static char printed[1 << 12];
    pthread_barrier_t all;
    pthread_t threads[4];
    setvbuf(stdout, printed, _IOFBF, sizeof printed);
    tzset();
    pthread_barrier_init(&all, NULL, 4);
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, rest, &all) != 0)
            _exit(99);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all);
}

/* The status that waitpid gives. */
static int run(const settings *s, long call, bool placing)
{
    int status;
    shared->calls = 0;
    shared->left = 0;
    shared->lost[0] = '\0';
    shared->placing = placing;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        redirect("stdout", STDOUT_FILENO);
        redirect("stderr", STDERR_FILENO);
        warm_up();
        alarm(SECONDS);
        chosen = call;
        armed = s->kind;
        listing = true;
        const int code = electra_main(s->words, s->command);
        armed = NONE;
        fflush(NULL);
        listing = false;
        count_blocks();
        exit(code);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("faults");
        exit(1);
    }
    return status;
}

static bool shell(const char *script, int code)
{
    char text[16];
    snprintf(text, sizeof text, "%d", code);
    setenv("CODE", text, 1);
    return !script || system(script) == 0;
}

/* The last line of stderr, without its newline. */
static void last_line(char *line, size_t size)
{
    FILE *const file = fopen("stderr", "r");
    char next[4096] = "";
    line[0] = '\0';
    while (file && fgets(next, sizeof next, file)) {
        next[strcspn(next, "\n")] = '\0';
        memcpy(line, next, size);
    }
    if (file)
        fclose(file);
}

static void complain(settings *s, long call, const char *what)
{
    char line[4096];
    last_line(line, sizeof line);
    printf("%s of call %ld%s (%s): %s: %s\n", s->command[1], call, lasting ? " and after" : "",
           s->kind == MEMORY ? "memory" : "io", what, line);
    fflush(stdout);
    s->faults++;
}

/* Whether stderr ends with the command's sentence; progress and notes may stand before it. */
static bool says_why(const settings *s)
{
    char line[4096], start[64];
    last_line(line, sizeof line);
    snprintf(start, sizeof start, "electra %s: ", s->command[1]);
    return strncmp(line, start, strlen(start)) == 0 && strlen(line) > strlen(start) + 8;
}

static void try(settings *s, long call)
{
    char what[64];
    if (!shell(s->before, 0)) {
        complain(s, call, "--before failed");
        return;
    }
    const int status = run(s, call, false), code = WEXITSTATUS(status);
    if (!WIFEXITED(status)) {
        snprintf(what, sizeof what, WTERMSIG(status) == SIGALRM ? "it hangs" : "signal %d", WTERMSIG(status));
        complain(s, call, what);
    } else if (code > 1 &&
               !(code <= 3 && shared->lost[0] && says_why(s))) { /* what cannot be seen is not there */
        snprintf(what, sizeof what, "exit code %d", code);
        complain(s, call, what);
    } else if (code == 1 && !says_why(s)) {
        complain(s, call, "no sentence");
    } else if (shared->left) {
        snprintf(what, sizeof what, "%d blocks are not freed", shared->left);
        complain(s, call, what);
        if (trace)
            backtrace_symbols_fd(shared->leak, CALLERS, STDOUT_FILENO);
    } else if (!shell(s->after, code)) {
        snprintf(what, sizeof what, "exit code %d, and --after fails", code);
        complain(s, call, what);
    }
}

/* Without a fault, and so counting calls and places. */
static bool count(settings *s)
{
    if (shell(s->before, 0) && run(s, 0, true) == 0 && shell(s->after, 0))
        return true;
    complain(s, 0, "does not work");
    return false;
}

static bool sweep(settings *s)
{
    if (s->only >= 0) {
        try(s, s->only);
        return s->faults == 0;
    }
    if (!count(s))
        return false;
    const long calls = shared->calls;
    const int places = shared->places, tries = shared->tries < s->most ? shared->tries : s->most;
    if (calls == 0) {
        printf("%s: no call was counted\n", s->command[1]);
        return false;
    }
    for (int i = s->part - 1; i < tries && s->faults < MOST_FAULTS; i += s->parts)
        try(s, shared->numbers[(long)i * shared->tries / tries]);
    printf("%s: %ld calls (%s) at %d places, %d tried%s, %d wrong\n", s->command[1], calls,
           s->kind == MEMORY ? "memory" : "io", places, (tries + s->parts - s->part) / s->parts,
           lasting ? " with all after them" : "", s->faults);
    return s->faults == 0;
}

int main(int argc, char **argv)
{
    settings s = {.kind = MEMORY, .only = -1, .most = MOST_PLACES, .part = 1, .parts = 1};
    bool again = false;
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        const char *const name = argv[at];
        if (strcmp(name, "--again") == 0)
            again = true;
        else if (strcmp(name, "--lasting") == 0)
            lasting = true;
        else if (strcmp(name, "--trace") == 0)
            trace = true;
        else if (strcmp(name, "--kind") == 0)
            s.kind = strcmp(argv[++at], "io") == 0 ? IO : MEMORY;
        else if (strcmp(name, "--most") == 0)
            s.most = atoi(argv[++at]);
        else if (strcmp(name, "--part") == 0 && sscanf(argv[++at], "%d/%d", &s.part, &s.parts) != 2)
            return 2;
        else if (strcmp(name, "--only") == 0)
            s.only = strtol(argv[++at], NULL, 10);
        else if (strcmp(name, "--before") == 0)
            s.before = argv[++at];
        else if (strcmp(name, "--after") == 0)
            s.after = argv[++at];
    }
    s.command = argv + at - 1; /* as main() gets it */
    s.words = argc - at + 1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || s.words < 2)
        return 2;
    shared->again = again;
    void *warm[2];
    backtrace(warm, 2); /* loads what it needs */
    return sweep(&s) ? 0 : 1;
}
