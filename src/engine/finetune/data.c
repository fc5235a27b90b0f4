/* data - what a fine-tuning reads: the shape and vocabulary that it starts from, and the splits of its task */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/plural.h"
#include "engine/finetune/parts.h"
#include "task/files/describe.h"

static el_status find_start(el_finetuning *f)
{
    const char *const from = f->settings->init_from ? f->settings->init_from : f->settings->model;
    if (!from)
        return el_fail(EL_EUSAGE, "--model: which run or model folder is to be taught?");
    el_head_config head = {0};
    el_status st = el_encoders_find(from, &f->start, &f->start_backward);
    if (!st)
        st = el_model_read(f->start, false, &f->config, &head, NULL);
    if (!st)
        st = el_model_check_forwards(f->start, &f->config);
    if (!st)
        st = el_model_vocab(f->start, &f->config, NULL, &f->vocab);
    f->taught = !st && head.kind >= EL_HEAD_SEQUENCE;
    return st;
}

/* One label teaches nothing, and a label of its own in every row is none. */
static el_status check_labels(const el_finetuning *f)
{
    enum { FEW = 3 };
    const el_dataset *const d = &f->data[EL_TRAIN];
    const int labels = f->card.labels.count;
    const char *const label = f->card.layout.label;
    const char *const column = !label ? "with the label" : strcmp(label, "-1") == 0 ? "at the end" : label;
    if ((f->task->kind != EL_CLASSIFY && f->task->kind != EL_TAG) || f->task->labels)
        return EL_OK;
    if (labels == 1)
        return el_fail(EL_EDATA,
                       "%s: column %s has one label only, \"%.60s\": there is nothing to tell apart", d->name,
                       column, f->card.labels.names[0]);
    if (f->task->kind == EL_CLASSIFY && labels == d->count && d->count > FEW)
        return el_fail(
            EL_EDATA,
            "%s: column %s has as many labels as there are rows, %d: --label-column says where they are",
            d->name, column, labels);
    return EL_OK;
}

static el_status read_split(el_finetuning *f, el_split_name name, const el_task *task, const char *path)
{
    if (!path)
        return EL_OK;
    const el_columns columns = el_columns_of(&f->settings->columns);
    const bool training = name == EL_TRAIN;
    el_dataset *const d = &f->data[name];
    const el_task_reading reading = {.columns = &columns,
                                     .known = training ? NULL : &f->card.layout,
                                     .labels = name == EL_TEST ? EL_LABELS_IF_THERE : EL_LABELS_NEEDED};
    const el_status st =
        el_task_read(task, path, reading, &f->card.labels, training ? &f->card.layout : NULL, d);
    if (!st && training)
        el_describe_training(&f->card.layout, d, &f->card.labels);
    if (!st)
        el_describe_reading(d);
    if (!st && !training && el_dataset_labelled(d))
        el_log(EL_LOG_NOTE, "%s: %d example%s to score", d->name, d->count, el_s(d->count));
    else if (!st && !training)
        el_log(EL_LOG_NOTE, "%s: %d example%s without labels, to be answered and not scored", d->name,
               d->count, el_s(d->count));
    return st || !training ? st : check_labels(f);
}

static el_status read_train(el_finetuning *f)
{
    const el_finetune_settings *const s = f->settings;
    el_status st = read_split(f, EL_TRAIN, f->task, f->files.train);
    if (!st && !f->files.dev) {
        const el_hold_out rule = {.every = (int)s->dev_every,
                                  .last = (int)s->dev_last,
                                  .share = s->dev_share,
                                  .seed = (uint64_t)s->seed};
        st = el_dataset_hold_out(&f->data[EL_TRAIN], &f->data[EL_DEV], rule);
        if (!st)
            el_log(EL_LOG_NOTE, "%d of the training examples %s held out as dev", f->data[EL_DEV].count,
                   el_is(f->data[EL_DEV].count));
    }
    if (!st && s->max_train_examples)
        st = el_dataset_limit(&f->data[EL_TRAIN], (int)s->max_train_examples, (uint64_t)s->seed);
    return st;
}

