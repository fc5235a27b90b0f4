/* cmd_detect - electra detect: which words of a text look replaced, by the discriminator */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"

typedef struct {
    cli_ask_settings ask;
    el_machine machine;
    double threshold;
    bool colour;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    CLI_ASK_OPTIONS(settings),
    EL_REAL("threshold", AT(threshold), 0, 1, "mark words whose probability is at least this"),
};

static double probability(float logit)
{
    return 1 / (1 + exp(-(double)logit));
}

/* ---- for programs ---- */

static el_status print_json(const el_detection *d, const el_vocab *vocab)
{
    json_t *const tokens = json_array(), *const object = json_object();
    bool fine = tokens && object;
    for (int i = 0; i < d->count && fine; i++)
        fine = json_array_append_new(tokens,
                                     json_pack("{s:s, s:o}", "piece", vocab->pieces[d->ids[i]], "probability",
                                               el_json_number(probability(d->logits[i])))) == 0;
    fine = fine && json_object_set(object, "tokens", tokens) == 0;
    json_decref(tokens);
    return cli_json_line(fine ? object : NULL);
}

/* ---- for people ---- */

/* Pieces up to the next that does not begin with "##"; as suspicious as its most suspicious piece. */
typedef struct {
    uint32_t begin, end;
    double probability;
} word;

static int next_word(const el_detection *d, const el_vocab *vocab, int piece, word *w)
{
    *w = (word){d->from[piece].begin, d->from[piece].end, probability(d->logits[piece])};
    for (piece++; piece < d->count && el_vocab_continues(vocab, d->ids[piece]); piece++) {
        w->end = d->from[piece].end;
        w->probability = fmax(w->probability, probability(d->logits[piece]));
    }
    return piece;
}

static void print_text(const char *text, uint32_t begin, uint32_t end)
{
    fwrite(text + begin, 1, end - begin, stdout);
}

static void print_marked(const settings *s, const el_detection *d, const el_vocab *vocab, const char *text,
                         size_t bytes)
{
    uint32_t printed = 0;
    word w;
    for (int piece = 0; piece < d->count;) {
        piece = next_word(d, vocab, piece, &w);
        if (w.probability < s->threshold)
            continue;
        print_text(text, printed, w.begin);
        fputs(s->colour ? "\033[1;31m" : "**", stdout);
        print_text(text, w.begin, w.end);
        fputs(s->colour ? "\033[0m" : "**", stdout);
        printed = w.end;
    }
    print_text(text, printed, (uint32_t)bytes);
    putchar('\n');
}

static int more_suspicious(const void *left, const void *right)
{
    const word *a = left, *b = right;
    if (a->probability != b->probability)
        return a->probability > b->probability ? -1 : 1;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

enum { RANKED = 5 }; /* words named below the text */

static void print_ranking(const el_detection *d, const char *text, const word *words, int count)
{
    for (int i = 0; i < count && i < RANKED; i++) {
        fputs(i ? "  " : "    ", stdout);
        print_text(text, words[i].begin, words[i].end);
        printf(" %.2f", words[i].probability);
    }
    if (d->count)
        putchar('\n');
}

static el_status print_for_people(const settings *s, const el_detection *d, const el_vocab *vocab,
                                  const char *text, size_t bytes)
{
    word *const words = calloc((size_t)d->count + 1, sizeof *words);
    if (!words)
        return el_fail(EL_ENOMEM, "no memory for %d words", d->count);
    int count = 0;
    for (int piece = 0; piece < d->count; count++)
        piece = next_word(d, vocab, piece, &words[count]);
    qsort(words, (size_t)count, sizeof *words, more_suspicious);
    print_marked(s, d, vocab, text, bytes);
    print_ranking(d, text, words, count);
    free(words);
    return EL_OK;
}

static el_status answer(void *context, el_session *session, const el_vocab *vocab, const char *text,
                        size_t bytes)
{
    const settings *s = context;
    el_detection d;
    const el_status st = el_session_detect(session, text, bytes, &d);
    if (st)
        return st;
    cli_ask_note_windows(d.count, d.windows);
    return s->ask.json ? print_json(&d, vocab) : print_for_people(s, &d, vocab, text, bytes);
}

int cmd_detect(int argc, char **argv)
{
    settings s = {.ask = {.special_tokens = EL_SPECIAL_TOKENS},
                  .machine = {.precision = EL_PRECISION_FP32},
                  .threshold = 0.5,
                  .colour = cli_coloured(STDOUT_FILENO)};
    el_options options = {
        .command = "detect",
        .examples = "  electra detect --model run \"The cat sat under the hat.\"\n"
                    "  electra detect --model run --json < sentences.txt\n",
        .operands = "[TEXT]...",
        .summary = "which words look replaced: marked in the text, then the most suspicious with their "
                   "probabilities",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("detect", cli_ask(&options, &s.ask, &s.machine, EL_DISCRIMINATOR, answer, &s));
    el_options_close(&options);
    return exit_code;
}
