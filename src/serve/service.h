/* service - a loaded model as a server asks it: texts of many clients, computed together
 *
 *   predict   a fine-tuned model's answers
 *   embed     vectors, of any model's encoder
 *   detect    the discriminator's logits, a piece each
 *   fill      the generator's guesses at each [MASK]
 *
 * A question is asked in two steps by two threads.  el_service_read, on the thread that reads requests, cuts texts into
 * pieces, takes memory for the answers and says what each part will cost.  el_service_compute, on the thread that
 * computes, answers parts of any questions of one kind.  A part is what the network reads at once: a window of a text to
 * detect or to fill, else a text or a pair.  Answers are the same bits in any company.
 */
#ifndef EL_SERVE_SERVICE_H
#define EL_SERVE_SERVICE_H

#include "serve/batcher.h"
#include "serve/loaded.h"
#include "serve/session.h"
#include "task/learn/embedder.h"

typedef enum { EL_ASK_PREDICT, EL_ASK_EMBED, EL_ASK_DETECT, EL_ASK_FILL, EL_ASKS } el_ask;

extern const char *const EL_ASK_NAMES[EL_ASKS];

/* One thing asked, and its answer. */
typedef struct {
    char *text[2]; /* on the heap, [1] NULL where there is one; no NUL in them but at the end */
    size_t bytes[2];
    /* read */
    el_ids ids;     /* pieces of the first text: detect, fill, and of taggers */
    el_spans from;  /* bytes of them */
    el_spans words; /* of taggers */
    int tokens;     /* that are computed, special ones included */
    bool cut;       /* not all of it fits the model */
    /* answered, as it is asked: */
    /* embed: the vector; detect: a logit a piece; predict: a label's, or a chosen tag's, probability */
    float *numbers;
    int *tags; /* a word each */
    int *at;   /* fill: where the [MASK]s stand among the pieces */
    int masks;
    el_guess *guesses; /* masks x top_k */
    el_span_answer *answers;
    int answer_count;
    double value;     /* of a model taught numbers; NaN: the model gave none that are finite */
    double null_odds; /* of one taught that questions may have no answer */
    bool answered;    /* and whether this one has one */
} el_query;

typedef struct {
    el_batcher_job job; /* what the batcher sees of it */
    el_ask ask;
    int top_k; /* fill; of readers: answers */
    int count;
    el_query *queries;
    struct el_question_part *parts;
    int *tokens;         /* of each part */
    el_outcome computed; /* how that ended */
} el_question;

void el_question_release(el_question *question); /* accepts a zeroed one */

typedef struct el_service el_service;

typedef struct {
    el_load_settings load;
    el_pooling pooling;
    int batch_tokens;
    el_halt halt; /* between the layers of a batch; a passing one may be computed there */
} el_service_settings;

el_status el_service_open(el_service **service, const char *name, const char *folder,
                          const el_service_settings *settings);
/* Who uses it holds it; the last to let go closes it.  Opening holds. */
el_service *el_service_hold(el_service *service);
void el_service_release(el_service *service); /* accepts NULL */

const char *el_service_name(const el_service *service);
const el_loaded *el_service_loaded(const el_service *service);
bool el_service_can(const el_service *service, el_ask ask);
int el_service_width(const el_service *service);               /* of vectors */
int el_service_longest(const el_service *service, el_ask ask); /* tokens that are read at once */

/* Cuts a text into pieces, as `ask` reads it. */
el_status el_service_cut(el_service *service, el_ask ask, const char *text, size_t bytes, el_ids *ids,
                         el_spans *from);

/* Fills what is read of a question with queries.  EL_EUSAGE where it makes no sense to ask. */
el_status el_service_read(el_service *service, el_question *question);

/* Parts of questions of this service and of one kind; `passing`: at a halt of another batch. */
void el_service_compute(el_service *service, const el_part *parts, int count, bool passing);

#endif
