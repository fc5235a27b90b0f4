/* shards - see the header */
#include "engine/shards.h"

#include <string.h>

#include "base/file.h"
#include "base/output.h"
#include "engine/casing.h"
#include "engine/machine.h"
#include "engine/special.h"
#include "engine/texts.h"

#define AT(field) offsetof(el_shards_settings, field)
const el_option EL_SHARDS_TABLE[] = {
    EL_TEXT("vocab", AT(vocab), "vocab.txt, or the folder that holds it"),
    EL_OUTPUT("output", AT(output), "folder of shards to write"),
    EL_INT("max_seq_length", AT(max_seq_length), EL_PACK_SHORTEST, EL_PACK_LONGEST,
           "tokens per example, [CLS] and [SEP] included"),
    EL_CHOICE(
        "packing", AT(packing), "segments|full",
        "segments: one or two segments of text, as the original; full: documents without gaps, nothing is cut "
        "off"),
    EL_CHOICE("attention", AT(attention), "document|example",
              "with --packing full: whether tokens attend within their document or the whole example"),
    EL_REAL("short_seq_prob", AT(short_seq_prob), 0, 1,
            "with --packing segments: share of examples with a shorter target length"),
    EL_REAL("single_segment_prob", AT(single_segment_prob), 0, 1,
            "with --packing segments: share of examples with a single segment"),
    EL_REAL("heldout", AT(heldout), 0, 1, "share of documents to hold out"),
    EL_OUTPUT("heldout_output", AT(heldout_output), "folder of shards for the held-out documents"),
    EL_SWITCH("blanks_separate_docs", AT(blanks_separate_docs),
              "a blank line of a plain file ends a document; off: only the end of the file does"),
    EL_JSON_KEY_OPTION(AT(json_key)),
    EL_CASING_OPTIONS(el_shards_settings),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_INT("shard_tokens", AT(shard_tokens), 1, 1e10, "tokens per shard, at most"),
    EL_SWITCH("overwrite", AT(overwrite), "replace existing shards"),
    EL_INT("seed", AT(seed), 0, 1e15, "seed of all random choices"),
    EL_THREADS_OPTION(AT(threads)),
    EL_STALL_OPTION(AT(stall_limit)),
};

const int EL_SHARDS_LINES = sizeof EL_SHARDS_TABLE / sizeof *EL_SHARDS_TABLE;

el_shards_settings el_shards_defaults(void)
{
    return (el_shards_settings){.max_seq_length = 128,
                                .short_seq_prob = 0.05,
                                .single_segment_prob = 0.1,
                                .blanks_separate_docs = true,
                                .lowercase = true,
                                .strip_accents = true,
                                .shard_tokens = 64 << 20,
                                .json_key = "text",
                                .stall_limit = EL_STALL_LIMIT};
}

/* Settings of one packing do nothing beside the other. */
static el_status check_packing(const el_shards_settings *s, const el_options *options)
{
    static const struct {
        const char *name;
        el_packing of;
        const char *why;
    } LINES[] = {{"attention", EL_PACK_FULL, "is of --packing full; examples of segments attend as a whole"},
                 {"short_seq_prob", EL_PACK_SEGMENTS, "is of --packing segments; full examples are all long"},
                 {"single_segment_prob", EL_PACK_SEGMENTS,
                  "is of --packing segments; full examples have one segment"}};
    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++)
        if (LINES[i].of != (el_packing)s->packing && el_options_given(options, LINES[i].name))
            return el_options_refuse(LINES[i].name, "%s", LINES[i].why);
    return EL_OK;
}

static el_status check(const el_shards_settings *s)
{
    if (!s->vocab)
        return el_fail(EL_EUSAGE, "--vocab: which vocabulary? `electra vocab` learns one");
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output: which folder is to be made?");
    if ((s->heldout > 0) != (s->heldout_output != NULL))
        return el_fail(EL_EUSAGE, "--heldout and --heldout-output belong together");
    if (s->heldout == 1)
        return el_fail(EL_EUSAGE, "--heldout: 1 holds out every document and leaves none to train on");
    return EL_OK;
}

