/* special - the switch of every command that cuts text into pieces: how "[MASK]" in a text is read
 *
 * A settings struct with `int special_tokens` (an el_special_reading) takes the table line EL_SPECIAL_OPTION.
 */
#ifndef EL_ENGINE_SPECIAL_H
#define EL_ENGINE_SPECIAL_H

#include <stddef.h>

#include "base/options.h"
#include "text/wordpiece.h"

#define EL_SPECIAL_HELP "[SEP], [MASK] and their like in a text: plain characters, or those tokens"

#define EL_SPECIAL_OPTION(settings)                                                                          \
    {                                                                                                        \
        "special_tokens", EL_OPT_CHOICE, offsetof(settings, special_tokens), 0, 0, "plain|tokens",           \
            EL_SPECIAL_HELP                                                                                  \
    }

#endif
