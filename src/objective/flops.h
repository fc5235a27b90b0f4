/* flops - what an objective costs for each token, counted in two ways
 *
 *   products   multiply-adds times two of the matrix products that a step runs.  A backward is twice its forward, and a
 *              table look-up is free.  This is the count for runs at equal compute.
 *   paper      the accounting of the released code (Clark et al., 2020, appendix E): every elementary operation counts
 *              one, a table look-up counts as a product with a one-hot vector, a backward counts as much as its forward,
 *              and 20 of 128 tokens are predicted whatever mask_prob is; of causal all, and its attention is whole.  The
 *              totals of the paper's tables are its.
 *
 * With enc(h) = L (8 h^2 + 4 h i + 4 S h) + 2 E h (only where E is not h), mlm(h) = 2 E (h + V), rtd = 2 H (H + 1), D = enc(H),
 * G = enc(H_g) + m mlm(H_g), S = length and m = mask_prob, the products of one token forward:
 *
 *   electra                D + rtd + G                       sampler unigram or uniform: no G; a frozen one: G / 3
 *   adversarial            D + rtd + G + 2 m H_g             the baseline of the reward
 *   electra-15             D + m rtd + G
 *   mlm                    D + m mlm(H)                       with a sentence task + 2 H (H + 2) / S
 *   replace-mlm            D + m mlm(H) + G
 *   all-tokens-mlm         D + mlm(H) + 2 H + G
 *   causal                 D - 2 L S H + mlm(H)              half of the attention
 *   bidirectional          twice causal
 *   permutation            D + (L (8 H^2 + 4 H I + 4 S H) + mlm(H)) / 6          one token of 6 is a target
 *   xlnet                  L (8 H^2 + 4 H I + 6 S H) + (L (4 H^2 + 4 H I + 6 S H) + 2 H V) / 6          E = H
 *   two-stage              half of the steps D + m mlm(H), the others D + rtd + (D + m mlm(H)) / 3: no backward of the
 *                          frozen generator
 *   electric               D + rtd + 2 enc(H_g) + 4 E H_g + 2 E V                two towers, heads at all tokens
 *
 * S stands for the tokens of a sequence too, where something is counted once a sequence (the sentence task; the paper's tables of
 * positions and types), though where lengths differ these are another number.
 *
 * A training step costs three times its forward.  Where its cost changes with the steps, as of two-stage or of a mask_prob that
 * changes, what is counted is the mean of a whole run.  What is kept answers at D + rtd; of causal - 2 L S H, of bidirectional
 * twice that, of xlnet + 2 L S H.
 */
#ifndef EL_OBJECTIVE_FLOPS_H
#define EL_OBJECTIVE_FLOPS_H

#include "objective/objectives.h"

/* What is counted.  `encoder` is the network that is kept after pre-training. */
typedef struct {
    el_objective_kind objective; /* electric: any with a generator of two towers */
    el_config encoder, generator;
    bool sampled;     /* replacements come from counts or uniformly: no generator runs */
    bool frozen;      /* the generator runs forward only */
    bool sentences;   /* mlm: a sentence task beside it */
    double mask_prob; /* of one that changes the mean */
    double length; /* tokens that one attends among, itself too: those of a sequence, where all are as long */
} el_flops_plan;

/* What a token costs that attends among `length` tokens: to be counted, of a plan, whose networks need not be there,
 * and the products in training of a model. */
el_flops_plan el_objective_cost(el_objective_kind kind, const el_model_plan *plan, double mask_prob,
                                double length);
double el_objective_flops(el_objective_kind kind, const el_model *model, double mask_prob, double length);

/* Operations of a token, forward. */
double el_flops_products(const el_flops_plan *plan);
/* The same by the paper's accounting; NAN for an objective that the released code cannot count (all but electra, mlm
 * and causal). */
double el_flops_paper(const el_flops_plan *plan);

/* Operations of a token in training: 3 times the products forward, 2 times the paper's count; of a frozen generator once. */
double el_flops_products_training(const el_flops_plan *plan);
double el_flops_paper_training(const el_flops_plan *plan);

/* Operations of a token in inference, in texts of `length` tokens: of what is kept and fine-tuned, with the detection head, as
 * the paper has it.  The paper's is NAN for what attends otherwise: causal, bidirectional and xlnet. */
double el_flops_products_inference(const el_flops_plan *plan, double length);
double el_flops_paper_inference(const el_flops_plan *plan, double length);

/* A row of the paper's tables 1 and 2. */
typedef struct {
    const char *system, *model_size; /* model_size: our preset of the same shape, or NULL */
    el_objective_kind objective;
    double training_flops, inference_flops; /* 0: not published */
    double parameters;
    double glue; /* mean over GLUE's dev sets */
} el_published;
extern const el_published EL_PUBLISHED[];
extern const int EL_PUBLISHED_ROWS;

#endif