/* Each folder is replaced as a whole, so neither may hold the other. */
static el_status check_apart(const el_shards_settings *s)
{
    const char *const heldout = s->heldout_output;
    if (heldout && (el_path_inside(s->output, heldout) || el_path_inside(heldout, s->output)))
        return el_fail(EL_EUSAGE, "--heldout-output %s and --output %s: neither may be in the other", heldout,
                       s->output);
    return EL_OK;
}

/* All that the shards depend on, but for the text. */
static json_t *recipe_of(const el_options *options, const el_vocab *vocab, int texts)
{
    static const char *const NOT[] = {"vocab", "output", "overwrite", "threads", "stall_limit"};
    const el_shards_settings *const s = options->settings;
    char hash[17];
    el_hash_text(vocab->hash, hash);
    json_t *const recipe = el_options_json(options);
    for (size_t i = 0; i < sizeof NOT / sizeof *NOT; i++)
        json_object_del(recipe, NOT[i]);
    json_object_set_new(recipe, "version", json_string(ELECTRA_VERSION));
    json_object_set_new(recipe, "vocabulary", json_string(hash));
    json_object_set_new(recipe, "texts", json_integer(texts));
    if (el_texts_json(options) && strcmp(s->json_key, "text") == 0) /* another key tells it by itself */
        json_object_set_new(recipe, "json_lines", json_true());
    return recipe;
}

static el_status prepare(const el_options *options, const el_vocab *vocab, el_shards_progress *progress,
                         void *context, el_prepare_summary *summary)
{
    const el_shards_settings *const s = options->settings;
    el_prepare_settings job = {
        .pack = {.packing = (el_packing)s->packing,
                 .max_seq_length = (int)s->max_seq_length,
                 .short_seq_prob = s->short_seq_prob,
                 .single_segment_prob = s->single_segment_prob,
                 .seed = (uint64_t)s->seed},
        .attention = (el_attend_scope)s->attention,
        .shard_tokens = s->shard_tokens,
        .output = s->output,
        .heldout_output = s->heldout_output,
        .heldout = s->heldout,
        .overwrite = s->overwrite,
        .reading = (el_special_reading)s->special_tokens,
        .threads = s->threads ? (int)s->threads : el_rank_processors(s->dist),
        .progress = progress,
        .progress_context = context,
    };
    const el_reader_settings reading = {.json_key = s->json_key,
                                        .json = el_texts_json(options),
                                        .ends =
                                            s->blanks_separate_docs ? EL_ENDS_AT_BLANKS : EL_ENDS_AT_FILES};
    el_reader *reader = NULL;
    json_t *recipe = NULL;
    el_status st = el_texts_open(&reader, &job.shares, s->dist, options, reading);
    if (!st) {
        job.recipe = recipe = recipe_of(options, vocab, job.shares.own ? job.shares.parts : 1);
        if (!recipe || !el_json_complete())
            st = el_no_memory(NULL);
        st = el_dist_agree(s->dist, st);
    }
    if (!st)
        st = el_prepare(&job, vocab, reader, summary);
    json_decref(recipe);
    el_reader_close(reader);
    return st;
}

static el_status same_vocab(el_dist *dist, const el_vocab *vocab)
{
    char text[17];
    el_hash_text(vocab->hash, text);
    return el_dist_same(dist, "--vocab: the vocabulary", text);
}

el_status el_shards_make(const el_options *options, el_shards_progress *progress, void *context,
                         el_prepare_summary *summary)
{
    const el_shards_settings *const s = options->settings;
    el_status st = check(s);
    if (!st)
        st = check_packing(s, options);
    if (!st)
        st = check_apart(s);
    if (!st && !options->operand_count)
        st = el_fail(EL_EUSAGE, "which files? `-` is standard input");
    el_vocab *vocab = NULL;
    if (!st)
        st =
            el_tokenizer_load(&vocab, s->vocab, el_casing_requested(options, s->lowercase, s->strip_accents));
    st = el_dist_agree(s->dist, st);
    if (!st)
        st = el_ranks_alike(s->dist, options);
    if (!st)
        st = same_vocab(s->dist, vocab);
    if (!st)
        st = prepare(options, vocab, progress, context, summary);
    el_vocab_close(vocab);
    return el_dist_agree(s->dist, st);
}
