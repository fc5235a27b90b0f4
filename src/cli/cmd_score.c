/* cmd_score - electra score: how likely sentences are; the best of n-best lists; accuracy on minimal pairs */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "base/plural.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "engine/minimal_pairs.h"
#include "engine/special.h"
#include "task/files/lines.h"
#include "task/report/answer.h"
#include "text/scan.h"

enum { AT_A_TIME = 64 }; /* sentences */

typedef struct {
    const char *model, *nbest, *pairs;
    int by, special_tokens;
    double weight;
    bool json;
    int64_t micro_batch_tokens;
    el_machine machine;
} settings;

#define AT(field) offsetof(settings, field)
static const el_option TABLE[] = {
    EL_TEXT("model", AT(model), "run, or Hugging Face model folder"),
    EL_CHOICE(
        "by", AT(by), EL_SCORE_NAMES,
        "what is summed over tokens: log p(token | the others), a pass for each token; log p(token | those "
        "before it); log P(original), by the large network of a run; minus the energy; auto: what the model is "
        "for"),
    EL_TEXT(
        "pairs", AT(pairs),
        "file of minimal pairs, two columns or JSON lines with good and bad: prints how often the good sentence "
        "scores higher"),
    EL_TEXT(
        "nbest", AT(nbest),
        "file of n-best lists, columns id, score and text or JSON lines with them: prints the best text of each "
        "id; empty texts are left out"),
    EL_REAL("weight", AT(weight), 0, 1e6, "of --nbest: best is the largest file's score + weight * ours"),
    EL_SWITCH("json", AT(json), "print JSON"),
    EL_MICRO_BATCH_OPTION(AT(micro_batch_tokens)),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_MACHINE_OPTIONS(settings),
};

/* One line of a file, taken apart; texts are on the heap. */
typedef struct {
    char *text;
    char *id; /* of n-best lists, as the score */
    double score;
} item;

typedef struct job job;
typedef el_status take_scores(job *j, const item *items, const el_sentence_score *scores, int count);

struct job {
    settings *s;
    el_options *options;
    el_queue *q;
    el_scorer *scorer;
    take_scores *take;
    el_lines lines; /* of the file */
    int64_t given;  /* texts so far */
    item items[AT_A_TIME];
    int count;
    char *best_group; /* of an n-best list that may go on; NULL: none was begun */
    char *best_text;  /* NULL: none of its texts so far has a token */
    double best_score;
    json_t *ids;   /* of the lists so far */
    int64_t blank; /* lines without a token, which have no score */
    int64_t empty; /* texts of lists without one, which are not chosen */
};

static void forget(item *t)
{
    free(t->text);
    free(t->id);
    *t = (item){0};
}

/* ---- what is done with scores ---- */

static el_status print_sentence(job *j, const item *items, const el_sentence_score *scores, int count)
{
    for (int i = 0; i < count; i++)
        if (!scores[i].tokens && cli_ask_typed(j->options))
            return el_fail(EL_EUSAGE, "text %" PRId64 ": there is no text in it", j->given - count + i + 1);
    for (int i = 0; i < count; i++) {
        const el_sentence_score *r = &scores[i];
        if (!r->tokens) {
            j->blank++;
            continue;
        }
        if (!j->s->json) {
            printf("%.4f\t%s\n", r->score, items[i].text);
            continue;
        }
        json_t *object = json_pack("{s:o, s:i}", "score", el_json_number(r->score), "tokens", r->tokens);
        if (object && !isnan(r->share))
            json_object_set_new(object, "originals", el_json_number(r->share));
        const el_status st = cli_json_line(object);
        if (st)
            return st;
    }
    return cli_flush();
}

static el_status print_pairs(const job *j, const el_pair_counts *c)
{
    if (!j->s->json) {
        for (int i = 1; i <= c->count; i++) { /* all of them last */
            const el_pair_kind *const k = &c->kinds[i % c->count];
            printf("%-48s %6" PRId64 "  %.4f\n", k->name ? k->name : "all", k->pairs, el_pair_accuracy(k));
        }
        return EL_OK;
    }
    json_t *const object = el_pair_counts_json(c);
    const el_status st = cli_json_print(object);
    json_decref(object);
    return st;
}

static void show_pairs(void *context, double fraction)
{
    cli_progress_show(context, fraction, "scoring");
}

static el_status score_pairs(const job *j)
{
    cli_progress progress;
    el_pair_counts counts;
    const el_pairs_watch watch = {.on_progress = show_pairs, .context = &progress};
    cli_progress_begin(&progress);
    el_status st = el_minimal_pairs(&counts, j->scorer, j->s->pairs, &watch);
    cli_progress_end(&progress);
    if (st)
        return st;
    st = print_pairs(j, &counts);
    el_minimal_pairs_release(&counts);
    return st;
}

