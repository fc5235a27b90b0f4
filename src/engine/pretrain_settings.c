/* pretrain_settings - see the header */
#include "engine/pretrain_settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/weights.h"
#include "train/presets.h"

#define AT(field) offsetof(el_pretrain_settings, field)
#define SECTION(title)                                                                                       \
    {                                                                                                        \
        title, EL_OPT_SECTION, 0, 0, 0, NULL, NULL                                                           \
    }
#define TEXT(name, help)                                                                                     \
    {                                                                                                        \
#name, EL_OPT_TEXT, AT(name), 0, 0, NULL, help                                                       \
    }
#define SWITCH(name, help)                                                                                   \
    {                                                                                                        \
#name, EL_OPT_SWITCH, AT(name), 0, 0, NULL, help                                                     \
    }
#define INT(name, min, max, help)                                                                            \
    {                                                                                                        \
#name, EL_OPT_INT, AT(name), min, max, NULL, help                                                    \
    }
#define REAL(name, min, max, help)                                                                           \
    {                                                                                                        \
#name, EL_OPT_REAL, AT(name), min, max, NULL, help                                                   \
    }
#define COURSE(name, min, max, help)                                                                         \
    {                                                                                                        \
#name, EL_OPT_COURSE, AT(name), min, max, NULL, help                                                 \
    }
#define CHOICE(name, words, help)                                                                            \
    {                                                                                                        \
#name, EL_OPT_CHOICE, AT(name), 0, 0, words, help                                                    \
    }

