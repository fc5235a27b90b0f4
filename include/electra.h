/* electra.h - pre-training, fine-tuning and asking ELECTRA models from C and C++
 *
 *     electra_model *model = NULL;
 *     electra_session *session = NULL;
 *     const electra_piece *pieces;
 *     size_t count;
 *     if (electra_model_open(&model, "run", NULL) || electra_session_open(&session, model) ||
 *         electra_detect(session, text, strlen(text), &pieces, &count))
 *         fprintf(stderr, "%s\n", electra_error());
 *
 * A page with whole programs is docs/library.md.
 *
 * Errors.  Every function that can fail returns ELECTRA_OK, which is 0, or a reason, and then electra_error()
 * is one sentence about it.  On failure outputs are left as they were.  A NULL where a thing is needed is
 * ELECTRA_USAGE.  A model whose numbers are not finite gives no answers: ELECTRA_FAILED.  The library never
 * prints, exits or reads the environment.
 *
 * Ownership.  Whatever is opened is closed by its close function, which accepts NULL.  Answers are memory of
 * the session, tokenizer or job that gave them and last until it is asked again or closed.  Strings and arrays
 * that you hand over are read during the call and not kept.
 *
 * Threads.  A model is immutable and may be shared; a session, a tokenizer and a job are used by one thread at
 * a time, and different ones at the same time.  A model outlives its sessions.  A session computes on as many
 * threads as its model was opened with; its answers do not depend on that number, nor on what else is in a
 * batch.  The two cancel functions may be called from any thread and from a signal handler.  After a fork() the
 * child may only use what it opens itself.
 *
 * Text is UTF-8 of `bytes` bytes, less than 2 GiB, and need not end in a zero; NULL with 0 bytes is an empty
 * text.  Offsets are bytes of the text.  Broken UTF-8 is read as if the broken bytes were not there, but
 * they are part of a word between white space, and no special token is found around them.  In what
 * models are asked, the strings [MASK], [UNK], [SEP], [CLS] and [PAD] stand for those tokens.  [CLS] and [SEP]
 * are put around every text by the library and are no part of answers.
 *
 * Batches.  What is said of many texts lies in one array, one text behind the other: those of text i are the
 * items [starts[i], starts[i + 1]).  `starts` has one entry more than there are texts.
 *
 * Growth.  While the version is 0.x, programs that were linked with 0.N run with every later 0.N.x.  Functions,
 * enumerators and fields at the end of the structs that begin with `size` are added within it; nothing else
 * changes.  Such a struct is set by its _INIT macro.  Fields that a program does not know are zero, and zero is
 * always the default.  A `size` of 0 stands for the struct as 0.1 has it.
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

/* The version of this header: 10000 x major + 100 x minor + patch. */
#define ELECTRA_VERSION_NUMBER 100

typedef enum {
    ELECTRA_OK = 0,
    ELECTRA_FAILED,    /* the machine or an operation failed */
    ELECTRA_USAGE,     /* what was asked for makes no sense */
    ELECTRA_DATA,      /* a file or its contents are wrong */
    ELECTRA_NO_MEMORY, /* what was open before still works */
    ELECTRA_STOPPED    /* by a callback or a cancel function; a training saved before */
} electra_status;

/* The version of the library: "0.1.0", and as ELECTRA_VERSION_NUMBER has it. */
ELECTRA_API const char *electra_version(void);
ELECTRA_API int electra_version_number(void);

/* The sentence of this thread's last failure, without a newline; never NULL. */
ELECTRA_API const char *electra_error(void);

/* "usage" for ELECTRA_USAGE; "unknown" for what is no status. */
ELECTRA_API const char *electra_status_name(electra_status status);

/* ---- log ---- */

typedef enum { ELECTRA_NOTE = 0, ELECTRA_WARNING } electra_log_level;

/* Is given one sentence without a newline, which lasts as long as the call.  It may be called by several threads of the
 * library at once, and must not call the library. */
typedef void electra_log_function(void *user, electra_log_level level, const char *sentence);

/* Where notes and warnings of the whole process go from now on (what was guessed about a folder, a skipped step); NULL:
 * nowhere, as at first.  To be called while nothing else of the library runs. */
ELECTRA_API void electra_log_to(electra_log_function *function, void *user);

