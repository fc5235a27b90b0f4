/* error - how trouble travels
 *
 * Our own mistakes are assertions.  The world's (files, memory, input) are an
 * el_status and one sentence, left by whoever noticed and kept per thread until
 * the next failure.  Callers hand the status on as it is, until cli/ prints the
 * sentence and makes an exit code of the status.
 */
#ifndef EL_BASE_ERROR_H
#define EL_BASE_ERROR_H

#include <stdbool.h>

typedef enum {
    EL_OK = 0,
    EL_EFAILED, /* the machine or an operation failed: exit code 1 */
    EL_EUSAGE,  /* what was asked for makes no sense: exit code 2 */
    EL_EDATA,   /* a file or its contents are wrong: exit code 3 */
    EL_ENOMEM,  /* exit code 1 */
    EL_ESTOPPED /* stopped by a signal after saving: exit code 75 */
} el_status;

/* Leaves the sentence for el_error() and returns `status`, so that a function
 * can end with `return el_fail(EL_EDATA, "%s: not a shard", path);`. */
el_status el_fail(el_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* EL_ENOMEM and its sentence: "NAME: no memory", or without a name (NULL) "no memory".  What asked for much says by
 * el_fail() how much. */
el_status el_no_memory(const char *name);

/* What sentences quote comes from outside, and limits cut characters: this makes one line of UTF-8 of any bytes. */
void el_error_tidy(char *text);

/* The sentence of this thread's last failure, without a newline; never NULL. */
const char *el_error(void);

enum { EL_SENTENCE = 2048 }; /* bytes of the longest sentence and its end */

/* How something ended, kept for later or for another thread. */
typedef struct {
    el_status status;
    char sentence[EL_SENTENCE]; /* of a failure */
} el_outcome;

/* Keeps a status that this thread just got, with its sentence. */
void el_outcome_keep(el_outcome *outcome, el_status status);
/* Keeps it as one of several endings: the first failure counts, and a stop (EL_ESTOPPED) only while nothing has failed.
 * Whether it is this one that counts now. */
bool el_outcome_join(el_outcome *all, el_status status);
/* The status again; its sentence is this thread's from here on. */
el_status el_outcome_repeat(const el_outcome *outcome);

#endif
