/* cmd_bench - electra bench: how fast this machine runs, against what it could */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/ranks.h"
#include "engine/casing.h"
#include "train/presets.h"

#define MODEL "model_size", "batch_size", "max_seq_length"

/* Beside what every part takes, the options that mean something to it. */
static const struct {
    const char *name;
    el_status (*run)(const bench_place *place, json_t **result);
    const char *summary, *examples;
    const char *options[8];
} PARTS[] = {
    {"gemm",
     bench_gemm,
     "this machine's multiply-add peaks, and the products of a layer against them",
     "  electra bench gemm\n"
     "  electra bench gemm --model-size base --precision fp32 --threads 1\n",
     {MODEL, "answers"}},
    {"ops",
     bench_ops,
     "where the time of a training step goes: each op, its share, and how near it is to what limits it",
     "  electra bench ops --model-size small --precision bf16\n"
     "  electra bench ops --json > before.json\n"
     "  electra bench ops --compare before.json            beside an earlier output\n",
     {MODEL, "micro_batch_tokens"}},
    {"step",
     bench_step,
     "a whole training step: loading, masking, both networks, dropout, clipping, AdamW",
     "  electra bench step --model-size small --batch-size 16 --json\n"
     "  electra bench step --model-size base --max-seq-length 512 --precision fp32\n",
     {MODEL, "micro_batch_tokens"}},
    {"infer",
     bench_infer,
     "one pass of an encoder",
     "  electra bench infer --model-size base --batch-size 1 --max-seq-length 32\n"
     "  electra bench infer --batch-size 32 --threads 2 --json\n",
     {MODEL}},
    {"tokenize",
     bench_tokenize,
     "text from files to ids, reading counted, with caches empty at the start",
     "  electra bench tokenize --vocab vocab.txt --threads 2 corpus.txt\n"
     "  electra bench tokenize --vocab vocab.txt --no-lowercase corpus/*.txt.zst\n",
     {"vocab", "lowercase", "strip_accents"}},
    {"load",
     bench_load,
     "batches from shards, and their masking, on one thread",
     "  electra bench load                                 shards of random ids\n"
     "  electra bench load --data shards --batch-size 128\n",
     {MODEL, "data"}},
    {"reduce",
     bench_reduce,
     "the exchange of a step's gradients among ranks of electra-mpi, beside MPI's own sum",
     "  mpirun -np 2 electra-mpi bench reduce\n"
     "  mpirun -np 8 --host a:4,b:4 electra-mpi bench reduce --seconds 30 --json\n",
     {"model_size"}},
};
enum { PART_COUNT = sizeof PARTS / sizeof *PARTS, NO_PART = -1 };

static const char EXAMPLES[] =
    "  electra bench gemm                                 peaks, and a layer's products\n"
    "  electra bench ops --model-size small               each op of a training step\n"
    "  electra bench step --model-size small --batch-size 16 --json\n"
    "  electra bench infer --model-size base --batch-size 1 --max-seq-length 32\n"
    "  electra bench tokenize --vocab vocab.txt --threads 2 corpus.txt\n"
    "  electra bench load --data shards\n"
    "  mpirun -np 2 electra-mpi bench reduce              the exchange of gradients\n"
    "  electra bench step --help                          what one part is and takes\n";

#define AT(field) offsetof(bench_settings, field)
static const el_option TABLE[] = {
    EL_CHOICE("model_size", AT(model_size), EL_PRESET_NAMES, "preset of the model"),
    EL_INT("batch_size", AT(batch_size), 1, 1 << 20, "sequences at a time"),
    EL_INT("max_seq_length", AT(max_seq_length), 8, 1 << 14, "tokens per sequence"),
    EL_INT("micro_batch_tokens", AT(micro_batch_tokens), 1, 1 << 24,
           "tokens of a training step computed at a time"),
    EL_INT("answers", AT(answers), 1, 16, "of a GPU: how many of cuBLASLt's answers to try for each product"),
    EL_TEXT("data", AT(data), "shards to load, of their own length, instead of random ids"),
    EL_TEXT("vocab", AT(vocab), "vocab.txt, or the folder that holds it"),
    EL_CASING_OPTIONS(bench_settings),
    EL_REAL("seconds", AT(seconds), 0.01, 3600, "seconds to measure"),
    EL_TEXT("compare", AT(compare), "earlier --json output to compare with"),
    EL_SWITCH("json", AT(json), "print the result as JSON"),
    EL_MACHINE_OPTIONS(bench_settings),
};
enum { LINES = sizeof TABLE / sizeof *TABLE };

