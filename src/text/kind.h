/* kind - whether bytes are text, from the beginning of a file
 *
 * Files of other kinds (archives, documents, pictures), UTF-16 and binary data are refused by name; so is text in another
 * encoding than UTF-8, where more of what is not ASCII is broken than whole, and text whose lines end in carriage returns
 * alone.  A few broken bytes in good text pass: the tokeniser drops them.
 */
#ifndef EL_TEXT_KIND_H
#define EL_TEXT_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* EL_EDATA with a sentence about `name` where [text, text + bytes), the beginning of a file, is not what it should be.
 * `encoding`: whether text of another encoding is refused; who checks every line may rather say which line it is. */
el_status el_kind_check(const char *text, size_t bytes, bool encoding, const char *name);

/* Whether a line, or a text of somebody's, is UTF-8 to its end, without a zero byte; else what is to be said of it. */
enum { EL_KIND_SAID = 128 };
bool el_kind_check_line(const char *text, size_t bytes, char said[EL_KIND_SAID]);

#endif
