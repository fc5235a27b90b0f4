/* naming - what a file's name says: whether it is packed, and what it holds */
#ifndef EL_TEXT_NAMING_H
#define EL_TEXT_NAMING_H

#include <stddef.h>

/* What endings, in any case, say of a file. */
typedef enum {
    EL_NAMED_OTHERWISE,
    EL_NAMED_TABS,    /* .tsv, .tab */
    EL_NAMED_COMMAS,  /* .csv */
    EL_NAMED_TEXT,    /* .txt */
    EL_NAMED_JSON,    /* .json: JSON lines, or JSON of any other form */
    EL_NAMED_LINES,   /* .jsonl, .ndjson: JSON lines */
    EL_NAMED_COLUMNS, /* .conll, .conllu, .iob, .iob2, .bio */
    EL_NAMINGS
} el_naming;

/* Of a name or a path, packed or not; *stem, unless NULL: its bytes without these endings. */
el_naming el_naming_of(const char *name, size_t *stem);
/* The bytes of a name without the ending of a packed file, one of EL_PACKINGS. */
size_t el_name_unpacked(const char *name);

/* ".zst" and the like, NULL-terminated; the first is "", of a file that is not packed. */
extern const char *const EL_PACKINGS[];

#endif