/* ---- texts ---- */

typedef struct {
    const char *text; /* UTF-8 */
    size_t bytes;
} electra_text;

/* ---- tokenizer: text to ids, as Hugging Face's BERT tokenizer ---- */

typedef struct electra_tokenizer electra_tokenizer;

/* Opens a vocab.txt, or a folder with one or with a tokenizer.json.  Casing is that of the
 * tokenizer_config.json beside it; without one, text is lower-cased and accents are stripped. */
ELECTRA_API electra_status electra_tokenizer_open(electra_tokenizer **tokenizer, const char *path);

/* The ids of a text's pieces, without [CLS] and [SEP]; special tokens' names in the text are plain
 * characters. */
ELECTRA_API electra_status electra_tokenizer_encode(electra_tokenizer *tokenizer, const char *text,
                                                    size_t bytes, const int32_t **ids, size_t *count);

typedef struct {
    int32_t id;
    uint32_t begin, end; /* bytes of its text that it was cut from */
} electra_token;

/* The same of `count` texts, with where every piece stands. */
ELECTRA_API electra_status electra_tokenizer_encode_batch(electra_tokenizer *tokenizer,
                                                          const electra_text *texts, size_t count,
                                                          const electra_token **tokens,
                                                          const size_t **starts);

/* Pieces; ids are below it.  0 for NULL. */
ELECTRA_API int32_t electra_tokenizer_size(const electra_tokenizer *tokenizer);
/* "##ing"; NULL for no id.  It lasts as long as the tokenizer. */
ELECTRA_API const char *electra_tokenizer_piece(const electra_tokenizer *tokenizer, int32_t id);
/* The id of a piece, "##ing", or -1. */
ELECTRA_API int32_t electra_tokenizer_find(const electra_tokenizer *tokenizer, const char *piece);
ELECTRA_API void electra_tokenizer_close(electra_tokenizer *tokenizer);

/* ---- model ---- */

typedef enum {
    ELECTRA_FLOAT = 0, /* float throughout: the numbers that transformers gives, to about 1e-5 */
    ELECTRA_BFLOAT16,  /* bf16 activations and products, float sums */
    ELECTRA_FASTEST,   /* whichever of the two multiplies faster on this processor */
    ELECTRA_INT8       /* float, but encoders multiply 8-bit numbers, with a scale for each row */
} electra_precision;

/* How a model is opened; NULL in its place means all defaults. */
typedef struct {
    size_t size; /* of this struct: ELECTRA_OPTIONS_INIT */
    int threads; /* of each session; 0: as many as the process may use */
    electra_precision precision;
    /* "baseline", "avx2", "avx512", "avx512_bf16", "amx"; "neon", "neon_bf16"; "reference": plain C in double, for
     * comparisons; NULL or "": the best that this processor has.  For "amx" Linux is asked for room for tiles in all threads
     * of the process: it refuses where a thread has a sigaltstack() too small for them (the level is avx512_bf16 then), and
     * refuses such stacks from then on.  Another level by name asks for nothing. */
    const char *instruction_set;
    int batch_tokens; /* tokens computed at a time: more needs more memory; 0: 2048 */
} electra_options;

#define ELECTRA_OPTIONS_INIT                                                                                 \
    {                                                                                                        \
        sizeof(electra_options), 0, ELECTRA_FLOAT, NULL, 0                                                   \
    }

typedef struct electra_model electra_model;

/* Opens what `electra pretrain` wrote (a run folder, with generator and discriminator), what `electra finetune` wrote, or
 * a Hugging Face folder of an ELECTRA, BERT, ALBERT or XLNet model or of sentence-transformers, with a WordPiece
 * vocabulary.  It may be asked by sessions of any threads until it is closed, by whoever opened it, after them.
 * ELECTRA_DATA: it is no such folder, or its files disagree; ELECTRA_USAGE: an option that this processor or library does
 * not know. */
ELECTRA_API electra_status electra_model_open(electra_model **model, const char *folder,
                                              const electra_options *options);
ELECTRA_API void electra_model_close(electra_model *model);

