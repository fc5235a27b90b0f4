/* plan - see the header */
#include "engine/compare/plan.h"

#include <math.h>
#include <string.h>

#include "base/nearest.h"
#include "objective/objectives.h"
#include "train/presets.h"

/* What is read, and what sentences about it begin with. */
typedef struct {
    el_plan *plan;
    const char *name;
} reading;

static el_status wrong(const reading *r, const char *key, const char *what)
{
    return el_fail(EL_EUSAGE, "%s: %s: %s", r->name, key, what);
}

/* ---- keys ---- */

static const char *const KEYS[] = {"plan",         "about",    "language",  "data",     "eval_data",
                                   "tasks_folder", "settings", "finetune",  "systems",  "sizes",
                                   "budgets",      "steps",    "seeds",     "shares",   "cooldown",
                                   "tasks",        "rates",    "reference", "published"};
static const char *const RATE_KEYS[] = {"grid", "seed", "rule", "share"};
static const char *const VARIANT_KEYS[] = {"name", "title", "settings", "budget"}; /* the last one of sizes */
static const char *const PUBLISHED_KEYS[] = {"system", "measure", "score", "flops"};
static const char *const TASK_KEYS[] = {"name", "task", "data", "in_mean", "settings"};
#define COUNT(list) (int)(sizeof(list) / sizeof *(list))

el_status el_plan_check_keys(const json_t *object, const char *name, const char *where,
                             const char *const *keys, int count)
{
    const char *const between = where ? ": " : "";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        bool known = false;
        for (int i = 0; i < count; i++)
            known |= strcmp(key, keys[i]) == 0;
        if (known)
            continue;
        const char *const nearest = el_nearest(key, keys, count);
        return el_fail(EL_EUSAGE, "%s: %s%sunknown key \"%s\"%s%s%s", name, where ? where : "", between, key,
                       nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    }
    return EL_OK;
}

/* `where` is the key of the plan that the object stands under; NULL: it is the plan. */
static el_status check_keys(const reading *r, const json_t *object, const char *where,
                            const char *const *keys, int count)
{
    return el_plan_check_keys(object, r->name, where, keys, count);
}

/* Names are parts of file names. */
static bool is_name(const char *name)
{
    return name && *name && strlen(name) < 40 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+-") == strlen(name);
}

static el_status take_name(const reading *r, const char *key, const json_t *value, const char **name)
{
    *name = json_string_value(value);
    return is_name(*name) ? EL_OK : wrong(r, key, "a name has small letters, digits, + and - alone");
}

static el_status take_settings(const reading *r, const char *key, const json_t *owner,
                               const json_t **settings)
{
    *settings = json_object_get(owner, "settings");
    return !*settings || json_is_object(*settings) ? EL_OK : wrong(r, key, "settings are an object");
}

/* The array of this key: NULL where it is not there. */
static el_status take_array(const reading *r, const char *key, const json_t **array, int *count)
{
    *array = json_object_get(r->plan->text, key);
    *count = (int)json_array_size(*array);
    if (*array && (!json_is_array(*array) || *count == 0))
        return wrong(r, key, "is not an array with something in it");
    return *count > EL_PLAN_MOST ? wrong(r, key, "has more than 64 entries") : EL_OK;
}

/* ---- lists ---- */

static const int64_t LARGEST_SEED = 1000000000000000; /* seeds of branches and of trials follow from it */

/* Systems and sizes: a name, or an object with one. */
static el_status read_variants(const reading *r, const char *key, el_variant *variants, int *count)
{
    const json_t *array;
    el_status st = take_array(r, key, &array, count);
    for (int i = 0; !st && i < *count; i++) {
        const json_t *const entry = json_array_get(array, (size_t)i);
        const bool object = json_is_object(entry);
        el_variant *const v = &variants[i];
        if (object)
            st = check_keys(r, entry, key, VARIANT_KEYS, COUNT(VARIANT_KEYS) - (variants != r->plan->sizes));
        if (!st)
            st = take_name(r, key, object ? json_object_get(entry, "name") : entry, &v->name);
        if (!st && object)
            st = take_settings(r, key, entry, &v->settings);
        if (!st)
            st = el_json_real(entry, r->name, "budget", &v->budget);
        if (!st && !(v->budget >= 0 && v->budget < 1e30))
            st = wrong(r, key, "a budget is a number of FLOPs");
        for (int k = 0; !st && k < i; k++)
            if (strcmp(variants[k].name, v->name) == 0)
                st = el_fail(EL_EUSAGE, "%s: %s: two are called %s", r->name, key, v->name);
        v->title = v->name;
        if (!st)
            st = el_json_string(entry, r->name, "title", &v->title);
    }
    return st;
}

