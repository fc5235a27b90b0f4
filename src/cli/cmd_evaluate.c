/* cmd_evaluate - electra evaluate: what a model has learned, on held-out shards or, of a task, on a labelled file */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/evaluate.h"
#include "engine/special.h"
#include "format/model_folder.h"
#include "task/learn/finetuned.h"

static const char OF_PRETRAINED[] = "Pre-trained models", OF_FINETUNED[] = "Fine-tuned models";

#define AT(field) offsetof(evaluate_settings, field)
static const el_option TABLE[] = {
    EL_TEXT("model", AT(model), "run, output folder of `electra finetune`, or Hugging Face model folder"),
    EL_TEXT("data", AT(data), "folder of held-out shards; for a fine-tuned model, of its task's files"),
    EL_SWITCH("json", AT(json), "print a JSON object"),
    EL_MICRO_BATCH_OPTION(AT(micro_batch_tokens)),
    EL_MACHINE_OPTIONS(evaluate_settings),
    EL_SECTION(OF_PRETRAINED),
    EL_INT("max_batches", AT(max_batches), 0, 1e9, "batches of 32 examples; 0: all examples"),
    EL_CHOICE(
        "objective", AT(kind), EL_OBJECTIVE_NAMES "|auto",
        "what is evaluated; auto: what the networks are for; by default this and what follows are the run's"),
    EL_OBJECTIVE_OPTIONS(evaluate_settings),
    EL_TEXT("mask_shares", AT(choice.mask_shares),
            "shares of predicted tokens that are shown as [MASK], as a random token and as they are"),
    EL_SECTION(OF_FINETUNED),
    EL_CHOICE("split", AT(split), "dev|test", "which file of --data to score"),
    EL_OUTPUT("report", AT(report), "HTML page to write: metrics, confusion matrix, the worst mistakes"),
    EL_INT("report_mistakes", AT(report_mistakes), 0, 1e6, "mistakes on the page, at most"),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_COLUMN_OPTIONS(evaluate_settings),
};

/* A setting for the other kind of model would do nothing; theirs stand from one section to another. */
static el_status refuse_settings(const el_options *options, const char *section, const char *end,
                                 const char *why)
{
    bool inside = false;
    for (int i = 0; i < options->count; i++) {
        const el_option *const line = &options->table[i];
        if (line->type == EL_OPT_SECTION)
            inside = line->name == section || (inside && line->name != end);
        else if (inside && el_options_given(options, line->name))
            return el_options_refuse(line->name, "%s", why);
    }
    return EL_OK;
}

/* Whether a model with a task's head lies in this folder. */
static el_status find_head(const char *folder, bool *finetuned)
{
    el_head_config head = {0};
    const el_status st =
        el_folder_holds(folder, "config.json") ? el_model_read(folder, false, NULL, &head, NULL) : EL_OK;
    *finetuned = !st && head.kind >= EL_HEAD_SEQUENCE;
    return st;
}

static el_status evaluate_pretrained(evaluate_settings *s, el_options *options)
{
    const el_status st = refuse_settings(options, OF_FINETUNED, NULL, "the model is not fine-tuned");
    return st ? st : evaluate_shards(s, options);
}

static el_status evaluate_finetuned(evaluate_settings *s, el_options *options, const char *folder,
                                    const char *why)
{
    if (options->operand_count > 1)
        return el_fail(EL_EUSAGE, "%s: one file at a time", options->operand[1]);
    s->file = options->operand_count ? options->operand[0] : NULL;
    s->special_given = el_options_given(options, "special_tokens");
    const el_status st = refuse_settings(options, OF_PRETRAINED, OF_FINETUNED, why);
    return st ? st : evaluate_task(s, folder);
}

static el_status evaluate(evaluate_settings *s, el_options *options)
{
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model: which run or model folder?");
    char *folder;
    bool finetuned = false;
    el_status st = el_folder_need(s->model);
    if (!st)
        st = el_model_tuned(&folder, s->model);
    if (st)
        return st;
    st = find_head(folder, &finetuned);
    if (!st)
        st = finetuned                ? evaluate_finetuned(s, options, folder, "the model is fine-tuned")
             : options->operand_count ? evaluate_finetuned(s, options, folder, "labelled files have none")
                                      : evaluate_pretrained(s, options);
    free(folder);
    return st;
}

int cmd_evaluate(int argc, char **argv)
{
    evaluate_settings settings = {.micro_batch_tokens = 2048,
                                  .kind = EVALUATE_OWN,
                                  .choice = {.told = el_objective_defaults(), .mask_shares = "0.85,0,0.15"},
                                  .report_mistakes = 50,
                                  .special_tokens = EL_SPECIAL_TOKENS};
    el_options options = {
        .command = "evaluate",
        .examples = "  electra evaluate --model run --data heldout --json > evaluation.json\n"
                    "  electra evaluate --model OUT --report mistakes.html reviews.tsv\n"
                    "  electra evaluate --model OUT --data SST-2 --split dev\n",
        .operands = "[FILE]",
        .summary = "says what a model has learned: pre-trained, on held-out shards (masks are the same each "
                   "time); fine-tuned, on a labelled file",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &settings};
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("evaluate", evaluate(&settings, &options));
    el_options_close(&options);
    return exit_code;
}
