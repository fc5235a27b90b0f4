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

static void start_block(size_t shared)
{
    for (const stretch &s : stretches())
        if (s.kernel == running)
            fill(s);
    fill({running, rest, shared});
}

static el_host_thread thread_of(int i, dim3 block)
{
    return {dim3((unsigned)i % block.x, (unsigned)i / block.x % block.y, (unsigned)i / block.x / block.y), i % 32, i / 32,
            0};
}

#ifdef EL_HOST_THREADS

#include <barrier>
#include <memory>
#include <thread>

static std::unique_ptr<std::barrier<>> block_barrier, warp_barrier[EL_HOST_WARPS];

void el_host_wait_block()
{
    block_barrier->arrive_and_wait();
}

void el_host_wait_warp()
{
    warp_barrier[el_host_self->warp]->arrive_and_wait();
}

static void run_block(int count, dim3 block, const std::function<void()> &thread)
{
    block_barrier = std::make_unique<std::barrier<>>(count);
    for (int w = 0; w < count / 32; w++)
        warp_barrier[w] = std::make_unique<std::barrier<>>(32);
    std::vector<std::thread> all;
    for (int i = 0; i < count; i++)
        all.emplace_back([&, i] {
            el_host_thread self = thread_of(i, block);
            el_host_self = &self;
            thread();
            block_barrier->arrive_and_drop();
            warp_barrier[self.warp]->arrive_and_drop();
        });
    for (std::thread &t : all)
        t.join();
}

#else

enum { STACK = 256 * 1024, MOST = 1024 };

/* How many wait at a barrier, of how many that still run. */
struct barrier {
    int running, waiting;
    long times;
};

struct fiber {
    el_host_thread self;
    void *stack; /* its pointer while it does not run */
    bool done;
};

static fiber fibers[MOST];
static char *stacks;
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
    const long times = b->times;
    if (++b->waiting == b->running)
        release(b);
    while (b->times == times)
        leave();
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

static void prepare(fiber *f, int i, dim3 block)
{
    f->self = thread_of(i, block);
    f->done = false;
    void **top = (void **)(stacks + (size_t)(i + 1) * STACK);
    *--top = NULL; /* where enter() would return to; a call leaves the stack so that this is not aligned */
    *--top = (void *)enter;
    for (int r = 0; r < 6; r++)
        *--top = NULL;
    f->stack = top;
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
            current = f;
            el_host_self = &f->self;
            el_host_switch(&scheduler, f->stack);
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
        stacks = (char *)mmap(NULL, (size_t)MOST * STACK, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    body = &thread;
    block_barrier = {count, 0, 0};
    for (int w = 0; w < count / 32; w++)
        warp_barrier[w] = {32, 0, 0};
    for (int i = 0; i < count; i++)
        prepare(&fibers[i], i, block);
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

#endif

void el_host_run(const void *kernel, dim3 grid, dim3 block, size_t shared, const std::function<void()> &thread)
{
    running = kernel;
    gridDim = grid;
    blockDim = block;
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = dim3(x, y, z);
                start_block(shared);
                run_block((int)(block.x * block.y * block.z), block, thread);
            }
}
