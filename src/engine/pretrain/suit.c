/* suit - what an objective, a sampler or a network cannot have: refused where it was given, replaced where the preset
 * says so */
#include "engine/pretrain/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/plural.h"

/* What settings are of: a generator beside another network, one that is a network and is trained, and what hides tokens. */
enum { OF_A_GENERATOR = 1, OF_A_NETWORK = 2, OF_MASKS = 4 };
static const struct {
    const char *name;
    unsigned of;
} SETTINGS[] = {{"disc_weight", OF_A_GENERATOR},
                {"disallow_correct", OF_A_GENERATOR},
                {"sampler", OF_A_GENERATOR},
                {"generator_from", OF_A_GENERATOR},
                {"generator", OF_A_GENERATOR},
                {"temperature", OF_A_GENERATOR | OF_A_NETWORK},
                {"temperature_decay", OF_A_GENERATOR | OF_A_NETWORK},
                {"generator_learning_rate", OF_A_GENERATOR | OF_A_NETWORK},
                {"generator_max_grad_norm", OF_A_GENERATOR | OF_A_NETWORK},
                {"generator_hidden_size", OF_A_GENERATOR | OF_A_NETWORK},
                {"generator_layers", OF_A_GENERATOR | OF_A_NETWORK},
                {"generator_attention_heads", OF_A_GENERATOR | OF_A_NETWORK},
                {"generator_intermediate_size", OF_A_GENERATOR | OF_A_NETWORK},
                {"embeddings", OF_A_GENERATOR | OF_A_NETWORK},
                {"gen_weight", OF_A_NETWORK | OF_MASKS},
                {"mask_prob", OF_MASKS},
                {"mask_unit", OF_MASKS},
                {"mask_shares", OF_MASKS},
                {"duplicate_slots", OF_MASKS}};

/* Those that the original's files say, whatever else they choose. */
static const char *const ORIGINALS[] = {"disc_weight",
                                        "gen_weight",
                                        "mask_prob",
                                        "temperature",
                                        "disallow_correct",
                                        "generator_hidden_size",
                                        "generator_layers",
                                        "uniform_generator",
                                        "two_tower_generator",
                                        "no_untied_generator",
                                        "untied_generator_embeddings"};

#define LENGTH(list) (sizeof(list) / sizeof *(list))
enum { LONGEST_WHY = 120 };

/* The name by which a setting was given: its own, or one that says the same; NULL: nobody gave it. */
static const char *given_as(const el_pretrain_settings *s, const el_options *options, const char *name)
{
    const struct {
        const char *name, *other;
        bool given;
    } others[] = {{"embeddings", "no_untied_generator", !s->untied_generator},
                  {"embeddings", "untied_generator_embeddings", s->untied_generator_embeddings},
                  {"sampler", "uniform_generator", s->choice.uniform_generator},
                  {"generator", "two_tower_generator", s->two_tower_generator},
                  {"objective", "electric_objective", s->electric_objective},
                  {"objective", "recipe", s->recipe != EL_RECIPE_NONE},
                  {"objective", "no_electra_objective", !s->electra_objective}};
    if (el_options_given(options, name))
        return name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].given && strcmp(others[i].name, name) == 0)
            return others[i].other;
    return NULL;
}

/* Whether a file gave it that may be the original's; `given` may be a switch that is off. */
static bool of_the_original(const el_options *options, const char *given)
{
    const char *const line = strncmp(given, "no_", 3) == 0 ? given + 3 : given;
    for (size_t i = 0; i < LENGTH(ORIGINALS); i++)
        if (strcmp(ORIGINALS[i], given) == 0)
            return el_options_origin(options, line) != EL_FROM_FLAG;
    return false;
}

/* What was chosen lacks something of this. */
static void say_lack(char why[LONGEST_WHY], unsigned of, el_objective_kind kind)
{
    const char *const name = el_objective_name(kind);
    if (of & OF_MASKS)
        snprintf(why, LONGEST_WHY, "--objective %s masks nothing", name);
    else if (of & OF_A_GENERATOR)
        snprintf(why, LONGEST_WHY, "--objective %s has no generator beside the large network", name);
    else
        snprintf(why, LONGEST_WHY,
                 "replacements are drawn by no network, but by the frequency of tokens or all alike");
}