static el_status print_best(job *j)
{
    if (!j->best_group)
        return EL_OK;
    if (!j->best_text)
        return el_fail(EL_EDATA, "%s: there is no text in any line of the id %s", j->lines.name,
                       j->best_group);
    json_t *const object = json_pack("{s:s, s:s}", "id", j->best_group, "text", j->best_text);
    char *line = NULL;
    if (object && j->s->json) {
        json_object_set_new(object, "score", el_json_number(j->best_score));
        return cli_json_line(object);
    }
    if (object)
        el_answer_columns(object, false, &line);
    json_decref(object);
    return cli_text_print(line);
}

/* Lines of one id stand together: the list before is done, and no line of it may come again. */
static el_status begin_list(job *j, const char *id)
{
    if (json_object_get(j->ids, id))
        return el_fail(EL_EDATA, "%s: lines of the id %s do not stand together", j->lines.name, id);
    el_status st = json_object_set_new(j->ids, id, json_true()) ? el_no_memory(NULL) : print_best(j);
    if (st)
        return st;
    free(j->best_group);
    free(j->best_text);
    j->best_group = strdup(id);
    j->best_text = NULL;
    return j->best_group ? EL_OK : el_no_memory(NULL);
}

static el_status keep_best(job *j, const item *items, const el_sentence_score *scores, int count)
{
    for (int i = 0; i < count; i++) {
        const double score = items[i].score + j->s->weight * scores[i].score;
        const bool same = j->best_group && strcmp(j->best_group, items[i].id) == 0;
        const el_status st = same ? EL_OK : begin_list(j, items[i].id);
        if (st)
            return st;
        j->empty += !scores[i].tokens;
        if (!scores[i].tokens || (j->best_text && score <= j->best_score))
            continue;
        free(j->best_text);
        j->best_text = strdup(items[i].text);
        j->best_score = score;
        if (!j->best_text)
            return el_no_memory(NULL);
    }
    return EL_OK;
}

/* ---- items ---- */

static el_status flush(job *j)
{
    el_sentence_text texts[AT_A_TIME] = {0};
    el_sentence_score scores[AT_A_TIME];
    const int count = j->count;
    if (count == 0)
        return EL_OK;
    for (int i = 0; i < count; i++)
        texts[i] = (el_sentence_text){j->items[i].text, strlen(j->items[i].text)};
    el_status st = el_scorer_run(j->scorer, texts, count, scores);
    if (!st)
        st = j->take(j, j->items, scores, j->count);
    for (int i = 0; i < j->count; i++)
        forget(&j->items[i]);
    j->count = 0;
    return st;
}

static el_status read_object(const job *j, el_line line, item *t)
{
    json_t *object;
    char name[256];
    snprintf(name, sizeof name, "%s, line %" PRId64, j->lines.name, j->lines.number);
    const el_status st = el_json_parse(&object, line.text, line.bytes, name);
    if (st)
        return st;
    t->text = el_json_copy(object, "text");
    t->id = el_json_copy(object, "id");
    t->score = json_number_value(json_object_get(object, "score"));
    const bool whole = t->text && t->id && json_is_number(json_object_get(object, "score"));
    json_decref(object);
    return whole ? EL_OK : el_lines_fail(&j->lines, "has no id, score and text");
}

static el_status read_columns(const job *j, el_line line, item *t)
{
    char *rest = t->id = strndup(line.text, line.bytes);
    if (!rest)
        return el_no_memory(NULL);
    strsep(&rest, "\t");
    const char *const score = strsep(&rest, "\t");
    if (!rest || !el_number_real(score, &t->score))
        return el_lines_fail(&j->lines, "has no three columns: id, score (a number) and text");
    t->text = strdup(rest);
    return t->text ? EL_OK : el_no_memory(NULL);
}

static el_status take_text(job *j, el_line line)
{
    item *const t = &j->items[j->count++];
    el_status st = EL_OK;
    j->given++;
    if (!j->s->nbest)
        st = (t->text = strndup(line.text, line.bytes)) ? EL_OK : el_no_memory(NULL);
    else
        st = *el_scan_blanks(line.text, line.text + line.bytes) == '{' ? read_object(j, line, t)
                                                                       : read_columns(j, line, t);
    return !st && j->count == AT_A_TIME ? flush(j) : st;
}

/* ---- the course of the command ---- */

static void tell(cli_progress *progress, const el_reader *reader)
{
    uint64_t done, total;
    el_reader_progress(reader, &done, &total);
    if (total)
        cli_progress_show(progress, (double)done / (double)total, "scoring");
}

