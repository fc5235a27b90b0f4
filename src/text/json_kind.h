/* json_kind - whether a file is JSON, by how it begins */
#ifndef EL_TEXT_JSON_KIND_H
#define EL_TEXT_JSON_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "text/line.h"

/* How a text begins, behind white space; one that ends there may go on as either. */
typedef enum {
    EL_BEGINS_NO_JSON,
    EL_BEGINS_OBJECT,
    EL_BEGINS_OBJECTS, /* an array of them, as the next ones */
    EL_BEGINS_STRINGS,
    EL_BEGINS_OTHERS, /* or a text in brackets */
    EL_BEGINS_EMPTY   /* nothing in it, or not yet */
} el_json_begin;

el_json_begin el_json_begins(el_line text);

typedef enum {
    EL_JSON_NONE,
    EL_JSON_BRACKETS, /* an array that is empty or of others: where no name says JSON, a text like [[this]] */
    EL_JSON_LINES,    /* an object on the first line that is not blank */
    EL_JSON_ARRAY,    /* of objects or strings */
    EL_JSON_SPREAD    /* an object over several lines */
} el_json_kind;

/* Of the beginning of a file.  A line that does not end in these bytes is JSON as far as it goes. */
el_json_kind el_json_kind_of(const char *begin, size_t bytes);

/* The number of the first line that is no JSON object with a text under the key, or 0; blank ones are passed over.  Of a line
 * that does not end in these bytes it is enough that it may go on as one; where it is alone, it must have come to the text. */
uint64_t el_json_line_not(const char *begin, size_t bytes, const char *key);

#endif