/* Every part takes these; they say how to measure, not what. */
static const char *const COMMON[] = {"seconds",   "compare",         "json",   "threads",
                                     "precision", "instruction_set", "device", NULL};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_middle(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

el_status bench_median(double seconds, int least, bench_run *run, void *context, double *median)
{
    double *times = malloc(BENCH_MOST * sizeof *times);
    el_status st = times ? run(context) : el_no_memory(NULL);
    int count = 0;
    const double end = el_now() + seconds;
    while (!st && count < BENCH_MOST && (count < least || el_now() < end)) {
        const double start = el_now();
        st = run(context);
        times[count++] = el_now() - start;
    }
    if (!st)
        *median = bench_middle(times, count);
    free(times);
    return st;
}

/* ---- parts and their options ---- */

static bool listed(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* The lines of the table that a part takes; all where none is chosen. */
static int lines_of(int part, el_option *lines)
{
    int count = 0;
    for (int i = 0; i < LINES; i++)
        if (part == NO_PART || listed(COMMON, TABLE[i].name) || listed(PARTS[part].options, TABLE[i].name))
            lines[count++] = TABLE[i];
    return count;
}

static bench_settings defaults(void)
{
    return (bench_settings){.model_size = EL_SMALL,
                            .batch_size = 16,
                            .max_seq_length = 128,
                            .micro_batch_tokens = 2048,
                            .answers = 1,
                            .seconds = 10,
                            .lowercase = true,
                            .strip_accents = true};
}

static el_options options_of(int part, el_option *lines, bench_settings *settings)
{
    *settings = defaults();
    return (el_options){.command = "bench",
                        .examples = part == NO_PART ? EXAMPLES : PARTS[part].examples,
                        .operands = part == NO_PART ? "gemm|ops|step|infer|tokenize|load|reduce [FILE]..."
                                                    : PARTS[part].name,
                        .summary = part == NO_PART ? "measures speed against this machine's multiply-add peak"
                                                   : PARTS[part].summary,
                        .table = lines,
                        .count = lines_of(part, lines),
                        .settings = settings};
}

/* The part that the arguments name, NO_PART where they do not: which options there are follows from it. */
static int part_of(int argc, char **argv)
{
    el_option lines[LINES];
    bench_settings settings;
    el_options options = options_of(NO_PART, lines, &settings);
    const char *word = el_options_parse(&options, argc, argv) ? NULL : options.operand[0];
    int part = word ? PART_COUNT - 1 : NO_PART;
    while (part != NO_PART && strcmp(PARTS[part].name, word) != 0)
        part--;
    el_options_close(&options);
    return part;
}

static el_status no_part(const el_options *options)
{
    const char *names[PART_COUNT];
    for (int i = 0; i < PART_COUNT; i++)
        names[i] = PARTS[i].name;
    if (options->operand_count == 0)
        return el_fail(EL_EUSAGE, "which part: gemm, ops, step, infer, tokenize, load or reduce?");
    const char *near = el_nearest(options->operand[0], names, PART_COUNT);
    return el_fail(EL_EUSAGE, "%s: no such part; %s%s", options->operand[0],
                   near ? "did you mean " : "there are gemm, ops, step, infer, tokenize, load, reduce",
                   near ? near : "");
}

/* ---- the whole ---- */

/* What was measured, where `machine` does not tell; files by their names. */
static json_t *settings_json(const el_options *options)
{
    json_t *settings = el_options_json(options);
    for (int i = 0; COMMON[i]; i++)
        json_object_del(settings, COMMON[i]);
    if (options->operand_count > 1) {
        json_t *files = json_array();
        for (int i = 1; i < options->operand_count; i++)
            json_array_append_new(files, json_string(options->operand[i]));
        json_object_set_new(settings, "files", files);
    }
    return settings;
}

el_status bench_check_batch(int64_t sequences, int64_t length)
{
    return sequences * length <= EL_BATCH_ROWS
               ? EL_OK
               : el_options_refuse("batch_size",
                                   "%" PRId64 " sequences of %" PRId64 " tokens; %d tokens are the most",
                                   sequences, length, EL_BATCH_ROWS);
}

/* Shards that are there have a length of their own, which is known once they are open. */
static el_status check_length(const bench_settings *s, const el_options *options)
{
    if (!s->data)
        return bench_check_batch(s->batch_size, s->max_seq_length);
    return el_options_given(options, "max_seq_length")
               ? el_options_refuse("max_seq_length", "the shards of --data have their own")
               : EL_OK;
}

static el_status measure(const bench_settings *settings, const el_options *options, int part, json_t **result)
{
    bench_settings s = *settings;
    s.machine.dist = cli_dist();
    el_queue *q = NULL;
    el_status st = check_length(&s, options);
    if (!st)
        st = el_machine_open(&s.machine, &q);
    if (st)
        return st;
    bench_place place = {.settings = &s,
                         .options = options,
                         .measured = settings_json(options),
                         .q = q,
                         .type = el_machine_type(&s.machine)};
    place.peak = q->peak(q, place.type);
    st = PARTS[part].run(&place, result);
    if (!st) {
        json_object_set_new(*result, "part", json_string(PARTS[part].name));
        json_object_set(*result, "settings", place.measured);
        json_object_set_new(*result, "machine", el_machine_json(&s.machine, q->dev));
    }
    json_decref(place.measured);
    el_queue_close(q);
    return st;
}

static void show(const json_t *result, bool json)
{
    if (json) {
        json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
    } else {
        bench_print(result);
    }
}

static el_status run(const bench_settings *settings, const el_options *options, int part)
{
    json_t *result = NULL, *earlier = NULL;
    if (part == NO_PART)
        return no_part(options);
    if (options->operand_count > 1 && PARTS[part].run != bench_tokenize)
        return el_fail(EL_EUSAGE, "\"%s\" is not expected: bench %s takes options only", options->operand[1],
                       PARTS[part].name);
    if (el_dist_size(cli_dist()) > 1 && PARTS[part].run != bench_reduce)
        return el_fail(EL_EUSAGE, "%s: measures one process; run it by electra", PARTS[part].name);
    el_status st = settings->compare ? bench_earlier(&earlier, PARTS[part].name, settings->compare) : EL_OK;
    if (!st)
        st = measure(settings, options, part, &result);
    if (!st && earlier)
        bench_compare(result, earlier, settings->compare);
    if (!st && el_dist_leads(cli_dist()))
        show(result, settings->json);
    json_decref(result);
    json_decref(earlier);
    return st;
}

int cmd_bench(int argc, char **argv)
{
    el_option lines[LINES];
    bench_settings settings;
    const int part = part_of(argc, argv);
    el_options options = options_of(part, lines, &settings);
    int exit_code;
    if (!cli_parse(&options, argc, argv, &exit_code))
        return exit_code;
    exit_code = cli_exit("bench", run(&settings, &options, part));
    el_options_close(&options);
    return exit_code;
}
