/* evaluate - the settings of electra evaluate, and the two things it scores: a pre-trained model on held-out shards, and
 * a fine-tuned one on a labelled file */
#ifndef EL_CLI_EVALUATE_H
#define EL_CLI_EVALUATE_H

#include "engine/columns.h"
#include "engine/machine.h"
#include "engine/pretrain/choice.h"

typedef struct {
    const char *model, *data;
    bool json;
    int64_t micro_batch_tokens;
    el_machine machine;
    /* of a pre-trained model */
    int64_t max_batches;
    int kind; /* an el_objective_kind, or EVALUATE_OWN */
    el_objective_choice choice;
    /* of a fine-tuned one */
    int split, special_tokens;
    bool special_given; /* else as the model was taught */
    const char *file;   /* the operand */
    const char *report;
    int64_t report_mistakes;
    el_column_settings columns;
} evaluate_settings;

enum { EVALUATE_OWN = EL_OBJECTIVES }; /* the objective that the model has networks for */
enum { EVALUATE_DEV, EVALUATE_TEST };  /* split */

/* `options`: which settings were given, where a run's own hold else. */
el_status evaluate_shards(evaluate_settings *settings, el_options *options);
/* `folder`: where the model lies. */
el_status evaluate_task(evaluate_settings *settings, const char *folder);

#endif