/* What can be asked of a model: bits of electra_info.can. */
enum {
    ELECTRA_CAN_DETECT = 1,
    ELECTRA_CAN_FILL = 2,
    ELECTRA_CAN_EMBED = 4,
    ELECTRA_CAN_CLASSIFY = 8,
    ELECTRA_CAN_REGRESS = 16,
    ELECTRA_CAN_TAG = 32,
    ELECTRA_CAN_ANSWER = 64
};

typedef struct {
    size_t size;     /* of this struct: ELECTRA_INFO_INIT */
    unsigned can;    /* ELECTRA_CAN_... */
    int labels;      /* classify, tag: how many */
    int exclusive;   /* classify: 1 where exactly one label is right, 0 where any number may be */
    int pairs;       /* classify, regress: 1 where the model was taught pairs of texts */
    int vocab_size;  /* pieces */
    int hidden_size; /* of the encoder: the width of its vectors */
    int layers, attention_heads;
    int longest;        /* tokens that the encoder reads at once, [CLS] and [SEP] among them */
    int64_t parameters; /* of all networks, shared ones once */
    const char *task; /* "sst2", the name of what it was fine-tuned for; NULL: nothing.  The model's memory */
    int threads;      /* of a session */
    int bfloat16;     /* 1: activations and products are bf16 */
    const char *instruction_set; /* in use */
} electra_info;

