/* shards - from text and a vocabulary to folders of shards: what `electra prepare` does, as a library call
 *
 * The settings are a table, filled by flags, by JSON or by hand; the operands of the options are files and folders of text.
 */
#ifndef EL_ENGINE_SHARDS_H
#define EL_ENGINE_SHARDS_H

#include "base/options.h"
#include "data/prepare.h"
#include "dist/dist.h"

typedef struct {
    const char *vocab, *output, *heldout_output, *json_key;
    int64_t max_seq_length, seed, threads, shard_tokens;
    int packing, attention;
    double short_seq_prob, single_segment_prob, heldout;
    bool blanks_separate_docs, overwrite, lowercase, strip_accents;
    int special_tokens;
    el_dist *dist; /* ranks that share the text; NULL: this process alone */
    double stall_limit;
} el_shards_settings;

extern const el_option EL_SHARDS_TABLE[];
extern const int EL_SHARDS_LINES;

el_shards_settings el_shards_defaults(void);

/* As el_prepare_settings.progress; may be NULL. */
typedef bool el_shards_progress(void *context, uint64_t done, uint64_t total, uint64_t text_bytes);

el_status el_shards_make(const el_options *options, el_shards_progress *progress, void *context,
                         el_prepare_summary *summary);

#endif
