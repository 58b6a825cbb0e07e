/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main of a fuzz target where there is no libFuzzer: every file that is named, and every file
 * of every folder that is named, once. afl-fuzz drives it too, with @@ for the file. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static size_t n_run;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf bytes = {0};
    uint8_t chunk[4096];
    uint8_t *exact;
    size_t n;

    MUST(file);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) buf_append(&bytes, chunk, n);
    fclose(file);
    exact = malloc(bytes.n ? bytes.n : 1);  // so that AddressSanitizer sees one byte too many
    MUST(exact && !bytes.failed);
    if (bytes.n) memcpy(exact, bytes.data, bytes.n);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, bytes.n);
    n_run++;
    free(exact);
    buf_done(&bytes);
}

static void run_folder(const char *path)
{
    struct dirent **list;
    int n = scandir(path, &list, NULL, alphasort);

    if (n < 0) {
        run_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];

        snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
        if (list[i]->d_name[0] != '.') run_file(file);
        free(list[i]);
    }
    free(list);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) run_folder(argv[i]);
    printf("%zu inputs, %zu taken\n", n_run, fuzz_n_taken());
    return fuzz_n_taken() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
