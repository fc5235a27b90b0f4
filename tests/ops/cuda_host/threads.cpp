/* threads - a block's threads as fibers, or as threads of the system; see el_cuda.h */
#include "el_cuda.h"

#include <stdio.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

thread_local el_host_thread *el_host_self;
dim3 blockIdx, blockDim, gridDim;
uint64_t el_host_places[EL_HOST_WARPS][2][32][8];
alignas(16) static unsigned char rest[EL_HOST_REST];
unsigned char *el_host_rest = rest;

/* ---- shared memory ---- */

struct stretch {
    const void *kernel; /* that came to it first */
    void *place;
    size_t bytes;
};

static const void *running;

static std::vector<stretch> &stretches()
{
    static std::vector<stretch> all;
    return all;
}

static void fill(stretch s)
{
    memset(s.place, 0xff, s.bytes); /* NaN in either type */
}

bool el_host_shared(void *place, size_t bytes)
{
    stretches().push_back({running, place, bytes});
    fill(stretches().back());
    return true;
}

/* A block has 48 KB, or EL_HOST_REST where the launch asks, as the header for a GPU does from UNASKED bytes on. */
static void check_shared(size_t shared)
{
    enum { USUAL = 48 * 1024, UNASKED = 32 * 1024 };
    size_t whole = shared;
    for (const stretch &s : stretches())
        whole += s.kernel == running ? s.bytes : 0;
    if (whole > (shared > UNASKED ? (size_t)EL_HOST_REST : (size_t)USUAL)) {
        fprintf(stderr, "cuda_host: a block of %zu bytes of shared memory, %zu of them asked for\n", whole,
                shared);
        abort();
    }
}

static uint64_t blocks_of(dim3 grid)
{
    return (uint64_t)grid.x * grid.y * grid.z;
}

static void start_block(dim3 grid, uint64_t number, size_t shared)
{
    blockIdx = dim3((unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y),
                    (unsigned)(number / grid.x / grid.y));
    for (const stretch &s : stretches())
        if (s.kernel == running)
            fill(s);
    fill({running, rest, shared});
}

static el_host_thread thread_of(int i, dim3 block)
{
    return {dim3((unsigned)i % block.x, (unsigned)i / block.x % block.y, (unsigned)i / block.x / block.y),
            i % 32, i / 32, 0};
}

#ifdef EL_HOST_THREADS

#include <barrier>
#include <optional>
#include <thread>

/* Of the threads of a block that still run; and of all threads of a grid, which go from block to block together. */
static std::optional<std::barrier<>> block_barrier, warp_barrier[EL_HOST_WARPS];

void el_host_wait_block()
{
    block_barrier->arrive_and_wait();
}

void el_host_wait_warp()
{
    warp_barrier[el_host_self->warp]->arrive_and_wait();
}

static void begin_block(int count, dim3 grid, uint64_t number, size_t shared)
{
    block_barrier.emplace(count);
    for (int w = 0; w < count / 32; w++)
        warp_barrier[w].emplace(32);
    start_block(grid, number, shared);
}

static void run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()> &thread)
{
    const int count = (int)(block.x * block.y * block.z);
    std::barrier<> together(count);
    std::vector<std::thread> all;
    for (int i = 0; i < count; i++)
        all.emplace_back([&, i] {
            for (uint64_t n = 0; n < blocks_of(grid); n++) {
                if (i == 0)
                    begin_block(count, grid, n, shared);
                together.arrive_and_wait();
                el_host_thread self = thread_of(i, block);
                el_host_self = &self;
                thread();
                block_barrier->arrive_and_drop();
                warp_barrier[self.warp]->arrive_and_drop();
                together.arrive_and_wait();
            }
        });
    for (std::thread &t : all)
        t.join();
}

#else

enum { STACK = 256 * 1024, MOST = 1024, COLOURS = 64, LINE = 64 };

/* How many wait at a barrier, of how many that still run. */
struct barrier {
    int running, waiting;
    long times;
};

struct fiber {
    el_host_thread self;
    int number;        /* of its stack */
    void *stack;       /* its pointer while it does not run; NULL before it begins */
    const barrier *at; /* where it waits, since that was passed so many times */
    long times;
    bool done;
};

