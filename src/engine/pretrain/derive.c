/* derive - what follows from the settings that were given: sizes, recipes, what old names mean */
#include "engine/pretrain/settings.h"

#include "base/log.h"
#include "engine/pretrain/shapes.h"
#include "train/presets.h"

/* Layers stay as they were trained: neither apart what was one, nor one what was apart. */
static el_status check_groups(const el_pretrain_settings *s, const el_options *options,
                              const el_config *theirs)
{
    const bool given = el_options_given(options, "num_hidden_groups");
    const int64_t layers =
        el_options_given(options, "num_hidden_layers") ? s->num_hidden_layers : theirs->num_hidden_layers;
    const int different = el_config_different_layers(theirs);
    const bool shares = s->num_hidden_groups > 0 && s->num_hidden_groups < layers;
    const bool same = shares ? s->num_hidden_groups == different : different == theirs->num_hidden_layers;
    if (same || (!given && s->recipe != EL_RECIPE_ALBERT))
        return EL_OK;
    if (given)
        return el_options_refuse("num_hidden_groups", "%s has %d different layers of %d, and keeps them",
                                 s->init_from, different, theirs->num_hidden_layers);
    el_log(EL_LOG_NOTE, "%s has %d different layers of %d, and keeps them beside --recipe albert",
           s->init_from, different, theirs->num_hidden_layers);
    return EL_OK;
}

/* Networks attend as they have learned to. */
static el_status check_attention(const el_pretrain_settings *s, const el_config *theirs)
{
    static const char *const BY[] = {"positions", "distances"};
    const bool was = el_config_relative(theirs), is = s->objective == EL_XLNET;
    return was == is
               ? EL_OK
               : el_options_refuse("init_from", "%s attends by %s, and --objective %s by %s", s->init_from,
                                   BY[was], el_objective_name((el_objective_kind)s->objective), BY[is]);
}

/* A generator or towers become no network of the discriminator's sizes. */
static el_status check_pair(const el_pretrain_settings *s, const el_shapes *shapes)
{
    const el_config *const c = &shapes->large, *const g = &shapes->generator;
    const bool all =
        s->embeddings == EL_TIE_ALL && el_objective_has_generator((el_objective_kind)s->objective);
    const bool alike = all || s->objective == EL_TWO_STAGE || (s->objective == EL_BIDIRECTIONAL && g->causal);
    const int64_t layers =
        s->num_hidden_layers < c->num_hidden_layers ? s->num_hidden_layers : c->num_hidden_layers;
    const bool same = g->num_hidden_layers >= layers && g->hidden_size == c->hidden_size &&
                      g->num_attention_heads == c->num_attention_heads &&
                      g->intermediate_size == c->intermediate_size && g->embedding_size == c->embedding_size;
    return !shapes->pair || !alike || same
               ? EL_OK
               : el_options_refuse("init_from",
                                   "%s: its %s other sizes than its discriminator, and the networks of --%s "
                                   "%s have one size",
                                   s->init_from, g->causal ? "towers have" : "generator has",
                                   all ? "embeddings" : "objective",
                                   all ? "all" : el_objective_name((el_objective_kind)s->objective));
}

