/* progress - see the header */
#include "train/progress.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- the window ---- */

void el_progress_add(el_progress *p, const el_figures *figures, double norm)
{
    p->window_steps++;
    p->window_norm += norm;
    p->figures = figures->count;
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            p->sums[i] += figures->values[i], p->counts[i]++;
}

void el_progress_means(const el_progress *p, el_figures *figures)
{
    for (int i = 0; i < figures->count; i++)
        figures->values[i] = p->counts[i] ? p->sums[i] / (double)p->counts[i] : NAN;
}

double el_progress_norm(const el_progress *p)
{
    return p->window_steps ? p->window_norm / (double)p->window_steps : NAN;
}

void el_progress_clear(el_progress *p)
{
    p->window_steps = p->window_skipped = 0;
    p->window_norm = 0;
    memset(p->sums, 0, sizeof p->sums);
    memset(p->counts, 0, sizeof p->counts);
}

/* ---- state.json ---- */

static json_t *array_of_reals(const double *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_real(values[i]));
    return array;
}

static json_t *array_of_integers(const int64_t *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_integer(values[i]));
    return array;
}

/* The counters by name, for writing and reading alike. */
typedef struct {
    const char *name;
    size_t offset;
} counter;

#define COUNTER(field)                                                                                       \
    {                                                                                                        \
#field, offsetof(el_progress, field)                                                                 \
    }
static const counter COUNTERS[] = {COUNTER(step),           COUNTER(updates),  COUNTER(warm_updates),
                                   COUNTER(skipped_in_row), COUNTER(examples), COUNTER(tokens),
                                   COUNTER(evaluated),      COUNTER(lines),    COUNTER(window_steps),
                                   COUNTER(window_skipped)};
enum { COUNTER_COUNT = sizeof COUNTERS / sizeof *COUNTERS };

json_t *el_progress_write(const el_progress *p, uint64_t seed)
{
    json_t *state = json_object();
    for (int i = 0; i < COUNTER_COUNT; i++)
        json_object_set_new(state, COUNTERS[i].name,
                            json_integer(*(const int64_t *)((const char *)p + COUNTERS[i].offset)));
    json_object_set_new(state, "seed", json_integer((json_int_t)seed));
    json_object_set_new(state, "seconds", json_real(p->seconds));
    json_object_set_new(state, "window_norm", json_real(p->window_norm));
    json_object_set_new(state, "window_sums", array_of_reals(p->sums, p->figures));
    json_object_set_new(state, "window_counts", array_of_integers(p->counts, p->figures));
    return state;
}

static el_status bad_state(const char *key)
{
    return el_fail(EL_EDATA, "state.json of the checkpoint: %s is missing or not what it should be", key);
}

static el_status read_counters(const json_t *state, el_progress *p)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const json_t *value = json_object_get(state, COUNTERS[i].name);
        if (!value && COUNTERS[i].offset == offsetof(el_progress, warm_updates)) { /* of an earlier version */
            p->warm_updates = -1;
            continue;
        }
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return bad_state(COUNTERS[i].name);
        *(int64_t *)((char *)p + COUNTERS[i].offset) = json_integer_value(value);
    }
    return EL_OK;
}

static el_status read_window(const json_t *state, el_progress *p)
{
    const json_t *sums = json_object_get(state, "window_sums"),
                 *counts = json_object_get(state, "window_counts");
    const size_t figures = json_array_size(sums);
    if (figures > EL_MAX_FIGURES || json_array_size(counts) != figures)
        return bad_state("window_sums");
    p->figures = (int)figures;
    for (size_t i = 0; i < figures; i++) {
        p->sums[i] = json_number_value(json_array_get(sums, i));
        p->counts[i] = json_integer_value(json_array_get(counts, i));
    }
    p->window_norm = json_number_value(json_object_get(state, "window_norm"));
    p->seconds = json_number_value(json_object_get(state, "seconds"));
    return EL_OK;
}

el_status el_progress_read(el_progress *p, const json_t *state)
{
    *p = (el_progress){.seed = (uint64_t)json_integer_value(json_object_get(state, "seed"))};
    const el_status st = read_counters(state, p);
    return st ? st : read_window(state, p);
}
