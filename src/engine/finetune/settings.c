/* settings - see the header */
#include "engine/finetune/settings.h"

#include <inttypes.h>

#include "base/log.h"
#include "engine/special.h"

#define AT(field) offsetof(el_finetune_settings, field)
const el_option EL_FINETUNE_TABLE[] = {
    {"model", EL_OPT_TEXT, AT(model), 0, 0, NULL, "pre-trained model to start from: a run or a model folder"},
    {"init_from", EL_OPT_TEXT, AT(init_from), 0, 0, NULL,
     "instead of --model: a model fine-tuned on another task; its encoder is kept, its head is not"},
    {"task", EL_OPT_TEXT, AT(task), 0, 0, NULL, "task to learn; see the list above"},
    {"data", EL_OPT_TEXT, AT(data), 0, 0, NULL,
     "folder with files named train, dev (or valid) and test, with any known ending"},
    {"train_file", EL_OPT_TEXT, AT(train_file), 0, 0, NULL,
     "training file, instead of the one in --data; label=FILE,label=FILE: one file of texts per class"},
    {"dev_file", EL_OPT_TEXT, AT(dev_file), 0, 0, NULL, "dev file, instead of the one in --data"},
    {"test_file", EL_OPT_TEXT, AT(test_file), 0, 0, NULL,
     "labelled test file; the best model is scored on it once, at the end"},
    {"output", EL_OPT_OUTPUT, AT(output), 0, 0, NULL, "folder for trials, results.json and the best model"},
    {"json", EL_OPT_SWITCH, AT(json), 0, 0, NULL, "print results as JSON"},
    EL_COLUMN_OPTIONS(el_finetune_settings),
    {"Data", EL_OPT_SECTION, 0, 0, 0, NULL, NULL},
    {"dev_share", EL_OPT_REAL, AT(dev_share), 0.001, 0.9, NULL,
     "share of the training examples to hold out if there is no dev file"},
    {"dev_every", EL_OPT_INT, AT(dev_every), 0, 1e9, NULL,
     "instead of --dev-share: hold out every N-th example (for spans: article or context); 0: off"},
    {"dev_last", EL_OPT_INT, AT(dev_last), 0, 1e9, NULL,
     "instead of --dev-share: hold out the last N examples (for spans: articles or contexts); 0: off"},
    {"max_train_examples", EL_OPT_INT, AT(max_train_examples), 0, 1e9, NULL,
     "use N training examples, chosen by the seed; 0: all"},
    {"max_dev_examples", EL_OPT_INT, AT(max_dev_examples), 0, 1e9, NULL,
     "use N dev examples, chosen by the seed; 0: all"},
    {"max_seq_length", EL_OPT_INT, AT(max_seq_length), 0, 1 << 14, NULL,
     "tokens per sequence; 0: the task's default"},
    {"max_query_length", EL_OPT_INT, AT(max_query_length), 1, 1 << 14, NULL,
     "tokens per question; longer ones are cut"},
    {"doc_stride", EL_OPT_INT, AT(doc_stride), 1, 1 << 14, NULL,
     "tokens from the start of one window of a context to the next"},
    {"double_unordered", EL_OPT_SWITCH, AT(double_unordered), 0, 0, NULL,
     "train on both orders of a pair if the task is symmetric"},
    {"special_tokens", EL_OPT_CHOICE, AT(special_tokens), 0, 0, "plain|tokens", EL_SPECIAL_HELP},
    {"low", EL_OPT_REAL, AT(low), 0, 0, NULL,
     "regress: the lowest score; not given, or equal to --high: the task's, or that of the training data"},
    {"high", EL_OPT_REAL, AT(high), 0, 0, NULL, "regress: the highest score, likewise"},
    {"tag_scheme", EL_OPT_CHOICE, AT(tag_scheme), 0, 0, "auto|plain|iob1|iob2|ioe1|ioe2|iobes|bilou|bmes",
     "how tags are written; auto: found in train and dev together; plain: no entities"},
    {"Head", EL_OPT_SECTION, 0, 0, 0, NULL, NULL},
    {"head", EL_OPT_CHOICE, AT(head), 0, 0, "huggingface|original",
     "Hugging Face's (transformers opens the result), or the original's: one affine map for a label, joint "
     "start and end for a span"},
    {"dropout", EL_OPT_REAL, AT(dropout), 0, 0.9, NULL, "dropout in the encoder and on the head's input"},
    {"answerable_classifier", EL_OPT_SWITCH, AT(answerable_classifier), 0, 0, NULL,
     "original span head: also learn whether a question has an answer"},
    {"answerable_weight", EL_OPT_REAL, AT(answerable_weight), 0, 1e3, NULL,
     "weight of the answerability loss"},
    {"segment_one", EL_OPT_SWITCH, AT(segment_one), 0, 0, NULL,
     "put the words to tag into segment 1, as the original does"},
    {"n_best_size", EL_OPT_INT, AT(n_best_size), 1, 1000, NULL, "answers kept per question"},
    {"max_answer_length", EL_OPT_INT, AT(max_answer_length), 1, 1000, NULL, "tokens per answer, at most"},
    {"beam_size", EL_OPT_INT, AT(beam_size), 1, 100, NULL,
     "original span head: starts considered, and ends for each"},
    {"Recipe", EL_OPT_SECTION, 0, 0, 0, NULL, NULL},
    {"learning_rate", EL_OPT_REAL, AT(learning_rate), 0, 1, NULL,
     "peak learning rate; 0: the paper's: 3e-4 up to a width of 512, 1e-4 below 1024, else 5e-5"},
    {"num_train_epochs", EL_OPT_REAL, AT(num_train_epochs), 0, 1e4, NULL,
     "passes over the training examples; 0: the task's default"},
    {"train_batch_size", EL_OPT_INT, AT(train_batch_size), 1, 1 << 20, NULL, "sequences per step"},
    {"layerwise_lr_decay", EL_OPT_REAL, AT(layerwise_lr_decay), 0, 1, NULL,
     "factor of the learning rate from one layer to the one below; 0: the paper's: 0.8, or 0.9 from a width "
     "of 1024; 1: none"},
    {"layerwise_as_original", EL_OPT_SWITCH, AT(layerwise_as_original), 0, 0, NULL,
     "use the original's exponents, one higher than the paper's"},
    {"weight_decay_rate", EL_OPT_REAL, AT(weight_decay_rate), 0, 1, NULL,
     "weight decay; the paper has none, the original 0.01"},
    {"warmup_proportion", EL_OPT_REAL, AT(warmup_proportion), 0, 1, NULL,
     "share of the steps over which the rate rises"},
    {"lr_decay_power", EL_OPT_REAL, AT(lr_decay_power), 0, 10, NULL,
     "power of the decay to 0; 1: linear, 0: constant"},
    {"adam_beta1", EL_OPT_REAL, AT(adam_beta1), 0, 0.99999, NULL, "decay rate of AdamW's first moment"},
    {"adam_beta2", EL_OPT_REAL, AT(adam_beta2), 0, 0.999999, NULL, "decay rate of AdamW's second moment"},
    {"adam_epsilon", EL_OPT_REAL, AT(adam_epsilon), 1e-12, 1, NULL,
     "added to the root of AdamW's second moment"},
    {"max_grad_norm", EL_OPT_REAL, AT(max_grad_norm), 0, 1e9, NULL,
     "gradients with a larger norm are scaled down to this; 0: never"},
    {"bias_correction", EL_OPT_SWITCH, AT(bias_correction), 0, 0, NULL,
     "correct the bias of AdamW's moments; the original does not"},
    {"random_start", EL_OPT_SWITCH, AT(random_start), 0, 0, NULL,
     "start from random weights of the model's shape, to see what pre-training is worth"},
    {"micro_batch_tokens", EL_OPT_INT, AT(micro_batch_tokens), 1, 1 << 24, NULL,
     "tokens computed at a time: more needs more memory"},
    {"Trials", EL_OPT_SECTION, 0, 0, 0, NULL, NULL},
    {"num_trials", EL_OPT_INT, AT(num_trials), 1, 1000, NULL, "number of trials, with consecutive seeds"},
    {"seed", EL_OPT_INT, AT(seed), 0, 0, NULL, "seed of the first trial: new weights, order, dropout"},
    {"evaluations_per_epoch", EL_OPT_INT, AT(evaluations_per_epoch), 1, 1000, NULL,
     "evaluations on the dev split per epoch; the best one's model is kept"},
    {"early_stopping", EL_OPT_INT, AT(early_stopping), 0, 1000, NULL,
     "end a trial after N evaluations without a better one; 0: never"},
    {"max_restarts", EL_OPT_INT, AT(max_restarts), 0, 100, NULL,
     "how often a trial whose answers are all alike begins again with another seed"},
    {"Run", EL_OPT_SECTION, 0, 0, 0, NULL, NULL},
    {"save_checkpoints_steps", EL_OPT_INT, AT(save_checkpoints_steps), 0, 1e9, NULL,
     "steps between checkpoints; 0: only when stopped"},
    {"keep_checkpoint_max", EL_OPT_INT, AT(keep_checkpoint_max), 0, 1e6, NULL,
     "newest checkpoints kept; 0: all"},
    {"logging_steps", EL_OPT_INT, AT(logging_steps), 0, 1e9, NULL, "steps between lines of metrics.jsonl"},
    {"max_skipped_steps", EL_OPT_INT, AT(max_skipped_steps), 1, 1e6, NULL,
     "the run fails after this many steps in a row without a finite loss"},
    {"check_int8", EL_OPT_SWITCH, AT(check_int8), 0, 0, NULL,
     "score the finished model on dev once more in fp32 and in int8, and print both"},
    {"tensorboard", EL_OPT_SWITCH, AT(tensorboard), 0, 0, NULL,
     "also write metrics to an event file for TensorBoard"},
    {"max_time", EL_OPT_REAL, AT(max_time), 0, 1e9, NULL,
     "seconds of all trials after which it saves and stops; 0: no limit"},
    {"allow_change", EL_OPT_SWITCH, AT(allow_change), 0, 0, NULL,
     "continue although a setting that affects the result has changed"},
    {"overwrite", EL_OPT_SWITCH, AT(overwrite), 0, 0, NULL,
     "start again, and remove what an earlier run left in the output folder"},
    EL_TRAINING_OPTIONS(el_finetune_settings),
    EL_RANKS_OPTIONS(el_finetune_settings),
};
#undef AT
const int EL_FINETUNE_LINES = sizeof EL_FINETUNE_TABLE / sizeof *EL_FINETUNE_TABLE;