const el_option EL_PRETRAIN_TABLE[] = {
    TEXT(data, "folder of shards, as electra prepare makes them"),
    TEXT(output, "run folder; the same command again continues a run that was stopped"),
    CHOICE(model_size, EL_PRESET_NAMES,
           "preset for the options below; published, with the mean over GLUE: small (79.9), base (85.1) and "
           "large (89.0) "
           "of the paper, on dev sets, small++ as it was released (79.7, on test sets)"),
    TEXT(eval_data, "folder of held-out shards"),
    TEXT(init_from, "model folder, run or checkpoint whose weights training starts from"),
    SWITCH(dry_run, "estimate time and memory from a trial of a few seconds; writes nothing"),
    SWITCH(overwrite, "start again, and remove what an earlier run left in the run folder"),
    SWITCH(allow_change, "continue a run although a setting that affects the result has changed"),

    SECTION("Steps"),
    INT(train_batch_size, 1, 1 << 20, "examples per step"),
    INT(num_train_steps, 1, 1e9, "number of steps"),
    REAL(flops_budget, 0, 1e30,
         "instead of --num-train-steps: as many steps as this many floating point operations allow, counted "
         "as the products of electra flops; 0: off"),
    REAL(learning_rate, 0, INFINITY, "peak learning rate"),
    INT(num_warmup_steps, 0, 1e9,
        "steps over which the rate rises; by default the preset's, or a tenth of a shorter run"),
    REAL(lr_decay_power, 0, 100, "the rate falls as (1 - step / steps) to this power; 0: constant"),
    INT(schedule_steps, 0, 1e9,
        "steps over which the rate falls to 0; 0: num_train_steps when the run began"),
    REAL(weight_decay_rate, 0, 10, "weight decay of all parameters except LayerNorm and biases"),
    REAL(adam_beta1, 0, 0.9999999, "decay rate of AdamW's first moment"),
    REAL(adam_beta2, 0, 0.9999999, "decay rate of AdamW's second moment"),
    REAL(adam_epsilon, 1e-30, 1, "added to the root of AdamW's second moment"),
    SWITCH(bias_correction, "correct the bias of AdamW's moments; the original does not"),
    REAL(max_grad_norm, 0, INFINITY, "gradients with a larger norm are scaled down to this; 0: never"),
    REAL(generator_learning_rate, 0, INFINITY, "peak learning rate of the generator; 0: learning_rate"),
    REAL(generator_max_grad_norm, 0, INFINITY,
         "the generator's gradients are scaled down to this norm, and max_grad_norm is of the others; 0: one "
         "norm for all"),
    INT(micro_batch_tokens, 1, 1 << 24, "tokens computed at a time: more needs more memory"),
    INT(max_skipped_steps, 1, 1e6,
        "the run fails after this many steps in a row without a finite loss or gradient"),
    INT(seed, 0, 0x1p53, "seed of all random choices"),

    SECTION("Objective"),
    CHOICE(objective, EL_OBJECTIVE_NAMES,
           "what is learned: replaced token detection; BERT's masked language model; detection at the masked "
           "places "
           "alone; a masked language model that sees samples in place of [MASK]; the same of every token, "
           "with a gate that copies; each token from those "
           "before it; "
           "and also from those behind it, by a second network; some tokens in a random order"),
    CHOICE(recipe, "none|roberta",
           "settings of --objective mlm together: RoBERTa's batch (8 times the preset's, for an eighth of "
           "the steps), "
           "rate 5e-4, beta2 0.98, no clipping; for shards that are packed full"),
    TEXT(mask_shares, "shares of predicted tokens that are shown as [MASK], as a random token and as they "
                      "are; 0.85,0,0.15, "
                      "and BERT's 0.8,0.1,0.1 for --objective mlm"),
    SWITCH(electra_objective, "off: --objective mlm --mask-shares 0.85,0,0.15, as in the original"),
    COURSE(mask_prob, 0.001, 0.9,
           "share of tokens that are predicted; X:Y: from X at the first step to Y at the last of "
           "schedule_steps"),
    CHOICE(mask_unit, "piece|word|ngram",
           "what is hidden together: pieces; whole words; one to three words, as in ALBERT"),
    REAL(gen_weight, 0, 1e6, "weight of the generator's loss"),
    REAL(disc_weight, 0, 1e6, "weight of the discriminator's loss"),
    COURSE(temperature, 1e-3, 1e3, "temperature of the generator's samples; X:Y: from X to Y, as mask_prob"),
    REAL(temperature_decay, 0, 100,
         "share of the run over which the temperature comes closer to Y by a factor of e; 0: on a straight "
         "line"),
    SWITCH(disallow_correct, "never sample the original token"),
    CHOICE(generator, "masked|two-tower",
           "what the generator reads: text with masks; or the text in both directions, by two networks "
           "(ELECTRA-TT), as "
           "electric always does"),
    CHOICE(sampler, "network|unigram|uniform",
           "what draws replacements: the generator; the frequency of tokens in the shards; all tokens alike"),
    SWITCH(uniform_generator, "same as --sampler uniform"),
    TEXT(generator_from,
         "model folder or run of a masked language model that draws replacements and is not trained"),
    SWITCH(copy_generator, "two-stage: the discriminator begins with what the generator has learned"),
    SWITCH(duplicate_slots, "draw masked positions with replacement, as the original does"),

    SECTION("Networks"),
    INT(hidden_size, 1, 1 << 14, "width of the discriminator"),
    INT(num_hidden_layers, 1, 512, "layers of the discriminator"),
    INT(num_hidden_groups, 0, 512,
        "layers that are different, each used for as many in a row, in both networks (ALBERT: 1); 0: all "
        "are"),
    INT(num_attention_heads, 1, 512, "attention heads of the discriminator"),
    INT(intermediate_size, 1, 1 << 16, "width inside the discriminator's feed-forward layers"),
    INT(embedding_size, 1, 1 << 14, "width of the embeddings"),
    REAL(generator_hidden_size, 1e-3, 8, "width of the generator as a share of hidden_size"),
    REAL(generator_layers, 1e-3, 8, "layers of the generator as a share of num_hidden_layers"),
    INT(generator_attention_heads, 0, 512, "attention heads of the generator; 0: in proportion to its width"),
    INT(generator_intermediate_size, 0, 1 << 16,
        "width inside the generator's feed-forward layers; 0: in proportion to its width"),
    CHOICE(embeddings, "separate|shared|gdes|all",
           "what the networks share: nothing, embeddings, embeddings without the discriminator's gradient, "
           "everything"),
    INT(max_position_embeddings, 1, 1 << 16, "longest sequence that the model accepts"),
    REAL(dropout, 0, 0.9, "dropout of embeddings and of the outputs of attention and feed-forward"),
    REAL(attention_dropout, 0, 0.9, "dropout of attention probabilities"),
    INT(max_seq_length, 0, 1 << 16, "checked against the shards; 0: not checked"),
    INT(vocab_size, 0, 1 << 24, "checked against the shards; 0: not checked"),

    SECTION("Start"),
    CHOICE(initialisation, "paper|fan_in",
           "initial weights: standard deviation 0.02, or 1 / sqrt(inputs) of each matrix"),
    SWITCH(sine_positions, "position embeddings start as sines and cosines"),
    SWITCH(neighbour_heads, "attention heads of the first layer start by attending to a neighbour"),
    REAL(neighbour_sharpness, 0, 1e3, "how sharply neighbour heads attend"),

    SECTION("Around"),
    INT(save_checkpoints_steps, 0, 1e9, "steps between checkpoints; 0: only at the end"),
    INT(keep_checkpoint_max, 0, 1e6, "newest checkpoints kept; 0: all"),
    INT(eval_steps, 0, 1e9, "steps between evaluations; 0: only at the end"),
    INT(eval_batches, 0, 1e9, "batches of 32 examples per evaluation; 0: all of --eval-data"),
    INT(logging_steps, 1, 1e9, "steps between lines of metrics.jsonl"),
    SWITCH(tensorboard, "also write metrics to an event file for TensorBoard"),
    REAL(max_time, 0, INFINITY, "seconds after which the run saves and stops, as on a signal; 0: no limit"),
    EL_MACHINE_OPTIONS(el_pretrain_settings),
    EL_RANKS_OPTIONS(el_pretrain_settings),

    SECTION("Names of the original, so that its --hparams are accepted"),
    SWITCH(untied_generator, "off: same as --embeddings all"),
    SWITCH(untied_generator_embeddings, "on: same as --embeddings separate"),
    SWITCH(do_lower_case, "checked against the vocabulary of the shards"),
    INT(num_eval_steps, 0, 1e9, "same as --eval-batches"),
    INT(eval_batch_size, 0, 1 << 20, "has no effect: evaluations take 32 examples at a time"),
    INT(iterations_per_loop, 0, 1e9, "has no effect"),
    SWITCH(electric_objective, "on: same as --objective electric"),
    SWITCH(two_tower_generator, "on: same as --generator two-tower"),
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

enum { INITIALISE_PAPER, INITIALISE_FAN_IN };

void el_pretrain_defaults(el_pretrain_settings *s, int model_size)
{
    const el_preset *p = &EL_PRESET[model_size];
    const el_optimizer optimizer = el_optimizer_defaults();
    const el_objective_settings objective = el_objective_defaults();
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
        .mask_prob = {p->mask_prob, p->mask_prob},
        .gen_weight = objective.gen_weight,
        .disc_weight = objective.disc_weight,
        .temperature = objective.temperature,
        .copy_generator = true,
        .initialisation = p->fan_in ? INITIALISE_FAN_IN : INITIALISE_PAPER,
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

/* ---- what follows from what ---- */

static int64_t in_proportion(double whole, double share)
{
    const double size = rint(whole * share);
    return size < 1 ? 1 : (int64_t)size;
}

/* Sizes of a model folder, for lines that were not given. */
static el_status take_sizes(el_pretrain_settings *s, const el_options *options, const el_model_paths *paths)
{
    el_config d = {0}, g = {0};
    el_status st = el_model_read(paths->encoder, false, &d, NULL, NULL);
    const bool generator =
        paths->generator && paths->discriminator; /* a masked model alone is the large network */
    if (!st && generator)
        st = el_model_read(paths->generator, true, &g, NULL, NULL);
    if (st)
        return st;
    const el_config *c = &d;
    const struct {
        const char *name;
        int64_t *place;
        int value;
    } sizes[] = {{"hidden_size", &s->hidden_size, c->hidden_size},
                 {"num_hidden_layers", &s->num_hidden_layers, c->num_hidden_layers},
                 {"num_hidden_groups", &s->num_hidden_groups, c->num_hidden_groups},
                 {"num_attention_heads", &s->num_attention_heads, c->num_attention_heads},
                 {"intermediate_size", &s->intermediate_size, c->intermediate_size},
                 {"embedding_size", &s->embedding_size, c->embedding_size},
                 {"max_position_embeddings", &s->max_position_embeddings, c->max_position_embeddings},
                 {"generator_attention_heads", &s->generator_attention_heads, g.num_attention_heads},
                 {"generator_intermediate_size", &s->generator_intermediate_size, g.intermediate_size}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!el_options_given(options, sizes[i].name))
            *sizes[i].place = sizes[i].value;
    if (generator && !el_options_given(options, "generator_hidden_size"))
        s->generator_hidden_size = (double)g.hidden_size / c->hidden_size;
    if (generator && !el_options_given(options, "generator_layers"))
        s->generator_layers = (double)g.num_hidden_layers / c->num_hidden_layers;
    return EL_OK;
}

/* Whether --init-from names a checkpoint, whose shape is that of its run and has to be given. */
static bool is_checkpoint(const char *folder)
{
    char *path = el_path_join(folder, "state.json");
    const bool found = path && el_file_exists(path);
    free(path);
    return found;
}

static el_status sizes_of_start(el_pretrain_settings *s, const el_options *options)
{
    if (!s->init_from || is_checkpoint(s->init_from))
        return EL_OK;
    el_model_paths paths;
    el_status st = el_model_find(&paths, s->init_from);
    if (st)
        return st;
    st = take_sizes(s, options, &paths);
    el_model_paths_free(&paths);
    return st;
}

/* What the original calls otherwise. */
static el_status translate(el_pretrain_settings *s, const el_options *options)
{
    if (!s->untied_generator)
        s->embeddings = EL_TIE_ALL;
    else if (s->untied_generator_embeddings)
        s->embeddings = EL_TIE_SEPARATE;
    if (el_options_given(options, "num_eval_steps") && !el_options_given(options, "eval_batches"))
        s->eval_batches = s->num_eval_steps;
    return EL_OK;
}

/* What RoBERTa's authors did otherwise than BERT's (Liu et al., 2019; their configuration of the base size), for settings
 * that nobody gave.  Masks are drawn anew at each step here in any case. */
static el_status follow_recipe(el_pretrain_settings *s, const el_options *options)
{
    const el_preset *p = &EL_PRESET[s->model_size];
    if (s->recipe == EL_RECIPE_NONE)
        return EL_OK;
    if (el_options_given(options, "objective") && s->objective != EL_MLM)
        return el_fail(EL_EUSAGE, "--recipe: roberta is --objective mlm, not %s",
                       el_objective_name((el_objective_kind)s->objective));
    s->objective = EL_MLM;
    const int64_t steps = p->steps / 8;
    const struct {
        const char *name;
        int64_t *place, value;
    } whole[] = {{"train_batch_size", &s->train_batch_size, 8 * p->batch},
                 {"num_train_steps", &s->num_train_steps, steps},
                 {"num_warmup_steps", &s->num_warmup_steps, steps * 8 / 100}};
    const struct {
        const char *name;
        double *place, value;
    } real[] = {{"learning_rate", &s->learning_rate, 5e-4},
                {"adam_beta2", &s->adam_beta2, 0.98},
                {"max_grad_norm", &s->max_grad_norm, 0}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (!el_options_given(options, whole[i].name))
            *whole[i].place = whole[i].value;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        if (!el_options_given(options, real[i].name))
            *real[i].place = real[i].value;
    if (!el_options_given(options, "mask_prob"))
        s->mask_prob = (el_course){0.15, 0.15};
    if (!el_options_given(options, "bias_correction"))
        s->bias_correction = true;
    return EL_OK;
}

el_status el_pretrain_settle(el_pretrain_settings *s, const el_options *options)
{
    if (s->electric_objective && el_options_given(options, "objective") && s->objective != EL_ELECTRIC)
        return el_fail(EL_EUSAGE, "--objective: %s is not what --electric-objective is, electric",
                       el_objective_name((el_objective_kind)s->objective));
    if (s->electric_objective) {
        s->objective = EL_ELECTRIC; /* beside which the original says electra_objective false */
        s->electra_objective = true;
    }
    if (s->two_tower_generator || s->objective == EL_ELECTRIC)
        s->generator = EL_GENERATOR_TWO_TOWER;
    const el_status followed = follow_recipe(s, options);
    const bool by_name = s->objective == EL_MLM;
    if (followed)
        return followed;
    if (!s->electra_objective && el_options_given(options, "objective") && !by_name)
        return el_fail(EL_EUSAGE, "--objective: %s is not what --no-electra-objective is, mlm",
                       el_objective_name((el_objective_kind)s->objective));
    if (s->electra_objective && el_options_given(options, "electra_objective") && by_name)
        return el_fail(EL_EUSAGE, "--objective: mlm is not --electra-objective");
    if (s->uniform_generator && !el_options_given(options, "sampler"))
        s->sampler = EL_SAMPLER_UNIFORM;
    if (s->uniform_generator && s->sampler != EL_SAMPLER_UNIFORM)
        return el_fail(EL_EUSAGE, "--uniform-generator: is --sampler uniform, and another one was chosen");
    s->uniform_generator = s->sampler == EL_SAMPLER_UNIFORM;
    s->electra_objective &= !by_name;
    s->objective = s->electra_objective ? s->objective : EL_MLM;
    if (!s->mask_shares)
        s->mask_shares = by_name ? "0.8,0.1,0.1" : "0.85,0,0.15";
    el_mask_shares shares;
    return el_mask_shares_read(&shares, s->mask_shares);
}

/* Settings of a generator beside another network. */
static const char *const OF_A_GENERATOR[] = {"disc_weight",
                                             "temperature",
                                             "temperature_decay",
                                             "disallow_correct",
                                             "sampler",
                                             "uniform_generator",
                                             "generator_from",
                                             "generator",
                                             "generator_learning_rate",
                                             "generator_max_grad_norm",
                                             "generator_hidden_size",
                                             "generator_layers",
                                             "generator_attention_heads",
                                             "generator_intermediate_size",
                                             "embeddings"};

/* Settings of what hides tokens. */
static const char *const OF_MASKS[] = {"mask_prob", "mask_unit", "mask_shares", "duplicate_slots",
                                       "gen_weight"};

/* A setting, and whether it is what is needed. */
typedef struct {
    const char *name;
    bool fits;
} need;

/* Refuses what was given and does not fit; *replaced: something of the preset does not. */
static el_status check_needs(const need *needs, size_t count, const el_options *options, const char *why,
                             bool *replaced)
{
    *replaced = false;
    for (size_t i = 0; i < count; i++) {
        if (!needs[i].fits && el_options_given(options, needs[i].name))
            return el_fail(EL_EUSAGE, "--%s: %s", needs[i].name, why);
        *replaced |= !needs[i].fits;
    }
    return EL_OK;
}

static el_status suit_two_stage(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {{"generator_hidden_size", s->generator_hidden_size == 1},
                          {"generator_layers", s->generator_layers == 1},
                          {"generator_attention_heads", s->generator_attention_heads == 0},
                          {"generator_intermediate_size", s->generator_intermediate_size == 0},
                          {"embeddings", s->embeddings == EL_TIE_SEPARATE},
                          {"sampler", s->sampler == EL_SAMPLER_NETWORK},
                          {"generator_from", !s->generator_from}};
    bool replaced;
    const el_status st = check_needs(
        needs, sizeof needs / sizeof *needs, options,
        "--objective two-stage needs a generator as large as the discriminator, and separate tables",
        &replaced);
    if (st || !replaced)
        return st;
    s->generator_hidden_size = s->generator_layers = 1;
    s->embeddings = EL_TIE_SEPARATE;
    el_log(EL_LOG_NOTE, "two-stage: a generator as large as the discriminator, and separate tables");
    return EL_OK;
}

/* Two towers, which read the discriminator's tables. */
static el_status suit_towers(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {{"objective", s->objective == EL_ELECTRA || s->objective == EL_ELECTRIC},
                          {"embeddings", s->embeddings == EL_TIE_SHARED},
                          {"sampler", s->sampler == EL_SAMPLER_NETWORK},
                          {"generator_from", !s->generator_from},
                          {"mask_shares", !el_options_given(options, "mask_shares")},
                          {"duplicate_slots", !s->duplicate_slots}};
    bool replaced;
    const el_status st =
        check_needs(needs, sizeof needs / sizeof *needs, options,
                    "two towers are a generator of electra or electric that reads the text as it is and "
                    "the discriminator's tables",
                    &replaced);
    if (!st && replaced)
        el_log(EL_LOG_NOTE, "two towers: embeddings are shared");
    s->embeddings = EL_TIE_SHARED;
    return st;
}

/* A generator that is not trained. */
static el_status suit_frozen(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {{"objective", s->objective == EL_ELECTRA || s->objective == EL_ELECTRA_15},
                          {"generator_hidden_size", !el_options_given(options, "generator_hidden_size")},
                          {"generator_layers", !el_options_given(options, "generator_layers")},
                          {"generator_attention_heads", s->generator_attention_heads == 0},
                          {"generator_intermediate_size", s->generator_intermediate_size == 0},
                          {"generator_learning_rate", s->generator_learning_rate == 0},
                          {"generator_max_grad_norm", s->generator_max_grad_norm == 0},
                          {"embeddings", s->embeddings == EL_TIE_SEPARATE},
                          {"sampler", s->sampler == EL_SAMPLER_NETWORK}};
    bool replaced;
    const el_status st =
        check_needs(needs, sizeof needs / sizeof *needs, options,
                    "--generator-from is a generator of electra that is not trained, has its own "
                    "sizes and shares no table",
                    &replaced);
    if (st)
        return st;
    s->embeddings = EL_TIE_SEPARATE;
    el_log(EL_LOG_NOTE, "%s: draws the replacements and is not trained%s", s->generator_from,
           replaced ? "; tables are separate" : "");
    return EL_OK;
}

/* What the objective cannot have: refused where it was given, replaced where the preset says so. */
static el_status suit_objective(el_pretrain_settings *s, const el_options *options)
{
    const char *name = el_objective_name((el_objective_kind)s->objective);
    const el_objective_kind kind = (el_objective_kind)s->objective;
    const bool alone = !el_objective_has_generator(kind) && el_options_given(options, "objective");
    for (size_t i = 0; alone && i < sizeof OF_A_GENERATOR / sizeof *OF_A_GENERATOR; i++)
        if (el_options_given(options, OF_A_GENERATOR[i]))
            return el_fail(EL_EUSAGE, "--%s: --objective %s has no generator beside the large network",
                           OF_A_GENERATOR[i], name);
    for (size_t i = 0; !el_objective_masks(kind) && i < sizeof OF_MASKS / sizeof *OF_MASKS; i++)
        if (el_options_given(options, OF_MASKS[i]))
            return el_fail(EL_EUSAGE, "--%s: --objective %s masks nothing", OF_MASKS[i], name);
    if (alone) {
        s->embeddings = EL_TIE_SEPARATE;
        el_log(EL_LOG_NOTE, "%s: the preset's generator%s and its embeddings have no part in it", name,
               el_objective_masks(kind) ? "" : ", its share of masks");
    }
    if (s->objective == EL_TWO_STAGE)
        return suit_two_stage(s, options);
    if (s->generator == EL_GENERATOR_TWO_TOWER)
        return suit_towers(s, options);
    if (s->generator_from)
        return suit_frozen(s, options);
    if (!el_objective_rewrites(kind))
        return EL_OK;
    if (s->sampler != EL_SAMPLER_NETWORK)
        return el_fail(EL_EUSAGE, "--sampler: --objective %s needs a generator that is a network", name);
    if (s->embeddings == EL_TIE_GDES && el_options_given(options, "embeddings"))
        return el_fail(EL_EUSAGE, "--embeddings: --objective %s predicts by its own table, and gdes has none",
                       name);
    const bool shared = s->embeddings == EL_TIE_GDES, weight = !el_options_given(options, "disc_weight");
    if (shared)
        s->embeddings = EL_TIE_SHARED;
    if (weight)
        s->disc_weight = 1;
    if (shared || weight)
        el_log(EL_LOG_NOTE, "%s:%s%s%s", name, shared ? " embeddings shared, not gdes" : "",
               shared && weight ? ";" : "", weight ? " both losses weigh 1" : "");
    return EL_OK;
}

/* A pattern of the first layer would be that of every layer that it is. */
static el_status suit_groups(el_pretrain_settings *s, const el_options *options)
{
    if (s->num_hidden_groups > s->num_hidden_layers)
        return el_fail(EL_EUSAGE, "--num-hidden-groups: %" PRId64 ", but there are %" PRId64 " layers",
                       s->num_hidden_groups, s->num_hidden_layers);
    if (s->num_hidden_groups == 0 || s->num_hidden_groups == s->num_hidden_layers || !s->neighbour_heads)
        return EL_OK;
    if (el_options_given(options, "neighbour_heads"))
        return el_fail(EL_EUSAGE,
                       "--neighbour-heads: layers are shared, and the first one's pattern would be in all");
    s->neighbour_heads = false;
    el_log(EL_LOG_NOTE, "shared layers: no neighbour heads, which the preset has in its first layer");
    return EL_OK;
}

el_status el_pretrain_derive(el_pretrain_settings *s, const el_options *options)
{
    const bool width_given = el_options_given(options, "hidden_size");
    const el_preset *p = &EL_PRESET[s->model_size];
    if (width_given && !el_options_given(options, "intermediate_size"))
        s->intermediate_size = 4 * s->hidden_size;
    if (width_given && !el_options_given(options, "num_attention_heads"))
        s->num_attention_heads = s->hidden_size / 64 > 1 ? s->hidden_size / 64 : 1;
    if (width_given && p->embedding == p->hidden && !el_options_given(options, "embedding_size"))
        s->embedding_size = s->hidden_size;
    el_status st = translate(s, options);
    if (!st)
        st = suit_groups(s, options);
    if (!st)
        st = suit_objective(s, options);
    return st ? st : sizes_of_start(s, options);
}

void el_pretrain_derive_steps(el_pretrain_settings *s, const el_options *options)
{
    const int64_t steps = s->num_train_steps / (s->objective == EL_TWO_STAGE ? 2 : 1);
    if (!el_options_given(options, "num_warmup_steps") && s->num_warmup_steps > steps / 10)
        s->num_warmup_steps = steps / 10;
    if (s->schedule_steps == 0)
        s->schedule_steps = s->num_train_steps;
}

el_status el_pretrain_cost(const el_pretrain_settings *s, int vocab_size, double length, el_flops_plan *cost)
{
    el_model_plan plan;
    const el_status st = el_pretrain_plan(s, vocab_size, &plan);
    if (!st)
        *cost = el_objective_cost((el_objective_kind)s->objective, &plan,
                                  (s->mask_prob.first + s->mask_prob.last) / 2, length);
    return st;
}

el_status el_pretrain_budget(el_pretrain_settings *s, int vocab_size, double length)
{
    el_flops_plan cost;
    const el_status st = el_pretrain_cost(s, vocab_size, length, &cost);
    if (st)
        return st;
    const double step = el_flops_products_training(&cost) * (double)s->train_batch_size * length;
    const double steps = fmax(1, rint(s->flops_budget / step));
    if (steps > 1e9)
        return el_fail(EL_EUSAGE, "--flops-budget: %g would be %.3g steps, more than 1e9", s->flops_budget,
                       steps);
    s->num_train_steps = (int64_t)steps;
    return EL_OK;
}

/* ---- what the library is told ---- */

/* As many groups as layers are no groups. */
static void share_layers(el_config *c, int64_t groups)
{
    const bool shares = groups > 0 && groups < c->num_hidden_layers;
    c->num_hidden_groups = shares ? (int)groups : 0;
    c->model_type = shares ? EL_MODEL_ALBERT : EL_MODEL_ELECTRA;
}

static el_config discriminator_config(const el_pretrain_settings *s, int vocab_size)
{
    el_config c = el_config_default();
    c.vocab_size = vocab_size;
    c.embedding_size = (int)s->embedding_size;
    c.hidden_size = (int)s->hidden_size;
    c.num_hidden_layers = (int)s->num_hidden_layers;
    c.num_attention_heads = (int)s->num_attention_heads;
    c.intermediate_size = (int)s->intermediate_size;
    c.max_position_embeddings = (int)s->max_position_embeddings;
    c.hidden_dropout_prob = s->dropout;
    c.attention_probs_dropout_prob = s->attention_dropout;
    share_layers(&c, s->num_hidden_groups);
    return c;
}

/* Heads as wide as the discriminator's where the width allows. */
static int generator_heads(const el_pretrain_settings *s, int64_t hidden)
{
    int64_t heads = in_proportion((double)s->num_attention_heads, (double)hidden / (double)s->hidden_size);
    while (hidden % heads != 0)
        heads--;
    return (int)heads;
}

static el_config generator_config(const el_pretrain_settings *s, el_config c)
{
    if (s->frozen_generator)
        return *s->frozen_generator;
    if (s->embeddings == EL_TIE_ALL || s->objective == EL_TWO_STAGE)
        return c;
    const int64_t hidden = in_proportion((double)s->hidden_size, s->generator_hidden_size);
    const int64_t inner =
        in_proportion((double)s->intermediate_size, (double)hidden / (double)s->hidden_size);
    c.hidden_size = (int)hidden;
    c.num_hidden_layers = (int)in_proportion((double)s->num_hidden_layers, s->generator_layers);
    c.num_attention_heads =
        s->generator_attention_heads ? (int)s->generator_attention_heads : generator_heads(s, hidden);
    c.intermediate_size = s->generator_intermediate_size ? (int)s->generator_intermediate_size : (int)inner;
    if (s->embeddings == EL_TIE_SEPARATE)
        c.embedding_size = c.hidden_size;
    share_layers(&c, s->num_hidden_groups);
    return c;
}

static el_sampler sampler_of(const el_pretrain_settings *s)
{
    return s->generator == EL_GENERATOR_TWO_TOWER ? EL_SAMPLER_TWO_TOWERS : (el_sampler)s->sampler;
}

el_status el_pretrain_plan(const el_pretrain_settings *s, int vocab_size, el_model_plan *plan)
{
    const el_config d = discriminator_config(s, vocab_size);
    *plan = el_objective_plan((el_objective_kind)s->objective, sampler_of(s), d, generator_config(s, d),
                              (el_tying)s->embeddings);
    plan->activations = el_machine_type(&s->machine);
    plan->parameters = EL_F32;
    plan->training = true;
    for (int i = 0; s->frozen_generator && i < plan->count; i++)
        plan->networks[i].frozen = strcmp(plan->networks[i].name, EL_GENERATOR) == 0;
    el_status st = EL_OK;
    for (int i = plan->count - 1; !st && i >= 0; i--)
        st = el_config_check(&plan->networks[i].config, plan->networks[i].name);
    return st == EL_EDATA ? EL_EUSAGE : st;
}

el_initialisation el_pretrain_initialisation(const el_pretrain_settings *s)
{
    return (el_initialisation){.fan_in = s->initialisation == INITIALISE_FAN_IN,
                               .sine_positions = s->sine_positions,
                               .neighbour_heads = s->neighbour_heads,
                               .neighbour_sharpness = s->neighbour_sharpness,
                               .seed = (uint64_t)s->seed};
}

el_objective_settings el_pretrain_objective(const el_pretrain_settings *s, int max_seq_length)
{
    el_objective_settings o = el_objective_defaults();
    o.gen_weight = s->gen_weight;
    o.disc_weight = s->disc_weight;
    o.mask_prob = s->mask_prob;
    o.temperature = s->temperature;
    o.temperature_decay = s->temperature_decay;
    o.steps = s->schedule_steps;
    o.mask_unit = (el_mask_unit)s->mask_unit;
    o.sampler = sampler_of(s);
    o.copy_generator = s->copy_generator;
    o.disallow_correct = s->disallow_correct;
    o.duplicate_slots = s->duplicate_slots;
    if (s->mask_shares)
        el_mask_shares_read(&o.shares, s->mask_shares); /* which settle() has checked */
    o.max_seq_length = max_seq_length;
    return o;
}

el_schedule el_pretrain_schedule(const el_pretrain_settings *s)
{
    return (el_schedule){.peak = s->learning_rate,
                         .power = s->lr_decay_power,
                         .warmup = s->num_warmup_steps,
                         .steps = s->schedule_steps,
                         .restart = s->objective == EL_TWO_STAGE ? s->schedule_steps / 2 : 0};
}

el_optimizer el_pretrain_optimizer(const el_pretrain_settings *s)
{
    return (el_optimizer){.beta1 = s->adam_beta1,
                          .beta2 = s->adam_beta2,
                          .epsilon = s->adam_epsilon,
                          .weight_decay = s->weight_decay_rate,
                          .max_norm = s->max_grad_norm,
                          .generator_rate = s->generator_learning_rate > 0 && s->learning_rate > 0
                                                ? s->generator_learning_rate / s->learning_rate
                                                : 1,
                          .generator_max_norm = s->generator_max_grad_norm,
                          .bias_correction = s->bias_correction,
                          .depth_decay = 1};
}
