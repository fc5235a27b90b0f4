/* prepare - text to folders of shards
 *
 * Text is read block by block, its lines are tokenised by threads, and packed in their order; memory is that
 * of a few blocks and of the shards being filled, whatever the size of the text.  The same text and settings give
 * the same bytes at any number of threads, and of processes that share the work: each tokenises a block in turn.
 *
 * Documents are numbered from 0 in the order of the text, those without tokens left out.  With heldout > 0
 * each goes to the held-out folder, whole, with that probability: a function of the seed and its number.
 *
 * What becomes of the text so far lies beside the folders until they are whole, and whenever another shard is, all that is
 * needed to go on goes with it (unfinished.h).  Stopped, killed or failed, and called again with the same settings, vocabulary
 * and files, it goes on from there, to the same bytes.  Files that change behind that place are read as they are then.
 */
#ifndef EL_DATA_PREPARE_H
#define EL_DATA_PREPARE_H

#include "base/shares.h"
#include "data/pack.h"
#include "data/shard.h"
#include "text/reader.h"
#include "text/wordpiece.h"

typedef struct {
    el_pack_settings pack; /* cls and sep are taken from the vocabulary */
    el_attend_scope attention;
    int64_t shard_tokens;
    const char *output, *heldout_output; /* folders; the second one may be NULL */
    double heldout;                      /* share of the documents */
    bool overwrite;                      /* a folder of shards that is there; nothing else is ever replaced */
    el_special_reading reading;
    int threads;
    const json_t *recipe; /* all that the bytes depend on, but for the text: who goes on has the same */
    el_shares shares; /* processes that do this together: the first one packs, and the folders are its own */
    /* Called after each block, bytes as el_reader_progress counts them; may be NULL.  False: stop. */
    bool (*progress)(void *context, uint64_t done, uint64_t total, uint64_t text_bytes);
    void *progress_context;
} el_prepare_settings;

typedef struct {
    el_pack_counts train, heldout;
    int64_t text_bytes, lines; /* read; lines that are not blank */
    int64_t text_tokens;       /* pieces cut from them */
    int64_t unknown;           /* of them [UNK] */
} el_prepare_summary;

/* Reads all of `reader`, in which blank lines end documents.  The folders appear at the end, once all in both is written.
 * Told to stop it is EL_ESTOPPED where it can be gone on with, else EL_EFAILED. */
el_status el_prepare(const el_prepare_settings *settings, const el_vocab *vocab, el_reader *reader,
                     el_prepare_summary *summary);

#endif
