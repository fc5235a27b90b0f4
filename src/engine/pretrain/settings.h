/* settings - of electra pretrain: one table for flags, files, run.json and help */
#ifndef EL_ENGINE_PRETRAIN_SETTINGS_H
#define EL_ENGINE_PRETRAIN_SETTINGS_H

#include "engine/machine.h"
#include "engine/pretrain/choice.h"
#include "model/initialise.h"
#include "objective/flops.h"
#include "train/trainer.h"

typedef struct {
    const char *data, *eval_data, *output, *init_from;
    int model_size;
    el_machine machine;
    /* shape */
    int64_t hidden_size, num_hidden_layers, num_hidden_groups, num_attention_heads, intermediate_size,
        embedding_size;
    int64_t max_position_embeddings, generator_attention_heads, generator_intermediate_size;
    double generator_hidden_size, generator_layers, dropout, attention_dropout;
    int embeddings;
    int64_t max_seq_length, vocab_size; /* 0: the shards' */
    /* objective */
    int objective, recipe;
    el_objective_choice choice;
    const char *generator_from;
    const el_config *frozen_generator; /* of generator_from, once it was looked at; no line of the table */
    /* What they begin with, for what no line says; NULL: defaults. */
    const el_config *start, *start_generator;
    /* FLOPs are those of attention over examples of the mean length, as earlier versions counted; no line either. */
    bool counts_examples;
    bool electra_objective;
    /* start */
    int initialisation;
    bool sine_positions, neighbour_heads;
    double neighbour_sharpness;
    int64_t seed;
    /* optimizer */
    int64_t train_batch_size, num_train_steps, schedule_steps, num_warmup_steps, micro_batch_tokens;
    double flops_budget, learning_rate, lr_decay_power, weight_decay_rate, adam_beta1, adam_beta2,
        adam_epsilon, max_grad_norm, generator_learning_rate, generator_max_grad_norm;
    bool bias_correction;
    /* around */
    int64_t save_checkpoints_steps, keep_checkpoint_max, eval_steps, eval_batches, logging_steps,
        max_skipped_steps;
    double max_time;
    bool tensorboard;
    bool allow_change, overwrite, dry_run;
    /* names of the original that mean something else here, or nothing */
    bool untied_generator, untied_generator_embeddings, do_lower_case, electric_objective,
        two_tower_generator;
    int64_t num_eval_steps, eval_batch_size, iterations_per_loop;
} el_pretrain_settings;

enum { EL_RECIPE_NONE, EL_RECIPE_ROBERTA, EL_RECIPE_ALBERT }; /* recipe */
enum { EL_INITIALISE_PAPER, EL_INITIALISE_FAN_IN };           /* initialisation */

extern const el_option EL_PRETRAIN_TABLE[];
extern const int EL_PRETRAIN_LINES;
/* Settings that may differ when a run goes on. */
extern const char *const EL_PRETRAIN_FREE[];

/* Everything that a preset says, and the defaults of what it does not. */
void el_pretrain_defaults(el_pretrain_settings *settings, int model_size);

/* Which objective it is, and its mask shares where nobody gave them; EL_EUSAGE where what was given contradicts itself.
 * To be called before all of what follows, of a new run and of one that goes on. */
el_status el_pretrain_settle(el_pretrain_settings *settings, const el_options *options, bool resuming);

/* Sizes that follow from others where nobody gave them; those of --init-from's folder where there is one. */
el_status el_pretrain_derive(el_pretrain_settings *settings, const el_options *options);

/* What the objective, its sampler and its networks cannot have: refused where it was given, replaced where the preset says so,
 * which is said once all of them suit. */
el_status el_pretrain_suit(el_pretrain_settings *settings, const el_options *options);

/* EL_EUSAGE where a setting has no part in an objective with this sampler. */
el_status el_pretrain_check_part(const char *name, el_objective_kind kind, el_sampler sampler);

/* EL_EUSAGE where the shards in `folder` are not what a recipe or a sentence task needs: full examples, examples of two
 * segments. */
el_status el_pretrain_check_shards(const el_pretrain_settings *settings, const char *folder, bool packed_full,
                                   bool pairs);

/* Positions for the examples that are trained on, of up to `longest` tokens, where nobody gave their number.  Before derive(). */
void el_pretrain_take_length(el_pretrain_settings *settings, const el_options *options, int longest);
/* EL_EUSAGE where examples of the shards in `folder`, which are trained on or `heldout`, are longer than that.
 * After derive(). */
el_status el_pretrain_check_length(const el_pretrain_settings *settings, const char *folder, int longest,
                                   bool heldout);
/* The shape of the generator in a folder of --generator-from, and says that it is taken; EL_EUSAGE where it holds no masked
 * language model. */
el_status el_pretrain_read_frozen(const char *folder, el_config *config);

/* What a token costs that attends among `attended` tokens. */
el_status el_pretrain_cost(const el_pretrain_settings *settings, int vocab_size, double attended,
                           el_flops_plan *cost);
/* Whether a step may cost another number of FLOPs than the one before it: what is counted is the mean of a whole schedule. */
bool el_pretrain_cost_changes(const el_pretrain_settings *settings, int vocab_size);
/* Steps whose products come nearest to flops_budget, in examples of `tokens` tokens; EL_EUSAGE where those are none. */
el_status el_pretrain_budget(el_pretrain_settings *settings, int vocab_size, double attended, double tokens);
/* Warm-up and schedule, where nobody gave them, by the number of steps; EL_EUSAGE where they are too few for the objective. */
el_status el_pretrain_derive_steps(el_pretrain_settings *settings, const el_options *options);

/* Steps of a run of two stages in which its discriminator learns at all; 0: all networks do from the first step on. */
int64_t el_pretrain_least_steps(const el_pretrain_settings *settings);

/* What the library's parts are told. */
el_status el_pretrain_plan(const el_pretrain_settings *settings, int vocab_size, el_model_plan *plan);
el_initialisation el_pretrain_initialisation(const el_pretrain_settings *settings);
el_objective_settings el_pretrain_objective(const el_pretrain_settings *settings, int max_seq_length);
el_schedule el_pretrain_schedule(const el_pretrain_settings *settings);
el_optimizer el_pretrain_optimizer(const el_pretrain_settings *settings);

#endif
