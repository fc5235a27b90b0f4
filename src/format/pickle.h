/* pickle - Python's object streams, as far as tensors need them, and nothing is ever called
 *
 * A pickle is a program for a stack machine.  This machine knows the opcodes that a state_dict uses (protocol 2) and
 * makes a tree of values.  Where Python would call something, a call is a value as any other: its global and its
 * arguments, for the reader of tensors to recognise by name and shape or to refuse.  A global must be one that
 * the reader knows; any other is refused by name, since it is a Python object which only Python can read.
 *
 * Strings point into the input.  Values may be reached by several ways, and a list may hold itself: who walks the
 * tree bounds the depth.
 */
#ifndef EL_FORMAT_PICKLE_H
#define EL_FORMAT_PICKLE_H

#include "base/error.h"
#include "format/bytes.h"

typedef enum {
    EL_PICKLE_NONE,
    EL_PICKLE_BOOL,
    EL_PICKLE_INT,
    EL_PICKLE_REAL,
    EL_PICKLE_STRING,
    EL_PICKLE_TUPLE,
    EL_PICKLE_LIST,
    EL_PICKLE_DICT,       /* items: key, value, key, value ... in the order of the stream */
    EL_PICKLE_GLOBAL,     /* text: "torch._utils _rebuild_tensor_v2" */
    EL_PICKLE_CALL,       /* items: the global, the tuple of arguments */
    EL_PICKLE_PERSISTENT, /* items: one, what the id is */
    EL_PICKLE_MARK        /* of the stack; in no tree */
} el_pickle_kind;

typedef struct el_pickle_value {
    el_pickle_kind kind;
    int count; /* of items, or of bytes of text */
    int room;
    union {
        int64_t number; /* BOOL, INT; 0 for an INT of more than 64 bits */
        const char *text;
        struct el_pickle_value **items;
    };
} el_pickle_value;

typedef struct el_pickle el_pickle; /* owns values */

/* A global's text ("torch._utils _rebuild_tensor_v2") if the reader knows it, for ever there; else NULL. */
typedef const char *el_pickle_knows(const char *text);

/* `path` is for sentences. */
el_status el_pickle_open(el_pickle **pickle, el_pickle_knows *knows, const char *path);
void el_pickle_close(el_pickle *pickle); /* accepts NULL */

/* Runs one stream from the front of `bytes` to its STOP, which are then taken; *value is what it leaves. */
el_status el_pickle_read(el_pickle *pickle, el_bytes *bytes, const el_pickle_value **value);

/* Every persistent id so far, in the order of the streams. */
const el_pickle_value *const *el_pickle_persistent(const el_pickle *pickle, int *count);

bool el_pickle_is(const el_pickle_value *value, const char *text); /* a string or global of that text */
/* The value of a key in a dict; NULL where there is none, or `dict` is none. */
const el_pickle_value *el_pickle_get(const el_pickle_value *dict, const char *key);
/* The arguments of a call of that global, or NULL. */
const el_pickle_value *el_pickle_called(const el_pickle_value *value, const char *global);

#endif
