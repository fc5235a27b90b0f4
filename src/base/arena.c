/* arena - see the header; memory comes from mmap, which zeroes it and gives it back at once */
#include "arena.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#include "io.h"

enum { HUGE_PAGE = 2 << 20 };

void *el_arena_push(el_arena *arena, size_t bytes)
{
    assert(bytes <= SIZE_MAX - EL_ALIGNMENT - arena->used);
    const size_t start = arena->used;
    arena->used = start + (bytes + EL_ALIGNMENT - 1) / EL_ALIGNMENT * EL_ALIGNMENT;
    if (!arena->base)
        return NULL;
    assert(arena->used <= arena->size && "binding pushes more than measuring did");
    return arena->base + start;
}

/* A mapping of `size` bytes that starts at a multiple of a huge page. */
static char *map_aligned(size_t size)
{
    const size_t extra = size + HUGE_PAGE;
    char *memory = el_io_memory(extra);
    if (!memory)
        return NULL;
    const size_t before = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
    if (before)
        el_io_unmap(memory, before);
    if (extra - before > size)
        el_io_unmap(memory + before + size, extra - before - size);
    madvise(memory + before, size, MADV_HUGEPAGE); /* a request: without it everything works as well */
    return memory + before;
}

el_status el_arena_reserve(el_arena *arena)
{
    assert(!arena->base && "an arena is reserved once");
    const size_t page = arena->used >= HUGE_PAGE ? (size_t)HUGE_PAGE : 4096;
    const size_t wanted = arena->used ? arena->used : 1; /* an empty arena has a place too */
    if (wanted > SIZE_MAX / 2)
        return el_fail(EL_ENOMEM, "no memory for %zu bytes", wanted);
    const size_t size = (wanted + page - 1) / page * page;
    char *const memory = page == HUGE_PAGE ? map_aligned(size) : el_io_memory(size);
    if (!memory)
        return el_fail(EL_ENOMEM, "no memory for %zu bytes", arena->used);
    *arena = (el_arena){.base = memory, .used = 0, .size = size};
    return EL_OK;
}

void el_arena_release(el_arena *arena)
{
    if (arena->base)
        el_io_unmap(arena->base, arena->size);
    *arena = (el_arena){0};
}