el_status el_pretrain_check_part(const char *name, el_objective_kind kind, el_sampler sampler)
{
    const bool counted = sampler == EL_SAMPLER_UNIGRAM || sampler == EL_SAMPLER_UNIFORM;
    const unsigned lacking = (el_objective_masks(kind) ? 0 : OF_MASKS) |
                             (el_objective_has_generator(kind) ? 0 : OF_A_GENERATOR) |
                             (counted ? OF_A_NETWORK : 0);
    char why[LONGEST_WHY];
    for (size_t i = 0; i < LENGTH(SETTINGS); i++)
        if (strcmp(SETTINGS[i].name, name) == 0 && SETTINGS[i].of & lacking) {
            say_lack(why, SETTINGS[i].of & lacking, kind);
            return el_options_refuse(name, "%s", why);
        }
    return EL_OK;
}

/* Refuses settings that have no part in what was chosen; those of an original's file are left out, which is said. */
static el_status refuse_all(const el_pretrain_settings *s, const el_options *options, unsigned of)
{
    char left[256] = "", why[LONGEST_WHY];
    say_lack(why, of, (el_objective_kind)s->objective);
    for (size_t i = 0; i < LENGTH(SETTINGS); i++) {
        const char *const given = SETTINGS[i].of & of ? given_as(s, options, SETTINGS[i].name) : NULL;
        if (given && !of_the_original(options, given))
            return el_options_refuse(given, "%s", why);
        const size_t used = strlen(left);
        if (given)
            snprintf(left + used, sizeof left - used, "%s%s", used ? ", " : "", given);
    }
    if (*left)
        el_log(EL_LOG_NOTE, "%s: %s; what the file says of it is left out", left, why);
    return EL_OK;
}

/* A setting, and whether it is what is needed. */
typedef struct {
    const char *name;
    bool fits;
} need;

/* Refuses what was given and does not fit; *replaced: something of the preset, or of an original's file, does not. */
static el_status check_needs(const el_pretrain_settings *s, const need *needs, size_t count,
                             const el_options *options, const char *why, bool *replaced)
{
    *replaced = false;
    for (size_t i = 0; i < count; i++) {
        const char *const given = needs[i].fits ? NULL : given_as(s, options, needs[i].name);
        const bool sampler = strcmp(needs[i].name, "sampler") == 0; /* which nothing can stand in for */
        if (given && (sampler || !of_the_original(options, given)))
            return el_options_refuse(given, "%s", why);
        *replaced |= !needs[i].fits;
    }
    return EL_OK;
}

/* A generator of the discriminator's sizes. */
static el_status check_large(const el_pretrain_settings *s, const el_options *options, const char *why,
                             bool *replaced)
{
    const need needs[] = {{"generator_hidden_size", s->generator_hidden_size == 1},
                          {"generator_layers", s->generator_layers == 1},
                          {"generator_attention_heads", s->generator_attention_heads == 0},
                          {"generator_intermediate_size", s->generator_intermediate_size == 0}};
    return check_needs(s, needs, LENGTH(needs), options, why, replaced);
}

static el_status suit_all(el_pretrain_settings *s, const el_options *options)
{
    bool replaced;
    const el_status st = check_large(
        s, options, "--embeddings all needs a generator as large as the discriminator", &replaced);
    if (!st && replaced)
        el_log(EL_LOG_NOTE, "all: a generator as large as the discriminator");
    s->generator_hidden_size = s->generator_layers = 1;
    return st;
}

static el_status suit_two_stage(el_pretrain_settings *s, const el_options *options)
{
    static const char WHY[] =
        "--objective two-stage needs a generator as large as the discriminator, and separate tables";
    const need needs[] = {{"embeddings", s->embeddings == EL_TIE_SEPARATE},
                          {"sampler", s->choice.told.sampler == EL_SAMPLER_NETWORK},
                          {"generator", s->choice.generator == EL_GENERATOR_MASKED},
                          {"generator_from", !s->generator_from}};
    bool other, smaller;
    el_status st = check_large(s, options, WHY, &smaller);
    if (!st)
        st = check_needs(s, needs, LENGTH(needs), options, WHY, &other);
    if (st || !(smaller || other))
        return st;
    s->generator_hidden_size = s->generator_layers = 1;
    s->two_tower_generator = false;
    s->choice.generator = EL_GENERATOR_MASKED;
    s->embeddings = EL_TIE_SEPARATE;
    el_log(EL_LOG_NOTE, "two-stage: a generator as large as the discriminator, and separate tables");
    return EL_OK;
}

