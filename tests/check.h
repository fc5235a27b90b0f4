/* check - what all tests share: cmocka, and assertions that print both sides */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg(__VA_ARGS__);                                                                           \
    } while (0)

#define CHECK_OK(call)                                                                                       \
    do {                                                                                                     \
        const int status_ = (int)(call);                                                                     \
        CHECK(status_ == 0, "status %d: %s", status_, el_error());                                           \
    } while (0)

/* Fails with this status, and the sentence has these words. */
#define CHECK_FAILS(call, status, words)                                                                     \
    do {                                                                                                     \
        const el_status status_ = (call);                                                                    \
        CHECK(status_ == (status) && strstr(el_error(), words),                                              \
              "status %d, not %d, and \"%s\" has not \"%s\"", status_, (int)(status), el_error(), words);    \
    } while (0)

#endif
