/* api_job - the functions of electra.h about what takes a while: settings by name, and the calls of engine/
 *
 * Settings are kept as flags, which the options' own parser reads, so that names, ranges, sentences and files of settings
 * are those of the program.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/finetune/finetune.h"
#include "engine/pretrain/pretrain.h"
#include "engine/shards.h"
#include "engine/vocabulary.h"
#include "serve/api.h"
#include "train/presets.h"

struct electra_job {
    electra_job_kind kind;
    char **flags; /* "--seed=7", behind a place for the command's name */
    int flag_count;
    char **paths;
    int path_count;
    union {
        el_vocabulary_settings vocabulary;
        el_shards_settings shards;
        el_pretrain_settings pretrain;
        el_finetune_settings finetune;
    } settings;
    el_options options;
    electra_progress_function *progress;
    void *user;
    atomic_int cancelled;
    el_stop stop; /* written and read by the thread that runs the job */
    union {
        el_pretraining pretraining;
        el_finetuning finetuning;
    } work;
    bool ran;
    char *results; /* NULL: none yet */
};

/* ---- progress ---- */

/* False: stop. */
static bool tell(electra_job *j, const electra_progress *progress)
{
    electra_progress p = *progress;
    p.size = sizeof p;
    if (atomic_load(&j->cancelled) || (j->progress && j->progress(j->user, &p) != 0))
        j->stop = 1;
    return !j->stop;
}

static double part_of(uint64_t done, uint64_t total)
{
    return total ? (double)done / (double)total : -1;
}

static bool on_text(void *context, const char *what, uint64_t done, uint64_t total)
{
    return tell(context, &(electra_progress){.stage = what, .fraction = part_of(done, total)});
}

static bool on_block(void *context, uint64_t done, uint64_t total, uint64_t text_bytes)
{
    (void)text_bytes;
    return on_text(context, "reading", done, total);
}

/* Steps of the training, or of the trial, and its number. */
static int64_t steps_of(const electra_job *j, int64_t *trial)
{
    const bool finetune = j->kind == ELECTRA_FINETUNE;
    *trial = finetune ? j->work.finetuning.trial + 1 : 0;
    return finetune ? j->work.finetuning.steps : j->work.pretraining.trainer.steps;
}

/* A stop is seen by the trainer, which saves; so this does not fail. */
static el_status on_event(void *context, const el_event *event)
{
    static const char *const STAGES[] = {[EL_EVENT_STEP] = "training",
                                         [EL_EVENT_RECORD] = "training",
                                         [EL_EVENT_EVALUATING] = "evaluating",
                                         [EL_EVENT_EVALUATION] = "held-out"};
    electra_job *const j = context;
    if (event->kind == EL_EVENT_CHECKPOINT)
        return EL_OK;
    electra_progress p = {.stage = STAGES[event->kind], .step = event->progress->step};
    p.steps = steps_of(j, &p.trial);
    p.fraction = event->kind == EL_EVENT_EVALUATING ? event->fraction : (double)p.step / (double)p.steps;
    if (event->kind != EL_EVENT_EVALUATING) {
        p.figures = event->figures->count;
        p.names = event->figures->names;
        p.values = event->figures->values;
    }
    if (event->kind == EL_EVENT_STEP || event->kind == EL_EVENT_RECORD)
        p.tokens_per_second = event->tokens_per_second;
    tell(j, &p);
    return EL_OK;
}

/* ---- results ---- */

/* Takes the object; NULL is a lack of memory. */
static el_status keep(electra_job *j, json_t *object)
{
    char *const text = object ? el_json_text(object, false) : NULL;
    json_decref(object);
    if (!text)
        return el_no_memory(NULL);
    free(j->results);
    j->results = text;
    return EL_OK;
}

static json_t *counts_json(const el_pack_counts *c)
{
    return json_pack("{s:I, s:I, s:I}", "documents", (json_int_t)c->documents, "examples",
                     (json_int_t)c->examples, "tokens", (json_int_t)c->tokens);
}

/* ---- the kinds ---- */

static void vocabulary_defaults(electra_job *j)
{
    j->settings.vocabulary = el_vocabulary_defaults();
}

