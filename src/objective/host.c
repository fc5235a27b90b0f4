/* host - see the header */
#include "objective/host.h"

el_status el_host_reserve(el_host *host, int n, void (*lay_out)(void *context, el_arena *arena, int n),
                          void *context)
{
    if (n <= host->room)
        return EL_OK;
    el_host_release(host);
    lay_out(context, &host->arena, n); /* measuring: all places are NULL */
    const el_status st = el_arena_reserve(&host->arena);
    if (st)
        return st;
    lay_out(context, &host->arena, n);
    host->room = n;
    return EL_OK;
}

void el_host_release(el_host *host)
{
    el_arena_release(&host->arena);
    host->room = 0;
}
