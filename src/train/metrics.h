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

typedef struct {
    char *path;
    int file;
    el_tensorboard events; /* without a path: none */
    double began,
        seconds; /* of the events: when the run began, had it never stopped; of the last line of training */
} el_metrics;

/* Opens or makes the file and cuts it behind its first `lines` whole lines. */
el_status el_metrics_open(el_metrics *metrics, const char *path, int64_t lines);
/* Lines so far and all to come go into FOLDER's TensorBoard file too, which is written anew. */
el_status el_metrics_mirror(el_metrics *metrics, const char *folder);
/* Where it fails (a full disk) the file is as it was before. */
el_status el_metrics_put(el_metrics *metrics, const json_t *line);
el_status el_metrics_sync(el_metrics *metrics);
void el_metrics_close(el_metrics *metrics); /* accepts a zeroed one */

/* All lines as an array of objects (new reference).  A last line without its newline, which a running program is still
 * writing, is left out; any other that is no object is EL_EDATA. */
el_status el_metrics_load(json_t **lines, const char *path);

#endif
