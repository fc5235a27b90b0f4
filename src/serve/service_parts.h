/* service_parts - what the files of a service share; private to serve/ */
#ifndef EL_SERVE_SERVICE_PARTS_H
#define EL_SERVE_SERVICE_PARTS_H

#include <stdatomic.h>

#include "serve/service.h"
#include "serve/window_reader.h"

struct el_question_part {
    int query;
    el_text_window window; /* detect, fill */
    int mask, masks;       /* fill: the first of the query's that it answers for, and how many */
};

/* What a batch is answered by. */
typedef struct {
    el_finetuned tuned;
    el_embedder *embedder;
    el_window_reader generator, discriminator;
} el_answerer;

struct el_service {
    char *name;
    el_loaded *loaded;
    el_queue *q;
    el_answerer usual, passing;                /* the second: while the first stands between two layers */
    el_wordpiece *wordpiece, *wordpiece_tuned; /* of the thread that reads */
    char lanes[EL_ASKS];                       /* their addresses */
    atomic_int held;
};

#endif
