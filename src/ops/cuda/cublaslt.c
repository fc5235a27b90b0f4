/* cublaslt - finding the library; see the header */
#include "ops/cuda/cublaslt.h"

#include <dlfcn.h>
#include <glob.h>
#include <string.h>

static const char *const NAMES[] = {"libcublasLt.so.13", "libcublasLt.so.12"};

static const char *const FOLDERS[] = {"/usr/local/cuda/lib64",
                                      "/usr/local/cuda/targets/x86_64-linux/lib",
                                      "/usr/local/lib/python3*/*-packages/nvidia/cu13/lib",
                                      "/usr/local/lib/python3*/*-packages/nvidia/cublas/lib",
                                      "/usr/lib/python3/*-packages/nvidia/cu13/lib",
                                      "/usr/lib/python3/*-packages/nvidia/cublas/lib",
                                      "/opt/*/lib/python3*/site-packages/nvidia/cu13/lib",
                                      "/opt/*/lib/python3*/site-packages/nvidia/cublas/lib"};

static void *open_in(const char *folder, const char *name)
{
    char pattern[256];
    glob_t found;
    void *library = NULL;
    strcpy(pattern, folder);
    strcat(strcat(pattern, "/"), name);
    if (glob(pattern, 0, NULL, &found))
        return NULL;
    for (size_t i = 0; i < found.gl_pathc && !library; i++)
        library = dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
    globfree(&found);
    return library;
}

static void *find_library(void)
{
    void *library = NULL;
    for (int n = 0; n < 2 && !library; n++) {
        library = dlopen(NAMES[n], RTLD_NOW | RTLD_LOCAL);
        for (size_t f = 0; f < sizeof FOLDERS / sizeof *FOLDERS && !library; f++)
            library = open_in(FOLDERS[f], NAMES[n]);
    }
    return library;
}

el_status el_cublaslt_open(el_cublaslt *blas)
{
    *blas = (el_cublaslt){.library = find_library()};
    if (!blas->library)
        return el_fail(EL_EFAILED,
                       "cuda: NVIDIA's libcublasLt (12 or 13) is not found; get it with `pip install "
                       "nvidia-cublas` and name its folder in LD_LIBRARY_PATH");
    const struct {
        const char *name;
        void *function;
    } functions[] = {{"cublasLtGetVersion", &blas->version},
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
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *const function = dlsym(blas->library, functions[i].name);
        if (!function) {
            el_cublaslt_close(blas);
            return el_fail(EL_EFAILED, "cuda: libcublasLt lacks %s", functions[i].name);
        }
        memcpy(functions[i].function, &function, sizeof function);
    }
    return EL_OK;
}

void el_cublaslt_close(el_cublaslt *blas)
{
    if (blas->library)
        dlclose(blas->library);
    *blas = (el_cublaslt){0};
}
