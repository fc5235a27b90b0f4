/* bench_reduce - electra bench reduce: how long ranks take to exchange a step's gradients, beside MPI's own sum */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/bench.h"
#include "cli/ranks.h"
#include "train/presets.h"

/* Numbers of both networks together with the paper's vocabulary, in round figures. */
static const struct {
    int size;
    const char *name;
    size_t numbers;
} GRADIENTS[] = {{EL_SMALL, "small", 14200000}, {EL_BASE, "base", 119400000}, {EL_LARGE, "large", 354600000}};

enum { SIZES = sizeof GRADIENTS / sizeof *GRADIENTS, LEAST = 3, MOST = 400 };

typedef struct {
    el_dist *dist;
    float *region, *room;
    size_t numbers;
} exchange;

static double time_tree(const exchange *e)
{
    char all[e->dist->size], here = 0;
    e->dist->gather(e->dist, &here, 1, all); /* all begin at once */
    const double began = el_now();
    el_dist_sum(e->dist, e->region, e->numbers, e->room);
    return el_now() - began;
}

static double time_theirs(const exchange *e)
{
    char all[e->dist->size], here = 0;
    e->dist->gather(e->dist, &here, 1, all);
    const double began = el_now();
    e->dist->all_reduce(e->dist, e->region, e->numbers);
    return el_now() - began;
}

/* Where the median of some ratios, in order, lies with a probability of 95 %: between two of them, by a count of coin tosses
 * that leaves the fewest to the side. */
static void interval(const double *sorted, int count, double *low, double *high)
{
    const int aside = (int)fmax(0, floor((count - 1.96 * sqrt(count)) / 2));
    *low = sorted[aside];
    *high = sorted[count - 1 - aside];
}

/* In turn, as often as rank 0 finds time for. */
static json_t *measure(const exchange *e, const char *size, double seconds)
{
    double tree[MOST], theirs[MOST], ratios[MOST], low, high;
    time_tree(e);
    int times = (int)fmin(MOST, fmax(LEAST, seconds / 2 / time_tree(e)));
    el_dist_share(e->dist, &times, sizeof times);
    for (int i = 0; i < times; i++) {
        tree[i] = time_tree(e);
        theirs[i] = time_theirs(e);
        ratios[i] = theirs[i] / tree[i];
    }
    const double bytes = (double)e->numbers * sizeof(float), ranks = e->dist->size;
    const double own = bench_middle(tree, times), other = bench_middle(theirs, times);
    const double ratio = bench_middle(ratios, times);
    interval(ratios, times, &low, &high);
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i}", "gradients_of", size, "megabytes",
                     bytes / 1e6, "milliseconds", 1e3 * own, "megabytes_per_second",
                     2 * (ranks - 1) / ranks * bytes / own / 1e6, "all_reduce_milliseconds", 1e3 * other,
                     "times_as_fast", ratio, "times_as_fast_low", low, "times_as_fast_high", high, "times",
                     times);
}

static el_status measure_size(const bench_place *place, int i, json_t *lines)
{
    exchange e = {.dist = cli_dist(), .numbers = GRADIENTS[i].numbers};
    e.region = calloc(e.numbers, sizeof *e.region);
    e.room = calloc(el_dist_room(e.dist), sizeof *e.room);
    const el_status st =
        el_dist_agree(e.dist, e.region && e.room ? EL_OK
                                                 : el_fail(EL_ENOMEM, "no memory for the gradients of %s",
                                                           GRADIENTS[i].name));
    if (!st)
        json_array_append_new(lines, measure(&e, GRADIENTS[i].name, place->settings->seconds / 3));
    free(e.region);
    free(e.room);
    return st;
}

el_status bench_reduce(const bench_place *place, json_t **result)
{
    if (el_dist_size(cli_dist()) == 1)
        return el_fail(
            EL_EUSAGE,
            "reduce: one process has nobody to exchange with: mpirun -np 2 electra-mpi bench reduce");
    if (cli_dist()->size & (cli_dist()->size - 1))
        return el_fail(EL_EUSAGE, "reduce: %d ranks are no power of two", cli_dist()->size);
    const bool one = el_options_given(place->options, "model_size");
    bool asked[SIZES], any = false;
    for (int i = 0; i < SIZES; i++)
        any |= asked[i] = !one || place->settings->model_size == GRADIENTS[i].size;
    if (!any)
        return el_options_refuse("model_size", "reduce knows the gradients of small, base and large alone");
    json_t *lines = json_array();
    el_status st = el_dist_agree(cli_dist(), lines ? EL_OK : el_no_memory(NULL));
    for (int i = 0; !st && i < SIZES; i++)
        if (asked[i])
            st = measure_size(place, i, lines);
    *result = json_pack("{s:i, s:o}", "ranks", cli_dist()->size, "exchanges", lines);
    return st;
}