static el_status make_vocabulary(electra_job *j)
{
    el_vocab *vocab;
    el_status st = el_vocabulary_make(&j->options, on_text, j, &vocab);
    if (!st)
        st = keep(j, json_pack("{s:i}", "pieces", vocab->size));
    el_vocab_close(vocab);
    return st;
}

static void shards_defaults(electra_job *j)
{
    j->settings.shards = el_shards_defaults();
}

static el_status make_shards(electra_job *j)
{
    el_prepare_summary s;
    const el_status st = el_shards_make(&j->options, on_block, j, &s);
    return st ? st
              : keep(j, json_pack("{s:o, s:o, s:I, s:I, s:I, s:I}", "train", counts_json(&s.train), "heldout",
                                  counts_json(&s.heldout), "text_bytes", (json_int_t)s.text_bytes, "lines",
                                  (json_int_t)s.lines, "pieces", (json_int_t)s.text_tokens, "unknown",
                                  (json_int_t)s.unknown));
}

static void pretrain_defaults(electra_job *j)
{
    el_pretrain_defaults(&j->settings.pretrain, EL_SMALL);
}

static el_status pretrain(electra_job *j)
{
    el_pretraining *const run = &j->work.pretraining;
    const el_watch watch = {.on_event = on_event, .stop = &j->stop, .context = j};
    el_status st = j->settings.pretrain.dry_run
                       ? el_fail(EL_EUSAGE, "dry-run: the program alone prints what a training would take")
                       : el_pretrain_open(run, &j->options, &watch);
    if (!st)
        st = el_pretrain_run(run);
    if (!st || st == EL_ESTOPPED) {
        const el_status kept = keep(j, json_pack("{s:I, s:I}", "step", (json_int_t)run->progress.step,
                                                 "steps", (json_int_t)run->trainer.steps));
        st = st ? st : kept;
    }
    el_pretrain_close(run);
    return st;
}

static void finetune_defaults(electra_job *j)
{
    j->settings.finetune = el_finetune_defaults();
}

static el_status finetune(electra_job *j)
{
    el_finetuning *const f = &j->work.finetuning;
    const el_watch watch = {.on_event = on_event, .stop = &j->stop, .context = j};
    el_status st = el_finetune_open(f, &j->options, &watch);
    if (!st)
        st = el_finetune_run(f);
    if (!st)
        st = keep(j, json_incref(f->results));
    el_finetune_close(f);
    return st;
}

static const struct {
    const char *command, *operands;
    const el_option *table;
    const int *lines;
    void (*defaults)(electra_job *j);
    el_status (*run)(electra_job *j);
    void (*preset)(void *settings);
} KINDS[] = {
    [ELECTRA_VOCAB] = {"vocab", "FILE...", EL_VOCABULARY_TABLE, &EL_VOCABULARY_LINES, vocabulary_defaults,
                       make_vocabulary, NULL},
    [ELECTRA_PREPARE] = {"prepare", "FILE...", EL_SHARDS_TABLE, &EL_SHARDS_LINES, shards_defaults,
                         make_shards, NULL},
    [ELECTRA_PRETRAIN] = {"pretrain", NULL, EL_PRETRAIN_TABLE, &EL_PRETRAIN_LINES, pretrain_defaults,
                          pretrain, el_pretrain_preset},
    [ELECTRA_FINETUNE] = {"finetune", NULL, EL_FINETUNE_TABLE, &EL_FINETUNE_LINES, finetune_defaults,
                          finetune, NULL},
};

/* ---- settings ---- */

static el_status parse(electra_job *j)
{
    KINDS[j->kind].defaults(j);
    el_options_close(&j->options);
    j->options = (el_options){.command = KINDS[j->kind].command,
                              .operands = KINDS[j->kind].operands,
                              .table = KINDS[j->kind].table,
                              .count = *KINDS[j->kind].lines,
                              .settings = &j->settings,
                              .preset = KINDS[j->kind].preset};
    const el_status st = el_options_parse(&j->options, j->flag_count, j->flags);
    return !st && j->options.help ? el_fail(EL_EUSAGE, "help is no setting") : st;
}

