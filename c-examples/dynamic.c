/*
 * The library as a plug-in: found and loaded while the program runs, which works without it too.
 *
 *   dynamic LIBRARY
 *
 * LIBRARY is the path of libtacita.so.0.1, or that name alone to have it searched for where libraries are. The program
 * makes a key of 2048 bits, for speed, and prints its fingerprint. It is linked with -ldl, and not with -ltacita:
 *   cc -std=c11 dynamic.c -ldl -o dynamic
 *
 * There is no dlclose, and should not be: the library's threads run on after the calls that started them, and would
 * find their code gone. A process that is done with the library keeps it until it ends.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "tacita.h"

/* What this program needs of the library. */
static struct {
    uint32_t (*version_number)(void);
    const char *(*version)(void);
    const char *(*status_text)(int status);
    size_t (*last_error_detail)(char *detail_out, size_t capacity);
    tacita_status (*self_test)(void);
    tacita_status (*secret_key_generate)(uint32_t bits, tacita_progress progress, void *user_data,
                                         tacita_secret_key **key_out);
    tacita_status (*secret_key_public_key)(const tacita_secret_key *key, tacita_public_key **public_key_out);
    tacita_status (*public_key_fingerprint)(const tacita_public_key *key, uint8_t fingerprint_out[]);
    tacita_status (*fingerprint_to_hex)(const uint8_t fingerprint[], char hex_out[]);
    void (*public_key_free)(tacita_public_key *key);
    void (*secret_key_free)(tacita_secret_key *key);
} tacita;

/* POSIX promises that a pointer to a function has the form of one to data. C does not, and so has no cast for it: the
 * bytes are copied. */
static int find(void *library, const char *name, void *function, size_t size) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL || size != sizeof symbol) {
        fprintf(stderr, "%s: %s\n", name, symbol == NULL ? "the library does not have this function" : "no pointer");
        return 1;
    }
    memcpy(function, &symbol, size);
    return 0;
}

/* The comparison does not run. It makes the compiler refuse a place of another type than the header declares. */
#define FIND(name)                                                                                                     \
    do {                                                                                                               \
        (void)sizeof(tacita.name == tacita_##name);                                                                    \
        if (find(library, "tacita_" #name, &tacita.name, sizeof tacita.name) != 0) {                                   \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

static int load(const char *path) {
    const uint32_t wanted = TACITA_VERSION_NUMBER;
    uint32_t found;
    /* All at once, so that nothing is found missing in the middle of the work; and for this program alone, so that
     * nothing of it gets in the way of other libraries. */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    /* Before anything else: under another version other functions may have other arguments. Version 0 promises as much
     * only while its second number stays the same; from 1 on any with the same first number will do, if it is not older. */
    FIND(version_number);
    FIND(version);
    found = tacita.version_number();
    if (found < wanted || (TACITA_VERSION_MAJOR == 0 ? found / 1000 != wanted / 1000
                                                     : found / 1000000 != wanted / 1000000)) {
        fprintf(stderr, "%s: version %s does not fit this program, which was made for %d.%d.%d\n", path,
                tacita.version(), TACITA_VERSION_MAJOR, TACITA_VERSION_MINOR, TACITA_VERSION_PATCH);
        return 1;
    }
    FIND(status_text);
    FIND(last_error_detail);
    FIND(self_test);
    FIND(secret_key_generate);
    FIND(secret_key_public_key);
    FIND(public_key_fingerprint);
    FIND(fingerprint_to_hex);
    FIND(public_key_free);
    FIND(secret_key_free);
    return 0;
}

/* As in common.h, whose own would have to be linked with the library. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        tacita_status status_ = (call);                                                                                \
        if (status_ != TACITA_STATUS_SUCCESS) {                                                                        \
            char detail_[512];                                                                                         \
            (void)tacita.last_error_detail(detail_, sizeof detail_);                                                   \
            fprintf(stderr, "error %d: %s (%s)\n", (int)status_, tacita.status_text((int)status_), detail_);           \
            failed = 1;                                                                                                \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

int main(int argc, char **argv) {
    tacita_secret_key *key = NULL;
    tacita_public_key *public_key = NULL;
    uint8_t fingerprint[TACITA_FINGERPRINT_LEN];
    char hex[TACITA_FINGERPRINT_HEX_LEN];
    int failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s LIBRARY\n", argv[0]);
        return 2;
    }
    if (load(argv[1]) != 0) {
        return 1;
    }
    /* Whoever loads a library that somebody else installed had better see that it works here. */
    TRY(tacita.self_test());
    TRY(tacita.secret_key_generate(2048, NULL, NULL, &key));
    TRY(tacita.secret_key_public_key(key, &public_key));
    TRY(tacita.public_key_fingerprint(public_key, fingerprint));
    TRY(tacita.fingerprint_to_hex(fingerprint, hex));
    printf("tacita %s made key %s\n", tacita.version(), hex);
done:
    tacita.public_key_free(public_key);
    tacita.secret_key_free(key);
    return failed;
}
