/* entities - the spans that tags of words make, and how many were found
 *
 * A tag is "O" (outside) or a letter and a type, "B-PER": B begins an entity, I is inside, E ends, S is one alone.
 * What such tags say where they do not fit together is a matter of scheme:
 *
 *   EL_TAGS_LENIENT    seqeval's default, and conlleval's: an entity also begins at an I or E that follows nothing of
 *                      its type, and ends where another begins.  As in seqeval, "PER" without a letter is of type "ER",
 *                      and a letter alone of type "_".  Among tags of other letters, seqeval sometimes ends an entity
 *                      that never began, and lets it begin where the last one did; here there is none.
 *   EL_TAGS_IOB2       seqeval's strict modes: B I I ...; words that no B leads to are outside
 *   EL_TAGS_IOBES      B I ... E or S; what is begun and not ended is outside
 *   EL_TAGS_ORIGINAL   as ELECTRA scores chunks: from O, B or S to the next O, B or S, whatever types stand between;
 *                      its type is that of its last word.  An E ends nothing.
 *
 * In all but the last, words of different types are never in one entity.  An entity is found where one of the same
 * type, beginning and end is predicted.
 */
#ifndef EL_TASK_ENTITIES_H
#define EL_TASK_ENTITIES_H

#include <stdbool.h>

#include "task/score/metrics.h"

typedef enum { EL_TAGS_LENIENT, EL_TAGS_IOB2, EL_TAGS_IOBES, EL_TAGS_ORIGINAL } el_tag_scheme;

/* Whether a task's tags say where entities are: each is "O", or a letter of BIES, a dash and a type. */
bool el_tags_of_entities(const char *const *tags, int count);

/* EL_TAGS_IOB2 or EL_TAGS_IOBES where all of a task's tags are of it, else EL_TAGS_LENIENT. */
el_tag_scheme el_tag_scheme_of(const char *const *tags, int count);

typedef struct {
    const char *type; /* in the tag of its last word, `bytes` long */
    size_t bytes;
    size_t begin, end; /* words, without the end */
} el_entity;

typedef struct {
    el_entity *items; /* in their order */
    size_t count, capacity;
} el_entities;

/* Replaces the items by a sentence's entities.  With IOB2 and IOBES a tag of another kind is EL_EDATA. */
el_status el_entities_read(el_entities *entities, el_tag_scheme scheme, const char *const *tags,
                           size_t count);
void el_entities_release(el_entities *entities);

typedef struct {
    char *name;
    el_tally tally;
} el_entity_type;

/* Zeroed but for the scheme, to begin with. */
typedef struct {
    el_tag_scheme scheme;
    el_entity_type *types; /* by name */
    size_t type_count, type_capacity;
    el_entities predicted, gold; /* of the sentence added last */
} el_entity_scores;

/* Adds a sentence; after a failure the counts are of no use. */
el_status el_entity_scores_add(el_entity_scores *scores, const char *const *predicted,
                               const char *const *gold, size_t count);
el_rates el_entity_scores_micro(const el_entity_scores *scores);
el_rates el_entity_scores_macro(const el_entity_scores *scores); /* NaN where there are no entities at all */
void el_entity_scores_release(el_entity_scores *scores);

#endif
