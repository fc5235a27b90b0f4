/* none - a libcublasLt that computes no product, for a machine that has a GPU but no cuBLASLt: every question is answered with
 * "not supported", so that all products are our own (ops/cuda/narrow.cu).  Slow, but the device can be checked.
 */
#include <stddef.h>

enum { DONE = 0, NOT_SUPPORTED = 15 };
static char something[64]; /* what handles point to */

static int make(void **made)
{
    *made = something;
    return DONE;
}

static int agree(void)
{
    return DONE;
}

static int refuse(void)
{
    return NOT_SUPPORTED;
}

#define IS(what) __attribute__((alias(#what), visibility("default")))
int cublasLtCreate(void **made) IS(make);
int cublasLtMatmulDescCreate(void **made) IS(make);
int cublasLtMatrixLayoutCreate(void **made) IS(make);
int cublasLtMatmulPreferenceCreate(void **made) IS(make);
int cublasLtDestroy(void) IS(agree);
int cublasLtMatmulDescDestroy(void) IS(agree);
int cublasLtMatrixLayoutDestroy(void) IS(agree);
int cublasLtMatmulPreferenceDestroy(void) IS(agree);
int cublasLtMatmulDescSetAttribute(void) IS(agree);
int cublasLtMatrixLayoutSetAttribute(void) IS(agree);
int cublasLtMatmulPreferenceSetAttribute(void) IS(agree);
int cublasLtMatmulAlgoGetHeuristic(void) IS(refuse);
int cublasLtMatmul(void) IS(refuse);

__attribute__((visibility("default"))) size_t cublasLtGetVersion(void);
size_t cublasLtGetVersion(void)
{
    return 0;
}
