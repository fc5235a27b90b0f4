/* answer - what a client is told, as JSON in the forms that others have
 *
 *   predict     classes: [{label, score}], falling; tags: [{entity_group, score, word, start, end}]; questions:
 *               {answer, score, start, end}; of several inputs a list of such
 *   embed       [[number]]
 *   detect      [[{piece, id, begin, end, continues, logit, probability}]]
 *   fill        [[{score, token, token_str, sequence}]], a list a [MASK]; of several inputs a list of such
 *   rerank      [{index, score}], falling; or {results: [{index, relevance_score}]}
 *   openai      {object, data: [{object, index, embedding}], model, usage}
 *   tokenize    [[{id, text, special, start, stop}]]
 */
#ifndef EL_HTTP_ANSWER_H
#define EL_HTTP_ANSWER_H

#include "serve/http/request.h"
#include "serve/http/text.h"

/* Of a request that is computed, or of one to tokenise.  Returns 200, or a code with a sentence; then the text is of no
 * use. */
int el_answer_put(el_text *text, const el_request *request);

#endif
