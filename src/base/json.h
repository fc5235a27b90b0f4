/* json - jansson with our sentences
 *
 * Readers of settings ask for a key with its type and a default; a key of another
 * type is an error that names file and key.
 */
#ifndef EL_BASE_JSON_H
#define EL_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* The parsed file (an object); the caller calls json_decref. */
el_status el_json_load(json_t **object, const char *path);
/* The same of a folder's file; NULL where it holds none of this name. */
el_status el_json_load_in(json_t **object, const char *folder, const char *name);
/* The same from memory; `name` is what sentences call it.  A byte order mark is passed over. */
el_status el_json_parse(json_t **object, const char *text, size_t bytes, const char *name);
/* Both refuse more than 100 MB, which is no configuration; this takes data of up to `most` bytes. */
el_status el_json_parse_long(json_t **object, const char *text, size_t bytes, size_t most, const char *name);
/* A value with jansson's flags, as of a line of data.  EL_ENOMEM has its sentence; of EL_EDATA *error tells, and the
 * sentence is the caller's. */
el_status el_json_read(json_t **value, const char *text, size_t bytes, size_t flags, json_error_t *error);

/* The number that an object has under a key; NAN where it has none. */
double el_json_figure(const json_t *object, const char *key);

/* A real number; null where it is none (NaN) or has no end, which JSON cannot say. */
json_t *el_json_number(double value);

/* Whether no memory was lacking for what this thread has built since it was asked last: a value with a missing part is
 * not written.  The functions below ask by themselves. */
bool el_json_complete(void);
/* As json_dumps; NULL when out of memory, now or while the value was built. */
char *el_json_dump(const json_t *value, size_t flags);
/* The value as text on the heap, on one line or indented, NULL when out of memory, as above.  A real number has the
 * fewest of 15 to 17 digits that give it back exactly, whatever the locale. */
char *el_json_text(const json_t *value, bool indented);
/* A copy of an object's text, or of a whole number of it as a text, on the heap; NULL: there is neither, or no memory. */
char *el_json_copy(const json_t *object, const char *key);
/* Indented, with a final newline, through el_file_write. */
el_status el_json_save(const json_t *object, const char *path);
/* The same as a folder's file, of a new value, which it releases. */
el_status el_json_save_new(json_t *object, const char *folder, const char *name);

/* Each leaves *value untouched where the key is absent (or null), so defaults come first.
 * `name` is the file, for the sentence. */
el_status el_json_int(const json_t *object, const char *name, const char *key, int *value);
el_status el_json_real(const json_t *object, const char *name, const char *key, double *value);
el_status el_json_bool(const json_t *object, const char *name, const char *key, bool *value);
/* *value is borrowed from the object. */
el_status el_json_string(const json_t *object, const char *name, const char *key, const char **value);

#endif