static el_status read_file(job *j)
{
    el_line line;
    cli_progress progress;
    el_status st = el_lines_open(&j->lines, j->s->nbest ? j->s->nbest : "-");
    cli_progress_begin(&progress);
    while (!st && !(st = el_lines_next(&j->lines, &line)) && line.text) {
        if (el_line_blank(line))
            j->blank++;
        else
            st = take_text(j, line);
        if (!st && !j->s->nbest && el_lines_wait(&j->lines))
            st = flush(j);
        if (j->s->nbest && !j->count)
            tell(&progress, j->lines.reader);
    }
    if (!st)
        st = flush(j);
    cli_progress_end(&progress);
    el_line_say_blank(j->lines.name, j->blank);
    return st;
}

static el_status open_scorer(job *j)
{
    settings *s = j->s;
    if (!s->model)
        return el_fail(EL_EUSAGE, "--model is missing: which run or model folder?");
    if (s->pairs && s->nbest)
        return el_fail(EL_EUSAGE, "--pairs and --nbest: one file at a time");
    if ((s->pairs || s->nbest) && j->options->operand_count)
        return el_fail(EL_EUSAGE, "\"%s\": sentences are those of the file", j->options->operand[0]);
    if (el_options_given(j->options, "weight") && !s->nbest)
        return el_fail(EL_EUSAGE, "--weight: is that of --nbest");
    el_status st = cli_ask_check(j->options);
    if (!st)
        st = el_machine_open(&s->machine, &j->q);
    if (!st)
        st = el_scorer_open(&j->scorer, j->q, el_machine_type(&s->machine), s->model, (el_score_kind)s->by,
                            (el_special_reading)s->special_tokens, (int)s->micro_batch_tokens);
    if (!st)
        cli_ask_note_files(j->options);
    return st;
}

static el_status score(job *j)
{
    static const char *const SAID[] = {[EL_SCORE_PLL] =
                                           "log p of each token given the others, a pass for each token",
                                       [EL_SCORE_LEFT_TO_RIGHT] = "log p of each token given those before it",
                                       [EL_SCORE_ORIGINALS] = "log P(original) of each token",
                                       [EL_SCORE_ENERGY] = "minus the energy of each token"};
    settings *s = j->s;
    el_status st = open_scorer(j);
    if (st)
        return st;
    el_log(EL_LOG_NOTE, "scores are sums of %s", SAID[el_scorer_kind(j->scorer)]);
    if (s->pairs)
        return score_pairs(j);
    j->take = s->nbest ? keep_best : print_sentence;
    j->ids = json_object();
    const bool typed = cli_ask_typed(j->options);
    for (int i = 0; !st && typed && i < j->options->operand_count; i++) {
        const char *const text = j->options->operand[i];
        st = take_text(j, (el_line){text, strlen(text)});
    }
    if (!st)
        st = typed ? flush(j) : read_file(j);
    if (!st && s->nbest)
        st = print_best(j);
    if (!st && j->empty)
        el_log(EL_LOG_NOTE, "%s: %" PRId64 " empty text%s %s left out", j->lines.name, j->empty,
               el_s(j->empty), el_is(j->empty));
    if (!st)
        el_text_lost_say(el_scorer_lost(j->scorer), NULL, "sentence", el_scorer_longest(j->scorer), false);
    return st;
}

static void close_job(job *j)
{
    for (int i = 0; i < j->count; i++)
        forget(&j->items[i]);
    free(j->best_group);
    free(j->best_text);
    json_decref(j->ids);
    el_lines_close(&j->lines);
    el_scorer_close(j->scorer);
    el_queue_close(j->q);
}

int cmd_score(int argc, char **argv)
{
    settings s = {.by = EL_SCORE_AUTO,
                  .weight = 0.5,
                  .micro_batch_tokens = 2048,
                  .special_tokens = EL_SPECIAL_TOKENS,
                  .machine = {.precision = EL_PRECISION_FP32}};
    el_options options = {
        .command = "score",
        .examples = "  electra score --model run \"the cat sat on the mat\"\n"
                    "  electra score --model run --json < sentences.txt\n"
                    "  electra score --model run --pairs blimp.jsonl\n"
                    "  electra score --model run --nbest lists.tsv --weight 0.3\n",
        .operands = "[TEXT]...",
        .summary =
            "how likely sentences are to a pre-trained model; the best of n-best lists; accuracy on minimal "
            "pairs",
        .table = TABLE,
        .count = sizeof TABLE / sizeof *TABLE,
        .settings = &s,
    };
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    job j = {.s = &s, .options = &options};
    exit_code = cli_exit("score", score(&j));
    close_job(&j);
    el_options_close(&options);
    return exit_code;
}
