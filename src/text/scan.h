/* scan - the parts of a JSON text, found without parsing all of it
 *
 * A file of several hundred megabytes is read a row or an article at a time: this finds where the next one begins and
 * ends, and jansson parses what lies between.  Only brackets, commas and quotes are looked at here; whether a part is
 * JSON is found out by who parses it.
 */
#ifndef EL_TEXT_SCAN_H
#define EL_TEXT_SCAN_H

#include <stdbool.h>

#include "base/json.h"
#include "text/line.h"

/* Where the next part begins, in an array behind its '[' or an object behind its '{'. */
typedef struct {
    const char *at, *end;
    bool any;   /* a part was given */
    bool ended; /* the closing bracket was there */
} el_scan;

/* Behind white space. */
const char *el_scan_blanks(const char *at, const char *end);
/* Just behind the value that begins at `at`; NULL where it does not end. */
const char *el_scan_value(const char *at, const char *end);

/* The next element of an array; false at its end with el_scan.at behind the ']', or NULL where the array is malformed. */
bool el_scan_element(el_scan *scan, el_line *value);
/* The next member of an object: its key between its quotes, as it is written. */
bool el_scan_member(el_scan *scan, el_line *key, el_line *value);

/* Parses one part, as el_json_read.  Zeros within strings are taken; a whole number beyond 63 bits becomes a string of its
 * digits. */
el_status el_scan_parse(json_t **object, el_line value, size_t flags, json_error_t *error);

#endif
