/* entities - the spans that tags of words make, and how many were found
 *
 * A tag is "O" (outside) or a letter and a type, "B-PER", or with the letter behind, "PER-B".  In what scheme tags are
 * written is found by tagging.h; what they say is a matter of how they are read:
 *
 *   EL_TAGS_LENIENT    seqeval's default, which conlleval's is too: an entity also begins at an I or E that follows nothing
 *                      of its type, and ends where another begins, whatever the scheme.  "PER" without a letter is of type
 *                      "ER", and a letter alone of type "_".  Among letters that it does not know (M, L, U) seqeval may end
 *                      an entity that none began: it lasts from where the one before began, and so it does here.
 *   a scheme           seqeval's strict mode: words that do not keep to the scheme are in no entity.  BMES is IOBES with an M
 *                      for the I.  A tag that is none of the scheme's is outside, where seqeval stops.
 *   EL_TAGS_ORIGINAL   as ELECTRA scores chunks: from O, B or S to the next O, B or S, whatever types stand between;
 *                      its type is that of its last word.  An E ends nothing.
 *
 * An entity is found where one of the same type, beginning and end is predicted.
 */
#ifndef EL_TASK_ENTITIES_H
#define EL_TASK_ENTITIES_H

#include <stdbool.h>

#include "task/score/metrics.h"
#include "task/score/tagging.h"

typedef struct {
    const char *type; /* in the tag of one of its words, `bytes` long */
    size_t bytes;
    long begin, end; /* words of the sentence, without the end; before 0: of a sentence before (lenient) */
} el_entity;

typedef struct {
    el_entity *items; /* in their order */
    size_t count, room;
    long begin; /* lenient: where the last entity began */
} el_entities;

/* Replaces the items by the entities of the next sentence. */
el_status el_entities_read(el_entities *entities, el_tagging how, const char *const *tags, size_t count);
void el_entities_release(el_entities *entities);

typedef struct {
    char *name;
    el_tally tally;
} el_entity_type;

/* Zeroed but for how they are read, to begin with. */
typedef struct {
    el_tagging how;
    el_entity_type *types; /* by name */
    size_t type_count, type_room;
    el_entities predicted, gold; /* of the sentence added last */
} el_entity_scores;

/* Adds a sentence; after a failure the counts are of no use. */
el_status el_entity_scores_add(el_entity_scores *scores, const char *const *predicted,
                               const char *const *gold, size_t count);
el_rates el_entity_scores_micro(const el_entity_scores *scores);
void el_entity_scores_release(el_entity_scores *scores);

#endif
