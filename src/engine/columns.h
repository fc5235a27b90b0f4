/* columns - how the user's files are to be read: what finetune, predict, evaluate and embed share
 *
 * A settings struct with an `el_column_settings columns` takes the table lines EL_COLUMN_OPTIONS(struct), or
 * EL_TEXT_COLUMN_OPTIONS(struct) where labels are of no use.
 */
#ifndef EL_ENGINE_COLUMNS_H
#define EL_ENGINE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/options.h"
#include "task/task.h"

typedef struct {
    int form, header; /* choices of the table */
    const char *text, *second, *label, *id;
} el_column_settings;

#define EL_TEXT_COLUMN_OPTIONS(settings)                                                                        \
    EL_SECTION("Columns"),                                                                                      \
        EL_CHOICE("format", offsetof(settings, columns.form),                                                   \
                  "auto|tsv|csv|jsonl|json|lines|conll|squad|mrqa",                                             \
                  "format of the files; auto: by their endings and first rows"),                                \
        EL_CHOICE(                                                                                              \
            "header", offsetof(settings, columns.header), "auto|yes|no",                                        \
            "whether the first line names the columns (--header alone is yes, --no-header no); auto: found "    \
            "out"),                                                                                             \
        EL_TEXT(                                                                                                \
            "text_column", offsetof(settings, columns.text),                                                    \
            "column of the text, question or words: a header name, a JSON key (a.b: nested), or a number from " \
            "1"),                                                                                               \
        EL_TEXT("second_column", offsetof(settings, columns.second),                                            \
                "column of the second text of a pair, or of the context"),                                      \
        EL_TEXT("id_column", offsetof(settings, columns.id), "column of the ids that name answers")

#define EL_COLUMN_OPTIONS(settings)                                                                          \
    EL_TEXT_COLUMN_OPTIONS(settings), EL_TEXT("label_column", offsetof(settings, columns.label),             \
                                              "column of the label, score, labels, tag or answer")

/* The same as task/ has it; strings stay the settings'. */
el_columns el_columns_of(const el_column_settings *columns);

/* The task of this name, or EL_EUSAGE that names the nearest. */
el_status el_task_named(const char *name, const el_task **task);

/* Every task and what it is, a line each, on the heap: the end of a help page. */
char *el_task_list(void);

#endif
