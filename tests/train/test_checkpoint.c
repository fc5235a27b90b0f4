/* Checkpoints come back bit for bit, and a damaged one is told by one sentence and passed over. */
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "networks.h"
#include "train/checkpoint.h"

static void set_moments(void *context, const el_network *net, el_param *param)
{
    (void)net;
    const double base = *(const double *)context;
    for (int i = 0; i < param->m.rows; i++)
        for (int j = 0; j < param->m.cols; j++) {
            el_set(param->m, i, j, base + i + 0.01 * j);
            el_set(param->v, i, j, base + 2 * i + 0.03 * j);
        }
}

static void open_model(el_model *model, uint64_t seed, double moments)
{
    assert_int_equal(small_model(model, 8, EL_TIE_GDES, seed), EL_OK);
    el_model_each(model, set_moments, &moments);
}

static uint64_t hash_of; /* of all values and moments */
static void hash_param(void *context, const el_network *net, el_param *param)
{
    (void)context, (void)net;
    const el_tensor all[] = {param->value, param->m, param->v};
    for (int k = 0; k < 3; k++) {
        const uint64_t pair[] = {hash_of,
                                 el_hash(all[k].data, (size_t)all[k].rows * (size_t)all[k].cols * 4)};
        hash_of = el_hash(pair, sizeof pair);
    }
}

static uint64_t fingerprint(el_model *model)
{
    hash_of = 0;
    el_model_each(model, hash_param, NULL);
    return hash_of;
}

static void save(uint64_t seed, int64_t step, const char *note)
{
    el_model model;
    open_model(&model, seed, (double)seed);
    json_t *state = json_pack("{s:s}", "note", note);
    assert_int_equal(el_checkpoint_save(&model, state, step, folder), EL_OK);
    json_decref(state);
    el_model_close(&model);
}

static char *file_in(int64_t step, const char *name)
{
    return el_path_join(el_checkpoint_path(folder, step).text, name);
}

/* Replaces a byte, or cuts the file there. */
static void damage(const char *path, long at, bool cut)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
    if (cut) {
        assert_int_equal(ftruncate(fileno(file), ftell(file)), 0);
    } else {
        const int byte = fgetc(file);
        fseek(file, -1, SEEK_CUR);
        fputc(byte ^ 1, file);
    }
    fclose(file);
}

/* Weights, moments and state are what was saved. */
static void round_trip(void **state)
{
    (void)state;
    el_model saved, loaded;
    open_model(&saved, 1, 5);
    json_t *written = json_pack("{s:f, s:i}", "sum", 0.1 + 0.2, "count", 3), *read;
    assert_int_equal(el_checkpoint_save(&saved, written, 7, folder), EL_OK);
    open_model(&loaded, 2, 6);
    assert_int_not_equal(fingerprint(&saved), fingerprint(&loaded));
    assert_int_equal(el_checkpoint_resume(&loaded, &read, folder), EL_OK);
    assert_int_equal(fingerprint(&saved), fingerprint(&loaded));
    assert_true(json_real_value(json_object_get(read, "sum")) == 0.1 + 0.2);
    assert_int_equal(json_integer_value(json_object_get(read, "step")), 7);
    json_decref(written);
    json_decref(read);
    el_model_close(&saved);
    el_model_close(&loaded);
}

/* So are those of a task's head. */
static void task_heads_too(void **state)
{
    (void)state;
    for (int kind = EL_HEAD_SEQUENCE; kind < EL_HEADS; kind++) {
        el_model_plan plan = {.training = true};
        const el_head_config head = {.kind = (el_head_kind)kind, .labels = 3, .answerable = true};
        el_plan_add(&plan, EL_DISCRIMINATOR, small_config(8), head);
        el_model saved, loaded;
        json_t *written = json_object(), *read;
        assert_int_equal(el_model_open(&saved, el_queue_reference(), &plan), EL_OK);
        assert_int_equal(el_model_open(&loaded, el_queue_reference(), &plan), EL_OK);
        assert_int_equal(el_model_initialise(&saved, &(el_initialisation){.seed = 3}), EL_OK);
        el_model_each(&saved, set_moments, &(double){4});
        assert_int_equal(el_checkpoint_save(&saved, written, kind, folder), EL_OK);
        assert_int_equal(el_checkpoint_resume(&loaded, &read, folder), EL_OK);
        assert_int_equal(fingerprint(&saved), fingerprint(&loaded));
        json_decref(written);
        json_decref(read);
        el_model_close(&saved);
        el_model_close(&loaded);
    }
}

