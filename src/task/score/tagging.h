/* tagging - in which scheme the tags of words are written
 *
 *   IOB1    I I B: B only where one entity follows another of its type
 *   IOB2    B I I                  IOE1, IOE2    the same from the end, with E
 *   IOBES   B I E, S alone         BMES          the same with M
 *   BILOU   B I L, U alone
 *
 * Each with its letter before the type ("B-PER") or behind ("PER-B"), or without types ("B").  Tags of no scheme (parts of
 * speech) are plain.  A few tags that are none of the scheme's are strays: what most tags are decides.
 */
#ifndef EL_TASK_TAGGING_H
#define EL_TASK_TAGGING_H

#include "task/dataset.h"

typedef enum {
    EL_TAGS_PLAIN,
    EL_TAGS_IOB1,
    EL_TAGS_IOB2,
    EL_TAGS_IOE1,
    EL_TAGS_IOE2,
    EL_TAGS_IOBES,
    EL_TAGS_BILOU,
    EL_TAGS_BMES,
    EL_TAGS_SCHEMES,
    /* how entities.h reads tags, whatever their scheme */
    EL_TAGS_LENIENT = EL_TAGS_SCHEMES,
    EL_TAGS_ORIGINAL
} el_tag_scheme;

typedef struct {
    el_tag_scheme scheme;
    bool suffix; /* letters stand behind their types */
} el_tagging;

/* "iob2", and back; EL_TAGS_SCHEMES where there is none of that name. */
const char *el_tagging_name(el_tag_scheme scheme);
el_tag_scheme el_tagging_named(const char *name);
/* The letters of a scheme, "IOB". */
const char *el_tagging_letters(el_tag_scheme scheme);

/* The tagging of some data sets together; by the names alone where there are none.  `said`: the scheme, where it was said;
 * EL_TAGS_SCHEMES: it is found.  EL_EDATA where about half of the tags are of a scheme. */
el_status el_tagging_find(el_tagging *tagging, const el_labels *labels, const el_dataset *const *datasets,
                          int count, el_tag_scheme said);
/* Says in which scheme the tags are, and names those that are none of it, each with the line where it comes first. */
void el_tagging_describe(el_tagging tagging, const el_labels *labels, const el_dataset *const *datasets,
                         int count);

#endif
