/* settings - see the header */
#include "engine/pretrain/settings.h"

#include <math.h>

#include "train/presets.h"

#define AT(field) offsetof(el_pretrain_settings, field)
const el_option EL_PRETRAIN_TABLE[] = {
    EL_TEXT("data", AT(data), "folder of shards, as electra prepare makes them"),
    EL_OUTPUT("output", AT(output), "run folder; the same command again continues a run that was stopped"),
    EL_CHOICE(
        "model_size", AT(model_size), EL_PRESET_NAMES,
        "preset for the options below; published, with the mean over GLUE: small (79.9), base (85.1) and "
        "large (89.0) of the paper, on dev sets, small++ as it was released (79.7, on test sets)"),
    EL_TEXT("eval_data", AT(eval_data), "folder of held-out shards"),
    EL_TEXT("init_from", AT(init_from), "model folder, run or checkpoint whose weights training starts from"),
    EL_SWITCH("dry_run", AT(dry_run),
              "estimate time and memory from a trial of a few seconds; writes nothing"),
    EL_SWITCH("overwrite", AT(overwrite),
              "start again, and remove what an earlier run left in the run folder"),
    EL_SWITCH("allow_change", AT(allow_change),
              "continue a run although a setting that affects the result has changed"),

    EL_SECTION("Steps"),
    EL_INT("train_batch_size", AT(train_batch_size), 1, 1 << 20, "examples per step"),
    EL_INT("num_train_steps", AT(num_train_steps), 1, 1e9, "number of steps"),
    EL_REAL("flops_budget", AT(flops_budget), 0, 1e30,
            "instead of --num-train-steps: the number of steps that is nearest to so many floating point "
            "operations, counted as the products of electra flops; 0: off"),
    EL_REAL("learning_rate", AT(learning_rate), 0, INFINITY, "peak learning rate"),
    EL_INT("num_warmup_steps", AT(num_warmup_steps), 0, 1e9,
           "steps over which the rate rises; by default the preset's, or a tenth of a shorter run"),
    EL_REAL("lr_decay_power", AT(lr_decay_power), 0, 100,
            "the rate falls as (1 - step / steps) to this power; 0: constant"),
    EL_INT("schedule_steps", AT(schedule_steps), 0, 1e9,
           "steps over which the rate falls; behind them it stays as it is; 0: num_train_steps when the run "
           "began"),
    EL_REAL("weight_decay_rate", AT(weight_decay_rate), 0, 10,
            "weight decay of all parameters except LayerNorm and biases"),
    EL_REAL("adam_beta1", AT(adam_beta1), 0, 0.9999999, "decay rate of AdamW's first moment"),
    EL_REAL("adam_beta2", AT(adam_beta2), 0, 0.9999999, "decay rate of AdamW's second moment"),
    EL_REAL("adam_epsilon", AT(adam_epsilon), 1e-30, 1, "added to the root of AdamW's second moment"),
    EL_SWITCH("bias_correction", AT(bias_correction),
              "correct the bias of AdamW's moments; the original does not"),
    EL_REAL("max_grad_norm", AT(max_grad_norm), 0, INFINITY,
            "gradients with a larger norm are scaled down to this; 0: never"),
    EL_REAL("generator_learning_rate", AT(generator_learning_rate), 0, INFINITY,
            "peak learning rate of the generator; 0: learning_rate"),
    EL_REAL(
        "generator_max_grad_norm", AT(generator_max_grad_norm), 0, INFINITY,
        "the generator's gradients are scaled down to this norm, and max_grad_norm is of the others; 0: one "
        "norm for all"),
    EL_MICRO_BATCH_OPTION(AT(micro_batch_tokens)),
    EL_INT("max_skipped_steps", AT(max_skipped_steps), 1, 1e6,
           "the run fails after this many steps in a row without a finite loss or gradient"),
    EL_INT("seed", AT(seed), 0, 0x1p53, "seed of all random choices"),

    EL_SECTION("Objective"),
    EL_CHOICE(
        "objective", AT(objective), EL_OBJECTIVE_NAMES,
        "what is learned: replaced token detection; BERT's masked language model; detection at the masked "
        "places alone; a masked language model that sees samples in place of [MASK]; the same of every "
        "token, with a gate that copies; each token from those before it; and also from those behind it, "
        "by a second network; some tokens in a random order; spans in a random order, by a network that "
        "attends by distances"),
    EL_CHOICE("recipe", AT(recipe), "none|roberta|albert",
              "settings of --objective mlm together: RoBERTa's batch (8 times the preset's, for an eighth of "
              "the steps), rate 5e-4, beta2 0.98, no clipping, for shards that are packed full; ALBERT's one "
              "shared layer, n-grams and order of sentences"),
    EL_OBJECTIVE_OPTIONS(el_pretrain_settings),
    EL_TEXT(
        "mask_shares", AT(choice.mask_shares),
        "shares of predicted tokens that are shown as [MASK], as a random token and as they are; 0.85,0,0.15, "
        "and BERT's 0.8,0.1,0.1 for --objective mlm"),
    EL_SWITCH("electra_objective", AT(electra_objective),
              "off: --objective mlm --mask-shares 0.85,0,0.15, as in the original"),
    EL_TEXT("generator_from", AT(generator_from),
            "model folder or run of a masked language model that draws replacements and is not trained"),
    EL_SWITCH("copy_generator", AT(choice.told.copy_generator),
              "two-stage: the discriminator begins with what the generator has learned"),

    EL_SECTION("Networks"),
    EL_INT("hidden_size", AT(hidden_size), 1, 1 << 14, "width of the discriminator"),
    EL_INT("num_hidden_layers", AT(num_hidden_layers), 1, 512, "layers of the discriminator"),
    EL_INT("num_hidden_groups", AT(num_hidden_groups), 0, 512,
           "layers that are different, each used for as many in a row, in both networks (ALBERT: 1); 0: all "
           "are"),
    EL_INT("num_attention_heads", AT(num_attention_heads), 1, 512, "attention heads of the discriminator"),
    EL_INT("intermediate_size", AT(intermediate_size), 1, 1 << 16,
           "width inside the discriminator's feed-forward layers"),
    EL_INT("embedding_size", AT(embedding_size), 1, 1 << 14, "width of the embeddings"),
    EL_REAL("generator_hidden_size", AT(generator_hidden_size), 1e-3, 8,
            "width of the generator as a share of hidden_size"),
    EL_REAL("generator_layers", AT(generator_layers), 1e-3, 8,
            "layers of the generator as a share of num_hidden_layers"),
    EL_INT("generator_attention_heads", AT(generator_attention_heads), 0, 512,
           "attention heads of the generator; 0: in proportion to its width"),
    EL_INT("generator_intermediate_size", AT(generator_intermediate_size), 0, 1 << 16,
           "width inside the generator's feed-forward layers; 0: in proportion to its width"),
    EL_CHOICE(
        "embeddings", AT(embeddings), "separate|shared|gdes|all",
        "what the networks share: nothing, embeddings, embeddings without the discriminator's gradient, "
        "everything"),
    EL_INT("max_position_embeddings", AT(max_position_embeddings), 1, 1 << 16,
           "longest sequence that the model accepts"),
    EL_REAL("dropout", AT(dropout), 0, 0.9,
            "dropout of embeddings and of the outputs of attention and feed-forward"),
    EL_REAL("attention_dropout", AT(attention_dropout), 0, 0.9, "dropout of attention probabilities"),
    EL_INT("max_seq_length", AT(max_seq_length), 0, 1 << 16, "checked against the shards; 0: not checked"),
    EL_INT("vocab_size", AT(vocab_size), 0, 1 << 24, "checked against the shards; 0: not checked"),

    EL_SECTION("Start"),
    EL_CHOICE("initialisation", AT(initialisation), "paper|fan_in",
              "initial weights: standard deviation 0.02, or 1 / sqrt(inputs) of each matrix"),
    EL_SWITCH("sine_positions", AT(sine_positions), "position embeddings start as sines and cosines"),
    EL_SWITCH("neighbour_heads", AT(neighbour_heads),
              "attention heads of the first layer start by attending to a neighbour"),
    EL_REAL("neighbour_sharpness", AT(neighbour_sharpness), 0, 1e3, "how sharply neighbour heads attend"),

    EL_SECTION("Around"),
    EL_INT("save_checkpoints_steps", AT(save_checkpoints_steps), 0, 1e9,
           "steps between checkpoints; 0: only at the end"),
    EL_INT("keep_checkpoint_max", AT(keep_checkpoint_max), 0, 1e6, "newest checkpoints kept; 0: all"),
    EL_INT("eval_steps", AT(eval_steps), 0, 1e9, "steps between evaluations; 0: only at the end"),
    EL_INT("eval_batches", AT(eval_batches), 0, 1e9,
           "batches of 32 examples per evaluation; 0: all of --eval-data"),
    EL_INT("logging_steps", AT(logging_steps), 1, 1e9, "steps between lines of metrics.jsonl"),
    EL_SWITCH("tensorboard", AT(tensorboard), "also write metrics to an event file for TensorBoard"),
    EL_REAL("max_time", AT(max_time), 0, INFINITY,
            "seconds after which the run saves and stops, as on a signal; 0: no limit"),
    EL_TRAINING_OPTIONS(el_pretrain_settings),
    EL_RANKS_OPTIONS(el_pretrain_settings),

    EL_SECTION("Names of the original, so that its --hparams are accepted"),
    EL_SWITCH("untied_generator", AT(untied_generator), "off: same as --embeddings all"),
    EL_SWITCH("untied_generator_embeddings", AT(untied_generator_embeddings),
              "on: same as --embeddings separate"),
    EL_SWITCH("do_lower_case", AT(do_lower_case), "checked against the vocabulary of the shards"),
    EL_INT("num_eval_steps", AT(num_eval_steps), 0, 1e9, "same as --eval-batches"),
    EL_INT("eval_batch_size", AT(eval_batch_size), 0, 1 << 20,
           "has no effect: evaluations take 32 examples at a time"),
    EL_INT("iterations_per_loop", AT(iterations_per_loop), 0, 1e9, "has no effect"),
    EL_SWITCH("electric_objective", AT(electric_objective), "on: same as --objective electric"),
    EL_SWITCH("two_tower_generator", AT(two_tower_generator), "on: same as --generator two-tower"),
};
const int EL_PRETRAIN_LINES = sizeof EL_PRETRAIN_TABLE / sizeof *EL_PRETRAIN_TABLE;