/* Two towers, which read the discriminator's tables. */
static el_status suit_towers(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {
        {"objective", el_objective_takes((el_objective_kind)s->objective, EL_SAMPLER_TWO_TOWERS)},
        {"embeddings", s->embeddings == EL_TIE_SHARED},
        {"generator_from", !s->generator_from}};
    bool replaced;
    const el_status st =
        check_needs(s, needs, LENGTH(needs), options,
                    "two towers are a generator of electra or electric that reads the text as it is and "
                    "the discriminator's tables",
                    &replaced);
    if (!st && replaced)
        el_log(EL_LOG_NOTE, "two towers: embeddings are shared");
    s->embeddings = EL_TIE_SHARED;
    return st;
}

/* A generator that is not trained: it draws as counts would.  What replaces the preset is said where its folder is read. */
static el_status suit_frozen(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {
        {"objective", el_objective_takes((el_objective_kind)s->objective, EL_SAMPLER_UNIGRAM)},
        {"generator_hidden_size", !el_options_given(options, "generator_hidden_size")},
        {"generator_layers", !el_options_given(options, "generator_layers")},
        {"generator_attention_heads", s->generator_attention_heads == 0},
        {"generator_intermediate_size", s->generator_intermediate_size == 0},
        {"generator_learning_rate", s->generator_learning_rate == 0},
        {"generator_max_grad_norm", s->generator_max_grad_norm == 0},
        {"gen_weight", !el_options_given(options, "gen_weight")},
        {"embeddings", s->embeddings == EL_TIE_SEPARATE},
        {"sampler", s->choice.told.sampler == EL_SAMPLER_NETWORK}};
    bool replaced;
    const el_status st =
        check_needs(s, needs, LENGTH(needs), options,
                    "--generator-from is a generator of electra that is not trained, has its own "
                    "sizes and shares no table",
                    &replaced);
    s->embeddings = EL_TIE_SEPARATE;
    return st;
}

