// The native helper: dispatch. See README.md for the frames.
#include "romana-native.h"

#include <libgen.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *name = argv[0] ? basename(argv[0]) : "";
    if (strcmp(name, "romana-native") != 0)
        return cni_main();
    if (argc == 2 && strcmp(argv[1], "pipe") == 0)
        return pipe_main();
    if (argc == 2 && strcmp(argv[1], "cni") == 0)
        return cni_main();
    static const char usage[] = "usage: romana-native pipe|cni (frames: native/README.md)\n";
    write_all(2, usage, sizeof usage - 1);
    return 2;
}