const char *const EL_FINETUNE_FREE[] = {"json",
                                        "threads",
                                        "instruction_set",
                                        "device",
                                        "stall_limit",
                                        "max_time",
                                        "tensorboard",
                                        "check_int8",
                                        "allow_change",
                                        "overwrite",
                                        "output",
                                        "num_trials",
                                        "save_checkpoints_steps",
                                        "keep_checkpoint_max",
                                        "max_skipped_steps",
                                        "data",
                                        "train_file",
                                        "dev_file",
                                        "test_file",
                                        "model",
                                        "init_from",
                                        NULL};

el_finetune_settings el_finetune_defaults(void)
{
    return (el_finetune_settings){.dev_share = 0.1,
                                  .max_query_length = 64,
                                  .doc_stride = 128,
                                  .double_unordered = true,
                                  .answerable_classifier = true,
                                  .answerable_weight = 0.5,
                                  .dropout = 0.1,
                                  .n_best_size = 20,
                                  .max_answer_length = 30,
                                  .beam_size = 20,
                                  .special_tokens = EL_SPECIAL_TOKENS,
                                  .warmup_proportion = 0.1,
                                  .lr_decay_power = 1,
                                  .adam_beta1 = 0.9,
                                  .adam_beta2 = 0.999,
                                  .adam_epsilon = 1e-6,
                                  .max_grad_norm = 1,
                                  .train_batch_size = 32,
                                  .micro_batch_tokens = 2048,
                                  .num_trials = 1,
                                  .seed = 1,
                                  .evaluations_per_epoch = 1,
                                  .max_restarts = 2,
                                  .save_checkpoints_steps = 500,
                                  .keep_checkpoint_max = 1,
                                  .logging_steps = 50,
                                  .max_skipped_steps = 20,
                                  .machine = {.stall_limit = EL_STALL_LIMIT}};
}

void el_finetune_derive(el_finetune_settings *s, const el_options *options, const el_task *task,
                        const el_config *config)
{
    if (s->learning_rate == 0)
        s->learning_rate = config->hidden_size <= 512 ? 3e-4 : config->hidden_size < 1024 ? 1e-4 : 5e-5;
    if (s->layerwise_lr_decay == 0)
        s->layerwise_lr_decay = config->hidden_size < 1024 ? 0.8 : 0.9;
    if (s->num_train_epochs == 0)
        s->num_train_epochs = task->epochs;
    if (s->max_seq_length == 0)
        s->max_seq_length = task->max_seq_length;
    if (s->max_seq_length > config->max_position_embeddings) {
        el_log(EL_LOG_WARNING,
               "sequences of %" PRId64 " tokens are longer than the model's %d positions, which are taken",
               s->max_seq_length, config->max_position_embeddings);
        s->max_seq_length = config->max_position_embeddings;
    }
    if (!el_options_given(options, "double_unordered"))
        s->double_unordered = task->double_unordered;
}