/* A system that is a name alone is the objective of that name: the text says so from here on. */
static el_status spell_out_systems(const reading *r)
{
    json_t *const systems = json_object_get(r->plan->text, "systems"), *entry;
    size_t i;
    json_array_foreach(systems, i, entry) {
        const char *const name = json_string_value(entry);
        if (!name)
            continue;
        if (!el_objective_is_name(name))
            return el_fail(EL_EUSAGE, "%s: systems: %s is none of %s, and has no settings of its own",
                           r->name, name, EL_OBJECTIVE_NAMES);
        json_t *const whole = json_pack("{s:s, s:{s:s}}", "name", name, "settings", "objective", name);
        if (json_array_set_new(systems, i, whole))
            return el_no_memory(NULL);
    }
    return EL_OK;
}

/* The preset of a size: what its settings say, else its name; NULL where neither says one. */
static const char *preset_of(const el_variant *size)
{
    const char *const own = json_string_value(json_object_get(size->settings, "model_size"));
    for (int i = 0; !own && i < EL_PRESETS; i++)
        if (strcmp(EL_PRESET[i].name, size->name) == 0)
            return size->name;
    return own;
}

static el_status read_sizes(const reading *r)
{
    el_plan *const p = r->plan;
    const el_status st = read_variants(r, "sizes", p->sizes, &p->size_count);
    for (int i = 0; !st && i < p->size_count; i++)
        if (!preset_of(&p->sizes[i]))
            return el_fail(EL_EUSAGE, "%s: sizes: %s is none of %s, and has no setting model_size of its own",
                           r->name, p->sizes[i].name, EL_PRESET_NAMES);
    return st;
}

bool el_plan_asks_pairs(const el_plan_task *task)
{
    return strcmp(task->task, EL_PLAN_PAIRS) == 0;
}

/* A name, or an object with one. */
static el_status read_task(const reading *r, const json_t *entry, el_plan_task *t)
{
    const bool object = json_is_object(entry);
    *t = (el_plan_task){0};
    el_status st = object ? check_keys(r, entry, "tasks", TASK_KEYS, COUNT(TASK_KEYS)) : EL_OK;
    if (!st)
        st = take_name(r, "tasks", object ? json_object_get(entry, "name") : entry, &t->name);
    t->task = t->name;
    if (!st)
        st = el_json_string(entry, r->name, "task", &t->task);
    if (st)
        return st;
    t->in_mean = !el_plan_asks_pairs(t);
    st = el_json_string(entry, r->name, "data", &t->data);
    if (!st)
        st = el_json_bool(entry, r->name, "in_mean", &t->in_mean);
    return st ? st : take_settings(r, "tasks", entry, &t->settings);
}

static el_status read_tasks(const reading *r)
{
    el_plan *const p = r->plan;
    const json_t *array;
    el_status st = take_array(r, "tasks", &array, &p->task_count);
    for (int i = 0; !st && i < p->task_count; i++) {
        st = read_task(r, json_array_get(array, (size_t)i), &p->tasks[i]);
        for (int k = 0; !st && k < i; k++)
            if (strcmp(p->tasks[k].name, p->tasks[i].name) == 0)
                st = el_fail(EL_EUSAGE, "%s: tasks: two are called %s", r->name, p->tasks[i].name);
    }
    return st;
}

/* Numbers between limits, ascending where they must be. */
static el_status read_numbers(const reading *r, const char *key, const json_t *array, int count, double most,
                              double *numbers)
{
    for (int i = 0; i < count; i++) {
        const json_t *const value = json_array_get(array, (size_t)i);
        numbers[i] = json_number_value(value);
        if (!json_is_number(value) || !(numbers[i] > 0 && numbers[i] <= most))
            return el_fail(EL_EUSAGE, "%s: %s: numbers above 0, at most %g", r->name, key, most);
        if (i && numbers[i] <= numbers[i - 1])
            return wrong(r, key, "from the lowest to the highest");
    }
    return EL_OK;
}

/* A size with a budget of its own has one length, counted in FLOPs. */
static el_status check_sizes_budgets(const reading *r)
{
    const el_plan *const p = r->plan;
    for (int i = 0; i < p->size_count; i++)
        if (p->sizes[i].budget > 0 && (p->by_steps || p->length_count > 1))
            return el_fail(EL_EUSAGE, "%s: sizes: %s has a budget of its own, and the plan has %s", r->name,
                           p->sizes[i].name, p->by_steps ? "steps" : "several budgets");
    return EL_OK;
}

static el_status read_steps(const reading *r, const json_t *array)
{
    el_plan *const p = r->plan;
    const el_status st = read_numbers(r, "steps", array, p->length_count, EL_PLAN_MOST_STEPS, p->lengths);
    for (int i = 0; !st && i < p->length_count; i++)
        if (p->lengths[i] != floor(p->lengths[i]))
            return wrong(r, "steps", "whole numbers");
    return st;
}

