/* arena - memory laid out once, before work starts
 *
 * The layout code runs twice: first on an arena without memory, where pushes
 * return NULL and sizes add up, then on one with memory, where the same pushes
 * return places.  Size and place cannot disagree.
 *
 *     el_arena a = {0};
 *     lay_out(&a, thing);                       measuring
 *     if ((st = el_arena_reserve(&a))) return st;
 *     lay_out(&a, thing);                       binding
 *     ...
 *     el_arena_release(&a);
 */
#ifndef EL_BASE_ARENA_H
#define EL_BASE_ARENA_H

#include <stddef.h>

#include "error.h"

enum { EL_ALIGNMENT = 256 }; /* a GPU's, and enough for every vector load */

typedef struct {
    char *base;       /* NULL while measuring */
    size_t used;      /* bytes pushed so far */
    size_t size;      /* bytes reserved, 0 while measuring */
    size_t row_bytes; /* what rows that are laid out in it are to be multiples of; 0: they have no gaps */
} el_arena;

/* The next `bytes` bytes, aligned to EL_ALIGNMENT; NULL while measuring. */
void *el_arena_push(el_arena *arena, size_t bytes);

/* Takes zeroed memory for all that was measured, and starts again at its beginning.
 * Large blocks ask the kernel for huge pages. */
el_status el_arena_reserve(el_arena *arena);

void el_arena_release(el_arena *arena);

#endif
