/* metrics - metrics.jsonl, a JSON object a line
 *
 * Lines are appended as they come.  A checkpoint knows how many there were, and they are synced before it
 * appears; going on from it cuts off what came later, so that a stopped or killed run leaves the file of one
 * that never was.
 */
#ifndef EL_TRAIN_METRICS_H
#define EL_TRAIN_METRICS_H

#include "base/json.h"
#include "format/tensorboard.h"

#define EL_METRICS_FILE "metrics.jsonl" /* in a run's folder */
#define EL_TRIAL_FOLDER "trial-"        /* what the names of a fine-tuning's runs begin with, in its folder */

/* What a line is of, its "kind". */
#define EL_METRICS_TRAINING "train"
#define EL_METRICS_EVALUATION "evaluation"

typedef struct {
    char *path;
    int file;
    el_tensorboard events; /* without a path: none */
    double began;          /* of the events: when the run began, had it never stopped */
    double seconds;        /* of the last line of training */
} el_metrics;

/* Opens or makes the file and cuts it behind its first *lines whole lines, and before the first of them whose "step" is
 * above `step`, which stands there where earlier ones were lost (negative: steps are not looked at).  *lines then is how
 * many are left. */
el_status el_metrics_open(el_metrics *metrics, const char *path, int64_t step, int64_t *lines);
/* Lines so far and all to come go into FOLDER's TensorBoard file too, which is written anew.  Those that cannot be read are left
 * out, with a warning in the log. */
el_status el_metrics_mirror(el_metrics *metrics, const char *folder);
/* Where it fails (a full disk) the file is as it was before. */
el_status el_metrics_put(el_metrics *metrics, const json_t *line);
el_status el_metrics_sync(el_metrics *metrics);
void el_metrics_close(el_metrics *metrics); /* accepts a zeroed one */

/* All lines as an array of objects (new reference).  A last line without its newline, which a running program is still
 * writing, is left out; any other that is no object is EL_EDATA. */
el_status el_metrics_load(json_t **lines, const char *path);
/* No more than the first `most` of them: what stands behind is not looked at. */
el_status el_metrics_load_first(json_t **lines, const char *path, int64_t most);
/* All that can be read: EL_EDATA says where the first other line is, and *lines has those around it all the same. */
el_status el_metrics_load_good(json_t **lines, const char *path);

bool el_metrics_is(const json_t *line, const char *kind);
/* Whether what a line has under this key is a figure: not what it is over, or what was spent. */
bool el_metrics_is_figure(const char *key, const json_t *value);

/* The file of a run's folder; or, where it has none, of each of its trials, whose folder's name is `trial`, else NULL. */
typedef el_status (*el_metrics_visit)(void *context, const char *run, const char *trial, const char *path);
el_status el_metrics_each_run(const char *folder, el_metrics_visit visit, void *context);

#endif
