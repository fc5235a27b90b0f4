/* grow - lists that become longer
 *
 * A list is a pointer, NULL at first, and the number of items that it has room for; free() releases it.
 */
#ifndef EL_BASE_GROW_H
#define EL_BASE_GROW_H

#include <stdbool.h>
#include <stddef.h>

/* Room for `need` items of `bytes` each; `list` is the address of the pointer.  Where it grows, it grows by half at
 * least, so that one more at a time costs little.  False: out of memory, and the list is as it was. */
bool el_grow(void *list, size_t *room, size_t need, size_t bytes);

#endif