#define ELECTRA_INFO_INIT                                                                                    \
    {                                                                                                        \
        sizeof(electra_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL                                 \
    }

/* Fills the fields that lie within info->size. */
ELECTRA_API electra_status electra_model_info(const electra_model *model, electra_info *info);

/* The name of a label or tag, 0 and up; NULL for no label.  The model's memory. */
ELECTRA_API const char *electra_model_label(const electra_model *model, int32_t label);

/* ---- session ---- */

typedef struct electra_session electra_session;

ELECTRA_API electra_status electra_session_open(electra_session **session, const electra_model *model);
ELECTRA_API void electra_session_close(electra_session *session);

/* From another thread or a signal handler: ends the question that runs, or else the next one, soon (between two batches)
 * with ELECTRA_STOPPED. */
ELECTRA_API void electra_session_cancel(electra_session *session);

typedef struct {
    const char *piece; /* of the vocabulary; the model's memory */
    int32_t id;
    uint32_t begin, end; /* bytes of the text that it was cut from */
    float logit;         /* positive: more likely replaced than not */
    float probability;   /* that it was replaced, 1 / (1 + exp(-logit)) */
} electra_piece;

/* The discriminator's opinion of every piece, in order.  A text longer than the model's positions is read
 * through overlapping windows.  ELECTRA_USAGE for a model without a discriminator. */
ELECTRA_API electra_status electra_detect(electra_session *session, const char *text, size_t bytes,
                                          const electra_piece **pieces, size_t *count);
ELECTRA_API electra_status electra_detect_batch(electra_session *session, const electra_text *texts,
                                                size_t count, const electra_piece **pieces,
                                                const size_t **starts);

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
/* The masks of text i are [starts[i], starts[i + 1]); mask m has the guesses [m x top_k, (m + 1) x top_k). */
ELECTRA_API electra_status electra_fill_batch(electra_session *session, const electra_text *texts,
                                              size_t count, size_t top_k, const electra_guess **guesses,
                                              const size_t **starts);

/* In what follows texts that are longer than the model reads are cut at their end.  `seconds` is NULL, or has the second
 * text of every pair. */

typedef enum {
    ELECTRA_POOL_DEFAULT = 0, /* what a folder of sentence-transformers says, else the mean */
    ELECTRA_POOL_MEAN,        /* of the last layer over all tokens, [CLS] and [SEP] among them */
    ELECTRA_POOL_CLS          /* the last layer at [CLS] */
} electra_pooling;

typedef struct {
    size_t size; /* of this struct: ELECTRA_EMBEDDING_INIT */
    electra_pooling pooling;
    int normalize; /* 1: vectors of length 1; so also where the folder says it and pooling is the default */
    int longest; /* tokens at which texts are cut; 0: what the folder says, else as many as the model reads */
} electra_embedding;

#define ELECTRA_EMBEDDING_INIT                                                                               \
    {                                                                                                        \
        sizeof(electra_embedding), ELECTRA_POOL_DEFAULT, 0, 0                                                \
    }

/* A vector of *width floats for each text or pair: a matrix of count rows, one behind the other.  NULL options are all
 * defaults. */
ELECTRA_API electra_status electra_embed(electra_session *session, const electra_text *texts,
                                         const electra_text *seconds, size_t count,
                                         const electra_embedding *options, const float **vectors,
                                         size_t *width);

/* What a model that was fine-tuned to classify says of each text or pair: count x labels probabilities.  They sum to 1
 * where one label is right; where any number may be, each stands for itself.  `labels` (may be NULL) gets the most
 * probable label of each.  ELECTRA_USAGE for single texts where the model was taught pairs, and the other way round. */
ELECTRA_API electra_status electra_classify(electra_session *session, const electra_text *texts,
                                            const electra_text *seconds, size_t count,
                                            const float **probabilities, const int32_t **labels);

/* The number that a model gives to each text or pair: a rating, a similarity, the rank of an answer to a query; in the
 * units that it was taught.  ELECTRA_USAGE as electra_classify. */
ELECTRA_API electra_status electra_regress(electra_session *session, const electra_text *texts,
                                           const electra_text *seconds, size_t count, const double **values);

typedef struct {
    uint32_t begin, end; /* bytes of the text */
    int32_t label;       /* the tag: electra_model_label names it */
    float probability;
} electra_word;

/* A tag for every word; words are what stands between white space.  Words beyond what the model reads have probability 0
 * and the tag "O" or the text's commonest. */
ELECTRA_API electra_status electra_tag(electra_session *session, const electra_text *texts, size_t count,
                                       const electra_word **words, const size_t **starts);

typedef struct {
    uint32_t begin, end; /* bytes of the text, from its first word to its last */
    const char *type;    /* "PER"; not ended by a zero.  The model's memory */
    size_t type_bytes;
    float probability; /* the mean of its words' */
} electra_entity;

/* The entities that the tags make, as seqeval's default reads them. */
ELECTRA_API electra_status electra_entities(electra_session *session, const electra_text *texts, size_t count,
                                            const electra_entity **entities, const size_t **starts);

typedef struct {
    uint32_t begin, end; /* bytes of the context */
    float probability;   /* among the spans of its question */
} electra_span;

typedef struct {
    int answered;     /* 1: the first span is the answer; 0: the model says that there is none */
    double null_odds; /* how much likelier no answer is than the best one, as a logit */
} electra_reply;

/* Answers to questions[i] that stand in contexts[i]: at most `n_best` spans each (and no more than the model was set to
 * find, 20 unless said otherwise), the most probable first; and a reply each.  Contexts of any length are read in
 * overlapping windows. */
ELECTRA_API electra_status electra_answer(electra_session *session, const electra_text *questions,
                                          const electra_text *contexts, size_t count, size_t n_best,
                                          const electra_span **spans, const size_t **starts,
                                          const electra_reply **replies);

/* ---- jobs: what takes a while ---- */

typedef enum {
    ELECTRA_VOCAB = 0, /* learns a vocabulary from text: `electra vocab` */
    ELECTRA_PREPARE,   /* packs text into shards of tokens: `electra prepare` */
    ELECTRA_PRETRAIN,  /* `electra pretrain` */
    ELECTRA_FINETUNE   /* `electra finetune` */
} electra_job_kind;

typedef struct electra_job electra_job;

ELECTRA_API electra_status electra_job_open(electra_job **job, electra_job_kind kind);
ELECTRA_API void electra_job_close(electra_job *job);

/* Gives a setting its value.  Names are the program's flags without dashes in front, values what stands behind them:
 * "num-train-steps", "1000".  A switch takes "true" or "false".  The last value counts.  Settings of unknown name or value
 * are ELECTRA_USAGE, here or when the job is run. */
ELECTRA_API electra_status electra_job_set(electra_job *job, const char *name, const char *value);

/* Adds a file or folder of text to read: what vocab and prepare take behind their flags. */
ELECTRA_API electra_status electra_job_read(electra_job *job, const char *path);

typedef struct {
    size_t size;
    const char *stage;        /* "reading", "merging", "training", "evaluating", "held-out" */
    double fraction;          /* of the stage (of training: of all steps), 0 to 1; negative: not known */
    int64_t step, steps;      /* training: done, in all; else 0 */
    int64_t trial;            /* finetune: which, from 1; else 0 */
    double tokens_per_second; /* training; 0: not known yet */
    /* Numbers by name ("loss", "generator_loss", "accuracy"): in training, means since the last line of metrics.jsonl;
     * in "held-out", of an evaluation that is done.  NaN: not known.  They last as long as the call. */
    int figures;
    const char *const *names;
    const double *values;
} electra_progress;

/* Is called now and then on the thread that runs the job.  Anything but 0 stops the job: a training saves first, and goes on
 * from there when its output folder is given again. */
typedef int electra_progress_function(void *user, const electra_progress *progress);

/* Runs the job; `progress` may be NULL.  A job runs once.  ELECTRA_STOPPED: by the callback, by electra_job_cancel, or by
 * the setting max-time. */
ELECTRA_API electra_status electra_job_run(electra_job *job, electra_progress_function *progress, void *user);

/* From another thread or a signal handler: as a callback that stops. */
ELECTRA_API void electra_job_cancel(electra_job *job);

/* What came of it, as a JSON object: sizes of a vocabulary, counts of shards, metrics of a fine-tuning (as `electra finetune
 * --json` prints them), step of a pre-training.  "{}" before it has run.  Memory of the job. */
ELECTRA_API const char *electra_job_results(const electra_job *job);

/* ---- model files ---- */

/* What is read and written here is closed again when the call returns; any threads may call at once, on other outputs.
 * ELECTRA_DATA: `folder` is no model or breaks off, with the file's name in the sentence; ELECTRA_FAILED: it cannot be read,
 * or the output not be written.  Nothing is left of an output that failed.  Import and export make the folders above
 * their output, which stay; electra_tensors_save needs them to be there. */

/* Keeps a model folder of whatever origin (PyTorch, TensorFlow, safetensors) as one of safetensors, in float: `electra
 * import`.  ELECTRA_USAGE where `output` is there already. */
ELECTRA_API electra_status electra_import(const char *folder, const char *output);

/* Writes a model for other software: `electra export`.  Of a run it is the discriminator.  format:
 *   "onnx", "onnx-int8"    a graph with the model's head, in float or in 8-bit numbers
 *   "gguf"                 an encoder for llama.cpp, in float
 *   "safetensors", "safetensors-fp16", "safetensors-bf16"   a model folder with numbers of that type
 * A file is written over in one step; a folder is not (ELECTRA_USAGE).  ELECTRA_USAGE too for a model that the format has
 * no place for. */
ELECTRA_API electra_status electra_export(const char *folder, const char *format, const char *output);

typedef struct {
    const char *name;
    const char
        *type; /* safetensors' name: "F32", "F16", "BF16", "I32", "I64", "U8" ...; "another type": F8, F4 */
    int dimensions; /* at most 8 */
    int64_t shape[8];
    const void *data; /* row by row, little endian */
    size_t bytes;
} electra_tensor;

typedef struct electra_tensors electra_tensors;

/* Opens a .safetensors file, which is mapped, and checked: what lies in it lasts until it is closed. */
ELECTRA_API electra_status electra_tensors_open(electra_tensors **tensors, const char *path);
ELECTRA_API void electra_tensors_close(electra_tensors *tensors);
ELECTRA_API size_t electra_tensors_count(const electra_tensors *tensors);
/* By number, in the order of their names; by name.  ELECTRA_USAGE, ELECTRA_DATA where there is none. */
ELECTRA_API electra_status electra_tensors_at(const electra_tensors *tensors, size_t number,
                                              electra_tensor *tensor);
ELECTRA_API electra_status electra_tensors_find(const electra_tensors *tensors, const char *name,
                                                electra_tensor *tensor);
/* A string of the metadata, or NULL. */
ELECTRA_API const char *electra_tensors_metadata(const electra_tensors *tensors, const char *key);

/* Writes a .safetensors file: beside the place first, then in one step.  `metadata` is keys and values in turn, with a NULL
 * behind the last, or NULL; "format" is "pt", which transformers wants, whether you say so or not. */
ELECTRA_API electra_status electra_tensors_save(const char *path, const electra_tensor *tensors, size_t count,
                                                const char *const *metadata);

#ifdef __cplusplus
}
#endif

#endif
