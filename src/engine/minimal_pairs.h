/* minimal_pairs - how often a model finds the good sentence of a pair likelier than the bad one
 *
 * A file has a pair a line: two columns, good and bad unless a first line names them, or JSON with "good" and "bad", or
 * "sentence_good" and "sentence_bad", and perhaps "UID", the kind of pair (BLiMP: Warstadt et al., 2020).  Equal scores are
 * not right.
 */
#ifndef EL_ENGINE_MINIMAL_PAIRS_H
#define EL_ENGINE_MINIMAL_PAIRS_H

#include "base/stop.h"
#include "engine/score.h"

typedef struct {
    char *name;
    int64_t pairs, right;
} el_pair_kind;

typedef struct {
    el_pair_kind *kinds; /* the first, without a name, is all of them */
    int count;
    size_t room;
} el_pair_counts;

/* Who watches: is told how far it is, and may stop it.  Zeroed: nobody. */
typedef struct {
    void (*on_progress)(void *context, double fraction);
    const el_stop *stop;
    void *context;
} el_pairs_watch;

/* EL_EDATA where the file has no pair, or a line that is none; EL_ESTOPPED where it was stopped. */
el_status el_minimal_pairs(el_pair_counts *counts, el_scorer *scorer, const char *path,
                           const el_pairs_watch *watch);
/* Reads the file as it would be read then, and asks nothing. */
el_status el_minimal_pairs_check(const char *path);
void el_minimal_pairs_release(el_pair_counts *counts); /* accepts a zeroed one */

double el_pair_accuracy(const el_pair_kind *kind);
/* {"pairs": ..., "accuracy": ..., "kinds": {...}} (new reference) */
json_t *el_pair_counts_json(const el_pair_counts *counts);

#endif
