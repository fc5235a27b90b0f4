/* settings - see the header */
#include "engine/finetune/settings.h"

#include <inttypes.h>

#include "base/log.h"
#include "engine/special.h"

#define AT(field) offsetof(el_finetune_settings, field)
const el_option EL_FINETUNE_TABLE[] = {
    EL_TEXT("model", AT(model), "pre-trained model to start from: a run or a model folder"),
    EL_TEXT("init_from", AT(init_from),
            "instead of --model: a model fine-tuned on another task; its encoder is kept, its head is not"),
    EL_TEXT("task", AT(task), "task to learn; see the list above"),
    EL_TEXT("data", AT(data),
            "folder with files named train, dev (or valid) and test, with any known ending"),
    EL_TEXT(
        "train_file", AT(train_file),
        "training file, instead of the one in --data; label=FILE,label=FILE: one file of texts per class"),
    EL_TEXT("dev_file", AT(dev_file), "dev file, instead of the one in --data"),
    EL_TEXT("test_file", AT(test_file),
            "labelled test file; the best model is scored on it once, at the end"),
    EL_OUTPUT("output", AT(output), "folder for trials, results.json and the best model"),
    EL_SWITCH("json", AT(json), "print results as JSON"),
    EL_COLUMN_OPTIONS(el_finetune_settings),
    EL_SECTION("Data"),
    EL_REAL("dev_share", AT(dev_share), 0.001, 0.9,
            "share of the training examples to hold out if there is no dev file"),
    EL_INT("dev_every", AT(dev_every), 0, 1e9,
           "instead of --dev-share: hold out every N-th example (for spans: article or context); 0: off"),
    EL_INT("dev_last", AT(dev_last), 0, 1e9,
           "instead of --dev-share: hold out the last N examples (for spans: articles or contexts); 0: off"),
    EL_INT("max_train_examples", AT(max_train_examples), 0, 1e9,
           "use N training examples, chosen by the seed; 0: all"),
    EL_INT("max_dev_examples", AT(max_dev_examples), 0, 1e9,
           "use N dev examples, chosen by the seed; 0: all"),
    EL_INT("max_seq_length", AT(max_seq_length), 0, 1 << 14, "tokens per sequence; 0: the task's default"),
    EL_INT("max_query_length", AT(max_query_length), 1, 1 << 14, "tokens per question; longer ones are cut"),
    EL_INT("doc_stride", AT(doc_stride), 1, 1 << 14,
           "tokens from the start of one window of a context to the next"),
    EL_SWITCH("double_unordered", AT(double_unordered),
              "train on both orders of a pair if the task is symmetric"),
    EL_SPECIAL_OPTION(AT(special_tokens)),
    EL_REAL(
        "low", AT(low), 0, 0,
        "regress: the lowest score; not given, or equal to --high: the task's, or that of the training data"),
    EL_REAL("high", AT(high), 0, 0, "regress: the highest score, likewise"),
    EL_CHOICE("tag_scheme", AT(tag_scheme), "auto|plain|iob1|iob2|ioe1|ioe2|iobes|bilou|bmes",
              "how tags are written; auto: found in train and dev together; plain: no entities"),
    EL_SECTION("Head"),
    EL_CHOICE(
        "head", AT(head), "huggingface|original",
        "Hugging Face's (transformers opens the result), or the original's: one affine map for a label, joint "
        "start and end for a span"),
    EL_REAL("dropout", AT(dropout), 0, 0.9, "dropout in the encoder and on the head's input"),
    EL_SWITCH("answerable_classifier", AT(answerable_classifier),
              "original span head: also learn whether a question has an answer"),
    EL_REAL("answerable_weight", AT(answerable_weight), 0, 1e3, "weight of the answerability loss"),
    EL_SWITCH("segment_one", AT(segment_one), "put the words to tag into segment 1, as the original does"),
    EL_INT("n_best_size", AT(n_best_size), 1, 1000, "answers kept per question"),
    EL_INT("max_answer_length", AT(max_answer_length), 1, 1000, "tokens per answer, at most"),
    EL_INT("beam_size", AT(beam_size), 1, 100, "original span head: starts considered, and ends for each"),
    EL_SECTION("Recipe"),
    EL_REAL("learning_rate", AT(learning_rate), 0, 1,
            "peak learning rate; 0: the paper's: 3e-4 up to a width of 512, 1e-4 below 1024, else 5e-5"),
    EL_REAL("num_train_epochs", AT(num_train_epochs), 0, 1e4,
            "passes over the training examples; 0: the task's default"),
    EL_INT("train_batch_size", AT(train_batch_size), 1, 1 << 20, "sequences per step"),
    EL_REAL(
        "layerwise_lr_decay", AT(layerwise_lr_decay), 0, 1,
        "factor of the learning rate from one layer to the one below; 0: the paper's: 0.8, or 0.9 from a width "
        "of 1024; 1: none"),
    EL_SWITCH("layerwise_as_original", AT(layerwise_as_original),
              "use the original's exponents, one higher than the paper's"),
    EL_REAL("weight_decay_rate", AT(weight_decay_rate), 0, 1,
            "weight decay; the paper has none, the original 0.01"),
    EL_REAL("warmup_proportion", AT(warmup_proportion), 0, 1, "share of the steps over which the rate rises"),
    EL_REAL("lr_decay_power", AT(lr_decay_power), 0, 10, "power of the decay to 0; 1: linear, 0: constant"),
    EL_REAL("adam_beta1", AT(adam_beta1), 0, 0.99999, "decay rate of AdamW's first moment"),
    EL_REAL("adam_beta2", AT(adam_beta2), 0, 0.999999, "decay rate of AdamW's second moment"),
    EL_REAL("adam_epsilon", AT(adam_epsilon), 1e-12, 1, "added to the root of AdamW's second moment"),
    EL_REAL("max_grad_norm", AT(max_grad_norm), 0, 1e9,
            "gradients with a larger norm are scaled down to this; 0: never"),
    EL_SWITCH("bias_correction", AT(bias_correction),
              "correct the bias of AdamW's moments; the original does not"),
    EL_SWITCH("random_start", AT(random_start),
              "start from random weights of the model's shape, to see what pre-training is worth"),
    EL_MICRO_BATCH_OPTION(AT(micro_batch_tokens)),
    EL_SECTION("Trials"),
    EL_INT("num_trials", AT(num_trials), 1, 1000, "number of trials, with consecutive seeds"),
    EL_INT("seed", AT(seed), 0, 0, "seed of the first trial: new weights, order, dropout"),
    EL_INT("evaluations_per_epoch", AT(evaluations_per_epoch), 1, 1000,
           "evaluations on the dev split per epoch; the best one's model is kept"),
    EL_INT("early_stopping", AT(early_stopping), 0, 1000,
           "end a trial after N evaluations without a better one; 0: never"),
    EL_INT("max_restarts", AT(max_restarts), 0, 100,
           "how often a trial whose answers are all alike begins again with another seed"),
    EL_SECTION("Run"),
    EL_INT("save_checkpoints_steps", AT(save_checkpoints_steps), 0, 1e9,
           "steps between checkpoints; 0: only when stopped"),
    EL_INT("keep_checkpoint_max", AT(keep_checkpoint_max), 0, 1e6, "newest checkpoints kept; 0: all"),
    EL_INT("logging_steps", AT(logging_steps), 0, 1e9, "steps between lines of metrics.jsonl"),
    EL_INT("max_skipped_steps", AT(max_skipped_steps), 1, 1e6,
           "the run fails after this many steps in a row without a finite loss"),
    EL_SWITCH("check_int8", AT(check_int8),
              "score the finished model on dev once more in fp32 and in int8, and print both"),
    EL_SWITCH("tensorboard", AT(tensorboard), "also write metrics to an event file for TensorBoard"),
    EL_REAL("max_time", AT(max_time), 0, 1e9,
            "seconds of all trials after which it saves and stops; 0: no limit"),
    EL_SWITCH("allow_change", AT(allow_change),
              "continue although a setting that affects the result has changed"),
    EL_SWITCH("overwrite", AT(overwrite),
              "start again, and remove what an earlier run left in the output folder"),
    EL_TRAINING_OPTIONS(el_finetune_settings),
    EL_RANKS_OPTIONS(el_finetune_settings),
};
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
