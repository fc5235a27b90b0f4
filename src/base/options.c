/* options - see the header
 *
 * Parsing takes two passes over argv: flags first set their values and mark their lines, then the files
 * of --config and --hparams, in the order given, fill the lines that no flag has set.
 */
#define _GNU_SOURCE
#include "options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "nearest.h"
#include "options_parts.h"

/* ---- names ---- */

void el_option_flag(char flag[EL_LONGEST_SPELLING + 2], const char *name)
{
    snprintf(flag, EL_LONGEST_SPELLING + 2, "--%s", name);
    for (char *c = flag + 2; *c; c++)
        if (*c == '_')
            *c = '-';
}

static int line_of(const el_options *options, const char *name)
{
    char wanted[EL_LONGEST_SPELLING];
    el_spell(wanted, name, strlen(name));
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type != EL_OPT_SECTION && strcmp(options->table[i].name, wanted) == 0)
            return i;
    return -1;
}

/* The nearest name of the table, as it is (for keys) or as a flag; NULL where none is near. */
static const char *nearest_line(const el_options *options, const char *name, bool with_files)
{
    const char **names = calloc((size_t)options->count + 3, sizeof *names);
    if (!names)
        return NULL;
    int count = 0;
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type != EL_OPT_SECTION)
            names[count++] = options->table[i].name;
    if (with_files) {
        names[count++] = "config";
        names[count++] = "hparams";
        names[count++] = "help";
    }
    const char *nearest = el_nearest(name, names, count);
    free(names);
    return nearest;
}

/* ---- JSON ---- */

static el_status unknown_key(const el_options *options, const char *name, const char *key)
{
    const char *nearest = nearest_line(options, key, false);
    return nearest ? el_fail(EL_EUSAGE, "%s: unknown key \"%s\"; did you mean \"%s\"?", name, key, nearest)
                   : el_fail(EL_EUSAGE, "%s: unknown key \"%s\"", name, key);
}

/* What came from somewhere nearer stays. */
static el_status take_values(el_options *options, const json_t *object, const char *name, el_origin origin)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const int line = line_of(options, key);
        if (line < 0)
            return unknown_key(options, name, key);
        if (json_is_null(value) || options->origins[line] > origin)
            continue;
        char said[1024];
        snprintf(said, sizeof said, "%s: %s", name, key);
        const el_status st = el_option_set_json(options, line, said, value);
        if (st)
            return st;
        options->origins[line] = origin;
    }
    return EL_OK;
}

el_status el_options_apply(el_options *options, const json_t *object, const char *name)
{
    return take_values(options, object, name, EL_FROM_CONFIG);
}

el_status el_options_recall(el_options *options, const json_t *recorded, const char *name)
{
    const el_status st = take_values(options, recorded, name, EL_FROM_RECORD);
    return st == EL_EUSAGE ? EL_EDATA : st;
}

/* `given` is a file's name, or (where allowed) JSON itself. */
static el_status apply_file(el_options *options, const char *given, bool inline_json)
{
    const bool is_json = inline_json && given[strspn(given, " \t\n")] == '{';
    const char *name = is_json ? "--hparams" : given;
    json_t *object;
    el_status st =
        is_json ? el_json_parse(&object, given, strlen(given), name) : el_json_load(&object, given);
    if (!st)
        st = el_options_apply(options, object, name);
    else if (st == EL_EDATA && is_json)
        st = EL_EUSAGE;
    json_decref(object);
    return st;
}

/* ---- flags ---- */

/* One argument taken apart: "--name=value". */
typedef struct {
    char name[EL_LONGEST_SPELLING];
    char said[EL_LONGEST_SPELLING + 2]; /* the flag as a person would write it */
    char *value;                        /* after '=', or NULL */
} flag;

static el_status read_flag(flag *f, char *argument)
{
    const size_t length = strcspn(argument + 2, "=");
    if (length >= EL_LONGEST_SPELLING)
        return el_fail(EL_EUSAGE, "unknown option %.40s...", argument);
    el_spell(f->name, argument + 2, length);
    el_option_flag(f->said, f->name);
    f->value = argument[2 + length] ? argument + 2 + length + 1 : NULL;
    return EL_OK;
}

