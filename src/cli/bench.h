/* bench - what the parts of electra bench share
 *
 * A part measures one thing for some seconds and reports a JSON object; the command prints it as it is, or as
 * lines and tables. Times are medians; peak_share is of this machine's own multiply-add peak, measured beforehand.
 */
#ifndef EL_CLI_BENCH_H
#define EL_CLI_BENCH_H

#include "data/loader.h"
#include "engine/machine.h"
#include "engine/pretrain/settings.h"

typedef struct {
    int model_size;
    el_machine machine;
    int64_t batch_size, max_seq_length, micro_batch_tokens, answers;
    double seconds;
    const char *data, *vocab, *compare;
    bool lowercase, strip_accents, json;
} bench_settings;

/* Each makes *result a new object; the device is open and its peak measured, operations a second. */
typedef struct {
    const bench_settings *settings;
    const el_options *options; /* the first operand is the part */
    json_t *measured;          /* the settings, as the result says them */
    el_queue *q;
    el_type type;
    double peak;
} bench_place;

el_status bench_gemm(const bench_place *place, json_t **result);
el_status bench_ops(const bench_place *place, json_t **result);
el_status bench_step(const bench_place *place, json_t **result);
el_status bench_infer(const bench_place *place, json_t **result);
el_status bench_tokenize(const bench_place *place, json_t **result);
el_status bench_reduce(const bench_place *place, json_t **result); /* of ranks */
el_status bench_load(const bench_place *place, json_t **result);

/* EL_EUSAGE where these are more tokens than a batch can have. */
el_status bench_check_batch(int64_t sequences, int64_t length);

/* Repeats run(context) for about `seconds` after one warm-up, at least `least` times and at most BENCH_MOST, and
 * returns the median of their times in seconds. */
enum { BENCH_MOST = 4096 };
typedef el_status bench_run(void *context);
el_status bench_median(double seconds, int least, bench_run *run, void *context, double *median);

/* A rate as a share of the peak; 0 where that is not known. */
static inline double bench_share(double rate, double peak)
{
    return peak > 0 ? rate / peak : 0;
}

/* The median of some numbers, which are put in order. */
double bench_middle(double *values, int count);

/* The shards of --data, or some of random ids, as many pieces as the paper's vocabulary has and every example of
 * max_seq_length, made in a temporary folder that is gone once they are open. */
el_status bench_data_open(el_loader **data, const bench_settings *settings);

/* A preset's networks and a source of batches; in training also what a step needs. */
typedef struct {
    const bench_place *place;
    el_pretrain_settings settings;
    el_loader *data;
    el_model model;
    el_objective *objective;
    el_optimizer optimizer;
    el_batch batch;
    int64_t steps;
} bench_model;

el_status bench_model_open(bench_model *model, const bench_place *place, bool training);
void bench_model_close(bench_model *model);

/* Everything that a step of electra pretrain does but writing files. */
el_status bench_model_train(bench_model *model);

/* The figures of something that takes `seconds` for a whole batch. */
json_t *bench_model_report(const bench_model *model, double flops_per_token, double seconds);

/* An earlier output of a part; EL_EDATA where the file holds something else. */
el_status bench_earlier(json_t **earlier, const char *part, const char *file);

/* Adds to a result, and to each line of its tables, `earlier` and `ratio`: the earlier figures, and how many times
 * as large the new ones are.  Warns where the two were not measured alike. */
void bench_compare(json_t *result, const json_t *earlier, const char *file);

/* A result for people: a figure a line, then tables. */
void bench_print(const json_t *result);

#endif
