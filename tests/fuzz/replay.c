/* SPDX-License-Identifier: MIT */

/* The main of a fuzz entry outside MODE=fuzz: hands it every file named on the command line, so
 * that what the fuzzer once found stays found, also under the sanitizers. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 1 << 20 };

static bool replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    uint8_t *data = malloc(SEED_MAX);
    if (data == NULL)
        abort();
    size_t size = fread(data, 1, SEED_MAX, file);
    fclose(file);
    /* Exactly as long as the input, so that the address sanitizer sees one byte too many. */
    data = realloc(data, size > 0 ? size : 1);
    if (data == NULL)
        abort();
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return true;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed += replay(argv[i]) ? 0 : 1;
    printf("%d passed, %d failed\n", argc - 1 - failed, failed);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
