/* vocabulary - see the header */
#include "engine/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/output.h"
#include "engine/machine.h"
#include "engine/special.h"
#include "engine/texts.h"
#include "format/tokenizer.h"
#include "text/learn.h"

#define AT(field) offsetof(el_vocabulary_settings, field)
const el_option EL_VOCABULARY_TABLE[] = {
    EL_OUTPUT("output", AT(output), "vocabulary file to write; tokenizer_config.json goes beside it"),
    EL_INT("vocab_size", AT(vocab_size), 16, EL_VOCAB_MAX_PIECES, "number of pieces, at most"),
    EL_INT("min_frequency", AT(min_frequency), 1, 1e15,
           "how often two pieces must occur side by side to be merged"),
    EL_INT("limit_alphabet", AT(limit_alphabet), 0, 1e6,
           "number of characters kept, the most frequent ones, at most half of the vocabulary; 0: 1000 or a "
           "quarter of the vocabulary, whichever is less"),
    EL_SWITCH("lowercase", AT(lowercase), "lower-case the text"),
    EL_SWITCH("strip_accents", AT(strip_accents),
              "strip accents from letters; decomposes Hangul (as --lowercase unless given)"),
    EL_SWITCH("tokenize_chinese_chars", AT(chinese_chars), "make each ideograph a word of its own"),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_JSON_KEY_OPTION(AT(json_key)),
    EL_INT("memory", AT(memory), 16, 1e9,
           "megabytes for counting words; beyond that the rarest are left out"),
    EL_THREADS_OPTION(AT(threads)),
    EL_STALL_OPTION(AT(stall_limit)),
};

const int EL_VOCABULARY_LINES = sizeof EL_VOCABULARY_TABLE / sizeof *EL_VOCABULARY_TABLE;

el_vocabulary_settings el_vocabulary_defaults(void)
{
    return (el_vocabulary_settings){
        .json_key = "text",
        .vocab_size = 30522,
        .min_frequency = 2,
        .memory = 2000,
        .lowercase = true,
        .strip_accents = true,
        .chinese_chars = true,
        .stall_limit = EL_STALL_LIMIT,
    };
}

/* Makes the folder that the vocabulary goes into, before it is learned in vain. */
static el_status make_place(const char *output)
{
    const char *const slash = strrchr(output, '/');
    if (!slash || slash == output)
        return EL_OK;
    char *const folder = strndup(output, (size_t)(slash - output));
    const el_status st = folder ? el_folder_make(folder) : el_no_memory(output);
    free(folder);
    return st;
}

static el_status check_place(const el_vocabulary_settings *s, const el_learn_settings *learning)
{
    const el_status st = make_place(s->output);
    return st ? st : el_tokenizer_check_place(s->output, learning->casing);
}

static el_status learn(const el_options *options, el_reader *reader, el_shares shares,
                       el_vocabulary_progress *progress, void *context, el_vocab **vocab)
{
    const el_vocabulary_settings *const s = options->settings;
    const bool strip = el_options_given(options, "strip_accents") ? s->strip_accents : s->lowercase;
    const el_learn_settings learning = {
        .vocab_size = (int)s->vocab_size,
        .min_frequency = s->min_frequency,
        .limit_alphabet = (int)s->limit_alphabet,
        .casing = {s->lowercase, strip, s->chinese_chars},
        .reading = (el_special_reading)s->special_tokens,
        .threads = s->threads ? (int)s->threads : el_rank_processors(s->dist),
        .memory_bytes = (size_t)s->memory * 1000000,
        .shares = shares,
        .progress = progress,
        .progress_context = context,
    };
    el_status st = el_dist_agree(s->dist, el_dist_leads(s->dist) ? check_place(s, &learning) : EL_OK);
    if (!st)
        st = el_learn(vocab, reader, &learning);
    if (st || !*vocab)
        return st;
    st = el_tokenizer_save(*vocab, s->output);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
    }
    return st;
}

el_status el_vocabulary_make(const el_options *options, el_vocabulary_progress *progress, void *context,
                             el_vocab **vocab)
{
    const el_vocabulary_settings *const s = options->settings;
    *vocab = NULL;
    if (!s->output)
        return el_fail(EL_EUSAGE, "--output is missing: where should the vocabulary go?");
    if (options->operand_count == 0)
        return el_fail(EL_EUSAGE,
                       "there is no text to learn from: name files or folders, or - for standard input");
    el_reader *reader = NULL;
    el_shares shares;
    el_status st = el_dist_agree(
        s->dist, el_output_differs("output", s->output, options->operand, options->operand_count));
    if (!st)
        st = el_ranks_alike(s->dist, options);
    if (!st)
        st = el_texts_open(&reader, &shares, s->dist, options,
                           (el_reader_settings){.json_key = s->json_key, .json = el_texts_json(options)});
    if (!st)
        st = learn(options, reader, shares, progress, context, vocab);
    el_reader_close(reader);
    return el_dist_await(s->dist, st);
}
