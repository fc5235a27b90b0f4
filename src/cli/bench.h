/* bench - what the parts of electra bench share
 *
 * A part measures one thing for some seconds and reports a JSON object; the command prints it as it is, or as
 * lines. Times are medians; peak_share is of this machine's own multiply-add peak, measured beforehand.
 */
#ifndef EL_CLI_BENCH_H
#define EL_CLI_BENCH_H

#include "cli/machine.h"

typedef struct {
    int model_size;
    cli_machine machine;
    int64_t batch_size, max_seq_length, micro_batch_tokens;
    double seconds;
    bool json;
} bench_settings;

/* Each makes *result a new object; the device is open and its peak measured, operations a second. */
typedef struct {
    const bench_settings *settings;
    el_device *dev;
    el_type type;
    double peak;
} bench_place;

el_status bench_gemm(const bench_place *place, json_t **result);
el_status bench_step(const bench_place *place, json_t **result);
el_status bench_infer(const bench_place *place, json_t **result);

/* Repeats run(context) for about `seconds` after one warm-up, at least `least` times, and returns the median
 * of their times in seconds. */
typedef el_status bench_run(void *context);
el_status bench_median(double seconds, int least, bench_run *run, void *context, double *median);

#endif
