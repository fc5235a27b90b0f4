/* ranks - the trials of a fine-tuning: one after the other, or given out to ranks
 *
 * The steps of a single trial are shared by all ranks, as those of pre-training are.  Of several trials each rank takes the
 * next that nobody has and does it by itself: nothing is exchanged, so that it does not matter how fast the network is, nor
 * how many ranks there are.  Who has a trial has the lock of its folder, which all ranks must see; what came of it is in
 *
 *   OUT/trial-<n>/trial.json     a line of `trials` in run.json
 *
 * and goes over into run.json when all are done.  One that fails ends all (shared_folder.h): the others save and stop.  A
 * trial whose rank died is taken up by the next start, from its last checkpoint.
 */

#include "base/clock.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "engine/finetune/parts.h"
#include "engine/shared_folder.h"

static json_t *trials_of(const el_finetuning *f)
{
    return json_object_get(f->run.record, "trials");
}

static const char LINE[] = "trial.json"; /* in a trial's folder */

/* Trials that ranks have done, up to the first that is not. */
static el_status take_over(el_finetuning *f)
{
    el_status st = EL_OK;
    bool there = true;
    const size_t before = json_array_size(trials_of(f));
    while (!st && there && (int64_t)json_array_size(trials_of(f)) < f->settings->num_trials) {
        json_t *line;
        const el_path folder = el_finetune_trial_folder(f, (int64_t)json_array_size(trials_of(f)), 0);
        st = el_json_load_in(&line, folder.text, LINE);
        there = line;
        if (there)
            json_array_append_new(trials_of(f), line);
    }
    return st || json_array_size(trials_of(f)) == before ? st : el_run_save(&f->run);
}

/* How many trials rank 0 knows to be done: the number of the next. */
static el_status share_count(el_finetuning *f, el_status before)
{
    f->trial = (int64_t)json_array_size(trials_of(f));
    if (!before)
        el_dist_share(f->settings->machine.dist, &f->trial, sizeof f->trial);
    return before;
}

static el_status one_after_the_other(el_finetuning *f)
{
    el_dist *const dist = f->settings->machine.dist;
    el_status st = el_dist_leads(dist) ? take_over(f) : EL_OK;
    st = share_count(f, el_dist_agree(dist, st));
    while (!st && f->trial < f->settings->num_trials) {
        json_t *line;
        st = el_finetune_trial(f, &line);
        if (!st)
            json_array_append_new(trials_of(f), line);
        if (!st && el_dist_leads(dist))
            st = el_run_save(&f->run);
        if (!st && el_dist_leads(dist))
            st = take_over(f);
        st = share_count(f, el_dist_agree(dist, st));
    }
    return st;
}

/* Does the trial unless it is done. */
static el_status do_trial(el_finetuning *f, int64_t trial, const char *folder)
{
    json_t *line;
    if (el_folder_holds(folder, LINE))
        return EL_OK;
    f->trial = trial;
    const el_status st = el_finetune_trial(f, &line);
    return st ? st : el_json_save_new(line, folder, LINE);
}

static el_status try_trial(el_finetuning *f, int64_t trial)
{
    const el_path folder = el_finetune_trial_folder(f, trial, 0);
    el_folder_lock lock = {0};
    bool busy = false;
    el_status st = el_folder_make(folder.text);
    if (!st)
        st = el_folder_lock_take(&lock, folder.text, &busy);
    if (!st && !busy)
        st = do_trial(f, trial, folder.text);
    el_folder_lock_release(&lock);
    return st;
}

el_status el_finetune_look(el_finetuning *f)
{
    const double now = el_now();
    if (now - f->looked < 1)
        return EL_OK;
    f->looked = now;
    return el_all_well_ended(f->settings->output)
               ? el_fail(EL_ESTOPPED, "stopped, as another rank has failed")
               : EL_OK;
}

static el_status given_out(el_finetuning *f)
{
    el_dist *const dist = f->settings->machine.dist;
    const char *const output = f->settings->output;
    el_status st = el_dist_agree(dist, el_dist_leads(dist) ? el_all_well_say(output) : EL_OK);
    if (!st)
        st = el_all_well_await(dist, output);
    if (st)
        return st;
    for (int64_t i = (int64_t)json_array_size(trials_of(f)); !st && i < f->settings->num_trials; i++) {
        st = el_finetune_look(f);
        if (!st)
            st = try_trial(f, i);
    }
    if (st && st != EL_ESTOPPED)
        el_all_well_end(output);
    st = el_dist_await(dist, st);
    if (el_dist_leads(dist))
        el_all_well_end(output);
    return st;
}

el_status el_finetune_trials(el_finetuning *f)
{
    el_dist *const dist = f->settings->machine.dist;
    if (f->together) {
        if (el_dist_leads(dist))
            el_all_well_end(f->settings->output); /* of ranks that were killed */
        return one_after_the_other(f);
    }
    const el_status st = given_out(f);
    return st ? st : el_dist_agree(dist, el_dist_leads(dist) ? take_over(f) : EL_OK);
}
