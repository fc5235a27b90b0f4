/* check - what the tests of base/ share: an assertion of failures, and a folder that is gone
 * afterwards */
#ifndef TESTS_BASE_CHECK_H
#define TESTS_BASE_CHECK_H

#include "../check.h"
#include "base/file.h"

/* Fails with this status, and the sentence has these words. */
#define CHECK_FAILS(call, status, words)                                                                     \
    do {                                                                                                     \
        const el_status status_ = (call);                                                                    \
        CHECK(status_ == (status) && strstr(el_error(), words),                                              \
              "status %d, not %d, and \"%s\" has not \"%s\"", status_, (int)(status), el_error(), words);    \
    } while (0)

static char folder[64]; /* made for one program of tests */

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
