/* special - the switch of every command that cuts text into pieces: how "[MASK]" in a text is read
 *
 * A settings struct with `int special_tokens` (an el_special_reading) takes the table line EL_SPECIAL_OPTION, by its place.
 */
#ifndef EL_ENGINE_SPECIAL_H
#define EL_ENGINE_SPECIAL_H

#include <stddef.h>

#include "base/options.h"
#include "text/wordpiece.h"

#define EL_SPECIAL_OPTION(place)                                                                             \
    EL_CHOICE("special_tokens", place, "plain|tokens",                                                       \
              "[SEP], [MASK] and their like in a text: plain characters, or those tokens")

#endif
