/* host - what is fetched of a batch, in memory of the host that grows to the largest batch
 *
 *     static void lay_out_host(void *context, el_arena *a, int n)   places for n rows; runs twice, as arenas' layouts do
 *     ...
 *     if ((st = el_host_reserve(&thing->host, batch->rows, lay_out_host, thing))) return st;
 */
#ifndef EL_OBJECTIVE_HOST_H
#define EL_OBJECTIVE_HOST_H

#include "base/arena.h"

typedef struct {
    el_arena arena;
    int room; /* rows that there is room for */
} el_host;

/* Room for n rows.  What lay there is lost where it grows; without memory nothing is left of it: EL_ENOMEM. */
el_status el_host_reserve(el_host *host, int n, void (*lay_out)(void *context, el_arena *arena, int n),
                          void *context);
void el_host_release(el_host *host); /* accepts a zeroed one */

#endif
