/* html - a page of text and tables that needs nothing beside it: no network, no script
 *
 * A page is markup of ours with text of others in it.  Text of others goes through el_html_text alone: < > & " ' are
 * escaped, and what is not UTF-8 or a control character becomes U+FFFD, so that the page is valid whatever the text.
 * The writer remembers failures until it is finished.
 */
#ifndef EL_TASK_HTML_H
#define EL_TASK_HTML_H

#include "base/file.h"

/* The head with its style, and the title as heading. */
void el_html_begin(el_writer *page, const char *title);
void el_html_end(el_writer *page);

/* Markup, as printf has it; strings given to it are ours. */
void el_html_put(el_writer *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text of others: a string, or some bytes of one. */
void el_html_text(el_writer *page, const char *text);
void el_html_bytes(el_writer *page, const char *text, size_t bytes);
/* Within a line of ours, whatever its direction. */
void el_html_isolated(el_writer *page, const char *text);

#endif
