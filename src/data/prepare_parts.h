/* prepare_parts - what is shared by the files of el_prepare: prepare.c, which works, and prepare_again.c, which goes on */
#ifndef EL_DATA_PREPARE_PARTS_H
#define EL_DATA_PREPARE_PARTS_H

#include "base/pool.h"
#include "data/destination.h"
#include "data/pieces.h"
#include "data/rounds.h"

/* How far packing is: what is kept of an unfinished one beside the folders' own. */
typedef struct {
    el_prepare_summary summary;
    int64_t documents;
    int64_t hangul,
        sampled; /* bytes that were looked at, and characters: syllables where accents are stripped, else jamo */
    int32_t current; /* the destination of the document being packed; -1 before its first token */
    int32_t in_line; /* the block before ended within a line */
} el_prepare_standing;

enum { EL_PREPARE_TRAIN, EL_PREPARE_HELDOUT, EL_PREPARE_DESTINATIONS };

typedef struct {
    const el_prepare_settings *settings;
    el_shares shares;
    const el_vocab *vocab;
    el_pool *pool;
    el_wordpiece **sessions; /* one a thread */
    /* In this turn: what is read, what is tokenised, and what is packed, a block of each process. */
    el_rounds rounds;
    bool tokenised_some, packed_some;
    el_pieces tokenised, *packed;
    el_reader_place *tokenised_end, *packed_end; /* as el_rounds.places */
    el_pieces_bytes bytes;
    el_destination destinations[EL_PREPARE_DESTINATIONS];
    el_prepare_standing at;
    int saved_shards; /* whole ones when it was saved last */
    bool looked;      /* at what an earlier process left */
    bool saved;       /* what is unfinished can be gone on with */
    bool finished;    /* all shards are whole, left by a process that was killed while it put them in place */
    el_outcome reading, packing; /* of this turn */
} el_prepare_job;

static inline bool el_prepare_leads(const el_prepare_job *j)
{
    return j->shares.part == 0;
}

static inline bool el_prepare_fills(const el_prepare_job *j, int destination)
{
    return j->destinations[destination].packer;
}

static inline el_status el_prepare_agree(const el_prepare_job *j, el_status st)
{
    return el_shares_alone(&j->shares) ? st : j->shares.agree(j->shares.context, st);
}

/* The folders. */
el_status el_prepare_open(el_prepare_job *j);
void el_prepare_close(el_prepare_job *j);

/* Takes up what was left unfinished, on all processes, if it is of the same. */
el_status el_prepare_go_on(el_prepare_job *j);

/* Whole shards in all folders. */
int el_prepare_whole(const el_prepare_job *j);
/* Between turns, on the first process: writes what it takes to go on, where that can be told. */
el_status el_prepare_save(el_prepare_job *j);
/* On the first process, once all shards of two folders are whole: the folders appear one after the other, and who is killed
 * in between has left what it takes to put the other one in place. */
el_status el_prepare_seal(el_prepare_job *j);
/* The same at the end of a process that is told to stop: EL_ESTOPPED, or EL_EFAILED where nobody can go on. */
el_status el_prepare_stop(el_prepare_job *j);

#endif
