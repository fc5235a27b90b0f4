/* cmd_tokenize - electra tokenize: each line of text becomes a line of pieces or ids; behind each JSON line's is a blank one
 *
 * Each part of a block is printed into memory of its own, and the parts are written in order.
 */
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "cli/tokenize.h"
#include "engine/casing.h"
#include "engine/machine.h"
#include "engine/special.h"
#include "engine/texts.h"

typedef struct {
    const char *vocab, *json_key;
    bool ids, lowercase, strip_accents;
    int special_tokens;
    int64_t threads;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_TEXT("vocab", AT(vocab), "vocab.txt, or the folder that holds it"),
    EL_SWITCH("ids", AT(ids), "print ids instead of pieces"),
    EL_JSON_KEY_OPTION(AT(json_key)),
    EL_CASING_OPTIONS(settings),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_THREADS_OPTION(AT(threads)),
};

/* What a part prints. */
typedef struct {
    alignas(EL_CACHE_LINE) char *text;
    size_t used, room;
} output;

typedef struct {
    const settings *settings;
    const el_vocab *vocab;
    output parts[CLI_TOKENIZE_PARTS];
} work;

static el_status make_room(output *o, size_t more)
{
    const size_t need = o->used + more;
    return el_grow(&o->text, &o->room, need, 1)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %zu bytes of output", need);
}

/* Writes a number's digits; returns how many. */
static int put_number(char *out, int32_t value)
{
    char digits[12];
    int count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    for (int i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

static el_status put_line(void *context, int part, const el_ids *ids)
{
    work *w = context;
    output *o = &w->parts[part];
    for (size_t i = 0; i < ids->count; i++) {
        const char *piece = w->vocab->pieces[ids->data[i]];
        const size_t bytes = w->settings->ids ? 12 : strlen(piece);
        const el_status st = make_room(o, bytes + 2);
        if (st)
            return st;
        if (i > 0)
            o->text[o->used++] = ' ';
        if (w->settings->ids) {
            o->used += (size_t)put_number(o->text + o->used, ids->data[i]);
        } else {
            memcpy(o->text + o->used, piece, bytes);
            o->used += bytes;
        }
    }
    const el_status st = make_room(o, 1);
    if (!st)
        o->text[o->used++] = '\n';
    return st;
}

static el_status write_parts(void *context, int parts, const el_block *block)
{
    work *w = context;
    for (int i = 0; i < parts; i++) {
        output *o = &w->parts[i];
        if (block->cut && i == parts - 1 && o->used > 0) /* the line goes on in the next block */
            o->text[o->used - 1] = ' ';
        if (fwrite(o->text, 1, o->used, stdout) != o->used)
            return cli_flush();
        o->used = 0;
    }
    return EL_OK;
}

static el_status tokenize_all(work *w, el_reader *reader)
{
    const cli_tokenizer tokenizer = {.vocab = w->vocab,
                                     .reading = (el_special_reading)w->settings->special_tokens,
                                     .threads =
                                         w->settings->threads ? (int)w->settings->threads : el_processors(),
                                     .on_line = put_line,
                                     .on_block = write_parts,
                                     .context = w};
    const el_status st = cli_tokenize(&tokenizer, reader);
    return st ? st : cli_flush();
}

static el_status run(const el_options *options, const settings *s)
{
    char *standard_input[] = {"-"};
    const bool operands = options->operand_count > 0;
    const el_reader_settings reading = {.json_key = s->json_key, .json = el_texts_json(options)};
    if (!s->vocab)
        return el_fail(EL_EUSAGE, "--vocab is missing: which vocabulary?");
    el_vocab *vocab = NULL;
    el_reader *reader = NULL;
    work w = {.settings = s};
    el_status st =
        el_tokenizer_load(&vocab, s->vocab, el_casing_requested(options, s->lowercase, s->strip_accents));
    if (!st)
        st = el_reader_open(&reader, operands ? options->operand : standard_input,
                            operands ? options->operand_count : 1, reading);
    w.vocab = vocab;
    if (!st)
        st = tokenize_all(&w, reader);
    for (int i = 0; i < CLI_TOKENIZE_PARTS; i++)
        free(w.parts[i].text);
    el_reader_close(reader);
    el_vocab_close(vocab);
    return st;
}

int cmd_tokenize(int argc, char **argv)
{
    settings s = {.json_key = "text", .lowercase = true, .strip_accents = true};
    el_options options = {
        .command = "tokenize",
        .examples = "  electra tokenize --vocab vocab.txt corpus.txt > pieces.txt\n"
                    "  echo \"Hello, world!\" | electra tokenize --vocab vocab.txt --ids\n",
        .operands = "[FILE]...",
        .summary = "cuts text into pieces: a line out for each line of text, and a blank one behind each "
                   "JSON line's; pieces between spaces, no [CLS] or [SEP]",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("tokenize", run(&options, &s));
    el_options_close(&options);
    return exit_code;
}
