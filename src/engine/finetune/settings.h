/* settings - of electra finetune: one table for flags, files, run.json and help */
#ifndef EL_ENGINE_FINETUNE_SETTINGS_H
#define EL_ENGINE_FINETUNE_SETTINGS_H

#include "engine/columns.h"
#include "engine/finetune/trial.h"
#include "engine/machine.h"

enum { FINETUNE_HUGGING_FACE, FINETUNE_ORIGINAL };

typedef struct {
    const char *model, *init_from, *task, *data, *output;
    const char *train_file, *dev_file, *test_file;
    el_column_settings columns;
    el_machine machine;
    /* data */
    double dev_share, low, high;
    int64_t dev_every, dev_last, max_train_examples, max_dev_examples;
    int64_t max_seq_length, max_query_length, doc_stride; /* 0: the task's */
    bool double_unordered;
    int special_tokens;
    int tag_scheme; /* 0: found out */
    /* head */
    int head;
    bool answerable_classifier, segment_one;
    double answerable_weight, dropout;
    int64_t n_best_size, max_answer_length, beam_size;
    /* recipe; 0 where the model's size or the task decides */
    double learning_rate, num_train_epochs, layerwise_lr_decay, weight_decay_rate, warmup_proportion,
        lr_decay_power;
    double adam_beta1, adam_beta2, adam_epsilon, max_grad_norm;
    bool layerwise_as_original, bias_correction, random_start;
    int64_t train_batch_size, micro_batch_tokens, seed;
    /* trials */
    int64_t num_trials, early_stopping, max_restarts, evaluations_per_epoch;
    /* around */
    int64_t save_checkpoints_steps, keep_checkpoint_max, logging_steps, max_skipped_steps;
    double max_time;
    bool json, allow_change, overwrite, tensorboard, check_int8;
} el_finetune_settings;

extern const el_option EL_FINETUNE_TABLE[];
extern const int EL_FINETUNE_LINES;
/* Settings that may differ when a run goes on. */
extern const char *const EL_FINETUNE_FREE[];

el_finetune_settings el_finetune_defaults(void);

/* What was left open, by the paper's table: rates by the model's width, epochs and lengths by the task. */
void el_finetune_derive(el_finetune_settings *settings, const el_options *options, const el_task *task,
                        const el_config *config);

#endif
