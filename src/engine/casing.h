/* casing - the switches of every command that opens a vocabulary
 *
 * A settings struct with `bool lowercase, strip_accents` takes the table lines EL_CASING_OPTIONS; both start
 * as true, and only what was given counts as a request.
 */
#ifndef EL_ENGINE_CASING_H
#define EL_ENGINE_CASING_H

#include <stddef.h>

#include "base/options.h"
#include "format/tokenizer.h"

#define EL_CASING_OPTIONS(settings)                                                                          \
    EL_SWITCH("lowercase", offsetof(settings, lowercase),                                                    \
              "lower-case the text; by default as the tokenizer_config.json beside the vocabulary says"),    \
        EL_SWITCH("strip_accents", offsetof(settings, strip_accents),                                        \
                  "strip accents from letters; decomposes Hangul (as --lowercase unless given)")

static inline el_casing_request el_casing_requested(const el_options *options, bool lowercase,
                                                    bool strip_accents)
{
    el_casing_request request = EL_CASING_UNSET;
    if (el_options_given(options, "lowercase"))
        request.lowercase = lowercase;
    if (el_options_given(options, "strip_accents"))
        request.strip_accents = strip_accents;
    return request;
}

#endif