/* What attends by distances has embeddings as wide as its layers, and no table of positions. */
static el_status suit_xlnet(el_pretrain_settings *s, const el_options *options)
{
    const need needs[] = {
        {"embedding_size", s->embedding_size == s->hidden_size},
        {"sine_positions", !s->sine_positions},
        {"neighbour_heads", !s->neighbour_heads},
        {"num_hidden_groups", s->num_hidden_groups == 0 || s->num_hidden_groups == s->num_hidden_layers}};
    bool replaced;
    const el_status st = check_needs(
        s, needs, LENGTH(needs), options,
        "--objective xlnet has embeddings as wide as its layers, no table of positions, and no shared layers",
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

/* A pattern of the first layer would be that of every layer that it is. */
static el_status suit_groups(el_pretrain_settings *s, const el_options *options)
{
    if (s->num_hidden_groups > s->num_hidden_layers)
        return el_options_refuse("num_hidden_groups", "%" PRId64 ", but there %s %" PRId64 " layer%s",
                                 s->num_hidden_groups, el_is(s->num_hidden_layers), s->num_hidden_layers,
                                 el_s(s->num_hidden_layers));
    if (s->num_hidden_groups == 0 || s->num_hidden_groups == s->num_hidden_layers || !s->neighbour_heads)
        return EL_OK;
    if (el_options_given(options, "neighbour_heads"))
        return el_options_refuse("neighbour_heads",
                                 "layers are shared, and the first one's pattern would be in all");
    s->neighbour_heads = false;
    el_log(EL_LOG_NOTE, "shared layers: no neighbour heads, which the preset has in its first layer");
    return EL_OK;
}

/* A sampler that is no network. */
static el_status suit_sampler(const el_pretrain_settings *s, const el_options *options)
{
    if (!el_objective_takes((el_objective_kind)s->objective, s->choice.told.sampler))
        return el_options_refuse(given_as(s, options, "sampler"),
                                 "--objective %s needs a generator that is a network",
                                 el_objective_name((el_objective_kind)s->objective));
    return refuse_all(s, options, OF_A_NETWORK);
}

/* What predicts tokens that samples replaced, by a table that is its own. */
static el_status suit_rewriting(el_pretrain_settings *s, const el_options *options)
{
    const char *const name = el_objective_name((el_objective_kind)s->objective);
    const bool shared = s->embeddings == EL_TIE_GDES, weight = !el_options_given(options, "disc_weight");
    if (shared && el_options_given(options, "embeddings"))
        return el_options_refuse("embeddings", "--objective %s predicts by its own table, and gdes has none",
                                 name);
    if (shared)
        s->embeddings = EL_TIE_SHARED;
    if (weight)
        s->choice.told.disc_weight = 1;
    if (shared || weight)
        el_log(EL_LOG_NOTE, "%s:%s%s%s", name, shared ? " embeddings shared, not gdes" : "",
               shared && weight ? ";" : "", weight ? " both losses weigh 1" : "");
    return EL_OK;
}

/* One network, or two that are alike. */
static el_status suit_alone(el_pretrain_settings *s, const el_options *options)
{
    const el_objective_kind kind = (el_objective_kind)s->objective;
    const el_status st = refuse_all(s, options, OF_A_GENERATOR);
    if (st)
        return st;
    s->embeddings = EL_TIE_SEPARATE;
    s->choice.uniform_generator = s->two_tower_generator = false;
    s->choice.told.sampler = EL_SAMPLER_NETWORK;
    s->choice.generator = EL_GENERATOR_MASKED;
    s->generator_from = NULL;
    el_log(EL_LOG_NOTE, "%s: the preset's generator%s and its embeddings have no part in it",
           el_objective_name(kind), el_objective_masks(kind) ? "" : ", its share of masks");
    return s->objective == EL_XLNET ? suit_xlnet(s, options) : EL_OK;
}

/* Settings that mean nothing without another one. */
static el_status check_company(const el_pretrain_settings *s, const el_options *options)
{
    if (!s->neighbour_heads && el_options_given(options, "neighbour_sharpness"))
        return el_options_refuse("neighbour_sharpness",
                                 "no attention head starts by attending to a neighbour");
    if (!s->choice.told.copy_generator && s->objective != EL_TWO_STAGE)
        return el_options_refuse("no_copy_generator", "is of --objective two-stage");
    return EL_OK;
}

static el_status suit_objective(el_pretrain_settings *s, const el_options *options)
{
    const el_objective_kind kind = (el_objective_kind)s->objective;
    if (!el_objective_has_generator(kind))
        return suit_alone(s, options);
    if (s->objective == EL_TWO_STAGE)
        return suit_two_stage(s, options);
    if (s->choice.generator == EL_GENERATOR_TWO_TOWER)
        return suit_towers(s, options);
    if (s->generator_from)
        return suit_frozen(s, options);
    if (s->choice.told.sampler != EL_SAMPLER_NETWORK)
        return suit_sampler(s, options);
    const el_status st = s->embeddings == EL_TIE_ALL ? suit_all(s, options) : EL_OK;
    return st || !el_objective_rewrites(kind) ? st : suit_rewriting(s, options);
}

/* What the objective cannot be asked for. */
static el_status check_settings(const el_pretrain_settings *s)
{
    const el_objective_kind kind = (el_objective_kind)s->objective;
    const el_objective_settings asked = el_objective_choice_settings(&s->choice, kind);
    return el_objective_check(kind, &asked);
}

el_status el_pretrain_suit(el_pretrain_settings *s, const el_options *options)
{
    el_status st = check_settings(s);
    if (!st)
        st = suit_groups(s, options);
    if (!st && !el_objective_masks((el_objective_kind)s->objective))
        st = refuse_all(s, options, OF_MASKS);
    if (!st)
        st = suit_objective(s, options);
    return st ? st : check_company(s, options);
}

void el_pretrain_take_length(el_pretrain_settings *s, const el_options *options, int longest)
{
    if (!el_options_given(options, "max_position_embeddings") && longest > s->max_position_embeddings)
        s->max_position_embeddings = longest;
}

el_status el_pretrain_check_length(const el_pretrain_settings *s, const char *folder, int longest,
                                   bool heldout)
{
    return longest <= s->max_position_embeddings
               ? EL_OK
               : el_options_refuse(
                     "max_position_embeddings", "%" PRId64 ", but %s in %s have up to %d tokens",
                     s->max_position_embeddings, heldout ? "held-out examples" : "examples", folder, longest);
}

el_status el_pretrain_check_shards(const el_pretrain_settings *s, const char *folder, bool packed_full,
                                   bool pairs)
{
    if (s->recipe == EL_RECIPE_ROBERTA && !packed_full)
        return el_options_refuse(
            "recipe", "roberta's examples are full; %s are not (`electra prepare --packing full`)", folder);
    if (s->choice.told.sentence_task != EL_SENTENCES_NONE && !pairs)
        return el_options_refuse(
            "sentence_task",
            "%s hold no example of two segments (`electra prepare --packing segments`, of "
            "documents of several lines)",
            folder);
    return EL_OK;
}
