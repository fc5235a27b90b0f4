/* reader - text from files, in large blocks of whole lines
 *
 * Takes the paths that file_list.h takes; their content is plain text, what decoder.h unpacks, or JSON lines: an object a
 * line, its text under one key, a document each.  Those are what is named so (naming.h), what begins with such lines
 * and no other, which is said, or everything where the settings say it.  Compression is recognised by the first bytes,
 * whatever the name.  A byte order mark is passed over; what is no UTF-8 text of lines is refused (kind.h), and JSON
 * that is not in lines; but a .json file of a folder that is not is passed over, which is said.  A few lines of a plain
 * file that are not UTF-8 are given, which is said at its end.
 *
 * A block is text to be read a line at a time: a part of a large file, or as many small ones as it holds, each with a
 * newline at its end.  Where documents matter, a line that is blank (white space alone) ends one.  Blocks depend on
 * the files alone.  Typical use:
 *
 *     while ((st = el_reader_next(reader, &block)) == EL_OK && block.bytes)
 *         for (const char *at = block.text; el_line_next(&at, block.text + block.bytes, &line);)
 *             ...
 */
#ifndef EL_TEXT_READER_H
#define EL_TEXT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/line.h"

/* Where documents of plain files end.  Behind each text of JSON lines there is a blank line in any case. */
typedef enum {
    EL_ENDS_UNMARKED,  /* nobody asks: lines of plain files are given as they are */
    EL_ENDS_AT_BLANKS, /* at blank lines and the ends of files, behind which a blank line is put */
    EL_ENDS_AT_FILES   /* at the ends of files alone: blank lines in them are left out */
} el_document_ends;

typedef struct {
    const char *json_key; /* NULL: "text"; "": all is plain text, whatever its name */
    bool json;            /* all is JSON lines, whatever its name */
    el_document_ends ends;
    size_t block_bytes; /* 0: EL_READER_BLOCK */
    bool raw;           /* JSON lines are lines like any other, and are not looked for */
    bool any_encoding;  /* text that is no UTF-8 is given: who reads it checks every line */
    bool
        prompt; /* a block ends where the rest of the file has not come yet, as of a pipe; plain files only */
} el_reader_settings;

enum { EL_READER_BLOCK = 8 << 20 };

/* Where a block ends: so many files, and so many parts of the next one, were read.  `seen` stands for the names, sizes and
 * times of change of all files up to there. */
typedef struct {
    int64_t files, parts; /* files -1: one of them is no plain file, and nobody can come back */
    uint64_t seen;
} el_reader_place;

typedef struct {
    const char *text; /* valid until the next call but one */
    size_t bytes;     /* 0: there is no more */
    bool cut;         /* the last line was longer than a block and goes on in the next one */
    el_reader_place end;
} el_block;

typedef struct el_reader el_reader;

/* Finds and lists all files first: one that is missing is EL_EDATA before anything is read. */
el_status el_reader_open(el_reader **reader, char *const *paths, int count, el_reader_settings settings);

/* The next block: at most block_bytes and the newlines of its last file's end, whole lines but for one longer than that,
 * which is cut after a space where it has one, else between characters.  The text of a JSON line that is longer than a block
 * is cut in the same way.  A block stays until the next call but one, so that it may be read while the one before it is used.
 * A truncated or damaged file is EL_EDATA with one sentence that names it. */
el_status el_reader_next(el_reader *reader, el_block *block);

/* Whether the files up to a place are still those that a reader saw there. */
bool el_reader_knows(const el_reader *reader, const el_reader_place *place);
/* Of a reader that gave nothing yet: goes on behind a block that another one gave.  Of all that is passed over only the
 * last file is read. */
el_status el_reader_go(el_reader *reader, const el_reader_place *place);

/* From now on only the blocks with the numbers part, part + parts, ... are given. */
void el_reader_share(el_reader *reader, int part, int parts);
/* Of one that is shared: a hash of all blocks so far, those of others too. */
uint64_t el_reader_content(const el_reader *reader);
/* A hash of the names and sizes of all files. */
uint64_t el_reader_listed(const el_reader *reader);

/* Whether the next byte of an open plain file has not come yet. */
bool el_reader_waits(const el_reader *reader);

/* Bytes of files taken so far and in all, for progress (compressed ones as they lie on disk); total is 0
 * where standard input is among them. */
void el_reader_progress(const el_reader *reader, uint64_t *done, uint64_t *total);

void el_reader_close(el_reader *reader); /* accepts NULL */

#endif