/* Appends a string, which the list then owns; NULL is a lack of memory. */
static el_status append(char ***list, int *count, char *text)
{
    char **const larger = text ? realloc(*list, ((size_t)*count + 2) * sizeof *larger) : NULL;
    if (!larger) {
        free(text);
        return el_no_memory(NULL);
    }
    *list = larger;
    larger[(*count)++] = text;
    larger[*count] = NULL;
    return EL_OK;
}

electra_status electra_job_open(electra_job **out, electra_job_kind kind)
{
    if (!out)
        return el_api_said(el_api_missing("the job's place"));
    if ((unsigned)kind >= sizeof KINDS / sizeof *KINDS)
        return el_api_said(el_fail(EL_EUSAGE, "%d is no kind of job", (int)kind));
    electra_job *const j = calloc(1, sizeof *j);
    if (!j)
        return el_api_said(el_no_memory(NULL));
    j->kind = kind;
    const el_status st = append(&j->flags, &j->flag_count, strdup(KINDS[kind].command));
    if (!st)
        *out = j;
    else
        electra_job_close(j);
    return el_api_said(st);
}

static void free_list(char **list, int count)
{
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void electra_job_close(electra_job *j)
{
    if (!j)
        return;
    el_options_close(&j->options);
    free_list(j->flags, j->flag_count);
    free_list(j->paths, j->path_count);
    free(j->results);
    free(j);
}

static el_status check_open(const electra_job *j, const void *argument)
{
    if (!j || !argument)
        return el_api_missing(j ? "a name, value or path" : "the job");
    return j->ran ? el_fail(EL_EUSAGE, "the job has run") : EL_OK;
}

electra_status electra_job_set(electra_job *j, const char *name, const char *value)
{
    el_status st = check_open(j, name ? value : NULL);
    if (!st && (!*name || strchr(name, '=')))
        st = el_fail(EL_EUSAGE, "\"%.40s\" is no setting", name);
    if (st)
        return el_api_said(st);
    const size_t bytes = strlen(name) + strlen(value) + 4;
    char *const flag = malloc(bytes);
    if (flag)
        snprintf(flag, bytes, "--%s=%s", name, value);
    st = append(&j->flags, &j->flag_count, flag);
    if (!st && (st = parse(j))) { /* as if it had not been set */
        free(j->flags[--j->flag_count]);
        j->flags[j->flag_count] = NULL;
    }
    return el_api_said(st);
}

electra_status electra_job_read(electra_job *j, const char *path)
{
    el_status st = check_open(j, path);
    if (!st && !KINDS[j->kind].operands)
        st = el_fail(EL_EUSAGE, "\"%s\" is not expected: %s reads what its settings name", path,
                     KINDS[j->kind].command);
    return el_api_said(st ? st : append(&j->paths, &j->path_count, strdup(path)));
}

/* ---- running ---- */

/* Paths go behind "--", so that none is taken for a flag. */
static el_status add_paths(electra_job *j)
{
    el_status st = append(&j->flags, &j->flag_count, strdup("--"));
    for (int i = 0; !st && i < j->path_count; i++)
        st = append(&j->flags, &j->flag_count, strdup(j->paths[i]));
    return st;
}

electra_status electra_job_run(electra_job *j, electra_progress_function *progress, void *user)
{
    el_status st = check_open(j, j);
    if (st)
        return el_api_said(st);
    j->ran = true;
    j->progress = progress;
    j->user = user;
    st = KINDS[j->kind].operands ? add_paths(j) : EL_OK;
    if (!st)
        st = parse(j);
    if (!st)
        st = KINDS[j->kind].run(j);
    /* A training says itself whether it has saved. */
    const bool trains = j->kind == ELECTRA_PRETRAIN || j->kind == ELECTRA_FINETUNE;
    return el_api_said(st == EL_EFAILED && j->stop && !trains ? EL_ESTOPPED : st);
}

void electra_job_cancel(electra_job *j)
{
    if (j)
        atomic_store(&j->cancelled, 1);
}

const char *electra_job_results(const electra_job *j)
{
    return j && j->results ? j->results : "{}";
}