static el_status read_lengths(const reading *r)
{
    el_plan *const p = r->plan;
    const json_t *budgets, *steps;
    int budget_count;
    el_status st = take_array(r, "budgets", &budgets, &budget_count);
    if (!st)
        st = take_array(r, "steps", &steps, &p->length_count);
    if (st)
        return st;
    bool each = !budgets && !steps;
    for (int i = 0; i < p->size_count; i++)
        each &= p->sizes[i].budget > 0;
    if (each) {
        p->length_count = 1;
        return EL_OK;
    }
    if (!budgets == !steps)
        return el_fail(EL_EUSAGE, "%s: either budgets (FLOPs of a run) or steps", r->name);
    p->by_steps = !budgets;
    p->length_count = p->by_steps ? p->length_count : budget_count;
    st = p->by_steps ? read_steps(r, steps)
                     : read_numbers(r, "budgets", budgets, p->length_count, 1e30, p->lengths);
    return st ? st : check_sizes_budgets(r);
}

static el_status read_shares(const reading *r)
{
    el_plan *const p = r->plan;
    const json_t *array;
    el_status st = take_array(r, "shares", &array, &p->share_count);
    if (!st)
        st = read_numbers(r, "shares", array, p->share_count, 100, p->shares);
    for (int i = 0; !st && i < p->share_count; i++)
        p->shares[i] /= 100;
    const bool whole = !st && p->share_count && p->shares[p->share_count - 1] == 1;
    if (!st && !whole && p->share_count == EL_PLAN_MOST)
        st = wrong(r, "shares", "has more than 64 entries, with 100 behind the last");
    if (!st && !whole)
        p->shares[p->share_count++] = 1;
    if (!st)
        st = el_json_real(p->text, r->name, "cooldown", &p->cooldown);
    return !st && !(p->cooldown >= 0 && p->cooldown < 1) ? wrong(r, "cooldown", "a share from 0 to below 1")
                                                         : st;
}

static el_status read_seeds(const reading *r)
{
    el_plan *const p = r->plan;
    const json_t *array;
    const el_status st = take_array(r, "seeds", &array, &p->seed_count);
    for (int i = 0; !st && i < p->seed_count; i++) {
        const json_t *const value = json_array_get(array, (size_t)i);
        p->seeds[i] = json_integer_value(value);
        if (!json_is_integer(value) || p->seeds[i] < 0 || p->seeds[i] > LARGEST_SEED)
            return wrong(r, "seeds", "whole numbers from 0 to 1e15");
        for (int k = 0; k < i; k++)
            if (p->seeds[k] == p->seeds[i])
                return wrong(r, "seeds", "each once");
    }
    if (p->seed_count == 0)
        p->seeds[p->seed_count++] = 1;
    return st;
}

static el_status read_rates(const reading *r)
{
    el_plan *const p = r->plan;
    const json_t *const rates = json_object_get(p->text, "rates"), *const grid =
                                                                       json_object_get(rates, "grid");
    const char *rule = "score";
    if (!rates)
        return EL_OK;
    p->rate_count = (int)json_array_size(grid);
    if (p->rate_count < 1 || p->rate_count > EL_PLAN_MOST)
        return wrong(r, "rates", "an object with a grid of rates");
    int seed = 0;
    double share = 100;
    el_status st = check_keys(r, rates, "rates", RATE_KEYS, COUNT(RATE_KEYS));
    if (!st)
        st = read_numbers(r, "rates", grid, p->rate_count, 1e38, p->rates);
    if (!st)
        st = el_json_int(rates, r->name, "seed", &seed);
    if (!st)
        st = el_json_string(rates, r->name, "rule", &rule);
    if (!st)
        st = el_json_real(rates, r->name, "share", &share);
    if (!st && seed < 0)
        return wrong(r, "rates", "the seed is a whole number from 0");
    if (!st && !(share > 0 && share <= 100))
        return wrong(r, "rates", "the share is a percentage above 0, at most 100");
    p->rate_share = share / 100;
    p->rate_seed = seed;
    p->rate_rule = strcmp(rule, "loss") == 0 ? EL_RATE_BY_LOSS : EL_RATE_BY_SCORE;
    return !st && strcmp(rule, "score") != 0 && p->rate_rule != EL_RATE_BY_LOSS
               ? wrong(r, "rates", "the rule is score or loss")
               : st;
}

