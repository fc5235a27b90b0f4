/* pretrain_derive - what follows from the settings that were given: sizes, what an objective needs, what old names mean */
#include "engine/pretrain_settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/weights.h"
#include "train/presets.h"

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
static void follow_roberta(el_pretrain_settings *s, const el_options *options)
{
    const el_preset *p = &EL_PRESET[s->model_size];
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
}

/* ALBERT's network and objective (Lan et al., 2020); its optimizer, LAMB, is for batches of thousands. */
static void follow_albert(el_pretrain_settings *s, const el_options *options)
{
    if (!el_options_given(options, "num_hidden_groups"))
        s->num_hidden_groups = 1;
    if (!el_options_given(options, "sentence_task"))
        s->sentence_task = EL_SENTENCES_SOP;
    if (!el_options_given(options, "mask_unit"))
        s->mask_unit = EL_MASK_NGRAM;
    if (!el_options_given(options, "mask_prob"))
        s->mask_prob = (el_course){0.15, 0.15};
}

static el_status follow_recipe(el_pretrain_settings *s, const el_options *options)
{
    if (s->recipe == EL_RECIPE_NONE)
        return EL_OK;
    if (el_options_given(options, "objective") && s->objective != EL_MLM)
        return el_fail(EL_EUSAGE, "--recipe: %s is --objective mlm, not %s",
                       s->recipe == EL_RECIPE_ALBERT ? "albert" : "roberta",
                       el_objective_name((el_objective_kind)s->objective));
    s->objective = EL_MLM;
    (s->recipe == EL_RECIPE_ALBERT ? follow_albert : follow_roberta)(s, options);
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
    if (s->sentence_task != EL_SENTENCES_NONE && s->objective != EL_MLM)
        return el_fail(EL_EUSAGE, "--sentence-task: is asked beside --objective mlm, not %s",
                       el_objective_name((el_objective_kind)s->objective));
    if (s->sentence_task == EL_SENTENCES_NSP && s->train_batch_size < 2)
        return el_fail(EL_EUSAGE, "--sentence-task: nsp takes segments from other examples of a batch, and "
                                  "--train-batch-size is 1");
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

/* What attends by distances has no table of positions, and embeddings as wide as its layers. */
static el_status suit_xlnet(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {
        {"embedding_size", s->embedding_size == s->hidden_size},
        {"sine_positions", !s->sine_positions},
        {"neighbour_heads", !s->neighbour_heads},
        {"num_hidden_groups", s->num_hidden_groups == 0 || s->num_hidden_groups == s->num_hidden_layers}};
    bool replaced;
    const el_status st = check_needs(
        needs, sizeof needs / sizeof *needs, options,
        "--objective xlnet has no table of positions, embeddings as wide as its layers, and no shared layers",
        &replaced);
    if (st || !replaced)
        return st;
    s->embedding_size = s->hidden_size;
    s->sine_positions = s->neighbour_heads = false;
    el_log(EL_LOG_NOTE,
           "xlnet: no table of positions to begin as sines or for neighbour heads; embeddings as wide as the "
           "layers");
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
    if (s->objective == EL_XLNET)
        return suit_xlnet(s, options);
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