/* Sizes of a model folder, for lines that were not given. */
static el_status take_sizes(el_pretrain_settings *s, const el_options *options, const el_shapes *shapes)
{
    const el_config *const c = &shapes->large, *const g = &shapes->generator;
    el_status st = EL_OK;
    if (c->backwards)
        st = el_options_refuse("init_from", "%s reads backwards, and is one half of a model", s->init_from);
    if (!st && shapes->known)
        st = check_attention(s, c);
    if (!st && shapes->known)
        st = check_groups(s, options, c);
    if (st || !shapes->known)
        return st;
    const bool shared = el_config_different_layers(c) < c->num_hidden_layers;
    const bool own = s->objective != EL_TWO_STAGE && s->embeddings != EL_TIE_ALL && !s->generator_from;
    const bool generator = own && shapes->pair; /* else it has other sizes */
    const int g_heads = generator ? g->num_attention_heads : 0,
              g_inner = generator ? g->intermediate_size : 0;
    const struct {
        const char *name;
        int64_t *place;
        int value;
    } sizes[] = {{"hidden_size", &s->hidden_size, c->hidden_size},
                 {"num_hidden_layers", &s->num_hidden_layers, c->num_hidden_layers},
                 {"num_hidden_groups", &s->num_hidden_groups, shared ? c->num_hidden_groups : 0},
                 {"num_attention_heads", &s->num_attention_heads, c->num_attention_heads},
                 {"intermediate_size", &s->intermediate_size, c->intermediate_size},
                 {"embedding_size", &s->embedding_size, c->embedding_size},
                 {"max_position_embeddings", &s->max_position_embeddings, c->max_position_embeddings},
                 {"generator_attention_heads", &s->generator_attention_heads, g_heads},
                 {"generator_intermediate_size", &s->generator_intermediate_size, g_inner}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!el_options_given(options, sizes[i].name))
            *sizes[i].place = sizes[i].value;
    if (generator && !el_options_given(options, "generator_hidden_size"))
        s->generator_hidden_size = (double)g->hidden_size / c->hidden_size;
    if (generator && !el_options_given(options, "generator_layers"))
        s->generator_layers = (double)g->num_hidden_layers / c->num_hidden_layers;
    return s->generator_from ? EL_OK : check_pair(s, shapes);
}

/* What the original calls otherwise. */
static el_status translate(el_pretrain_settings *s, const el_options *options)
{
    const bool all = !s->untied_generator, separate = !all && s->untied_generator_embeddings;
    const int said = all ? EL_TIE_ALL : separate ? EL_TIE_SEPARATE : s->embeddings;
    if (said != s->embeddings && el_options_given(options, "embeddings"))
        return el_options_refuse(all ? "no_untied_generator" : "untied_generator_embeddings",
                                 "is --embeddings %s, and others were chosen", all ? "all" : "separate");
    s->embeddings = said;
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
        s->choice.told.mask_prob = (el_course){0.15, 0.15};
    if (!el_options_given(options, "bias_correction"))
        s->bias_correction = true;
}

