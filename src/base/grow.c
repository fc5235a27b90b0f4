/* grow - lists that become longer */
#include "base/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 16 };

bool el_grow(void *list, size_t *room, size_t need, size_t bytes)
{
    if (need <= *room)
        return true;
    const size_t half = *room + *room / 2, least = half > FEWEST ? half : FEWEST,
                 items = need > least ? need : least;
    if (items > SIZE_MAX / bytes)
        return false;
    void *was; /* by memcpy: the caller's pointer has a type of its own */
    memcpy(&was, list, sizeof was);
    void *const grown = realloc(was, items * bytes);
    if (!grown)
        return false;
    memcpy(list, &grown, sizeof grown);
    *room = items;
    return true;
}