static el_status read_reference(const reading *r)
{
    el_plan *const p = r->plan;
    const char *name = p->systems[0].name;
    const el_status st = el_json_string(p->text, r->name, "reference", &name);
    for (int i = 0; !st && i < p->system_count; i++)
        if (strcmp(p->systems[i].name, name) == 0) {
            p->reference = i;
            return EL_OK;
        }
    return st ? st : el_fail(EL_EUSAGE, "%s: reference: no system is called %s", r->name, name);
}

/* Rows that were measured elsewhere, or the word for those of the paper. */
static el_status read_published(const reading *r)
{
    const json_t *const rows = json_object_get(r->plan->text, "published"), *row;
    const char *const word = json_string_value(rows);
    if (!rows || (word && strcmp(word, EL_PLAN_PAPER) == 0))
        return EL_OK;
    if (!json_is_array(rows))
        return wrong(r, "published", "an array of rows, or \"" EL_PLAN_PAPER "\"");
    el_status st = EL_OK;
    size_t i;
    json_array_foreach((json_t *)rows, i, row) {
        const char *text;
        double number;
        if (!json_is_object(row))
            return wrong(r, "published", "a row is an object");
        if (!st)
            st = check_keys(r, row, "published", PUBLISHED_KEYS, COUNT(PUBLISHED_KEYS));
        for (int k = 0; !st && k < COUNT(PUBLISHED_KEYS); k++)
            st = k < 2 ? el_json_string(row, r->name, PUBLISHED_KEYS[k], &text)
                       : el_json_real(row, r->name, PUBLISHED_KEYS[k], &number);
        if (!st && json_number_value(json_object_get(row, "flops")) < 0)
            return wrong(r, "published", "flops are a number from 0");
    }
    return st;
}

/* ---- the whole ---- */

/* What is applied later is at least an object. */
static el_status check_objects(const reading *r)
{
    static const char *const OBJECTS[] = {"settings", "finetune", "rates"};
    for (int i = 0; i < COUNT(OBJECTS); i++) {
        const json_t *const value = json_object_get(r->plan->text, OBJECTS[i]);
        if (value && !json_is_object(value))
            return wrong(r, OBJECTS[i], "is not an object");
    }
    return EL_OK;
}

static el_status read_texts(const reading *r)
{
    el_plan *const p = r->plan;
    const struct {
        const char *key;
        const char **place;
    } texts[] = {{"plan", &p->name}, {"about", &p->about},         {"language", &p->language},
                 {"data", &p->data}, {"eval_data", &p->eval_data}, {"tasks_folder", &p->tasks_folder}};
    el_status st = EL_OK;
    for (int i = 0; !st && i < COUNT(texts); i++)
        st = el_json_string(p->text, r->name, texts[i].key, texts[i].place);
    return !st && !is_name(p->name) ? wrong(r, "plan", "a name has small letters, digits, + and - alone")
                                    : st;
}

static el_status read_all(const reading *r)
{
    el_plan *const p = r->plan;
    el_status st = check_keys(r, p->text, NULL, KEYS, COUNT(KEYS));
    if (!st)
        st = check_objects(r);
    if (!st)
        st = read_texts(r);
    if (!st)
        st = spell_out_systems(r);
    if (!st)
        st = read_variants(r, "systems", p->systems, &p->system_count);
    if (!st)
        st = read_sizes(r);
    if (!st && (p->system_count == 0 || p->size_count == 0))
        st = el_fail(EL_EUSAGE, "%s: a plan names systems and sizes", r->name);
    if (!st)
        st = read_lengths(r);
    if (!st)
        st = read_shares(r);
    if (!st)
        st = read_seeds(r);
    if (!st)
        st = read_tasks(r);
    if (!st)
        st = read_rates(r);
    if (!st)
        st = read_published(r);
    return st ? st : read_reference(r);
}

el_status el_plan_read(el_plan *plan, json_t *text, const char *name)
{
    *plan = (el_plan){.text = text, .name = "plan", .about = "", .language = "", .tasks_folder = ""};
    const el_status st = read_all(&(reading){plan, name});
    if (st)
        el_plan_close(plan);
    return st;
}

void el_plan_close(el_plan *plan)
{
    json_decref(plan->text);
    *plan = (el_plan){0};
}

double el_plan_length(const el_plan *plan, int size, int length)
{
    return plan->sizes[size].budget > 0 ? plan->sizes[size].budget : plan->lengths[length];
}

json_t *el_plan_settings(const el_plan *plan, int system, int size)
{
    const el_variant *const s = &plan->sizes[size];
    json_t *const all = json_object(), *const preset = json_pack("{s:s}", "model_size", preset_of(s));
    const json_t *const parts[] = {json_object_get(plan->text, "settings"), preset, s->settings,
                                   plan->systems[system].settings};
    for (int i = 0; i < COUNT(parts); i++)
        if (parts[i])
            json_object_update(all, (json_t *)parts[i]);
    json_decref(preset);
    return all;
}