/* ALBERT's network and objective (Lan et al., 2020); its optimizer, LAMB, is for batches of thousands. */
static void follow_albert(el_pretrain_settings *s, const el_options *options)
{
    if (!el_options_given(options, "num_hidden_groups"))
        s->num_hidden_groups = 1;
    if (!el_options_given(options, "sentence_task"))
        s->choice.told.sentence_task = EL_SENTENCES_SOP;
    if (!el_options_given(options, "mask_unit"))
        s->choice.told.mask_unit = EL_MASK_NGRAM;
    if (!el_options_given(options, "mask_prob"))
        s->choice.told.mask_prob = (el_course){0.15, 0.15};
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

/* The objective, by its name or by those of the original.  A flag with the name wins over what a file says. */
static el_status choose_objective(el_pretrain_settings *s, const el_options *options)
{
    const bool named = el_options_given(options, "objective");
    const bool by_flag =
        el_options_origin(options, "objective") == EL_FROM_FLAG || s->recipe != EL_RECIPE_NONE;
    const bool overruled = by_flag && el_options_origin(options, "electra_objective") != EL_FROM_FLAG;
    const char *const name = el_objective_name((el_objective_kind)s->objective);
    if (s->electric_objective && named && s->objective != EL_ELECTRIC)
        return el_options_refuse("objective", "%s is not what --electric-objective is, electric", name);
    if (s->electric_objective)
        s->objective = EL_ELECTRIC;
    if (s->electric_objective || overruled)
        s->electra_objective = true; /* which is false beside electric_objective */
    const el_status followed = follow_recipe(s, options);
    const bool by_name = s->objective == EL_MLM;
    if (followed)
        return followed;
    if (!s->electra_objective && named && !by_name)
        return el_options_refuse("objective", "%s is not what --no-electra-objective is, mlm", name);
    if (s->electra_objective && el_options_given(options, "electra_objective") && by_name && !overruled)
        return el_options_refuse("objective", "mlm is not --electra-objective");
    s->electra_objective &= !by_name;
    s->objective = s->electra_objective ? s->objective : EL_MLM;
    if (!s->choice.mask_shares)
        s->choice.mask_shares = by_name ? "0.8,0.1,0.1" : "0.85,0,0.15";
    return EL_OK;
}

/* What draws replacements, likewise.  A run without a generator goes on without what the original's file says of one. */
static el_status choose_generator(el_pretrain_settings *s, const el_options *options, bool resuming)
{
    if (resuming && !el_objective_has_generator((el_objective_kind)s->objective))
        s->choice.uniform_generator = s->two_tower_generator = false;
    if (s->two_tower_generator && s->choice.generator != EL_GENERATOR_TWO_TOWER &&
        el_options_given(options, "generator"))
        return el_options_refuse("generator", "is two-tower with --two-tower-generator");
    if (s->two_tower_generator)
        s->choice.generator = EL_GENERATOR_TWO_TOWER;
    return el_objective_choice_settle(&s->choice, (el_objective_kind)s->objective, options);
}

/* How much is evaluated, by either name: a flag wins over what a file says, and both over what the run has recorded. */
static el_status settle_evaluation(el_pretrain_settings *s, const el_options *options, bool resuming)
{
    static const char *const LINES[] = {"eval_steps", "eval_batches", "num_eval_steps"};
    const el_origin own = el_options_origin(options, "eval_batches"),
                    other = el_options_origin(options, "num_eval_steps");
    for (size_t i = 0; !s->eval_data && i < sizeof LINES / sizeof *LINES; i++)
        if (el_options_origin(options, LINES[i]) == EL_FROM_FLAG)
            return el_options_refuse(LINES[i], "nothing is evaluated without --eval-data");
    const bool both = other == own && (other == EL_FROM_FLAG || (other == EL_FROM_CONFIG && !resuming));
    if (both && s->num_eval_steps != s->eval_batches)
        return el_options_refuse("num_eval_steps", "is --eval-batches, and another number was given for it");
    if (other > EL_FROM_RECORD && other > own)
        s->eval_batches = s->num_eval_steps;
    return EL_OK;
}

el_status el_pretrain_settle(el_pretrain_settings *s, const el_options *options, bool resuming)
{
    el_status st = choose_objective(s, options);
    if (!st)
        st = choose_generator(s, options, resuming);
    if (!st)
        st = settle_evaluation(s, options, resuming);
    if (st)
        return st;
    if (s->generator_learning_rate > 0 && s->learning_rate == 0)
        return el_options_refuse("generator_learning_rate",
                                 "follows the schedule of --learning-rate, which is 0: nothing would learn");
    if (s->choice.told.sentence_task != EL_SENTENCES_NONE && s->objective != EL_MLM)
        return el_options_refuse("sentence_task", "is asked beside --objective mlm, not %s",
                                 el_objective_name((el_objective_kind)s->objective));
    if (s->choice.told.sentence_task == EL_SENTENCES_NSP && s->train_batch_size < 2)
        return el_options_refuse("sentence_task", "nsp takes segments from other examples of a batch, and "
                                                  "--train-batch-size is 1");
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
    el_shapes shapes;
    if (!st && s->init_from)
        st = el_shapes_read(&shapes, s->init_from);
    if (!st && s->init_from)
        st = take_sizes(s, options, &shapes);
    return st ? st : el_pretrain_suit(s, options);
}

int64_t el_pretrain_least_steps(const el_pretrain_settings *s)
{
    return s->objective != EL_TWO_STAGE ? 0 : s->schedule_steps ? s->schedule_steps / 2 + 1 : 2;
}

el_status el_pretrain_derive_steps(el_pretrain_settings *s, const el_options *options)
{
    const bool staged = s->objective == EL_TWO_STAGE;
    const int64_t steps = s->num_train_steps / (staged ? 2 : 1);
    if (staged && (s->schedule_steps ? s->schedule_steps : s->num_train_steps) < 2)
        return el_options_refuse(s->schedule_steps ? "schedule_steps" : "num_train_steps",
                                 "--objective two-stage takes a step in each stage at least");
    if (!el_options_given(options, "num_warmup_steps") && s->num_warmup_steps > steps / 10)
        s->num_warmup_steps = steps / 10;
    if (s->schedule_steps == 0)
        s->schedule_steps = s->num_train_steps;
    return EL_OK;
}