/* A stack belongs to a fiber from its beginning to its end: without barriers one stack, which is in the caches, serves all. */
static fiber fibers[MOST];
static char *stacks;
static int free_stacks[MOST], free_count;
static void *scheduler;
static fiber *current;
static const std::function<void()> *body;
static barrier block_barrier, warp_barrier[EL_HOST_WARPS];
static long progress;

/* Goes on at the place where `to` was left, and leaves this one at `*from`. */
extern "C" void el_host_switch(void **from, void *to);
asm(".text\n.type el_host_switch,@function\nel_host_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");

static void leave()
{
    el_host_switch(&current->stack, scheduler);
}

static void release(barrier *b)
{
    b->waiting = 0;
    b->times++;
    progress++;
}

static void wait_at(barrier *b)
{
    if (++b->waiting == b->running) {
        release(b);
        return;
    }
    current->at = b;
    current->times = b->times;
    leave();
    current->at = NULL;
}

void el_host_wait_block()
{
    wait_at(&block_barrier);
}

void el_host_wait_warp()
{
    wait_at(&warp_barrier[el_host_self->warp]);
}

static void drop(barrier *b)
{
    b->running--;
    if (b->running > 0 && b->waiting == b->running)
        release(b);
}

static void enter()
{
    (*body)();
    current->done = true;
    progress++;
    drop(&block_barrier);
    drop(&warp_barrier[current->self.warp]);
    leave();
    abort();
}

/* Tops of stacks that lie one behind the other would all fall into the same lines of the caches. */
static void begin(fiber *f)
{
    f->number = free_stacks[--free_count];
    void **top =
        (void **)(stacks + (size_t)(f->number + 1) * STACK - (size_t)(f->number % COLOURS * 13 * LINE));
    *--top = NULL; /* where enter() would return to; a call leaves the stack so that this is not aligned */
    *--top = (void *)enter;
    for (int r = 0; r < 6; r++)
        *--top = NULL;
    f->stack = top;
}

static void take_stacks()
{
    stacks = (char *)mmap(NULL, (size_t)MOST * STACK, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    while (free_count < MOST) {
        free_stacks[free_count] = MOST - 1 - free_count;
        free_count++;
    }
}

/* One warp, as far as it gets. */
static int run_warp(int first, bool downwards)
{
    int left = 0;
    for (long before = -1; before != progress;) {
        before = progress;
        left = 0;
        for (int i = 0; i < 32; i++) {
            fiber *const f = &fibers[first + (downwards ? 31 - i : i)];
            if (f->done)
                continue;
            if (f->at && f->at->times == f->times) {
                left++;
                continue;
            }
            if (!f->stack)
                begin(f);
            current = f;
            el_host_self = &f->self;
            el_host_switch(&scheduler, f->stack);
            if (f->done)
                free_stacks[free_count++] = f->number;
            left += !f->done;
        }
        if (left == 0)
            break;
    }
    return left;
}

static void run_block(int count, dim3 block, const std::function<void()> &thread)
{
    static bool downwards;
    downwards = !downwards;
    if (!stacks)
        take_stacks();
    body = &thread;
    block_barrier = {count, 0, 0};
    for (int w = 0; w < count / 32; w++)
        warp_barrier[w] = {32, 0, 0};
    for (int i = 0; i < count; i++)
        fibers[i] = {thread_of(i, block), 0, NULL, NULL, 0, false};
    for (int left = count; left > 0;) {
        const long before = progress;
        left = 0;
        for (int w = 0; w < count / 32; w++)
            left += run_warp(32 * (downwards ? count / 32 - 1 - w : w), downwards);
        if (left > 0 && before == progress) {
            fprintf(stderr, "cuda_host: a barrier that not all threads of a block reach\n");
            abort();
        }
    }
}

static void run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()> &thread)
{
    for (uint64_t n = 0; n < blocks_of(grid); n++) {
        start_block(grid, n, shared);
        run_block((int)(block.x * block.y * block.z), block, thread);
    }
}

#endif

void el_host_run(const void *kernel, dim3 grid, dim3 block, size_t shared,
                 const std::function<void()> &thread)
{
    static const bool counted = getenv("EL_HOST_COUNT") != NULL;
    if (counted)
        fprintf(stderr, "launch %p\n", kernel);
    running = kernel;
    gridDim = grid;
    blockDim = block;
    run_grid(grid, block, shared, thread);
    check_shared(shared);
}
