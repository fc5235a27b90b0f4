/* texts - the files that ranks read together, or each its own */
#ifndef EL_ENGINE_TEXTS_H
#define EL_ENGINE_TEXTS_H

#include "base/options.h"
#include "dist/dist.h"
#include "text/reader.h"

/* A settings struct with `const char *json_key`, which starts as "text", takes this line of its table, by its place. */
#define EL_JSON_KEY_OPTION(place)                                                                            \
    EL_TEXT("json_key", place,                                                                               \
            "key of the text in JSON lines; given, every file is JSON lines, "                               \
            "whatever its name; empty: every file is plain text")

/* Whether every file is JSON lines, whatever its name. */
bool el_texts_json(const el_options *options);

/* Opens the operands.  *shares says how several ranks go about them: all read the same files, or, where the lists differ,
 * each has a text of its own.  EL_EUSAGE where they would read the same names and other bytes, or standard input. */
el_status el_texts_open(el_reader **reader, el_shares *shares, el_dist *dist, const el_options *options,
                        el_reader_settings settings);

#endif