/* A folder without checkpoints is no error, and gives no state. */
static void nothing_there(void **state)
{
    (void)state;
    el_model model;
    json_t *read;
    open_model(&model, 1, 1);
    assert_int_equal(el_checkpoint_resume(&model, &read, folder), EL_OK);
    assert_null(read);
    el_model_close(&model);
}

static void expect_note(el_model *model, const char *note)
{
    json_t *read;
    assert_int_equal(el_checkpoint_resume(model, &read, folder), EL_OK);
    assert_string_equal(json_string_value(json_object_get(read, "note")), note);
    json_decref(read);
}

static void expect_sentence(el_model *model, int64_t step, const char *part)
{
    json_t *read;
    assert_int_equal(el_checkpoint_load(model, &read, el_checkpoint_path(folder, step).text, false),
                     EL_EDATA);
    if (!strstr(el_error(), part) || strchr(el_error(), '\n'))
        fail_msg("the sentence is \"%s\"; it should speak of %s", el_error(), part);
}

/* Each kind of damage to the newest has a sentence, and the one before it is taken. */
static void damaged(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        long at;
        bool cut;
        const char *sentence;
    } KINDS[] = {{"model.safetensors", -5, false, "model.safetensors"},
                 {"model.safetensors", -5, true, "model.safetensors"},
                 {"model.safetensors", 0, true, "model.safetensors"},
                 {"optimizer.safetensors", -100, false, "optimizer.safetensors"},
                 {"state.json", 14, false, "state.json"},
                 {"state.json", 9, true, "state.json"}};
    el_model model;
    open_model(&model, 9, 9);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        save(1, 10, "old");
        save(2, 20, "new");
        expect_note(&model, "new");
        char *path = file_in(20, KINDS[i].file);
        damage(path, KINDS[i].at, KINDS[i].cut);
        free(path);
        expect_sentence(&model, 20, KINDS[i].sentence);
        expect_note(&model, "old");
    }
    el_model_close(&model);
}

/* A checkpoint without moments suffices to begin with, not to go on. */
static void without_moments(void **state)
{
    (void)state;
    el_model model;
    json_t *read;
    save(1, 30, "weights");
    const el_path path = el_checkpoint_path(folder, 30);
    char *moments = file_in(30, "optimizer.safetensors");
    assert_int_equal(unlink(moments), 0);
    open_model(&model, 2, 2);
    expect_sentence(&model, 30, "optimizer.safetensors");
    assert_int_equal(el_checkpoint_load(&model, &read, path.text, true), EL_OK);
    assert_true(el_get(model.networks[0].params.items[0].m, 1, 1) == 0);
    json_decref(read);
    free(moments);
    el_model_close(&model);
}

/* Another model's checkpoint is refused with the tensor's name and both shapes. */
static void another_shape(void **state)
{
    (void)state;
    el_model model;
    save(1, 40, "eight wide");
    assert_int_equal(small_model(&model, 12, EL_TIE_GDES, 1), EL_OK);
    expect_sentence(&model, 40, "the model's is (");
    el_model_close(&model);
}