/* data is compared by its contents; the processor's kernels are another machine's right. */
const char *const EL_PRETRAIN_FREE[] = {"data",
                                        "eval_data",
                                        "output",
                                        "dry_run",
                                        "allow_change",
                                        "overwrite",
                                        "max_skipped_steps",
                                        "flops_budget", /* num_train_steps is looked at in its place */
                                        "threads",
                                        "instruction_set",
                                        "device",
                                        "stall_limit",
                                        "save_checkpoints_steps",
                                        "keep_checkpoint_max",
                                        "eval_steps",
                                        "eval_batches",
                                        "logging_steps",
                                        "max_time",
                                        "tensorboard",
                                        "max_seq_length",
                                        "vocab_size",
                                        "do_lower_case",
                                        "num_eval_steps",
                                        "eval_batch_size",
                                        "iterations_per_loop",
                                        NULL};

void el_pretrain_defaults(el_pretrain_settings *s, int model_size)
{
    const el_preset *p = &EL_PRESET[model_size];
    const el_optimizer optimizer = el_optimizer_defaults();
    el_objective_settings objective = el_objective_defaults();
    objective.mask_prob = (el_course){p->mask_prob, p->mask_prob};
    *s = (el_pretrain_settings){
        .model_size = model_size,
        .hidden_size = p->hidden,
        .num_hidden_layers = p->layers,
        .num_attention_heads = p->heads,
        .intermediate_size = p->intermediate,
        .embedding_size = p->embedding,
        .max_position_embeddings = 512,
        .generator_hidden_size = p->generator_hidden,
        .generator_layers = p->generator_layers,
        .dropout = p->dropout,
        .attention_dropout = p->attention_dropout,
        .embeddings = (int)p->tying,
        .objective = EL_ELECTRA,
        .electra_objective = true,
        .choice = {.told = objective},
        .initialisation = p->fan_in ? EL_INITIALISE_FAN_IN : EL_INITIALISE_PAPER,
        .sine_positions = p->sine_positions,
        .neighbour_heads = p->neighbour_heads,
        .neighbour_sharpness = p->neighbour_sharpness,
        .seed = 1,
        .train_batch_size = p->batch,
        .num_train_steps = p->steps,
        .num_warmup_steps = p->warmup,
        .micro_batch_tokens = 2048,
        .learning_rate = p->learning_rate,
        .lr_decay_power = 1,
        .weight_decay_rate = optimizer.weight_decay,
        .adam_beta1 = optimizer.beta1,
        .adam_beta2 = p->beta2,
        .adam_epsilon = optimizer.epsilon,
        .max_grad_norm = optimizer.max_norm,
        .save_checkpoints_steps = 1000,
        .keep_checkpoint_max = 5,
        .eval_steps = 1000,
        .eval_batches = 100,
        .logging_steps = 100,
        .max_skipped_steps = 5,
        .machine = {.stall_limit = EL_STALL_LIMIT},
        .untied_generator = true,
        .do_lower_case = true,
    };
}
