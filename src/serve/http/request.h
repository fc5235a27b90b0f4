/* request - what a client asks, read from the JSON of its body
 *
 *   /predict         inputs: text, ["text"], ["a", "b"] (one pair), {"question": ..., "context": ...}, or a list of such
 *   /embed, /detect  inputs: text, or a list of texts
 *   /fill, /tokenize
 *   /rerank          query, and texts (as text-embeddings-inference has it) or documents (as Cohere and Jina do)
 *   /v1/embeddings   input: text, or a list of texts (as OpenAI)
 *
 * Where vectors are wanted, a list of ids may stand for a text.
 *
 * Fields that are not known are passed over, as servers of these forms do.
 */
#ifndef EL_HTTP_REQUEST_H
#define EL_HTTP_REQUEST_H

#include <jansson.h>

#include "serve/service.h"

typedef enum {
    EL_REQUEST_OWN, /* the model's own task: one of the next four */
    EL_REQUEST_PREDICT,
    EL_REQUEST_EMBED,
    EL_REQUEST_DETECT,
    EL_REQUEST_FILL,
    EL_REQUEST_RERANK,
    EL_REQUEST_OPENAI,
    EL_REQUEST_TOKENIZE,
    EL_REQUEST_TAG,   /* predict, */
    EL_REQUEST_ANSWER /* by a model that was taught this, and no other */
} el_request_form;

/* What offsets in answers count. */
typedef enum { EL_OFFSETS_CODEPOINTS, EL_OFFSETS_BYTES, EL_OFFSETS_UTF16 } el_offsets;

typedef struct {
    el_question question; /* first: the batcher's job */
    el_request_form form;
    el_service *service; /* held */
    bool list;           /* inputs were a list: so is the answer */
    bool truncate, raw_scores, normalize, special;
    bool documents, return_text, base64;
    el_offsets offsets;
    int top; /* how many answers are wanted; 0: all */
    int tokens;
} el_request;

typedef struct {
    int inputs, tokens; /* of one request */
} el_request_limits;

/* The service of this name that can be asked so, held; NULL with a sentence.  An empty name means any. */
typedef el_service *el_find_service(void *context, const char *name, el_request_form form);

/* Returns 200, or the code of HTTP that says what is wrong, with a sentence (el_error).  `model` is what the address
 * names, or NULL.  Release it in either case. */
int el_request_read(el_request *request, el_request_form form, const char *model, const char *body,
                    size_t bytes, el_request_limits limits, el_find_service *find, void *context);
void el_request_release(el_request *request); /* accepts a zeroed one */

/* How well a model suits a request that names none: 2 where it was taught what this form asks, 1 where it can be asked, else
 * 0. */
int el_request_fit(el_request_form form, const el_service *service);

#endif
