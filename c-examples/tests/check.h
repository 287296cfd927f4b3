/* What the tests of the C API share: one of each handle, a check of each call, and a look at all outputs after it. */

#ifndef TACITA_CHECK_H
#define TACITA_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common.h"

/* The models of the tests have so many features and labels. */
enum { FEATURES = 3, LABELS = 2 };

/* Room for every output of every function. It is filled with a pattern that no failing call may change. */
static struct outputs {
    tacita_bytes *bytes;
    tacita_secret_key *secret_key;
    tacita_public_key *public_key;
    tacita_spec *spec;
    tacita_encryptor *encryptor;
    tacita_request *request;
    tacita_model *model;
    tacita_verified_keys *keys;
    tacita_evaluator *evaluator;
    tacita_response *response;
    tacita_decryptor *decryptor;
    tacita_predictions *predictions;
    tacita_records *records;
    tacita_nonce_pool *pool;
    tacita_costs *costs;
    const char *name;
    size_t size, other_size;
    uint32_t number;
    int flag;
    tacita_status status;
    uint64_t counts[3];
    double reals[4];
    uint8_t digest[TACITA_FINGERPRINT_LEN];
    char text[TACITA_NAME_CAPACITY];
} out, untouched;

static unsigned long failures = 0, checks = 0;

static inline void check(int holds, const char *file, int line, const char *what) {
    checks++;
    if (!holds && ++failures <= 20) {
        char detail[512];
        (void)tacita_last_error_detail(detail, sizeof detail);
        fprintf(stderr, "%s:%d: %s (last error: %s)\n", file, line, what, detail);
    }
}

#define CHECK(condition) check((condition) != 0, __FILE__, __LINE__, #condition)

static inline void reset_outputs(void) {
    memset(&untouched, 0xa5, sizeof untouched);
    memset(&out, 0xa5, sizeof out);
}

/* The call succeeds. What it gives out has to be taken from `out` before `reset_outputs`. */
#define SUCCEEDS(call) CHECK((call) == TACITA_STATUS_SUCCESS)

static inline void check_refused(int found, int expected, const char *file, int line, const char *what) {
    if (found != expected && failures < 20) {
        fprintf(stderr, "status %d instead of %d: ", found, expected);
    }
    check(found == expected, file, line, what);
    check(memcmp(&out, &untouched, sizeof out) == 0, file, line, "an output was touched");
    reset_outputs();
}

/* The call fails with the status, and touches no output. */
#define REFUSED(status, call) check_refused((int)(call), TACITA_STATUS_##status, __FILE__, __LINE__, #call)

/* All live handles as untyped pointers, to be passed where they do not belong. */
enum role {
    BYTES, SECRET_KEY, PUBLIC_KEY, SPEC, ENCRYPTOR, REQUEST, MODEL, KEYS, EVALUATOR, RESPONSE, DECRYPTOR, PREDICTIONS,
    RECORDS, POOL, COSTS, ROLES
};

static struct world {
    tacita_bytes *bytes;
    tacita_secret_key *secret_key;
    tacita_public_key *public_key;
    tacita_spec *spec;
    tacita_encryptor *encryptor;
    tacita_request *request;
    tacita_model *model;
    tacita_verified_keys *keys;
    tacita_evaluator *evaluator;
    tacita_response *response;
    tacita_decryptor *decryptor;
    tacita_predictions *predictions;
    tacita_records *records;
    tacita_nonce_pool *pool;
    tacita_costs *costs;
    uint8_t pin[TACITA_FINGERPRINT_LEN];
} world;

static const double RECORD[FEATURES] = {1, 2, 3};

/* Whether the detail of the last failure says something. */
static inline int says(const char *part) {
    char detail[512];
    (void)tacita_last_error_detail(detail, sizeof detail);
    return strstr(detail, part) != NULL;
}

/* A file of the folder with the fixtures, freed by nobody but `free`. */
static inline uint8_t *fixture(const char *folder, const char *name, size_t *length) {
    char path[1024];
    uint8_t *data = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (read_file(path, &data, length) != 0) {
        exit(2);
    }
    return data;
}

/* Makes one of each handle. */
static inline void create_world(const char *folder) {
    size_t length;
    uint8_t *data = fixture(folder, "key.json", &length);
    reset_outputs();
    SUCCEEDS(tacita_secret_key_from_json(data, length, &world.secret_key));
    free(data);
    data = fixture(folder, "spec.json", &length);
    SUCCEEDS(tacita_spec_from_json(data, length, &world.spec));
    free(data);
    data = fixture(folder, "model.safetensors", &length);
    SUCCEEDS(tacita_model_from_bytes(data, length, &world.model));
    free(data);
    SUCCEEDS(tacita_secret_key_public_key(world.secret_key, &world.public_key));
    /* Honest users get the pin from elsewhere. */
    SUCCEEDS(tacita_spec_fingerprint(world.spec, world.pin));
    SUCCEEDS(tacita_encryptor_new_with_secret_key(world.spec, world.pin, world.secret_key, &world.encryptor));
    SUCCEEDS(tacita_encryptor_encrypt(world.encryptor, RECORD, FEATURES, 1, &world.request));
    SUCCEEDS(tacita_request_to_bytes(world.request, &world.bytes));
    SUCCEEDS(tacita_verified_keys_new(&world.keys));
    SUCCEEDS(tacita_evaluator_new(world.model, &world.evaluator));
    SUCCEEDS(tacita_evaluator_evaluate(world.evaluator, world.request, world.public_key, &world.response));
    SUCCEEDS(tacita_decryptor_new(world.spec, world.pin, world.secret_key, &world.decryptor));
    SUCCEEDS(tacita_decryptor_decrypt(world.decryptor, world.response, world.request, &world.predictions));
    SUCCEEDS(tacita_records_new(world.spec, &world.records));
    SUCCEEDS(tacita_nonce_pool_new_with_public_key(world.public_key, TACITA_NONCES_POWER, 1, &world.pool));
    if (failures > 0) {
        exit(1);
    }
}

/* Costs take a while to measure, under valgrind a minute: only where they are wanted, and in a short run, one that is told to
 * look at every so many bytes, not for their handle alone. Without it a NULL stands in their place. */
static inline void create_costs(int argc, char **argv, int wanted) {
    if (!wanted && argc > 2 && strcmp(argv[2], "1") != 0) {
        return;
    }
    SUCCEEDS(tacita_costs_measure(world.secret_key, &world.costs));
}

static inline void free_world(void) {
    tacita_bytes_free(world.bytes);
    tacita_secret_key_free(world.secret_key);
    tacita_public_key_free(world.public_key);
    tacita_spec_free(world.spec);
    tacita_encryptor_free(world.encryptor);
    tacita_request_free(world.request);
    tacita_model_free(world.model);
    tacita_verified_keys_free(world.keys);
    tacita_evaluator_free(world.evaluator);
    tacita_response_free(world.response);
    tacita_decryptor_free(world.decryptor);
    tacita_predictions_free(world.predictions);
    tacita_records_free(world.records);
    tacita_nonce_pool_free(world.pool);
    tacita_costs_free(world.costs);
}

/* The end of every test. */
static inline int report(void) {
    printf("%lu checks, %lu failed\n", checks, failures);
    return failures > 0;
}

#endif
