// The native helper: dispatch. See README.md for the frames.
#include "romana-native.h"

#include <stdio.h>

int main(int argc, char **argv) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
    if (strcmp(name, "romana-native") != 0)
        return cni_main();
    if (argc == 2 && strcmp(argv[1], "pipe") == 0)
        return pipe_main();
    if (argc == 2 && strcmp(argv[1], "cni") == 0)
        return cni_main();
    fputs("usage: romana-native pipe|cni (frames: native/README.md)\n", stderr);
    return 2;
}
