/* log - lines for a person, from below
 *
 * The library never prints.  What is worth saying while work goes on (a skipped step,
 * a warning about text) goes to the sink that cli/ has set; without one it is dropped.
 */
#ifndef EL_BASE_LOG_H
#define EL_BASE_LOG_H

#include <stdbool.h>

typedef enum { EL_LOG_NOTE, EL_LOG_WARNING } el_log_level;

typedef void el_log_sink(el_log_level level, const char *line);

void el_log_to(el_log_sink *sink);
/* Lines of this thread begin with these words and a colon from now on; NULL: with none.  They are borrowed.  A line
 * that begins so itself is left as it is, and a note that was said behind the same words is not said again. */
void el_log_begin_with(const char *words);
/* From here on notes of this thread wait.  Release, on the same thread, says them in their order, or drops them where
 * what they are about was refused.  Warnings do not wait, and so come before.  Not nested. */
void el_log_hold_notes(void);
void el_log_release_notes(bool say);
void el_log(el_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
