/* cmd_bench - electra bench: how fast this machine runs, against what it could */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "train/presets.h"

static const char EXAMPLES[] =
    "  electra bench gemm                                 peaks, and a layer's products\n"
    "  electra bench step --model-size small --batch-size 16 --json\n"
    "  electra bench infer --model-size base --batch-size 1 --max-seq-length 32\n";

static const struct {
    const char *name;
    el_status (*run)(const bench_place *place, json_t **result);
} PARTS[] = {{"gemm", bench_gemm}, {"step", bench_step}, {"infer", bench_infer}};
enum { PART_COUNT = sizeof PARTS / sizeof *PARTS };

#define AT(field) offsetof(bench_settings, field)
static const el_option TABLE[] = {
    {"model_size", EL_OPT_CHOICE, AT(model_size), 0, 0, "tiny|small|base|large", "preset"},
    {"batch_size", EL_OPT_INT, AT(batch_size), 1, 1 << 20, NULL, "sequences at a time"},
    {"max_seq_length", EL_OPT_INT, AT(max_seq_length), 8, 1 << 14, NULL, "tokens in each"},
    {"micro_batch_tokens", EL_OPT_INT, AT(micro_batch_tokens), 1, 1 << 24, NULL,
     "tokens of a training step that are worked on at a time"},
    {"seconds", EL_OPT_REAL, AT(seconds), 0.01, 3600, NULL, "to measure for"},
    {"json", EL_OPT_SWITCH, AT(json), 0, 1, NULL, "the result as JSON"},
    CLI_MACHINE_OPTIONS(bench_settings),
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

el_status bench_median(double seconds, int least, bench_run *run, void *context, double *median)
{
    enum { MOST = 4096 };
    double *times = malloc(MOST * sizeof *times);
    el_status st = times ? run(context) : el_fail(EL_ENOMEM, "no memory for times");
    int count = 0;
    const double end = cli_now() + seconds;
    while (!st && count < MOST && (count < least || cli_now() < end)) {
        const double start = cli_now();
        st = run(context);
        times[count++] = cli_now() - start;
    }
    if (!st) {
        qsort(times, (size_t)count, sizeof *times, ascending);
        *median = times[count / 2];
    }
    free(times);
    return st;
}

static void print_number(const char *key, const json_t *value)
{
    const double x = json_number_value(value);
    if (strstr(key, "share"))
        printf("  %s %.1f %%", key, 100 * x);
    else
        printf("  %s %.6g", key, x);
}

static void print_object(const json_t *object)
{
    const char *key;
    json_t *value, *line;
    json_object_foreach((json_t *)object, key, value) if (json_is_number(value)) print_number(key, value);
    printf("\n");
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i;
        json_array_foreach(value, i, line) print_object(line);
    }
}

static el_status measure(const bench_settings *settings, int part, json_t **result)
{
    bench_settings s = *settings;
    el_device *dev = NULL;
    el_status st = cli_machine_open(&s.machine, &dev);
    if (st)
        return st;
    bench_place place = {.settings = &s, .dev = dev, .type = cli_machine_type(&s.machine)};
    place.peak = el_level_peak(dev->level, place.type, dev->threads);
    st = PARTS[part].run(&place, result);
    if (!st)
        json_object_set_new(*result, "machine", cli_machine_json(&s.machine, dev));
    dev->close(dev);
    return st;
}

static el_status choose_part(const el_options *options, int *part)
{
    const char *names[PART_COUNT];
    for (int i = 0; i < PART_COUNT; i++)
        names[i] = PARTS[i].name;
    if (options->operand_count != 1)
        return el_fail(EL_EUSAGE, "which part: gemm, step or infer?");
    for (*part = 0; *part < PART_COUNT; ++*part)
        if (strcmp(names[*part], options->operand[0]) == 0)
            return EL_OK;
    const char *near = el_nearest(options->operand[0], names, PART_COUNT);
    return el_fail(EL_EUSAGE, "%s: no such part; %s%s", options->operand[0],
                   near ? "did you mean " : "there are gemm, step, infer", near ? near : "");
}

int cmd_bench(int argc, char **argv)
{
    bench_settings settings = {.model_size = EL_SMALL,
                               .batch_size = 16,
                               .max_seq_length = 128,
                               .micro_batch_tokens = 2048,
                               .seconds = 10};
    el_options options = {.command = "bench",
                          .examples = EXAMPLES,
                          .operands = "gemm|step|infer",
                          .summary = "measures speed against this machine's multiply-add peak",
                          .table = TABLE,
                          .count = sizeof TABLE / sizeof *TABLE,
                          .settings = &settings};
    int exit_code, part = 0;
    json_t *result = NULL;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    el_status st = choose_part(&options, &part);
    if (!st)
        st = measure(&settings, part, &result);
    if (!st && settings.json) {
        json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
    } else if (!st) {
        print_object(result);
    }
    json_decref(result);
    el_options_close(&options);
    return cli_exit("bench", st);
}
