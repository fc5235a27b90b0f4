/* int8 - a model that whole numbers cost much is told so */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/int8.h"

static char said[512];

static void listen(el_log_level level, const char *line)
{
    snprintf(said, sizeof said, "%s%s", level == EL_LOG_WARNING ? "" : "not a warning: ", line);
}

static void check_said(double fp32, double int8, const char *words)
{
    static const char *const NAMES[] = {"loss", "accuracy"};
    const el_int8_scores scores = {.fp32 = {.names = NAMES, .count = 2, .values = {0.1, fp32}},
                                   .int8 = {.names = NAMES, .count = 2, .values = {0.9, int8}}};
    said[0] = '\0';
    el_int8_warn(&scores, "accuracy");
    if (*words ? strstr(said, words) != said : *said)
        fail_msg("from %g to %g: \"%s\", not \"%s\"", fp32, int8, said, words);
}

static void test_warning(void **state)
{
    (void)state;
    el_log_to(listen);
    check_said(0.912, 0.701,
               "int8 costs this model 21.1 points of accuracy (0.9120 in fp32, 0.7010 in int8)");
    check_said(0.912, 0.9, "int8 costs this model 1.2 points");
    check_said(0.912, 0.905, "");
    check_said(0.52, 0.51, "");
    check_said(0.52, 0.5099, "int8 costs this model 1.0 points");
    check_said(0.912, 0.93, "");
    check_said(NAN, 0.93, "");
    check_said(NAN, NAN, "");
    check_said(0.912, NAN, "int8 costs this model its accuracy (0.9120 in fp32, - in int8)");
    el_log_to(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_warning)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