static el_status unknown_flag(const el_options *options, const flag *f)
{
    const bool negated = strncmp(f->name, "no_", 3) == 0;
    const char *nearest = nearest_line(options, f->name, true);
    if (!nearest && negated)
        nearest = nearest_line(options, f->name + 3, false);
    if (!nearest)
        return el_fail(EL_EUSAGE, "unknown option %s", f->said);
    const int line = line_of(options, nearest);
    const bool keep_no =
        negated && strncmp(nearest, "no_", 3) != 0 && line >= 0 && options->table[line].type == EL_OPT_SWITCH;
    char near_flag[EL_LONGEST_SPELLING + 2], spelt[EL_LONGEST_SPELLING];
    snprintf(spelt, sizeof spelt, "%s%s", keep_no ? "no_" : "", nearest);
    el_option_flag(near_flag, spelt);
    return el_fail(EL_EUSAGE, "unknown option %s; did you mean %s?", f->said, near_flag);
}

/* A choice among others of yes and no, which --X and --no-X say too. */
static bool is_yes_or_no(const el_option *option)
{
    return option->type == EL_OPT_CHOICE && strcmp(option->choices, "auto|yes|no") == 0;
}

/* Whether this is --no-X for a switch X. */
static bool turns_off(const el_options *options, const flag *f, int *line)
{
    if (strncmp(f->name, "no_", 3) != 0)
        return false;
    const int found = line_of(options, f->name + 3);
    if (found < 0 || (options->table[found].type != EL_OPT_SWITCH && !is_yes_or_no(&options->table[found])))
        return false;
    *line = found;
    return true;
}

/* Whether the next argument is a value of this choice; without one, --X means yes. */
static bool has_value(const flag *f, int argc, char **argv, int at)
{
    static const char *const VALUES[] = {"auto", "yes", "no"};
    for (size_t i = 0; !f->value && at + 1 < argc && i < sizeof VALUES / sizeof *VALUES; i++)
        if (strcmp(argv[at + 1], VALUES[i]) == 0)
            return true;
    return f->value != NULL;
}

/* The flag's value: after '=', or the next argument. */
static el_status value_of(const flag *f, int argc, char **argv, int *at, const char **value)
{
    if (!f->value &&
        (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)) /* "--a=--b" where it is meant */
        return el_fail(EL_EUSAGE, "%s: needs a value", f->said);
    *value = f->value ? f->value : argv[++*at];
    return EL_OK;
}

static el_status take_switch(el_options *options, const flag *f, int line, bool value)
{
    if (f->value && !value)
        return el_fail(EL_EUSAGE, "%s: takes no value", f->said);
    options->origins[line] = EL_FROM_FLAG;
    if (f->value)
        return el_option_set(options, line, f->said, f->value);
    *(bool *)el_option_place(options, line) = value;
    return EL_OK;
}

/* One "--..." argument; *at moves on if it takes the next one too. */
static el_status take_flag(el_options *options, int argc, char **argv, int *at)
{
    flag f;
    const char *value = NULL;
    el_status st = read_flag(&f, argv[*at]);
    if (st)
        return st;
    int line = line_of(options, f.name);
    if (line >= 0 && options->table[line].type == EL_OPT_SWITCH)
        return take_switch(options, &f, line, true);
    const bool off = line < 0 && turns_off(options, &f, &line);
    if (off && options->table[line].type == EL_OPT_SWITCH)
        return take_switch(options, &f, line, false);
    if (line >= 0 && is_yes_or_no(&options->table[line]) && (off || !has_value(&f, argc, argv, *at))) {
        if (f.value)
            return el_fail(EL_EUSAGE, "%s: takes no value", f.said);
        options->origins[line] = EL_FROM_FLAG;
        return el_option_set(options, line, f.said, off ? "no" : "yes");
    }
    if (line < 0 && strcmp(f.name, "help") == 0) {
        options->help = true;
        return EL_OK;
    }
    const bool file = line < 0 && (strcmp(f.name, "config") == 0 || strcmp(f.name, "hparams") == 0);
    if (line < 0 && !file)
        return unknown_flag(options, &f);
    st = value_of(&f, argc, argv, at, &value);
    if (st || file) /* files wait for the second pass */
        return st;
    options->origins[line] = EL_FROM_FLAG;
    return el_option_set(options, line, f.said, value);
}

/* Behind a flag that may be given several times it is likely to be one more value. */
static el_status refuse_operand(const el_options *options, const char *argument)
{
    char name[EL_LONGEST_SPELLING + 2], again[EL_LONGEST_SPELLING + 16] = "";
    for (int i = 0; i < options->count; i++)
        if (options->table[i].type == EL_OPT_TEXTS && options->origins[i] == EL_FROM_FLAG) {
            el_option_flag(name, options->table[i].name);
            snprintf(again, sizeof again, "; give %s again", name);
        }
    return el_fail(EL_EUSAGE, "\"%s\" is not expected: %s takes options only%s", argument, options->command,
                   again);
}

