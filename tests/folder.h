/* folder - a temporary folder of one program of tests, which is gone afterwards */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include "base/file.h"
#include "check.h"

static char folder[64];

static inline int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/electra-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return el_folder_remove(folder) == EL_OK ? 0 : -1;
}

/* A path in the folder; four can be in use at once. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

#endif
