/* Faults that the harness must see: a handle that is lost, a read beyond what the library gave out, and one that the library is
 * led into by an array that is shorter than it is said to be. */

#include "check.h"

static int leak(void) {
    tacita_verified_keys *keys = NULL;
    SUCCEEDS(tacita_verified_keys_new(&keys));
    keys = NULL;
    return keys == NULL;
}

static int overread(const char *folder) {
    size_t length;
    uint8_t *json = fixture(folder, "spec.json", &length);
    tacita_spec *spec = NULL;
    tacita_bytes *bytes = NULL;
    int beyond;
    SUCCEEDS(tacita_spec_from_json(json, length, &spec));
    SUCCEEDS(tacita_spec_to_json(spec, &bytes));
    beyond = tacita_bytes_data(bytes)[tacita_bytes_len(bytes)];
    /* Used, so that it is read. */
    printf("%d\n", beyond == 'x');
    tacita_bytes_free(bytes);
    tacita_spec_free(spec);
    free(json);
    return 1;
}

static int lead_astray(const char *folder) {
    double *record = calloc(FEATURES - 1, sizeof *record);
    tacita_request *request = NULL;
    create_world(folder);
    if (record == NULL) {
        return 0;
    }
    SUCCEEDS(tacita_encryptor_encrypt(world.encryptor, record, FEATURES, 1, &request));
    tacita_request_free(request);
    free(record);
    free_world();
    return 1;
}

int main(int argc, char **argv) {
    int done = 0;
    if (argc != 3) {
        return 2;
    }
    if (strcmp(argv[2], "leak") == 0) {
        done = leak();
    } else if (strcmp(argv[2], "overread") == 0) {
        done = overread(argv[1]);
    } else if (strcmp(argv[2], "astray") == 0) {
        done = lead_astray(argv[1]);
    }
    return !done || report();
}
