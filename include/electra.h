/* electra.h - asking pre-trained ELECTRA models from C and C++
 *
 *     electra_model *model;
 *     electra_session *session;
 *     const electra_piece *pieces;
 *     size_t count;
 *     if (electra_model_open(&model, "run", NULL) || electra_session_open(&session, model) ||
 *         electra_detect(session, text, strlen(text), &pieces, &count))
 *         fprintf(stderr, "%s\n", electra_error());
 *
 * Errors.  Every function that can fail returns ELECTRA_OK, which is 0, or a reason, and then electra_error()
 * is one sentence about it.  On failure outputs are left as they were.  The library never prints, exits or
 * reads the environment.
 *
 * Ownership.  Whatever is opened is closed by its close function, which accepts NULL.  Answers are memory of
 * the session (or tokenizer) that gave them and last until it is asked again or closed.
 *
 * Threads.  A model is immutable and may be shared; a session and a tokenizer are used by one thread at a
 * time.  A model outlives its sessions.  A session computes on as many threads as its model was opened with.
 *
 * Text is UTF-8 of `bytes` bytes and need not end in a zero; offsets are bytes of it.  Broken UTF-8 is read
 * as if the broken bytes were not there.  In what models are asked, the strings [MASK], [UNK], [SEP], [CLS]
 * and [PAD] stand for those tokens.  [CLS] and [SEP] are put around every text by the library and are no part
 * of answers.
 */
#ifndef ELECTRA_H
#define ELECTRA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ELECTRA_API __attribute__((visibility("default")))
#else
#define ELECTRA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ELECTRA_OK = 0,
    ELECTRA_FAILED, /* the machine or an operation failed */
    ELECTRA_USAGE,  /* what was asked for makes no sense */
    ELECTRA_DATA,   /* a file or its contents are wrong */
    ELECTRA_NO_MEMORY
} electra_status;

/* "0.1.0" */
ELECTRA_API const char *electra_version(void);

/* The sentence of this thread's last failure, without a newline; never NULL. */
ELECTRA_API const char *electra_error(void);

/* ---- tokenizer: text to ids, as Hugging Face's BERT tokenizer ---- */

typedef struct electra_tokenizer electra_tokenizer;

/* Opens a vocab.txt, or a folder with one or with a tokenizer.json.  Casing is that of the
 * tokenizer_config.json beside it; without one, text is lower-cased and accents are stripped. */
ELECTRA_API electra_status electra_tokenizer_open(electra_tokenizer **tokenizer, const char *path);

/* The ids of a text's pieces, without [CLS] and [SEP]; special tokens' names in the text are plain
 * characters.  `bytes` is less than 4 GiB. */
ELECTRA_API electra_status electra_tokenizer_encode(electra_tokenizer *tokenizer, const char *text,
                                                    size_t bytes, const int32_t **ids, size_t *count);

ELECTRA_API int32_t electra_tokenizer_size(const electra_tokenizer *tokenizer); /* pieces; ids are below it */
ELECTRA_API const char *electra_tokenizer_piece(const electra_tokenizer *tokenizer,
                                                int32_t id); /* "##ing"; NULL for no id */
ELECTRA_API void electra_tokenizer_close(electra_tokenizer *tokenizer);

/* ---- model ---- */

typedef enum {
    ELECTRA_FLOAT = 0, /* float throughout: the numbers that transformers gives, to about 1e-5 */
    ELECTRA_BFLOAT16,  /* bf16 activations and products, float sums */
    ELECTRA_FASTEST    /* whichever multiplies faster on this processor */
} electra_precision;

/* How a model is opened; zeroed, or NULL in its place, means all defaults. */
typedef struct {
    int threads; /* of each session; 0: as many as the process may use */
    electra_precision precision;
    const char *instruction_set; /* "baseline", "avx2", "avx512", "avx512_bf16"; NULL: the best there is */
} electra_options;

typedef struct electra_model electra_model;

/* Opens what `electra pretrain` wrote (a run folder, with generator and discriminator) or a Hugging Face
 * model folder (ElectraForPreTraining or ElectraForMaskedLM). */
ELECTRA_API electra_status electra_model_open(electra_model **model, const char *folder,
                                              const electra_options *options);
ELECTRA_API void electra_model_close(electra_model *model);

/* ---- session ---- */

typedef struct electra_session electra_session;

ELECTRA_API electra_status electra_session_open(electra_session **session, const electra_model *model);
ELECTRA_API void electra_session_close(electra_session *session);

typedef struct {
    const char *piece; /* of the vocabulary; the model's memory */
    int32_t id;
    uint32_t begin, end; /* bytes of the text that it was cut from */
    float logit;         /* positive: more likely replaced than not */
    float probability;   /* that it was replaced, 1 / (1 + exp(-logit)) */
} electra_piece;

/* The discriminator's opinion of every piece, in order.  A text longer than the model's places is read
 * through overlapping windows.  ELECTRA_USAGE for a model without a discriminator. */
ELECTRA_API electra_status electra_detect(electra_session *session, const char *text, size_t bytes,
                                          const electra_piece **pieces, size_t *count);

typedef struct {
    const char *piece; /* of the vocabulary; the model's memory */
    int32_t id;
    float probability;
} electra_guess;

/* The generator's `top_k` best guesses at each [MASK] of the text: masks x top_k of them, the most probable
 * first; top_k is at least 1 and at most the vocabulary's size.  ELECTRA_USAGE for a model without a
 * generator. */
ELECTRA_API electra_status electra_fill(electra_session *session, const char *text, size_t bytes,
                                        size_t top_k, const electra_guess **guesses, size_t *masks);

#ifdef __cplusplus
}
#endif

#endif
