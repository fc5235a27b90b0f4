/* json_kind - whether a file is JSON, by its name and by how it begins */
#ifndef EL_TEXT_JSON_KIND_H
#define EL_TEXT_JSON_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a name ends as JSON's do: .jsonl, .ndjson or .json, in any case and with .gz, .zst, .xz or .bz2 behind. */
bool el_json_named(const char *path);
/* Whether it ends in .json, packed or not: such a file may be JSON lines or JSON of any other form. */
bool el_json_named_any(const char *path);

typedef enum {
    EL_JSON_NONE,
    EL_JSON_LINES, /* an object on the first line that is not blank */
    EL_JSON_ARRAY,
    EL_JSON_SPREAD /* an object over several lines */
} el_json_kind;

/* Of the beginning of a file.  A line that does not end in these bytes is JSON as far as it goes. */
el_json_kind el_json_kind_of(const char *begin, size_t bytes);

/* The number of the first line that is no JSON object with a text under the key, or 0; blank ones are passed over.  Of a line
 * that does not end in these bytes it is enough that it may go on as one; where it is alone, it must have come to the text. */
uint64_t el_json_line_not(const char *begin, size_t bytes, const char *key);

#endif
