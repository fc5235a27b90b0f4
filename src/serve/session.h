/* session - asking a pre-trained model about text
 *
 * A loaded model is immutable and shared by threads; a session is one thread's memory for asking it.  Both
 * networks see `[CLS] pieces [SEP]`, segment 0.  The strings [MASK], [UNK], [SEP], [CLS] and [PAD] in a text
 * are those tokens, as in Hugging Face's tokenizer.
 *
 * A text of more pieces than the model has places is read through windows of as many as it has, each
 * beginning half a window after the one before (the last ends with the text); a piece's answer is that of the
 * window in whose middle it stands most nearly.
 */
#ifndef EL_SERVE_SESSION_H
#define EL_SERVE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "format/weights.h"
#include "text/wordpiece.h"

/* Of activations and products; fastest is bf16 where this processor multiplies it faster than float. */
typedef enum { EL_SERVE_FP32, EL_SERVE_BF16, EL_SERVE_FASTEST } el_serve_precision;

/* What to load, and how it computes. */
typedef struct {
    bool generator,
        discriminator; /* networks wanted: a folder that lacks one is EL_EDATA; neither: what there is */
    el_serve_precision precision;
    bool plain_special; /* "[MASK]" in a text is characters; else the token */
    int threads;        /* of each session; 0: as many as there are processors */
    const char *level;  /* instruction set, "reference" for the reference device; NULL: the best there is */
} el_load_settings;

typedef struct el_loaded el_loaded;

/* Opens a run folder (generator/ and discriminator/ in it) or a Hugging Face model folder. */
el_status el_loaded_open(el_loaded **loaded, const char *folder, const el_load_settings *settings);
void el_loaded_close(el_loaded *loaded); /* accepts NULL; after its sessions */

const el_vocab *el_loaded_vocab(const el_loaded *loaded);
/* The networks; absent ones have present false. */
const el_model *el_loaded_model(const el_loaded *loaded);

typedef struct el_session el_session;

el_status el_session_open(el_session **session, const el_loaded *loaded);
void el_session_close(el_session *session); /* accepts NULL */

/* Which pieces look replaced. */
typedef struct {
    int count;           /* pieces */
    int windows;         /* 1 unless the text is longer than the model's places */
    const int32_t *ids;  /* count */
    const el_span *from; /* count: bytes of the text */
    const float *logits; /* count: positive means replaced; the probability is 1 / (1 + exp(-logit)) */
} el_detection;

/* Asks the discriminator.  The answer is the session's memory and lasts until its next question. */
el_status el_session_detect(el_session *session, const char *text, size_t bytes, el_detection *answer);

typedef struct {
    int id;
    double probability;
} el_guess;

/* What the generator puts at each [MASK]. */
typedef struct {
    int count; /* pieces, [MASK]s among them */
    int windows;
    const int32_t *ids;
    const el_span *from;
    int slots;             /* [MASK]s */
    const int *at;         /* slots: piece numbers */
    int top_k;             /* guesses for each slot: what was asked for, at most the vocabulary's size */
    const el_guess *guess; /* slots x top_k, most probable first, equals by id */
} el_filling;

/* Asks the generator; top_k at least 1. */
el_status el_session_fill(el_session *session, const char *text, size_t bytes, int top_k, el_filling *answer);

#endif
