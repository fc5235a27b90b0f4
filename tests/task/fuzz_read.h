/* fuzz_read - any bytes as a file of a task: a sentence, or a data set whose parts fit together */
#ifndef TESTS_TASK_FUZZ_READ_H
#define TESTS_TASK_FUZZ_READ_H

#define _GNU_SOURCE
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "task/files/layout.h"
#include "task/task.h"

/* A file in memory that holds the bytes; its path is valid until the next. */
static const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int file;
    if (!file) {
        file = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

static void fuzz_check(const el_dataset *d, const el_labels *labels)
{
    int words = 0, answers = 0, numbers = 0;
    for (int i = 0; i < d->count; i++) {
        const el_labelled *const e = &d->examples[i];
        assert(d->kind != EL_CLASSIFY || e->label < labels->count);
        assert(d->kind == EL_TAG || e->text[0]);
        words += d->kind == EL_TAG ? e->count : 0;
        answers += d->kind == EL_SPAN ? e->count : 0;
        numbers += d->kind == EL_MULTILABEL ? e->count : 0;
        for (int k = 0; d->kind == EL_SPAN && k < e->count; k++) {
            const el_answer *const a = &d->answers[e->first + k];
            assert(a->begin < 0 || strncmp(e->text[1] + a->begin, a->text, strlen(a->text)) == 0);
        }
    }
    assert(words == d->word_count && answers == d->answer_count && numbers == d->number_count);
    for (int i = 0; i < d->word_count; i++)
        assert(d->words[i].text && d->words[i].tag < labels->count);
    for (int i = 0; i < d->number_count; i++)
        assert(d->numbers[i] >= 0 && d->numbers[i] < labels->count);
}

/* Learns from the bytes, and asks them as the layout says that was found. */
static void fuzz_read(const char *name, el_form form, const uint8_t *data, size_t size)
{
    const el_task *const task = el_task_find(name);
    const el_columns said = {.form = form, .header = -1};
    const char *const path = fuzz_file(data, size);
    el_labels labels = {0};
    el_file_layout layout = {0};
    el_dataset d = {0};
    const el_task_reading training = {.columns = &said, .labels = EL_LABELS_NEEDED};
    if (el_task_read(task, path, training, &labels, &layout, &d) == EL_OK) {
        fuzz_check(&d, &labels);
        el_dataset_release(&d);
        json_t *const card = el_file_layout_json(&layout);
        el_file_layout again = {0};
        assert(card && el_file_layout_read(&again, card, "card") == EL_OK);
        json_decref(card);
        labels.closed = true;
        if (el_task_read(task, path, (el_task_reading){.columns = &said, .known = &again}, &labels, NULL,
                         &d) == EL_OK)
            fuzz_check(&d, &labels);
        el_file_layout_release(&again);
    } else {
        assert(el_error()[0]);
    }
    el_dataset_release(&d);
    el_file_layout_release(&layout);
    el_labels_release(&labels);
}

#endif
