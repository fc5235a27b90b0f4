/* service_parts - what the files of a service share; private to serve/ */
#ifndef EL_SERVE_SERVICE_PARTS_H
#define EL_SERVE_SERVICE_PARTS_H

#include <stdatomic.h>

#include "serve/service.h"
#include "serve/window.h"
#include "train/feed.h"

struct el_question_part {
    int query;
    el_text_window window; /* detect, fill */
};

enum { EL_SERVICE_SLOTS = 16 }; /* [MASK]s whose logits are there at a time */

/* A network of pre-training, and memory for a batch. */
typedef struct {
    const el_network *net; /* NULL: there is none */
    int places, capacity;  /* of a sequence; rows of a batch */
    el_arena arena;
    el_feed feed;
    el_encoder_saved encoder;
    el_mlm_saved mlm;
    el_rtd_saved rtd;
    int *slots; /* device */
    el_batch batch;
    int *row;      /* host: a sequence */
    float *logits; /* host: of all rows, or of one slot */
} el_window_reader;

el_status el_window_reader_open(el_window_reader *reader, el_queue *q, const el_model *model,
                                const el_network *net, int batch_tokens);
void el_window_reader_close(el_window_reader *reader, el_queue *q);

/* What a batch is answered by. */
typedef struct {
    el_finetuned tuned;
    el_embedder *embedder;
    el_window_reader generator, discriminator;
} el_answerer;

struct el_service {
    char *name, *folder;
    el_loaded *loaded;
    el_queue *q;
    el_answerer usual, passing;                /* the second: while the first stands between two layers */
    el_wordpiece *wordpiece, *wordpiece_tuned; /* of the thread that reads */
    char lanes[EL_ASKS];                       /* their addresses */
    atomic_int held;
};

#endif
