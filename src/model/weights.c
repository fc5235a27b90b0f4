/* weights - parameters to and from safetensors, and finding model folders */
#include "model/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/safetensors.h"

static el_network *network_of(el_model *model, el_role role)
{
    return role == EL_GENERATOR ? &model->generator : &model->discriminator;
}

/* A parameter as files have it: base + value, floats without gaps, on the heap. */
static el_status exported(el_device *dev, const el_param *param, float **values)
{
    const size_t count = (size_t)el_param_elements(param);
    float *out = malloc(count * sizeof *out), *base = NULL;
    el_status st =
        out ? el_tensor_read(dev, param->value, out) : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st && param->base.data) {
        base = malloc(count * sizeof *base);
        st = base ? el_tensor_read(dev, param->base, base)
                  : el_fail(EL_ENOMEM, "no memory for %s", param->name);
        for (size_t i = 0; !st && i < count; i++)
            out[i] += base[i];
    }
    free(base);
    *values = out;
    return st;
}

static el_status save_tensors(el_device *dev, const el_params *params, const char *path)
{
    el_st_entry *entries = calloc((size_t)params->count, sizeof *entries);
    el_status st = entries ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", path);
    for (int i = 0; !st && i < params->count; i++) {
        const el_param *param = &params->items[i];
        float *values = NULL;
        st = exported(dev, param, &values);
        el_st_entry *entry = &entries[i];
        *entry =
            (el_st_entry){.name = param->name,
                          .type = EL_ST_F32,
                          .dims = param->vector ? 1 : 2,
                          .shape = {param->vector ? param->value.cols : param->value.rows, param->value.cols},
                          .data = values,
                          .bytes = (size_t)el_param_elements(param) * sizeof *values};
        if (param->vector)
            entry->shape[1] = 0;
    }
    if (!st)
        st = el_safetensors_write(path, entries, params->count, NULL, false);
    for (int i = 0; entries && i < params->count; i++)
        free((void *)entries[i].data);
    free(entries);
    return st;
}

el_status el_weights_save(el_model *model, el_role role, const el_vocab *vocab, const char *card,
                          const char *folder)
{
    const el_network *net = network_of(model, role);
    el_folder out = {0};
    el_status st = el_folder_begin(&out, folder);
    if (st)
        return st;
    char *tensors = el_path_join(out.temporary, "model.safetensors");
    char *config = el_path_join(out.temporary, "config.json");
    char *readme = el_path_join(out.temporary, "README.md");
    json_t *object =
        el_config_json(&net->config, role == EL_GENERATOR ? "ElectraForMaskedLM" : "ElectraForPreTraining");
    if (!tensors || !config || !readme || !object)
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (!st)
        st = save_tensors(model->dev, &net->params, tensors);
    if (!st)
        st = el_json_save(object, config);
    if (!st)
        st = el_vocab_save(vocab, out.temporary);
    if (!st && card)
        st = el_file_write(readme, card, strlen(card));
    if (!st)
        st = el_folder_commit(&out);
    el_folder_abandon(&out);
    json_decref(object);
    free(tensors);
    free(config);
    free(readme);
    return st;
}

el_status el_weights_config(const char *folder, el_config *config, el_role *role)
{
    char *path = el_path_join(folder, "config.json");
    json_t *object = NULL;
    el_status st = path ? el_json_load(&object, path) : el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (!st)
        st = el_config_read(config, object, path);
    if (!st) {
        const char *architecture =
            json_string_value(json_array_get(json_object_get(object, "architectures"), 0));
        *role =
            architecture && strcmp(architecture, "ElectraForMaskedLM") == 0 ? EL_GENERATOR : EL_DISCRIMINATOR;
    }
    json_decref(object);
    free(path);
    return st;
}

/* IEEE half precision: 5 bits of exponent, 10 of fraction. */
static float widen_f16(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float sign = half >> 15 ? -1 : 1;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24));
}

/* The entry's elements as floats; false for a type that no weights have. */
static bool floats_of(const el_st_entry *entry, float *out)
{
    const size_t count = (size_t)el_st_elements(entry);
    const uint16_t *half = entry->data;
    switch (entry->type) {
    case EL_ST_F32:
        memcpy(out, entry->data, count * sizeof *out);
        return true;
    case EL_ST_F64:
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value, (const char *)entry->data + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
        return true;
    case EL_ST_BF16:
        for (size_t i = 0; i < count; i++) {
            const uint32_t bits = (uint32_t)half[i] << 16;
            memcpy(&out[i], &bits, sizeof bits);
        }
        return true;
    case EL_ST_F16:
        for (size_t i = 0; i < count; i++)
            out[i] = widen_f16(half[i]);
        return true;
    default:
        return false;
    }
}

