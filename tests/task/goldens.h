/* goldens - reading the cases of tools/golden_metrics.py: an object a line, numbers to 1e-12, null for NaN */
#ifndef TESTS_TASK_GOLDENS_H
#define TESTS_TASK_GOLDENS_H

#include "folder.h"

#include <jansson.h>
#include <math.h>

/* Hands every case of the file to check(); name is "file, line n". */
static inline void each_case(const char *file, int least, void (*check)(const char *name, const json_t *))
{
    char path[512], name[64];
    snprintf(path, sizeof path, TEST_DATA "/golden/%s", file);
    FILE *const in = fopen(path, "r");
    CHECK(in, "%s is missing", path);
    char *line = NULL;
    size_t room = 0;
    int cases = 0;
    while (getline(&line, &room, in) > 0) {
        snprintf(name, sizeof name, "%s, line %d", file, ++cases);
        json_t *const object = json_loads(line, 0, NULL);
        CHECK(object, "%s: no JSON", name);
        check(name, object);
        json_decref(object);
    }
    CHECK(cases >= least, "%s has only %d cases", file, cases);
    free(line);
    fclose(in);
}

static inline const json_t *of(const json_t *object, const char *key)
{
    const json_t *const value = json_object_get(object, key);
    CHECK(value, "the case has no \"%s\"", key);
    return value;
}

static inline double real_of(const json_t *value)
{
    return json_is_null(value) ? NAN : json_number_value(value);
}

static inline void check_real(const char *name, const char *what, double have, const json_t *want)
{
    const double expected = real_of(want);
    CHECK((isnan(have) && isnan(expected)) || fabs(have - expected) <= 1e-12 * fmax(1, fabs(expected)),
          "%s: %s is %.17g, not %.17g", name, what, have, expected);
}

#endif
