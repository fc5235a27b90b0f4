/* rounds - the blocks of a text, one for each process that works on it
 *
 * Where all read the same files each keeps its own block of those that it reads; where each has a text of its own the
 * block goes from the process whose turn it is to all.
 */
#ifndef EL_DATA_ROUNDS_H
#define EL_DATA_ROUNDS_H

#include "base/shares.h"
#include "text/reader.h"

typedef struct {
    el_shares shares;
    el_reader *reader;
    int parts; /* processes, 1 where this one is alone */
    el_block
        own;   /* of this round: stays until the next but one; empty where there is none for this process */
    bool some; /* whether there is one for any */
    el_reader_place *places; /* where the round ends: one, or in texts of their own one for each process */
    int texts;               /* how many these are */
    struct {
        char *data;
        size_t room;
    } kept[2]; /* of several processes: their blocks, which outlive the reader's */
    int64_t count;
    uint64_t content; /* of several processes that read the same files: a hash of all blocks so far */
    int source;       /* whose text is read, where each has its own */
} el_rounds;

el_status el_rounds_open(el_rounds *rounds, const el_shares *shares, el_reader *reader);
el_status el_rounds_next(el_rounds *rounds);
void el_rounds_close(el_rounds *rounds); /* accepts a zeroed one */

#endif
