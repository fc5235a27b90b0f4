/* cmd_fill - electra fill: the generator's guesses at every [MASK] of a text */
#include <stdio.h>
#include <string.h>

#include "base/course.h"
#include "base/log.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/recall.h"
#include "objective/objectives.h"
#include "text/utf8.h"

typedef struct {
    cli_ask_settings ask;
    el_machine machine;
    int64_t top_k;
    bool with_discriminator;
    el_course mask_prob, temperature;
    bool
        typed; /* texts are operands: one without [MASK] is a mistake; a line of a file gets an empty answer */
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    CLI_ASK_OPTIONS(settings),
    EL_INT("top_k", AT(top_k), 1, 1 << 22, "guesses per [MASK]"),
    EL_SWITCH(
        "with_discriminator", AT(with_discriminator),
        "generator and discriminator as one masked language model: the discriminator judges the generator's 100 "
        "likeliest tokens, a pass for each"),
    EL_COURSE(
        "mask_prob", AT(mask_prob), 0.001, 0.9,
        "of --with-discriminator: share of tokens that were predicted in training; of X:Y it is Y; by default "
        "it is the run's"),
    EL_COURSE(
        "temperature", AT(temperature), 1e-3, 1e3,
        "of --with-discriminator: at which the generator's tokens were drawn in training; of X:Y it is Y; by "
        "default it is the run's"),
};

/* What training had, which the formula for both networks needs. */
static const char *const OF_TRAINING[] = {"mask_prob", "temperature"};
enum { TRAINING_KEYS = sizeof OF_TRAINING / sizeof *OF_TRAINING };

static json_t *guesses_json(const el_filling *f, int slot, const el_vocab *vocab)
{
    json_t *const guesses = json_array();
    bool fine = guesses != NULL;
    for (int k = 0; k < f->top_k && fine; k++) {
        const el_guess g = f->guess[slot * (size_t)f->top_k + k];
        fine = json_array_append_new(guesses, json_pack("{s:s, s:o}", "piece", vocab->pieces[g.id],
                                                        "probability", el_json_number(g.probability))) == 0;
    }
    return guesses;
}

static el_status print_json(const el_filling *f, const el_vocab *vocab)
{
    json_t *const masks = json_array(), *const object = json_object();
    bool fine = masks && object;
    for (int i = 0; i < f->slots && fine; i++)
        fine = json_array_append_new(masks, json_pack("{s:i, s:o}", "position", f->at[i], "guesses",
                                                      guesses_json(f, i, vocab))) == 0;
    fine = fine && json_object_set(object, "masks", masks) == 0;
    json_decref(masks);
    return cli_json_line(fine ? object : NULL);
}

static void print_for_people(const el_filling *f, const el_vocab *vocab, const char *text, size_t bytes)
{
    fwrite(text, 1, bytes, stdout);
    putchar('\n');
    for (int i = 0; i < f->slots; i++) {
        fputs("   ", stdout);
        for (int k = 0; k < f->top_k; k++) {
            const el_guess g = f->guess[i * (size_t)f->top_k + k];
            printf(" %s %.2f%s", vocab->pieces[g.id], g.probability, k + 1 < f->top_k ? " " : "\n");
        }
    }
}

static el_status answer(void *context, el_session *session, const el_vocab *vocab, const char *text,
                        size_t bytes)
{
    const settings *s = context;
    el_filling f;
    const el_judging how = {.mask_prob = s->mask_prob.last, .temperature = s->temperature.last};
    const el_status st = s->with_discriminator
                             ? el_session_fill_judged(session, text, bytes, (int)s->top_k, &how, &f)
                             : el_session_fill(session, text, bytes, (int)s->top_k, &f);
    if (st)
        return st;
    if (f.slots == 0 && s->typed)
        return el_fail(EL_EUSAGE, "there is no [MASK] in \"%.*s\"", el_utf8_beginning(text, bytes, 60), text);
    if (f.slots == 0)
        el_log(EL_LOG_WARNING, "there is no [MASK] in \"%.*s\"", el_utf8_beginning(text, bytes, 60), text);
    cli_ask_note_windows(f.count, f.windows);
    if (s->ask.json)
        return print_json(&f, vocab);
    print_for_people(&f, vocab, text, bytes);
    return EL_OK;
}

/* The discriminator of electra-15 is asked at predicted tokens alone, which are then all that it is asked of. */
static el_status recall_training(settings *s, el_options *options, const json_t *recorded)
{
    const char *const objective = json_string_value(json_object_get(recorded, "objective"));
    if (json_is_true(json_object_get(recorded, "disallow_correct")))
        el_log(EL_LOG_WARNING,
               "the run never drew the token that was there (disallow_correct); the formula for both "
               "networks takes no account of that");
    if (!objective || strcmp(objective, el_objective_name(EL_ELECTRA_15)) != 0)
        return cli_recall(options, recorded, s->ask.model, OF_TRAINING, TRAINING_KEYS);
    for (int i = 0; i < TRAINING_KEYS; i++)
        if (el_options_given(options, OF_TRAINING[i]))
            return el_options_refuse(OF_TRAINING[i], "has no part in what the discriminator of %s says",
                                     objective);
    s->mask_prob.last = 1;
    return EL_OK;
}

static el_status fill(settings *s, el_options *options)
{
    json_t *recorded = NULL;
    el_status st = EL_OK;
    for (int i = 0; i < TRAINING_KEYS && !st; i++)
        if (el_options_given(options, OF_TRAINING[i]) && !s->with_discriminator)
            st = el_options_refuse(OF_TRAINING[i], "is that of --with-discriminator");
    if (!st && s->with_discriminator && s->ask.model)
        st = cli_recorded(&recorded, s->ask.model);
    if (!st && recorded)
        st = recall_training(s, options, recorded);
    json_decref(recorded);
    return st ? st
              : cli_ask(options, &s->ask, &s->machine, s->with_discriminator ? NULL : EL_GENERATOR, answer,
                        s);
}

int cmd_fill(int argc, char **argv)
{
    settings s = {.ask = {.special_tokens = EL_SPECIAL_TOKENS},
                  .machine = {.precision = EL_PRECISION_FP32},
                  .top_k = 5,
                  .mask_prob = {0.15, 0.15},
                  .temperature = {1, 1}};
    el_options options = {
        .command = "fill",
        .examples = "  electra fill --model run \"The capital of [MASK] is [MASK].\"\n"
                    "  electra fill --model run --json --top-k 3 < sentences.txt\n"
                    "  electra fill --model run --with-discriminator \"The cat sat on the [MASK].\"\n",
        .operands = "[TEXT]...",
        .summary =
            "the generator's guesses at each [MASK], the most probable first, with their probabilities",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    s.typed = cli_ask_typed(&options);
    exit_code = cli_exit("fill", fill(&s, &options));
    el_options_close(&options);
    return exit_code;
}
