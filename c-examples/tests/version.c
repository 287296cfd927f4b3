/* The versions of header, library, pkg-config file and CMake package are the same, compared as numbers. The last two come as
 * texts: cc -DPKG_CONFIG_VERSION='"1.2.3"' -DCMAKE_PACKAGE_VERSION='"1.2.3"', as far as they are known. */

#include <stdio.h>
#include <string.h>

#include "tacita.h"

#ifndef PKG_CONFIG_VERSION
#define PKG_CONFIG_VERSION NULL
#endif
#ifndef CMAKE_PACKAGE_VERSION
#define CMAKE_PACKAGE_VERSION NULL
#endif

static int wrong = 0;

static void compare(const char *what, const char *text) {
    unsigned long major = 0, minor = 0, patch = 0;
    int end = 0;
    if (text == NULL) {
        return;
    }
    if (sscanf(text, "%lu.%lu.%lu%n", &major, &minor, &patch, &end) != 3 || text[end] != 0 ||
        1000000 * major + 1000 * minor + patch != TACITA_VERSION_NUMBER) {
        fprintf(stderr, "%s has version %s, the header %lu\n", what, text, (unsigned long)TACITA_VERSION_NUMBER);
        wrong = 1;
    }
    printf("%s %s\n", what, text);
}

int main(void) {
    compare("library", tacita_version());
    compare("pkg-config", PKG_CONFIG_VERSION);
    compare("CMake", CMAKE_PACKAGE_VERSION);
    if (tacita_version_number() != TACITA_VERSION_NUMBER ||
        TACITA_VERSION_NUMBER != 1000000 * TACITA_VERSION_MAJOR + 1000 * TACITA_VERSION_MINOR + TACITA_VERSION_PATCH) {
        fprintf(stderr, "library %lu, header %lu\n", (unsigned long)tacita_version_number(),
                (unsigned long)TACITA_VERSION_NUMBER);
        wrong = 1;
    }
    return wrong;
}