static el_status take_operand(el_options *options, char *argument)
{
    if (!options->operands)
        return refuse_operand(options, argument);
    options->operand[options->operand_count++] = argument;
    return EL_OK;
}

static el_status take_flags(el_options *options, int argc, char **argv)
{
    el_status st = EL_OK;
    bool ended = false;
    for (int at = 1; at < argc && !st; at++) {
        char *argument = argv[at];
        if (ended || argument[0] != '-' || argument[1] == '\0')
            st = take_operand(options, argument);
        else if (strcmp(argument, "--") == 0)
            ended = true;
        else if (strcmp(argument, "-h") == 0)
            options->help = true;
        else if (argument[1] != '-')
            st = el_fail(EL_EUSAGE, "unknown option %s; options are written --name", argument);
        else
            st = take_flag(options, argc, argv, &at);
    }
    return st;
}

/* Goes over the same arguments, which are known to be good. */
static el_status take_files(el_options *options, int argc, char **argv)
{
    el_status st = EL_OK;
    for (int at = 1; at < argc && !st && strcmp(argv[at], "--") != 0; at++) {
        flag f;
        const char *value = NULL;
        if (strncmp(argv[at], "--", 2) != 0 || read_flag(&f, argv[at]))
            continue;
        const int line = line_of(options, f.name);
        const bool config = line < 0 && strcmp(f.name, "config") == 0;
        const bool hparams = line < 0 && strcmp(f.name, "hparams") == 0;
        const bool alone =
            line >= 0 && (options->table[line].type == EL_OPT_SWITCH ||
                          (is_yes_or_no(&options->table[line]) && !has_value(&f, argc, argv, at)));
        const bool takes_value = config || hparams || (line >= 0 && !alone);
        if (takes_value)
            st = value_of(&f, argc, argv, &at, &value);
        if (!st && (config || hparams))
            st = apply_file(options, value, hparams);
    }
    return st;
}

static el_status read_once(el_options *options, int argc, char **argv, const json_t *object, const char *name)
{
    options->origins = calloc((size_t)options->count + 1, sizeof *options->origins);
    options->operand = calloc((size_t)(argc > 0 ? argc : 0) + 1, sizeof *options->operand);
    if (!options->origins || !options->operand)
        return el_no_memory(NULL);
    el_status st = take_flags(options, argc, argv);
    if (!st && !options->help)
        st = take_files(options, argc, argv);
    return st ? st : take_values(options, object, name, EL_FROM_CONFIG);
}

/* Of arguments or of an object; the other is none. */
static el_status read_all(el_options *options, int argc, char **argv, const json_t *object, const char *name)
{
    const el_status st = read_once(options, argc, argv, object, name);
    if (st || !options->preset)
        return st;
    el_options_close(options);
    options->preset(options->settings);
    return read_once(options, argc, argv, object, name);
}

el_status el_options_parse(el_options *options, int argc, char **argv)
{
    return read_all(options, argc, argv, NULL, NULL);
}

el_status el_options_from_json(el_options *options, const json_t *object, const char *name)
{
    return read_all(options, 0, NULL, object, name);
}

el_origin el_options_origin(const el_options *options, const char *name)
{
    const int line = line_of(options, name);
    assert(line >= 0 && "a line of the table");
    return options->origins[line];
}

bool el_options_given(const el_options *options, const char *name)
{
    return el_options_origin(options, name) != EL_FROM_DEFAULT;
}

el_status el_options_refuse(const char *name, const char *format, ...)
{
    char said[EL_LONGEST_SPELLING + 2], why[EL_SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    el_option_flag(said, name);
    return el_fail(EL_EUSAGE, "%s: %s", said, why);
}

void el_options_close(el_options *options)
{
    for (int i = 0; i < options->owned_count; i++)
        free(options->owned[i]);
    free(options->owned);
    free(options->operand);
    free(options->origins);
    options->owned = NULL, options->operand = NULL, options->origins = NULL;
    options->owned_count = 0, options->operand_count = 0;
}

/* ---- what they are now ---- */

json_t *el_options_given_json(const el_options *options)
{
    json_t *const names = json_array();
    for (int i = 0; i < options->count; i++)
        if (options->origins[i] > EL_FROM_RECORD)
            json_array_append_new(names, json_string(options->table[i].name));
    return names;
}

json_t *el_options_json(const el_options *options)
{
    json_t *object = json_object();
    for (int i = 0; object && i < options->count; i++)
        if (options->table[i].type != EL_OPT_SECTION)
            json_object_set_new(object, options->table[i].name, el_option_json(options, i));
    return object;
}
