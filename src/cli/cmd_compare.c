/* cmd_compare - electra compare: systems at equal compute, by a plan, and one report of them */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/plural.h"
#include "cli/cli.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "engine/compare/compare.h"
#include "engine/machine.h"

static const char EXAMPLES[] =
    "  electra compare table5 --data shards --eval-data heldout --tasks labelled --dry-run\n"
    "  electra compare table5 --data shards --eval-data heldout --tasks labelled --flops-budget 1e14 "
    "--output study\n"
    "  electra compare plan.json --output study\n"
    "  mpirun -np 4 electra-mpi compare plan.json --output study   each rank takes a job at a time\n"
    "  electra compare --output study                     goes on where it stopped\n"
    "\nplans:\n";

typedef struct {
    el_compare_settings settings;
    el_options options;
    char *help; /* examples and plans */
    el_study study;
    cli_progress line;
} job;

static void on_progress(void *context, const el_study_progress *p)
{
    job *const j = context;
    char text[256];
    snprintf(text, sizeof text, "%d of %d jobs%s%s", p->done, p->jobs, p->at_work ? "  " : "",
             p->at_work ? p->at_work->name : "");
    j->line.before = p->before;
    cli_progress_show(&j->line, p->fraction, text);
}

static void put_unknown(int count)
{
    if (count)
        printf(", of which %d %s not counted below: their files are not there, or empty", count,
               el_is(count));
}

/* A pre-training that is left to do. */
static bool is_to_train(const el_job *one)
{
    return one->task < 0 && one->same_as < 0 && one->state != EL_JOB_DONE;
}

static json_t *runs_json(const el_study *study)
{
    json_t *const runs = json_array();
    for (int i = 0; i < study->count; i++) {
        const el_job *const one = &study->jobs[i];
        if (is_to_train(one))
            json_array_append_new(runs, json_pack("{s:s, s:I, s:f}", "job", one->name, "steps",
                                                  (json_int_t)one->steps, "flops", one->flops));
    }
    return runs;
}

static el_status estimate(const job *j)
{
    const el_study_cost c = el_compare_cost(&j->study);
    const el_plan *const p = &j->study.plan;
    char time[32];
    cli_duration(time, sizeof time, c.seconds);
    if (j->settings.json) {
        json_t *const answer = json_pack(
            "{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:o, s:i, s:o}", "plan", p->name, "pretrainings",
            c.pretrainings, "pretrainings_again", c.again, "fine_tunings", c.tunings, "minimal_pairs",
            c.pairs, "fine_tunings_not_counted", c.unknown, "minimal_pairs_not_counted", c.pairs_unknown,
            "flops", c.flops, "hours", isfinite(c.seconds) ? json_real(c.seconds / 3600) : json_null(),
            "jobs_at_a_time", j->study.at_a_time, "runs", runs_json(&j->study));
        const el_status st = cli_json_print(answer);
        json_decref(answer);
        return st;
    }
    printf("%-44s %12s %14s\n", "pre-training", "steps", "FLOPs");
    for (int i = 0; i < j->study.count; i++) {
        const el_job *const one = &j->study.jobs[i];
        if (is_to_train(one))
            printf("%-44s %12" PRId64 " %14.4g\n", one->name, one->steps, one->flops);
    }
    printf("\npre-trainings        %d", c.pretrainings);
    if (c.again)
        printf(", of which %d %s made again: on record, but without a model", c.again, el_is(c.again));
    printf("\nfine-tunings         %d", c.tunings);
    put_unknown(c.unknown);
    if (c.pairs)
        printf("\nminimal pairs        %d", c.pairs);
    put_unknown(c.pairs_unknown);
    printf("\noperations in all    %.4g\njobs at a time       %d, of %d thread%s each\n", c.flops,
           j->study.at_a_time, j->study.threads, el_s(j->study.threads));
    printf("expected time        %s, at half of this machine's %.0f GFLOP/s\n", time, c.peak / 1e9);
    return EL_OK;
}

static el_status print_report(const job *j)
{
    json_t *report = NULL;
    el_status st = el_json_load(&report, el_path_in(j->settings.output, "report.json").text);
    if (!st)
        st = cli_json_print(report);
    json_decref(report);
    return st;
}

static el_status work(job *j)
{
    cli_quiet(); /* of what each job would say if it ran alone */
    cli_progress_begin(&j->line);
    const el_status st = el_compare_run(&j->study);
    cli_progress_end(&j->line);
    return st || !j->settings.json || !el_dist_leads(j->settings.dist) ? st : print_report(j);
}

int cmd_compare(int argc, char **argv)
{
    job j = {.settings.stall_limit = EL_STALL_LIMIT, .help = cli_examples_and(EXAMPLES, el_plan_list())};
    int exit_code;
    j.options =
        (el_options){.command = "compare",
                     .examples = j.help,
                     .operands = "[PLAN]",
                     .summary = "compares systems at equal compute: all pre-trainings and fine-tunings of a "
                                "plan, and one report",
                     .table = EL_COMPARE_TABLE,
                     .count = EL_COMPARE_LINES,
                     .settings = &j.settings};
    if (!cli_parse(&j.options, argc, argv, &exit_code)) {
        free(j.help);
        return exit_code;
    }
    j.settings.dist = cli_dist();
    const bool leads = el_dist_leads(cli_dist());
    const el_study_watch watch = {
        .on_progress = leads ? on_progress : NULL, .stop = cli_catch_signals(), .context = &j};
    const char *const plan = j.options.operand_count ? j.options.operand[0] : NULL;
    el_status st = j.options.operand_count > 1
                       ? el_fail(EL_EUSAGE, "%s: one plan at a time", j.options.operand[1])
                       : el_compare_open(&j.study, plan, &j.options, &watch);
    if (!st)
        st = !j.settings.dry_run ? work(&j) : leads ? estimate(&j) : EL_OK;
    exit_code = cli_exit("compare", st);
    el_compare_close(&j.study);
    el_options_close(&j.options);
    free(j.help);
    return exit_code;
}