/* Tags are those of all files, since what one lacks another may have; a label must be one of training. */
static el_status read_rest(el_finetuning *f)
{
    el_dataset *all[EL_SPLITS] = {&f->data[EL_TRAIN], &f->data[EL_DEV], &f->data[EL_TEST], &f->data[EL_ALSO]};
    el_status st = EL_OK;
    if (f->task->kind != EL_TAG)
        st = el_labels_close(&f->card.labels, all, EL_SPLITS);
    if (!st)
        st = read_split(f, EL_DEV, f->task, f->files.dev);
    if (!st && !(f->task->test_unlabelled && !f->settings->test_file))
        st = read_split(f, EL_TEST, f->task, f->files.test);
    if (!st && f->settings->max_dev_examples)
        st = el_dataset_limit(&f->data[EL_DEV], (int)f->settings->max_dev_examples,
                              (uint64_t)f->settings->seed);
    return st ? st : el_labels_close(&f->card.labels, all, EL_SPLITS);
}

static bool are_numbers(const el_labels *labels)
{
    for (int i = 0; i < labels->count; i++) {
        const char *const digits = labels->names[i] + (*labels->names[i] == '-');
        if (!*digits || digits[strspn(digits, "0123456789")])
            return false;
    }
    return labels->count > 0;
}

/* Entities have names in their tags.  `datasets` writes the numbers of these (ClassLabel), of which nobody can tell the one
 * that is outside; a run that has learned from them goes on. */
static el_status check_names(const el_finetuning *f)
{
    if (strcmp(f->task->name, "tag") == 0 || f->settings->tag_scheme || f->resuming ||
        !are_numbers(&f->card.labels))
        return EL_OK;
    return el_fail(EL_EDATA,
                   "%s: all tags are whole numbers, as of a ClassLabel of datasets, and entities have names; "
                   "write the names (features) in their places, or learn the numbers with --tag-scheme plain",
                   f->data[EL_TRAIN].name);
}

/* How the tags of train and dev are written. */
static el_status find_tagging(el_finetuning *f)
{
    const el_dataset *const both[] = {&f->data[EL_TRAIN], &f->data[EL_DEV]};
    if (f->task->kind != EL_TAG)
        return EL_OK;
    const el_tag_scheme said =
        f->settings->tag_scheme ? (el_tag_scheme)(f->settings->tag_scheme - 1) : EL_TAGS_SCHEMES;
    el_status st = check_names(f);
    if (!st)
        st = el_tagging_find(&f->card.tagging, &f->card.labels, both, 2, said);
    if (!st)
        el_tagging_describe(f->card.tagging, &f->card.labels, both, 2);
    return st;
}

/* The other dev file of MNLI, where it is there. */
static el_status read_also(el_finetuning *f)
{
    if (!f->task->also || !f->settings->data)
        return EL_OK;
    const el_task *also = el_task_find(f->task->also);
    el_task_files files;
    el_status st = el_task_find_files(&also, f->settings->data, NULL, EL_FILES_DEV, &files);
    if (!st)
        st = read_split(f, EL_ALSO, also, files.dev);
    el_task_files_release(&files);
    return st;
}

/* From the lowest score of the training examples to the highest. */
static void range_of_data(const el_dataset *d, double *low, double *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (int i = 0; i < d->count; i++) {
        *low = fmin(*low, d->examples[i].value);
        *high = fmax(*high, d->examples[i].value);
    }
    if (*low == *high)
        *high = *low + 1;
}

/* Ends that are alike say nothing. */
static bool is_said(const el_finetuning *f, const char *end)
{
    const bool both = el_options_given(f->options, "low") && el_options_given(f->options, "high");
    return el_options_given(f->options, end) && !(both && f->settings->low == f->settings->high);
}

/* Each end is the one that was said, else the task's, else that of the training examples.  Settings keep the range, unless
 * both ends are of the examples. */
