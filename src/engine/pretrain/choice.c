/* choice - see the header */
#include "engine/pretrain/choice.h"

static bool asked(const el_options *options, const char *name)
{
    return el_options_origin(options, name) > EL_FROM_RECORD;
}

el_objective_settings el_objective_choice_settings(const el_objective_choice *c, el_objective_kind kind)
{
    el_objective_settings o = c->told;
    const bool towers = c->generator == EL_GENERATOR_TWO_TOWER;
    o.sampler = el_objective_sampler(kind, towers ? EL_SAMPLER_TWO_TOWERS : o.sampler);
    return o;
}

el_status el_objective_choice_settle(el_objective_choice *c, el_objective_kind kind,
                                     const el_options *options)
{
    el_objective_settings *const o = &c->told;
    if (el_objective_sampler(kind, EL_SAMPLER_NETWORK) == EL_SAMPLER_TWO_TOWERS) {
        if (c->generator == EL_GENERATOR_MASKED && asked(options, "generator"))
            return el_options_refuse("generator", "is two-tower with --objective %s",
                                     el_objective_name(kind));
        c->generator = EL_GENERATOR_TWO_TOWER;
    }
    const bool named = asked(options, "sampler");
    const bool by_flag = el_options_origin(options, "uniform_generator") == EL_FROM_FLAG;
    if (c->uniform_generator && !named)
        o->sampler = EL_SAMPLER_UNIFORM;
    else if (by_flag && !named && o->sampler == EL_SAMPLER_UNIFORM) /* off, of a run that had it on */
        o->sampler = EL_SAMPLER_NETWORK;
    if (c->uniform_generator && o->sampler != EL_SAMPLER_UNIFORM && asked(options, "uniform_generator"))
        return el_options_refuse("uniform_generator", "is --sampler uniform, and another one was chosen");
    c->uniform_generator = o->sampler == EL_SAMPLER_UNIFORM;
    const bool pair = el_objective_has_generator(kind),
               towers = pair && c->generator == EL_GENERATOR_TWO_TOWER;
    const bool still = o->temperature.first == o->temperature.last;
    if (pair && still && o->temperature_decay > 0 && asked(options, "temperature_decay"))
        return el_options_refuse("temperature_decay", "the temperature does not change (--temperature X:Y)");
    if (towers && asked(options, "mask_shares"))
        return el_options_refuse("mask_shares", "two towers read the text as it is");
    if (towers && o->sampler != EL_SAMPLER_NETWORK)
        return el_options_refuse(asked(options, "uniform_generator") ? "uniform_generator" : "sampler",
                                 "replacements are drawn by two towers");
    return c->mask_shares ? el_mask_shares_read(&o->shares, c->mask_shares) : EL_OK;
}