/* Nor are tensors left out that the model does not have. */
static void another_network(void **state)
{
    (void)state;
    el_model with, without;
    json_t *const empty = json_object();
    assert_int_equal(small_model(&with, 8, EL_TIE_SEPARATE, 1), EL_OK);
    assert_int_equal(
        small_networks(&without, el_queue_reference(), 8, EL_SAMPLER_UNIFORM, EL_TIE_SEPARATE, 1), EL_OK);
    assert_int_equal(el_checkpoint_save(&with, empty, 41, folder), EL_OK);
    expect_sentence(&without, 41, "has a tensor generator.");
    json_decref(empty);
    el_model_close(&with);
    el_model_close(&without);
}

/* A file of another checkpoint beside the others is told by its step. */
static void of_two_steps(void **state)
{
    (void)state;
    static const char *const FILES[] = {"model.safetensors", "optimizer.safetensors"};
    el_model model;
    open_model(&model, 2, 2);
    for (int64_t i = 0; i < 2; i++) {
        save(1, 50, "old");
        save(1, 51 + i, "new");
        char *const from = file_in(50, FILES[i]), *const to = file_in(51 + i, FILES[i]);
        assert_int_equal(rename(from, to), 0);
        expect_sentence(&model, 51 + i, "is of step 50, state.json beside it of step 5");
        free(from);
        free(to);
    }
    el_model_close(&model);
}

static void expect_steps(const int64_t *expected, int expected_count)
{
    int64_t *steps;
    int count;
    assert_int_equal(el_checkpoint_list(folder, &steps, &count), EL_OK);
    assert_int_equal(count, expected_count);
    for (int i = 0; i < count; i++)
        assert_int_equal(steps[i], expected[i]);
    free(steps);
}

/* The last ones stay, in the order of numbers and not of letters; later ones are an abandoned course. */
static void rotation(void **state)
{
    (void)state;
    for (int64_t step = 8; step <= 12; step++)
        save(1, step, "any");
    assert_int_equal(el_checkpoint_rotate(folder, 11, 0), EL_OK);
    expect_steps((const int64_t[]){8, 9, 10, 11}, 4);
    assert_int_equal(el_checkpoint_rotate(folder, 11, 2), EL_OK);
    expect_steps((const int64_t[]){10, 11}, 2);
}

/* A checkpoint that cannot be read just now is not damaged: nothing goes back to the one before it. */
static void unreadable(void **state)
{
    (void)state;
    el_model model;
    char hidden[128];
    json_t *const before = json_object();
    json_t *after;
    open_model(&model, 1, 0.5);
    assert_int_equal(el_checkpoint_save(&model, before, 1, folder), EL_OK);
    assert_int_equal(el_checkpoint_save(&model, before, 2, folder), EL_OK);
    assert_int_equal(chmod(folder, 0755), 0);
    const char *const names[] = {"checkpoint-2/model.safetensors", "checkpoint-2/optimizer.safetensors",
                                 "checkpoint-2/state.json", "checkpoint-2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(hidden, sizeof hidden, "%s/%s", folder, names[i]);
        assert_int_equal(chmod(hidden, 0), 0);
        const bool root = geteuid() == 0; /* whom no mode keeps out */
        assert_int_equal(root ? seteuid(65534) : 0, 0);
        const el_status st = el_checkpoint_resume(&model, &after, folder);
        assert_int_equal(root ? seteuid(0) : 0, 0);
        assert_int_equal(chmod(hidden, 0755), 0);
        if (st != EL_EFAILED)
            print_error("%s: %s\n", names[i], el_error());
        assert_int_equal(st, EL_EFAILED);
        assert_null(after);
    }
    assert_int_equal(el_checkpoint_resume(&model, &after, folder), EL_OK);
    json_decref(after);
    json_decref(before);
    el_model_close(&model);
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {IN_A_FOLDER(round_trip),      IN_A_FOLDER(task_heads_too),
                                       IN_A_FOLDER(nothing_there),   IN_A_FOLDER(damaged),
                                       IN_A_FOLDER(without_moments), IN_A_FOLDER(another_shape),
                                       IN_A_FOLDER(another_network), IN_A_FOLDER(of_two_steps),
                                       IN_A_FOLDER(rotation),        IN_A_FOLDER(unreadable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
