/* tensorboard - an event file, which TensorBoard draws
 *
 * A frame is its length, a checksum of that, an Event (a protocol buffer), and a checksum of it.  The first names the
 * version of the format; each other holds the numbers of a step, named "group/figure".  A frame is written at once, and
 * TensorBoard passes over a torn last one.
 */
#ifndef EL_FORMAT_TENSORBOARD_H
#define EL_FORMAT_TENSORBOARD_H

#include "base/json.h"

typedef struct {
    char *path; /* FOLDER/events.out.tfevents.electra */
    int file;
} el_tensorboard;

/* Makes the file anew. */
el_status el_tensorboard_open(el_tensorboard *events, const char *folder);

/* Every number of an object but "step" and "tokens".  `time`: seconds since 1970. */
el_status el_tensorboard_put(el_tensorboard *events, const char *group, int64_t step, double time,
                             const json_t *figures);
void el_tensorboard_close(el_tensorboard *events); /* accepts a zeroed one */

#endif
