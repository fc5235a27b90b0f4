/* library - finding NVIDIA's libraries when they are needed
 *
 * They are large, not on every machine that has a driver, and of several versions with one interface: so they are opened at
 * run time, not linked.
 */
#ifndef EL_OPS_CUDA_LIBRARY_H
#define EL_OPS_CUDA_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* A function by its name in the library, and where its address goes. */
typedef struct {
    const char *name;
    void *function;
} el_library_function;

/* The first of these names (NULL at the end) that can be opened: where the system looks (LD_LIBRARY_PATH among it), where CUDA
 * puts it, and in these folders of pip's nvidia/ (NULL at the end).  NULL: there is none. */
void *el_library_find(const char *const *names, const char *const *packages);

/* Fills in all functions; the name of one that the library lacks, or NULL. */
const char *el_library_fill(void *library, const el_library_function *functions, size_t count);

void el_library_close(void *library); /* accepts NULL */

#endif