static el_status range_of_scores(el_finetuning *f)
{
    el_finetune_settings *const s = f->settings;
    const bool low = is_said(f, "low"), high = is_said(f, "high"), ranged = f->task->low < f->task->high;
    if (f->task->kind != EL_REGRESS)
        return EL_OK;
    double least = f->task->low, most = f->task->high;
    if (!ranged)
        range_of_data(&f->data[EL_TRAIN], &least, &most);
    f->card.low = low ? s->low : least;
    f->card.high = high ? s->high : most;
    if (!(f->card.low < f->card.high))
        return el_options_refuse(low ? "low" : "high", "scores from %g to %g are no range", f->card.low,
                                 f->card.high);
    if (low || high || ranged)
        s->low = f->card.low, s->high = f->card.high;
    return EL_OK;
}

static bool has_impossible(const el_dataset *d)
{
    for (int i = 0; d->kind == EL_SPAN && i < d->count; i++)
        if (d->examples[i].label == 1)
            return true;
    return false;
}

/* How answers are scored: by the task, and as SQuAD 2.0 where some question of train or dev has none. */
static el_squad_rule rule_of(const el_finetuning *f)
{
    if (has_impossible(&f->data[EL_TRAIN]) || has_impossible(&f->data[EL_DEV]))
        return EL_SQUAD_2;
    return strcmp(f->task->name, "korquad") == 0 ? EL_KORQUAD
           : strcmp(f->task->name, "mrqa") == 0  ? EL_MRQA
                                                 : EL_SQUAD_1;
}

static el_status fill_card(el_finetuning *f)
{
    const el_finetune_settings *const s = f->settings;
    char *const name = strdup(f->task->name);
    if (!name)
        return el_no_memory(NULL);
    free(f->card.task);
    f->card.task = name;
    f->card.n_best = (int)s->n_best_size;
    f->card.max_answer_length = (int)s->max_answer_length;
    f->card.beam = (int)s->beam_size;
    f->card.rule = rule_of(f);
    f->card.null_threshold = NAN;
    f->card.features = (el_feature_settings){.max_seq_length = (int)s->max_seq_length,
                                             .max_query_length = (int)s->max_query_length,
                                             .doc_stride = (int)s->doc_stride,
                                             .double_unordered = s->double_unordered,
                                             .plain_special = s->special_tokens == EL_SPECIAL_PLAIN,
                                             .segment_one = s->segment_one};
    const el_dataset *const d = &f->data[EL_TRAIN];
    for (int i = 0; i < d->count; i++)
        f->card.pair |= d->kind != EL_SPAN && d->examples[i].text[1];
    return range_of_scores(f);
}

static el_status make_features(el_finetuning *f)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < EL_SPLITS; i++)
        if (f->data[i].count)
            st = el_features_add(&f->features, &f->data[i], f->vocab, &f->card.features, i == EL_TRAIN,
                                 &f->splits[i]);
    if (!st)
        st = el_features_check(&f->features, f->config.type_vocab_size);
    if (!st)
        el_text_lost_say(&f->features.lost, NULL, "example", f->card.features.max_seq_length, true);
    if (!st && f->features.answers_lost)
        el_log(EL_LOG_NOTE,
               "%d question%s %s left out of training, as the answer does not stand in the text; "
               "number %lld of %s is the first",
               f->features.answers_lost, el_s(f->features.answers_lost), el_is(f->features.answers_lost),
               (long long)f->features.first_lost->line, f->data[EL_TRAIN].name);
    if (!st && f->splits[EL_TRAIN].end == f->splits[EL_TRAIN].begin)
        st = el_fail(EL_EDATA, "%s: there is nothing in it to learn from", f->files.train);
    return st;
}

static el_status find_files(const el_finetune_settings *s, const el_task **task, el_task_files *files)
{
    if (!s->task)
        return el_fail(EL_EUSAGE, "--task: what is to be learned?");
    const el_status st = el_task_named(s->task, task);
    const el_task_files given = {(char *)s->train_file, (char *)s->dev_file, (char *)s->test_file};
    return st ? st
              : el_task_find_files(task, s->data, &given, EL_FILES_TRAIN | EL_FILES_DEV | EL_FILES_TEST,
                                   files);
}

/* Files of questions are read as a whole, which may take long: of these only the form is looked at. */
static bool comes_whole(el_task_reader *reader)
{
    const el_form form = el_task_reader_layout(reader)->file.form;
    return form == EL_FORM_SQUAD || form == EL_FORM_MRQA;
}

