/* family - what a learner leaves to the kinds of task; private to task/
 *
 * classify.c (classify, regress, multilabel) and tag.c have a row of logits for each example or word, and share rows.c;
 * span.c has candidates.  What a head reads of a sequence is called its reads: rows or candidates.
 */
#ifndef EL_TASK_FAMILY_H
#define EL_TASK_FAMILY_H

#include "task/learn/answers.h"
#include "task/learn/halves.h"
#include "task/learn/learner.h"
#include "train/feed.h"

/* Sequences of the batch that one accumulate() handles. */
typedef struct {
    int first, last;
    int first_row;
    bool training;
} el_range;

typedef struct {
    el_status (*open)(el_learner *l); /* sizes, names of figures, host memory */
    void (*lay_out)(el_learner *l);   /* device memory; twice, as arenas are */
    void (*close)(el_learner *l);
    int (*reads)(const el_learner *l, int feature);
    int (*targets)(const el_learner *l, int feature); /* how many of its losses count */
    /* What the head reads and should say, for rows.c: rows of the sequence; a target (multilabel: for each label) or a
     * value for each. */
    void (*put)(const el_learner *l, int feature, int *rows, int *targets, float *values);
    /* Of two networks: rows[i] is the row of the second that stands beside row i of the sequence; it begins as the same
     * token's.  NULL: and stays so. */
    void (*pair)(const el_learner *l, int feature, int *rows);
    el_status (*reserve)(el_learner *l, int sequences, int reads); /* room to keep so many more answers */
    void (*forget)(el_learner *l);
    /* Head forward, and backward into dhidden in training; else answers are kept.  The sum of losses. */
    double (*pass)(el_learner *l, const el_range *range, el_tensor hidden, el_tensor dhidden);
    el_status (*answer)(el_learner *l);                /* fills the predictions from what passes kept */
    el_status (*score)(el_learner *l, double *values); /* metrics of the predictions; values[0] is the loss */
} el_family;

extern const el_family el_classify_family, el_tag_family, el_span_family;

/* rows.c */
typedef struct {
    int width;     /* targets a row: labels of multilabel, else 1 */
    int *rows;     /* device: which rows are read */
    int *targets;  /* device; of regression and sets of labels: */
    float *values; /* device */
    el_head_saved saved;
    el_tensor losses; /* (reads * width, 1) */
    int *host_rows, *host_targets;
    float *host_values;
    el_tensor host_losses, host_logits; /* in the type of parameters */
    float *kept;                        /* logits of every row since reset, in the order of `seen` */
    size_t kept_count, kept_room;
} el_rows;

el_status el_rows_open(el_learner *l);
void el_rows_lay_out(el_learner *l);
void el_rows_close(el_learner *l);
el_status el_rows_reserve(el_learner *l, int sequences, int reads);
void el_rows_forget(el_learner *l);
double el_rows_pass(el_learner *l, const el_range *range, el_tensor hidden, el_tensor dhidden);

/* softmax of a row of logits, and its largest. */
int el_softmax(const float *logits, int count, float *probabilities);

/* span.c */
typedef struct {
    double null_score;
    int first, count; /* answers found in it */
} el_window;

typedef struct {
    el_span_saved *saved;
    int *candidates, *starts, *start, *end, *impossible; /* host; of a pass */
    double *losses;
    el_span_guess *guesses;
    float *null_scores;
    el_window *kept;       /* beside `seen` */
    el_scored_span *found; /* answers of each, a window's behind the other's */
    int kept_count, found_count;
    size_t kept_room, found_room;
} el_windows;

/* Predictions and what they point to. */
typedef struct {
    bool made;
    el_prediction *items;
    int count;
    float *probabilities;
    int *tags;
    el_span_answer *spans;
    char *text;
} el_predictions;

struct el_learner {
    el_objective base;
    const el_family *family;
    el_learner_settings settings;
    const el_features *features;
    const el_split *splits;
    int split_count;
    const char *const *names; /* of figures */
    int figures;
    /* room for one accumulate() */
    int rows, reads, sequences; /* no sequence has more reads than rows */
    el_arena arena;
    el_feed feed;
    el_encoder_saved encoder;
    el_tensor dhidden;
    el_halves halves;
    el_rows row_head;
    el_windows windows;
    /* the step */
    const el_batch *batch;
    el_batch limited; /* of a causal network: what batch points to */
    el_random random;
    int *starts; /* sequences + 1: the reads of each sequence */
    size_t start_room;
    double scale; /* one by the batch's targets */
    /* since reset */
    double loss, targets; /* sums */
    bool trained;
    int *seen; /* features asked, in their order */
    int seen_count;
    size_t seen_room;
    el_predictions predictions;
};

/* The head of the task. */
static inline const el_head *el_learner_head(const el_learner *l)
{
    return &l->base.model->networks[0].heads[0];
}

/* Whether it reads two networks. */
static inline bool el_learner_joins(const el_learner *l)
{
    return el_learner_head(l)->config.joined;
}

static inline void el_swap_rows(int *rows, int a, int b)
{
    const int row = rows[a];
    rows[a] = rows[b];
    rows[b] = row;
}

const el_dataset *el_learner_dataset(const el_learner *l, int feature);
const el_labelled *el_learner_example(const el_learner *l, int feature);
/* Of numbers, how far it is from low to high: 0 to 1 for the network; else 1. */
double el_learner_range(const el_learner *l);
/* The place in `seen` behind the last window of the example whose windows begin at `first`. */
int el_learner_windows(const el_learner *l, int first);
/* Room for `need` of them in all, of `bytes` bytes each. */
el_status el_learner_grow(void *items, size_t *room, size_t need, size_t bytes);
/* Memory for answers; calloc'ed, at least one byte. */
el_status el_learner_take(void **items, size_t count, size_t bytes);

#endif