static bool same_shape(const el_st_entry *entry, const el_param *param)
{
    if (param->vector)
        return entry->dims == 1 && entry->shape[0] == param->value.cols;
    return entry->dims == 2 && entry->shape[0] == param->value.rows && entry->shape[1] == param->value.cols;
}

static el_status fill_param(el_device *dev, const el_param *param, const el_st_entry *entry, const char *path)
{
    if (!same_shape(entry, param))
        return el_fail(EL_EDATA, "%s: %s has another shape than config.json says (%d x %d wanted)", path,
                       param->name, param->value.rows, param->value.cols);
    const size_t count = (size_t)el_param_elements(param);
    float *values = malloc(count * sizeof *values), *base = NULL;
    el_status st = values ? EL_OK : el_fail(EL_ENOMEM, "no memory for %s", param->name);
    if (!st && !floats_of(entry, values))
        st = el_fail(EL_EDATA, "%s: %s is not a tensor of floating-point numbers", path, param->name);
    if (!st && param->base.data) {
        base = malloc(count * sizeof *base);
        st = base ? el_tensor_read(dev, param->base, base)
                  : el_fail(EL_ENOMEM, "no memory for %s", param->name);
        for (size_t i = 0; !st && i < count; i++)
            values[i] -= base[i];
    }
    if (!st)
        st = el_tensor_write(dev, param->value, values);
    free(base);
    free(values);
    return st;
}

static bool is_backbone(const char *name)
{
    return strncmp(name, "electra.", 8) == 0;
}

el_status el_weights_load(el_model *model, el_role role, const char *folder)
{
    const el_params *params = &network_of(model, role)->params;
    char *path = el_path_join(folder, "model.safetensors");
    el_safetensors file = {0};
    el_status st = path ? el_safetensors_open(&file, path) : el_fail(EL_ENOMEM, "%s: no memory", folder);
    bool head_missing = false;
    for (int i = 0; !st && i < params->count; i++) {
        const el_param *param = &params->items[i];
        const el_st_entry *entry = el_safetensors_find(&file, param->name);
        /* A bare backbone (ElectraModel) has the names without their prefix. */
        if (!entry && is_backbone(param->name))
            entry = el_safetensors_find(&file, param->name + 8);
        if (entry)
            st = fill_param(model->dev, param, entry, path);
        else if (is_backbone(param->name))
            st = el_fail(EL_EDATA, "%s: %s is missing", path, param->name);
        else
            head_missing = true;
    }
    if (!st && head_missing)
        el_log(EL_LOG_NOTE, "%s holds no %s head; a new one is used", path,
               role == EL_GENERATOR ? "generator" : "discriminator");
    el_safetensors_close(&file);
    free(path);
    return st;
}

/* The sub-folder if it holds a model, else NULL. */
static char *model_in(const char *folder, const char *name)
{
    char *path = el_path_join(folder, name);
    char *config = path ? el_path_join(path, "config.json") : NULL;
    const bool there = config && el_file_exists(config);
    free(config);
    if (there)
        return path;
    free(path);
    return NULL;
}

el_status el_model_find(el_model_paths *paths, const char *folder)
{
    *paths = (el_model_paths){model_in(folder, "generator"), model_in(folder, "discriminator")};
    if (paths->generator || paths->discriminator)
        return EL_OK;
    el_config config;
    el_role role;
    char *weights = el_path_join(folder, "model.safetensors");
    const bool there = weights && el_file_exists(weights);
    free(weights);
    if (!there)
        return el_fail(EL_EDATA,
                       "%s: neither a run (with generator/ and discriminator/) nor a model folder (with "
                       "config.json and model.safetensors)",
                       folder);
    el_status st = el_weights_config(folder, &config, &role);
    if (st)
        return st;
    char *copy = strdup(folder);
    if (!copy)
        return el_fail(EL_ENOMEM, "%s: no memory", folder);
    *(role == EL_GENERATOR ? &paths->generator : &paths->discriminator) = copy;
    return EL_OK;
}

void el_model_paths_free(el_model_paths *paths)
{
    free(paths->generator);
    free(paths->discriminator);
    *paths = (el_model_paths){0};
}
