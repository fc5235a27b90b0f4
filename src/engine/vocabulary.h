/* vocabulary - from text to the files of a vocabulary: what `electra vocab` does, as a library call
 *
 * The settings are a table, filled by flags, by JSON or by hand; the operands of the options are files and folders of text.
 */
#ifndef EL_ENGINE_VOCABULARY_H
#define EL_ENGINE_VOCABULARY_H

#include "base/options.h"
#include "dist/dist.h"
#include "text/vocab.h"

typedef struct {
    const char *output, *json_key;
    int64_t vocab_size, min_frequency, limit_alphabet, memory, threads;
    bool lowercase, strip_accents, chinese_chars;
    int special_tokens;
    el_dist *dist; /* ranks that count together; NULL: this process alone */
    double stall_limit;
} el_vocabulary_settings;

extern const el_option EL_VOCABULARY_TABLE[];
extern const int EL_VOCABULARY_LINES;

el_vocabulary_settings el_vocabulary_defaults(void);

/* As el_learn_settings.progress; may be NULL. */
typedef bool el_vocabulary_progress(void *context, const char *what, uint64_t done, uint64_t total);

/* Learns and writes it.  It is open then, and the caller's to close; NULL on other ranks than the first. */
el_status el_vocabulary_make(const el_options *options, el_vocabulary_progress *progress, void *context,
                             el_vocab **vocab);

#endif
