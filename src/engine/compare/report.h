/* report - what a study has found so far, as rows, tests and crossings
 *
 *   row        one system in one size at one length of training, on one task or in the mean of the tasks, over seeds
 *   test       the reference against another system, paired by seed
 *   crossing   the share of another system's compute at which the reference first reaches its final score, over the seeds
 *              that both have
 *
 * Scores are in points: 100 times the task's metric on dev, the mean of a fine-tuning's trials.  A seed counts in the mean of the
 * tasks once all of them are there.
 */
#ifndef EL_ENGINE_COMPARE_REPORT_H
#define EL_ENGINE_COMPARE_REPORT_H

#include "engine/compare/parts.h"
#include "engine/compare/statistics.h"
#include "task/report/html.h"

typedef struct {
    int system, size, length, task; /* task -1: the mean */
    double share;
    double values[EL_PLAN_MOST]; /* by the plan's seeds; NAN: not there */
    el_sample score;
    int diverged; /* seeds whose pre-training did; they have no part in the means */
    /* Others whose fine-tuning, of the mean one of them, is done and has no score: it diverged, or the metric is not to be
     * had. */
    int unscored;
    const char *metric; /* of a task, or NULL */
    double flops, paper_flops, seconds,
        rate;                  /* means over seeds, of a branch with its trunk; NAN: not known */
    int64_t steps, parameters; /* 0: not known */
} el_row;

typedef struct {
    const el_row *row, *reference;
    double difference, deviation, p; /* of the reference over the other */
    double p_corrected; /* by Holm, for the others on one task in one size and length; NAN as p */
    int seeds;
} el_test;

typedef struct {
    const el_row *row; /* the other's longest training */
    double score;      /* of it, over these seeds */
    double flops;      /* at which the reference reaches it; NAN: nowhere */
    double share;      /* of row->flops */
    bool at_most;      /* already at the reference's shortest training */
    int seeds;         /* that both have, above 0 */
} el_crossing;

typedef struct {
    const el_study *study;
    el_row *rows;
    el_test *tests;
    el_crossing *crossings;
    int row_count, test_count, crossing_count;
} el_findings;

el_status el_findings_open(el_findings *findings, const el_study *study);
void el_findings_close(el_findings *findings);

/* The row of these, or NULL. */
const el_row *el_findings_row(const el_findings *findings, int system, int size, int length, double share,
                              int task);

/* The trainings of one system in one size, `most` at most, whatever their length and share, in the order of their compute:
 * rows of the mean that have a score. */
int el_findings_line(const el_findings *findings, int system, int size, const el_row **rows, int most);

/* "tables 1 and 2" of the paper, or the plan's own list of published rows (new reference; may be empty). */
json_t *el_findings_published(const el_study *study);

/* The command that repeats a job's pre-training or fine-tuning, on the heap. */
char *el_compare_command(const el_study *study, const el_job *job);

/* report.html's body, and the charts in it. */
void el_findings_page(el_writer *page, const el_findings *findings);
void el_findings_figures(el_writer *page, const el_findings *findings);

#endif
