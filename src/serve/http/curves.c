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

static bool is_kind(const json_t *record, const char *kind)
{
    const char *const said = json_string_value(json_object_get(record, "kind"));
    return said && strcmp(said, kind) == 0;
}

static bool is_figure(const char *key)
{
    static const char *const OTHERS[] = {"kind", "step", "tokens", "seconds", "flops", "epoch"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strncmp(key, OTHERS[i], strlen(OTHERS[i])) == 0)
            return false;
    return true;
}

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
    json_array_foreach(records, i, record) count += is_kind(record, kind);
    const size_t every = count / MOST_POINTS + 1;
    json_array_foreach(records, i, record)
    {
        const json_t *const step = json_object_get(record, "step");
        if (!is_kind(record, kind) || !step || (number++ % every && number != count))
            continue;
        json_object_foreach(record, key, value) if (is_figure(key) && json_is_number(value))
            add_point(figures, key, step, value);
    }
    return figures;
}

/* A folder's curves, where it has any; what cannot be read is no matter of serving. */
static void add_run(json_t *runs, const char *folder, const char *name)
{
    char *const path = el_path_join(folder, "metrics.jsonl");
    json_t *records = NULL;
    if (path && el_file_exists(path) && el_metrics_load(&records, path) == EL_OK) {
        json_t *figures = figures_of(records, "evaluation");
        if (json_object_size(figures) == 0) {
            json_decref(figures);
            figures = figures_of(records, "train");
        }
        json_array_append_new(runs, json_pack("{s:s, s:o}", "name", name, "figures", figures));
    }
    json_decref(records);
    free(path);
}

static void add_trials(json_t *runs, const char *folder)
{
    char **names;
    int count;
    if (el_folder_list(folder, &names, &count))
        return;
    for (int i = 0; i < count && json_array_size(runs) < MOST_TRIALS; i++) {
        char *const path = strncmp(names[i], "trial-", 6) == 0 ? el_path_join(folder, names[i]) : NULL;
        if (path)
            add_run(runs, path, names[i]);
        free(path);
    }
    el_names_free(names, count);
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
    json_array_foreach(runs, i, one)
    {
        int trial, again, other_trial, other_again;
        bool kept = true;
        read_name(json_string_value(json_object_get(one, "name")), &trial, &again);
        json_array_foreach(runs, k, other)
        {
            read_name(json_string_value(json_object_get(other, "name")), &other_trial, &other_again);
            kept = kept && !(other_trial == trial && other_again > again);
        }
        json_object_set_new(one, "kept", json_boolean(kept));
    }
}

char *el_curves_read(const char *folder)
{
    json_t *const runs = json_array();
    add_run(runs, folder, "run");
    if (json_array_size(runs) == 0)
        add_trials(runs, folder);
    mark_kept(runs);
    char *const text = el_json_text(runs, false);
    json_decref(runs);
    return text;
}
