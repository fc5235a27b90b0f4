/* cublaslt - finding the library; see the header */
#include "ops/cuda/cublaslt.h"

#include "ops/cuda/library.h"

el_status el_cublaslt_open(el_cublaslt *blas)
{
    static const char *const NAMES[] = {"libcublasLt.so.13", "libcublasLt.so.12", NULL};
    static const char *const PACKAGES[] = {"cu13", "cublas", NULL};
    *blas = (el_cublaslt){.library = el_library_find(NAMES, PACKAGES)};
    if (!blas->library)
        return el_fail(EL_EFAILED,
                       "cuda: NVIDIA's libcublasLt (12 or 13) is not found; get it with `pip install "
                       "nvidia-cublas` and name its folder in LD_LIBRARY_PATH");
    const el_library_function functions[] = {{"cublasLtGetVersion", &blas->version},
                                             {"cublasLtCreate", &blas->create},
                                             {"cublasLtDestroy", &blas->destroy},
                                             {"cublasLtMatmulDescCreate", &blas->desc_create},
                                             {"cublasLtMatmulDescDestroy", &blas->desc_destroy},
                                             {"cublasLtMatmulDescSetAttribute", &blas->desc_set},
                                             {"cublasLtMatrixLayoutCreate", &blas->layout_create},
                                             {"cublasLtMatrixLayoutDestroy", &blas->layout_destroy},
                                             {"cublasLtMatrixLayoutSetAttribute", &blas->layout_set},
                                             {"cublasLtMatmulPreferenceCreate", &blas->preference_create},
                                             {"cublasLtMatmulPreferenceDestroy", &blas->preference_destroy},
                                             {"cublasLtMatmulPreferenceSetAttribute", &blas->preference_set},
                                             {"cublasLtMatmulAlgoGetHeuristic", &blas->ask},
                                             {"cublasLtMatmul", &blas->multiply}};
    const char *const lacks = el_library_fill(blas->library, functions, sizeof functions / sizeof *functions);
    if (!lacks)
        return EL_OK;
    el_cublaslt_close(blas);
    return el_fail(EL_EFAILED, "cuda: libcublasLt lacks %s", lacks);
}

void el_cublaslt_close(el_cublaslt *blas)
{
    el_library_close(blas->library);
    *blas = (el_cublaslt){0};
}