/* `layout`: of the file that is learned from, filled by this one where it is NULL at first. */
static el_status glance(const el_finetune_settings *s, const el_task *task, const char *path,
                        el_labels_wanted labels_wanted, el_file_layout *layout, el_labels *labels)
{
    enum { FIRST_ROWS = 100 };
    const el_columns columns = el_columns_of(&s->columns);
    const el_task_reading reading = {.columns = &columns, .known = layout, .labels = labels_wanted};
    el_task_reader *reader;
    el_dataset rows = {0};
    el_status st = path ? el_task_reader_open(&reader, task, path, reading, labels) : EL_OK;
    if (!path || st)
        return st;
    if (!comes_whole(reader))
        st = el_task_reader_next(reader, FIRST_ROWS, &rows);
    if (!st && rows.count == 0 && !comes_whole(reader))
        st = el_fail(EL_EDATA, "%s: there is no example in it", path);
    if (!st && !layout->text[0])
        st = el_file_layout_copy(layout, el_task_reader_layout(reader));
    el_dataset_release(&rows);
    el_task_reader_close(reader);
    return st;
}

el_status el_finetune_glance(const el_finetune_settings *s)
{
    const el_task *task;
    el_task_files files = {0};
    el_file_layout layout = {0};
    el_labels labels = {0};
    el_status st = find_files(s, &task, &files);
    if (!st)
        st = glance(s, task, files.train, EL_LABELS_NEEDED, &layout, &labels);
    if (!st)
        st = glance(s, task, files.dev, EL_LABELS_NEEDED, &layout, &labels);
    if (!st && !(task->test_unlabelled && !s->test_file))
        st = glance(s, task, files.test, EL_LABELS_IF_THERE, &layout, &labels);
    el_labels_release(&labels);
    el_file_layout_release(&layout);
    el_task_files_release(&files);
    return st;
}

el_status el_finetune_open_data(el_finetuning *f)
{
    el_status st = find_files(f->settings, &f->task, &f->files);
    if (!st)
        st = find_start(f);
    if (!st)
        st = el_task_card_open(&f->card, f->task->kind);
    if (!st)
        el_finetune_derive(f->settings, f->options, f->task, &f->config);
    if (!st)
        st = read_train(f);
    if (!st)
        st = read_rest(f);
    if (!st)
        st = find_tagging(f);
    if (!st)
        st = read_also(f);
    if (!st)
        st = fill_card(f);
    return st ? st : make_features(f);
}

/* ---- what was read, as a number ---- */

static void mix(uint64_t *hash, const void *data, size_t bytes)
{
    const uint64_t both[] = {*hash, el_hash(data, bytes)};
    *hash = el_hash(both, sizeof both);
}

static void mix_text(uint64_t *hash, const char *text)
{
    mix(hash, text, strlen(text));
}

static void mix_example(uint64_t *hash, const el_dataset *d, const el_labelled *e)
{
    const int64_t numbers[] = {e->label, e->group, e->count};
    mix(hash, numbers, sizeof numbers);
    if (d->kind == EL_REGRESS)
        mix(hash, &e->value, sizeof e->value);
    for (int i = e->first; i < e->first + e->count; i++) {
        if (d->kind == EL_MULTILABEL) {
            mix(hash, &d->numbers[i], sizeof d->numbers[i]);
        } else if (d->kind == EL_TAG) {
            mix(hash, &d->words[i].tag, sizeof d->words[i].tag);
        } else if (d->kind == EL_SPAN) {
            mix(hash, &d->answers[i].begin, sizeof d->answers[i].begin);
            mix_text(hash, d->answers[i].text);
        }
    }
}

uint64_t el_finetune_targets_hash(const el_finetuning *f)
{
    uint64_t hash = 0;
    for (int i = 0; i < f->card.labels.count; i++)
        mix_text(&hash, f->card.labels.names[i]);
    for (int i = 0; i < EL_SPLITS; i++) {
        const int bounds[] = {f->splits[i].begin, f->splits[i].end, f->data[i].count};
        mix(&hash, bounds, sizeof bounds);
        for (int e = 0; e < f->data[i].count; e++)
            mix_example(&hash, &f->data[i], &f->data[i].examples[e]);
    }
    return hash;
}
