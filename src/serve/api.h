/* api - what the files of the public API share; electra.h is the API */
#ifndef EL_SERVE_API_H
#define EL_SERVE_API_H

#include <stdatomic.h>

#include "electra.h"
#include "serve/session.h"
#include "task/learn/embedder.h"
#include "task/score/entities.h"

static inline electra_status el_api_said(el_status status)
{
    return (electra_status)status;
}

/* EL_EUSAGE that names what is missing. */
el_status el_api_missing(const char *what);

/* Copies what a caller's struct has of `own`, whose first field is its size; what it has beyond must be zero.  `given` may
 * be NULL: all zero. */
el_status el_api_take(void *own, size_t bytes, const void *given);

/* Memory of an answer, which grows. */
typedef struct {
    void *data;
    size_t bytes;
} el_api_column;

el_status el_api_room(el_api_column *column, size_t count, size_t element);

/* Texts that are there, and not too long; of an empty one, a place that may be read. */
el_status el_api_check_texts(const electra_text *texts, size_t count);
static inline const char *el_api_text(const electra_text *text)
{
    return text->text ? text->text : "";
}

struct electra_model {
    el_loaded *loaded;
    int batch_tokens;
};

/* Parts are opened when they are first needed. */
struct electra_session {
    const electra_model *model;
    atomic_int cancelled;
    el_session *asked; /* about what was pre-trained */
    el_queue *q;       /* of the following two */
    el_embedder *embedder;
    electra_embedding how; /* of the embedder */
    el_finetuned tuned;
    bool tuned_open;
    el_entities entities;
    el_api_column items, starts, others; /* of the last answer */
};

/* For whoever watches batches: EL_ESTOPPED once, after a cancel. */
el_status el_api_cancelled(void *session, double fraction);

#endif
