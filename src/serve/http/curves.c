/* curves - how a model was trained, for the page: figures of its run's evaluations
 *
 *     [{"name": "trial-1", "figures": {"loss": [[step, value], ...], ...}, "kept": true}, ...]
 *
 * A run has metrics.jsonl, a fine-tuning folder one in each of its trials; other folders have none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "serve/http/parts.h"
#include "train/metrics.h"

enum { MOST_TRIALS = 16, MOST_POINTS = 400 };

static void add_point(json_t *figures, const char *key, const json_t *step, const json_t *value)
{
    json_t *list = json_object_get(figures, key);
    if (!list) {
        list = json_array();
        json_object_set_new(figures, key, list);
    }
    json_array_append_new(list, json_pack("[O, O]", step, value));
}

/* Each figure's points over steps; of long runs some. */
static json_t *figures_of(const json_t *records, const char *kind)
{
    json_t *const figures = json_object();
    size_t i, count = 0, number = 0;
    json_t *record, *value;
    const char *key;
    json_array_foreach(records, i, record)
        count += el_metrics_is(record, kind);
    const size_t every = count / MOST_POINTS + 1;
    json_array_foreach(records, i, record) {
        const json_t *const step = json_object_get(record, "step");
        if (!el_metrics_is(record, kind) || !step || (number++ % every && number != count))
            continue;
        json_object_foreach(record, key, value)
            if (el_metrics_is_figure(key, value))
                add_point(figures, key, step, value);
    }
    return figures;
}

/* What cannot be read is no matter of serving. */
static el_status add_run(void *runs, const char *run, const char *trial, const char *path)
{
    (void)run;
    json_t *records;
    if (json_array_size(runs) == MOST_TRIALS || el_metrics_load(&records, path))
        return EL_OK;
    json_t *figures = figures_of(records, EL_METRICS_EVALUATION);
    if (json_object_size(figures) == 0) {
        json_decref(figures);
        figures = figures_of(records, EL_METRICS_TRAINING);
    }
    json_array_append_new(runs, json_pack("{s:s, s:o}", "name", trial ? trial : "run", "figures", figures));
    json_decref(records);
    return EL_OK;
}

/* Which trial a folder is of, and which beginning of it: trial-2-again-3 is the third other one of 2. */
static void read_name(const char *name, int *trial, int *again)
{
    *trial = *again = 0;
    (void)sscanf(name, "trial-%d-again-%d", trial, again);
}

/* Of each trial the last beginning counts: the others were given up. */
static void mark_kept(json_t *runs)
{
    size_t i, k;
    json_t *one, *other;
    json_array_foreach(runs, i, one) {
        int trial, again, other_trial, other_again;
        bool kept = true;
        read_name(json_string_value(json_object_get(one, "name")), &trial, &again);
        json_array_foreach(runs, k, other) {
            read_name(json_string_value(json_object_get(other, "name")), &other_trial, &other_again);
            kept = kept && !(other_trial == trial && other_again > again);
        }
        json_object_set_new(one, "kept", json_boolean(kept));
    }
}

char *el_curves_read(const char *folder)
{
    json_t *const runs = json_array();
    el_metrics_each_run(folder, add_run, runs);
    mark_kept(runs);
    char *const text = el_json_text(runs, false);
    json_decref(runs);
    return text;
}
