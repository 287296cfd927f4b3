/* What each noun of the API can do besides the way from a record to its prediction, and how it fails. */

#include <math.h>

#include "check.h"

/* The prediction of a request is that of the model in plain, to the last bit. */
static void check_predictions(const tacita_request *request, const tacita_response *response, const double *values) {
    tacita_predictions *predictions = NULL;
    size_t records = 0, i, j;
    SUCCEEDS(tacita_decryptor_decrypt(world.decryptor, response, request, &predictions));
    SUCCEEDS(tacita_predictions_records(predictions, &records));
    SUCCEEDS(tacita_predictions_label_count(predictions, &i));
    CHECK(i == LABELS);
    for (i = 0; i < records; i++) {
        double logits[LABELS], expected[LABELS];
        SUCCEEDS(tacita_predictions_logits(predictions, i, logits, LABELS));
        SUCCEEDS(tacita_model_logits(world.model, values + i * FEATURES, FEATURES, expected, LABELS));
        for (j = 0; j < LABELS; j++) {
            CHECK(logits[j] <= expected[j] && logits[j] >= expected[j]);
        }
    }
    tacita_predictions_free(predictions);
}

static void check_request(const tacita_request *request, const double *values) {
    tacita_response *response = NULL;
    SUCCEEDS(tacita_evaluator_evaluate(world.evaluator, request, world.public_key, &response));
    check_predictions(request, response, values);
    tacita_response_free(response);
}

/* Engines have names, and a key can be told which to use. */
static void engines(void) {
    size_t count = 0, i;
    const char *name = NULL, *found = NULL;
    while (tacita_backend_name(count, &name) == TACITA_STATUS_SUCCESS) {
        tacita_secret_key *key = NULL, *small = NULL;
        tacita_public_key *public_key = NULL, *small_public = NULL;
        tacita_encryptor *encryptor = NULL;
        tacita_request *request = NULL;
        SUCCEEDS(tacita_secret_key_new_on(world.secret_key, name, &key));
        SUCCEEDS(tacita_secret_key_new_with_table_memory(key, 1 << 20, &small));
        SUCCEEDS(tacita_secret_key_public_key(small, &public_key));
        SUCCEEDS(tacita_public_key_backend(public_key, &found));
        CHECK(found == name);
        SUCCEEDS(tacita_encryptor_new_with_secret_key(world.spec, world.pin, small, &encryptor));
        SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));
        check_request(request, RECORD);
        tacita_request_free(request);
        tacita_encryptor_free(encryptor);
        tacita_public_key_free(public_key);
        SUCCEEDS(tacita_public_key_new_on(world.public_key, name, &public_key));
        SUCCEEDS(tacita_public_key_new_with_table_memory(public_key, 1 << 20, &small_public));
        SUCCEEDS(tacita_public_key_backend(small_public, &found));
        CHECK(found == name);
        SUCCEEDS(tacita_encryptor_new_with_public_key(world.spec, world.pin, small_public, &encryptor));
        SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));
        check_request(request, RECORD);
        tacita_request_free(request);
        tacita_encryptor_free(encryptor);
        tacita_public_key_free(small_public);
        tacita_public_key_free(public_key);
        tacita_secret_key_free(small);
        tacita_secret_key_free(key);
        count++;
    }
    CHECK(count > 0);
    for (i = 0; i < 3; i++) {
        const size_t beyond[] = {count, SIZE_MAX / 2, SIZE_MAX};
        REFUSED(INDEX, tacita_backend_name(beyond[i], &out.name));
    }
    REFUSED(BACKEND, tacita_secret_key_new_on(world.secret_key, "", &out.secret_key));
    REFUSED(BACKEND, tacita_public_key_new_on(world.public_key, "abacus", &out.public_key));
    CHECK(says("abacus") && says("portable"));
    REFUSED(MALFORMED, tacita_public_key_new_on(world.public_key, "\xff", &out.public_key));
    SUCCEEDS(tacita_self_test());
}

/* Features by name, and what else the spec says. */
static void specs(const char *folder) {
    char path[1024], name[TACITA_NAME_CAPACITY];
    const char *activation = NULL;
    tacita_spec *spec = NULL;
    double error = -1;
    uint32_t together = 0;
    size_t i, index = 9;
    for (i = 0; i < FEATURES; i++) {
        SUCCEEDS(tacita_spec_feature_name(world.spec, i, name, sizeof name));
        SUCCEEDS(tacita_spec_feature_index(world.spec, name, &index));
        CHECK(index == i);
    }
    REFUSED(FEATURE_UNKNOWN, tacita_spec_feature_index(world.spec, "x_3", &out.size));
    CHECK(says("x_3"));
    REFUSED(FEATURE_UNKNOWN, tacita_spec_feature_index(world.spec, "", &out.size));
    REFUSED(FEATURE_UNKNOWN, tacita_spec_feature_index(world.spec, "x_01", &out.size));
    REFUSED(MALFORMED, tacita_spec_feature_index(world.spec, "\xc3", &out.size));
    SUCCEEDS(tacita_spec_model_name(world.spec, name, sizeof name));
    CHECK(strlen(name) > 0);
    REFUSED(BUFFER_TOO_SMALL, tacita_spec_model_name(world.spec, out.text, strlen(name)));
    REFUSED(BUFFER_TOO_SMALL, tacita_spec_model_name(world.spec, out.text, 0));
    SUCCEEDS(tacita_spec_activation(world.spec, &activation));
    CHECK(strcmp(activation, "softmax") == 0);
    SUCCEEDS(tacita_spec_logit_error(world.spec, &error));
    CHECK(error >= 0 && isfinite(error));
    SUCCEEDS(tacita_spec_best_layout(world.spec, 2048, 1, &together));
    CHECK(together >= 1 && together <= FEATURES);
    REFUSED(TOO_LARGE, tacita_spec_best_layout(world.spec, 2048, SIZE_MAX, &out.number));
    /* Bytes for bits. */
    REFUSED(KEY_SIZE, tacita_spec_best_layout(world.spec, 2048 / 8, 1, &out.number));
    snprintf(path, sizeof path, "%s/spec.json", folder);
    SUCCEEDS(tacita_spec_load(path, &spec));
    tacita_spec_free(spec);
    REFUSED(IO, tacita_spec_load("no/such/file", &out.spec));
    REFUSED(IO, tacita_spec_load(folder, &out.spec));
    snprintf(path, sizeof path, "%s/key.json", folder);
    REFUSED(MALFORMED, tacita_spec_load(path, &out.spec));
}

/* Records by the names of their features. */
static void records(const char *folder) {
    const double run[FEATURES] = {4, 5, 6}, bad_run[FEATURES] = {4, NAN, 6};
    const double expected[2 * FEATURES] = {1, 2, 3, 4, 5, 6};
    const double bad[] = {NAN, INFINITY, -INFINITY};
    tacita_records *records = NULL;
    tacita_request *request = NULL;
    tacita_spec *other = NULL;
    uint8_t *json;
    size_t i, count = 9, length;
    SUCCEEDS(tacita_records_new(world.spec, &records));
    REFUSED(ARGUMENT, tacita_encryptor_encrypt_records(world.encryptor, records, NULL, NULL, &out.request));
    SUCCEEDS(tacita_records_set(records, "x_2", 3));
    REFUSED(FEATURE_TWICE, tacita_records_set(records, "x_2", 98765));
    CHECK(says("x_2") && !says("98765"));
    REFUSED(FEATURE_UNKNOWN, tacita_records_set(records, "x", 1));
    REFUSED(FEATURE_UNKNOWN, tacita_records_set(records, "", 1));
    REFUSED(MALFORMED, tacita_records_set(records, "\xfe", 1));
    for (i = 0; i < 3; i++) {
        REFUSED(OUT_OF_RANGE, tacita_records_set(records, "x_0", bad[i]));
    }
    SUCCEEDS(tacita_records_set(records, "x_0", 1));
    REFUSED(FEATURE_MISSING, tacita_records_end_record(records));
    CHECK(says("x_1"));
    REFUSED(FEATURE_MISSING, tacita_encryptor_encrypt_records(world.encryptor, records, NULL, NULL, &out.request));
    SUCCEEDS(tacita_records_set(records, "x_1", 2));
    REFUSED(ARGUMENT, tacita_encryptor_encrypt_records(world.encryptor, records, NULL, NULL, &out.request));
    SUCCEEDS(tacita_records_end_record(records));
    REFUSED(FEATURE_MISSING, tacita_records_end_record(records));
    REFUSED(FEATURE_UNKNOWN, tacita_records_set_run(records, "y", run, FEATURES));
    REFUSED(FEATURE_UNKNOWN, tacita_records_set_run(records, "x_0", run, 1));
    REFUSED(MALFORMED, tacita_records_set_run(records, "\xfe", run, FEATURES));
    REFUSED(LENGTH, tacita_records_set_run(records, "x", run, FEATURES - 1));
    REFUSED(LENGTH, tacita_records_set_run(records, "x", run, 0));
    REFUSED(LENGTH, tacita_records_set_run(records, "x", run, SIZE_MAX));
    REFUSED(OUT_OF_RANGE, tacita_records_set_run(records, "x", bad_run, FEATURES));
    CHECK(says("x_1"));
    SUCCEEDS(tacita_records_set_run(records, "x", run, FEATURES));
    REFUSED(FEATURE_TWICE, tacita_records_set_run(records, "x", run, FEATURES));
    SUCCEEDS(tacita_records_end_record(records));
    SUCCEEDS(tacita_records_count(records, &count));
    CHECK(count == 2);
    SUCCEEDS(tacita_encryptor_encrypt_records(world.encryptor, records, NULL, NULL, &request));
    check_request(request, expected);
    tacita_request_free(request);

    /* For another model's spec they are not good. */
    json = fixture(folder, "other-spec.json", &length);
    SUCCEEDS(tacita_spec_from_json(json, length, &other));
    free(json);
    tacita_records_free(records);
    SUCCEEDS(tacita_records_new(other, &records));
    SUCCEEDS(tacita_records_set_run(records, "x", run, FEATURES));
    SUCCEEDS(tacita_records_end_record(records));
    REFUSED(SPEC_MISMATCH, tacita_encryptor_encrypt_records(world.encryptor, records, NULL, NULL, &out.request));
    SUCCEEDS(tacita_records_clear(records));
    SUCCEEDS(tacita_records_count(records, &count));
    CHECK(count == 0);

    /* Out of range is seen when the record is encrypted. */
    tacita_records_free(records);
    SUCCEEDS(tacita_records_new(world.spec, &records));
    SUCCEEDS(tacita_records_set(records, "x_0", 98765));
    SUCCEEDS(tacita_records_set(records, "x_1", 0));
    SUCCEEDS(tacita_records_set(records, "x_2", 0));
    SUCCEEDS(tacita_records_end_record(records));
    REFUSED(OUT_OF_RANGE, tacita_encryptor_encrypt_records(world.encryptor, records, NULL, NULL, &out.request));
    CHECK(says("x_0") && !says("98765"));
    tacita_spec_free(other);
    tacita_records_free(records);
}

/* Encryptors that differ from their model in one thing, and pools of nonces. */
static void encryptors_and_pools(void) {
    const double outside[FEATURES] = {-1000, 2, 1e300}, ends[FEATURES] = {0, 2, 255};
    const double nan_record[FEATURES] = {0, NAN, 0};
    const uint32_t methods[] = {TACITA_NONCES_QUICKEST, TACITA_NONCES_POWER, TACITA_NONCES_PUBLIC_BASE,
                                TACITA_NONCES_SECRET_BASE};
    tacita_encryptor *encryptor = NULL, *public_encryptor = NULL, *by_power = NULL;
    tacita_request *request = NULL;
    tacita_nonce_pool *pool = NULL;
    uint8_t fingerprint[TACITA_FINGERPRINT_LEN];
    uint64_t made = 0, used = 0, missed = 9;
    size_t i, filled = 0, capacity = 0, records = 0;

    REFUSED(OUT_OF_RANGE, tacita_encryptor_encrypt(world.encryptor, outside, FEATURES, 1, &out.request));
    SUCCEEDS(tacita_encryptor_new_with_clamping(world.encryptor, &encryptor));
    SUCCEEDS(tacita_encryptor_encrypt(encryptor, outside, FEATURES, 1, &request));
    check_request(request, ends);
    REFUSED(OUT_OF_RANGE, tacita_encryptor_encrypt(encryptor, nan_record, FEATURES, 1, &out.request));
    tacita_request_free(request);
    tacita_encryptor_free(encryptor);

    for (i = 0; i < 4; i++) {
        SUCCEEDS(tacita_encryptor_new_with_nonces(world.encryptor, methods[i], &encryptor));
        SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));
        check_request(request, RECORD);
        tacita_request_free(request);
        tacita_encryptor_free(encryptor);
    }
    REFUSED(ARGUMENT, tacita_encryptor_new_with_nonces(world.encryptor, 5, &out.encryptor));
    REFUSED(ARGUMENT, tacita_encryptor_new_with_nonces(world.encryptor, UINT32_MAX, &out.encryptor));
    SUCCEEDS(tacita_encryptor_new_with_public_key(world.spec, world.pin, world.public_key, &public_encryptor));
    REFUSED(ARGUMENT, tacita_encryptor_new_with_nonces(public_encryptor, TACITA_NONCES_SECRET_BASE, &out.encryptor));
    SUCCEEDS(tacita_encryptor_records_per_request(world.encryptor, &records));
    SUCCEEDS(tacita_encryptor_capacity(world.encryptor, &capacity));
    CHECK(records >= capacity && records % capacity == 0);

    REFUSED(ARGUMENT, tacita_nonce_pool_new_with_public_key(world.public_key, 5, 1, &out.pool));
    REFUSED(ARGUMENT, tacita_nonce_pool_new_with_public_key(world.public_key, TACITA_NONCES_SECRET_BASE, 1, &out.pool));
    REFUSED(ARGUMENT, tacita_nonce_pool_new_with_secret_key(world.secret_key, TACITA_NONCES_POWER, 0, &out.pool));
    REFUSED(TOO_LARGE, tacita_nonce_pool_new_with_secret_key(world.secret_key, TACITA_NONCES_POWER, SIZE_MAX,
                                                             &out.pool));
    SUCCEEDS(tacita_nonce_pool_new_with_secret_key(world.secret_key, TACITA_NONCES_QUICKEST, 2 * FEATURES, &pool));
    SUCCEEDS(tacita_nonce_pool_fill(pool, NULL, NULL));
    SUCCEEDS(tacita_nonce_pool_size(pool, &filled, &capacity));
    CHECK(filled == 2 * FEATURES && capacity == 2 * FEATURES);
    SUCCEEDS(tacita_encryptor_new_with_pool(world.encryptor, pool, &encryptor));
    SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));
    SUCCEEDS(tacita_nonce_pool_statistics(pool, &made, &used, &missed));
    CHECK(made >= 2 * FEATURES && used == FEATURES && missed == 0);
    /* Nobody who asks for one way to draw nonces gets another. */
    REFUSED(ARGUMENT, tacita_encryptor_new_with_nonces(encryptor, TACITA_NONCES_POWER, &out.encryptor));
    SUCCEEDS(tacita_encryptor_new_with_nonces(world.encryptor, TACITA_NONCES_POWER, &by_power));
    REFUSED(ARGUMENT, tacita_encryptor_new_with_pool(by_power, pool, &out.encryptor));
    tacita_encryptor_free(by_power);
    REFUSED(ARGUMENT, tacita_evaluator_set_pool(world.evaluator, pool));

    SUCCEEDS(tacita_evaluator_set_pool(world.evaluator, world.pool));
    check_request(request, RECORD);
    SUCCEEDS(tacita_nonce_pool_statistics(world.pool, &made, &used, &missed));
    CHECK(used + missed == 1);
    SUCCEEDS(tacita_public_key_fingerprint(world.public_key, fingerprint));
    SUCCEEDS(tacita_evaluator_remove_pool(world.evaluator, fingerprint));
    SUCCEEDS(tacita_evaluator_remove_pool(world.evaluator, fingerprint));
    check_request(request, RECORD);
    SUCCEEDS(tacita_nonce_pool_statistics(world.pool, &made, &used, &missed));
    CHECK(used + missed == 1);

    tacita_request_free(request);
    /* The encryptor goes on with a pool whose handle is gone. */
    tacita_nonce_pool_free(pool);
    SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));
    check_request(request, RECORD);
    tacita_request_free(request);
    tacita_encryptor_free(encryptor);
    tacita_encryptor_free(public_encryptor);
}

/* Messages in a row, and without their key. */
static void messages(const char *folder) {
    tacita_request *first = NULL, *second = NULL, *bare = NULL;
    tacita_response *response = NULL;
    tacita_bytes *request_bytes = NULL, *response_bytes = NULL, *json = NULL;
    tacita_verified_keys *keys = NULL;
    tacita_public_key *key = NULL;
    uint8_t *both, *other_json, fingerprint[TACITA_FINGERPRINT_LEN];
    size_t length, bare_length, used = 0, other_length, bytes = 0, records = 0, count = 9;
    int has_key = 9;
    SUCCEEDS(tacita_request_has_key(world.request, &has_key));
    CHECK(has_key == 1);
    SUCCEEDS(tacita_request_new_without_key(world.request, &bare));
    SUCCEEDS(tacita_request_has_key(bare, &has_key));
    CHECK(has_key == 0);
    SUCCEEDS(tacita_request_ciphertext_bytes(bare, &bytes));
    CHECK(bytes == FEATURES * 512);
    SUCCEEDS(tacita_response_ciphertext_bytes(world.response, &bytes));
    CHECK(bytes == 512);
    SUCCEEDS(tacita_response_records(world.response, &records));
    CHECK(records == 1);

    SUCCEEDS(tacita_request_to_bytes(bare, &request_bytes));
    length = tacita_bytes_len(world.bytes);
    bare_length = tacita_bytes_len(request_bytes);
    CHECK(bare_length + 3000 < length);
    both = malloc(length + bare_length);
    if (both == NULL) {
        exit(2);
    }
    memcpy(both, tacita_bytes_data(world.bytes), length);
    memcpy(both + length, tacita_bytes_data(request_bytes), bare_length);
    REFUSED(CUT_OR_PADDED, tacita_request_from_bytes(both, length + bare_length, &out.request));
    SUCCEEDS(tacita_request_read_next(both, length + bare_length, &used, &first));
    CHECK(used == length);
    SUCCEEDS(tacita_request_read_next(both + used, bare_length, &used, &second));
    CHECK(used == bare_length);
    REFUSED(CUT_OR_PADDED, tacita_request_read_next(both, length - 1, &out.size, &out.request));
    REFUSED(MALFORMED, tacita_request_read_next(both, 0, &out.size, &out.request));
    CHECK(memcmp(&out, &untouched, sizeof out) == 0);
    REFUSED(LENGTH, tacita_request_read_next(both, SIZE_MAX, &out.size, &out.request));
    SUCCEEDS(tacita_response_to_bytes(world.response, &response_bytes));
    SUCCEEDS(tacita_response_read_next(tacita_bytes_data(response_bytes), tacita_bytes_len(response_bytes), &used,
                                       &response));
    CHECK(used == tacita_bytes_len(response_bytes));
    check_predictions(world.request, response, RECORD);
    REFUSED(MALFORMED, tacita_response_read_next(both, length, &out.size, &out.response));
    REFUSED(LENGTH, tacita_response_read_next(both, SIZE_MAX, &out.size, &out.response));

    /* The key of a request that does not carry it. */
    SUCCEEDS(tacita_verified_keys_new(&keys));
    REFUSED(ARGUMENT, tacita_verified_keys_admit(keys, second, &out.public_key));
    SUCCEEDS(tacita_public_key_to_json(world.public_key, &json));
    SUCCEEDS(tacita_verified_keys_admit_with(keys, second, tacita_bytes_data(json), tacita_bytes_len(json), &key));
    SUCCEEDS(tacita_verified_keys_count(keys, &count));
    CHECK(count == 1);
    tacita_public_key_free(key);
    REFUSED(MALFORMED, tacita_verified_keys_admit_with(keys, second, tacita_bytes_data(json), 17, &out.public_key));
    REFUSED(LENGTH, tacita_verified_keys_admit_with(keys, second, tacita_bytes_data(json), SIZE_MAX, &out.public_key));
    SUCCEEDS(tacita_public_key_fingerprint(world.public_key, fingerprint));
    SUCCEEDS(tacita_verified_keys_pin(keys, fingerprint));
    SUCCEEDS(tacita_verified_keys_admit(keys, first, &key));
    tacita_public_key_free(key);
    fingerprint[0] ^= 1;
    SUCCEEDS(tacita_verified_keys_pin(keys, fingerprint));
    REFUSED(KEY_MISMATCH, tacita_verified_keys_admit(keys, first, &out.public_key));
    tacita_verified_keys_free(keys);
    tacita_bytes_free(json);

    /* Another key than the request names. */
    other_json = fixture(folder, "other-key.json", &other_length);
    {
        tacita_secret_key *other = NULL;
        SUCCEEDS(tacita_secret_key_from_json(other_json, other_length, &other));
        SUCCEEDS(tacita_secret_key_public_key(other, &key));
        SUCCEEDS(tacita_public_key_to_json(key, &json));
        tacita_secret_key_free(other);
    }
    SUCCEEDS(tacita_verified_keys_new(&keys));
    REFUSED(KEY_MISMATCH, tacita_verified_keys_admit_with(keys, second, tacita_bytes_data(json), tacita_bytes_len(json),
                                                          &out.public_key));
    tacita_public_key_free(key);
    tacita_bytes_free(json);
    free(other_json);

    SUCCEEDS(tacita_public_key_proof(world.public_key, &json));
    CHECK(tacita_bytes_len(json) == 11 * 256);
    tacita_bytes_free(json);
    tacita_verified_keys_free(keys);
    free(both);
    tacita_bytes_free(response_bytes);
    tacita_bytes_free(request_bytes);
    tacita_response_free(response);
    tacita_request_free(bare);
    tacita_request_free(second);
    tacita_request_free(first);
}

/* Whether bytes, which end without NUL, hold a text. */
static int contains(const tacita_bytes *bytes, const char *text) {
    size_t length = tacita_bytes_len(bytes), i;
    for (i = 0; i + strlen(text) <= length; i++) {
        if (memcmp(tacita_bytes_data(bytes) + i, text, strlen(text)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A network becomes a model, which is reported on, carries plans, and goes through its bytes. */
static void models(const char *folder) {
    static const char *const description =
        "{\"name\": \"small\", \"features\": [{\"name\": \"x\", \"count\": 3, \"offset\": 0, \"step\": 1, \"least\": 0,"
        " \"greatest\": 255}], \"labels\": [\"a\", \"b\"]}";
    static const char *const bad[] = {
        "", "{}", "[]", "{\"name\": \"small\"}",
        "{\"name\": \"small\", \"features\": [], \"labels\": [\"a\", \"b\"], \"surplus\": 1}",
    };
    const uint8_t *text = (const uint8_t *)description;
    const double bad_values[] = {NAN, INFINITY, 256};
    double record[FEATURES] = {1, 2, 3}, logits[LABELS];
    size_t length, i, multiplications = 0;
    uint8_t *network = fixture(folder, "network.safetensors", &length);
    tacita_model *model = NULL, *planned = NULL, *again = NULL;
    tacita_bytes *report = NULL, *bytes = NULL;
    tacita_evaluator *evaluator = NULL;
    SUCCEEDS(tacita_model_compile(network, length, text, strlen(description), &model, &report));
    CHECK(contains(report, "\"logit_error\":") && contains(report, "\"bits\":8"));
    tacita_bytes_free(report);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        const uint8_t *wrong = (const uint8_t *)bad[i];
        REFUSED(MALFORMED, tacita_model_compile(network, length, wrong, strlen(bad[i]), &out.model, &out.bytes));
    }
    REFUSED(MALFORMED, tacita_model_compile(network, length - 1, text, strlen(description), &out.model, &out.bytes));
    REFUSED(LENGTH, tacita_model_compile(network, SIZE_MAX, text, strlen(description), &out.model, &out.bytes));
    REFUSED(LENGTH, tacita_model_compile(network, length, text, SIZE_MAX, &out.model, &out.bytes));
    free(network);
    SUCCEEDS(tacita_model_new_with_plan(model, 1, NULL, NULL, &planned));
    REFUSED(ARGUMENT, tacita_model_new_with_plan(model, 4, NULL, NULL, &out.model));
    SUCCEEDS(tacita_model_report(model, &report));
    CHECK(contains(report, "\"together\":1,\"multiplications\":null"));
    tacita_bytes_free(report);
    SUCCEEDS(tacita_model_report(planned, &report));
    CHECK(!contains(report, "\"together\":1,\"multiplications\":null") && contains(report, "\"features\":3"));
    tacita_bytes_free(report);
    SUCCEEDS(tacita_model_to_bytes(planned, &bytes));
    SUCCEEDS(tacita_model_from_bytes(tacita_bytes_data(bytes), tacita_bytes_len(bytes), &again));
    SUCCEEDS(tacita_model_logits(again, record, FEATURES, logits, LABELS));
    CHECK(isfinite(logits[0]) && isfinite(logits[1]));
    for (i = 0; i < 3; i++) {
        record[1] = bad_values[i];
        REFUSED(OUT_OF_RANGE, tacita_model_logits(again, record, FEATURES, out.reals, LABELS));
    }
    record[1] = 0;
    REFUSED(LENGTH, tacita_model_logits(again, record, FEATURES - 1, out.reals, LABELS));
    REFUSED(LENGTH, tacita_model_logits(again, record, SIZE_MAX, out.reals, LABELS));
    REFUSED(LENGTH, tacita_model_logits(again, record, FEATURES, out.reals, LABELS + 1));
    REFUSED(LENGTH, tacita_model_logits(again, record, FEATURES, out.reals, SIZE_MAX));

    SUCCEEDS(tacita_evaluator_new_with_max_records(world.model, 0, &evaluator));
    REFUSED(TOO_LARGE, tacita_evaluator_evaluate(evaluator, world.request, world.public_key, &out.response));
    SUCCEEDS(tacita_evaluator_multiplications(evaluator, 1, &multiplications));
    CHECK(multiplications > 0);
    REFUSED(ARGUMENT, tacita_evaluator_multiplications(evaluator, 4, &out.size));
    tacita_evaluator_free(evaluator);
    tacita_bytes_free(bytes);
    tacita_model_free(again);
    tacita_model_free(planned);
    tacita_model_free(model);
}

/* Requests side by side fail and succeed each by itself. */
static void many(const char *folder) {
    enum { COUNT = 5 };
    const tacita_request *requests[COUNT];
    const tacita_public_key *keys[COUNT];
    tacita_response *responses[COUNT] = {0};
    tacita_status statuses[COUNT];
    tacita_secret_key *other = NULL;
    tacita_public_key *other_key = NULL;
    size_t i, length;
    uint8_t *json = fixture(folder, "other-key.json", &length);
    SUCCEEDS(tacita_secret_key_from_json(json, length, &other));
    free(json);
    SUCCEEDS(tacita_secret_key_public_key(other, &other_key));
    for (i = 0; i < COUNT; i++) {
        requests[i] = world.request;
        keys[i] = i == 2 ? other_key : world.public_key;
        statuses[i] = TACITA_STATUS_BUG;
    }
    SUCCEEDS(tacita_evaluator_evaluate_many(world.evaluator, requests, keys, COUNT, NULL, NULL, responses, statuses));
    CHECK(says("key mismatch"));
    for (i = 0; i < COUNT; i++) {
        CHECK(statuses[i] == (i == 2 ? TACITA_STATUS_KEY_MISMATCH : TACITA_STATUS_SUCCESS));
        CHECK((responses[i] == NULL) == (i == 2));
        if (responses[i] != NULL) {
            check_predictions(world.request, responses[i], RECORD);
        }
        tacita_response_free(responses[i]);
    }
    SUCCEEDS(tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 0, NULL, NULL, responses, statuses));
    REFUSED(LENGTH, tacita_evaluator_evaluate_many(world.evaluator, requests, keys, SIZE_MAX, NULL, NULL, &out.response,
                                                   &out.status));
    REFUSED(LENGTH, tacita_evaluator_evaluate_many(world.evaluator, requests, keys, SIZE_MAX / 8, NULL, NULL,
                                                   &out.response, &out.status));
    tacita_public_key_free(other_key);
    tacita_secret_key_free(other);
}

/* Plans explain themselves. */
static void plans(int argc, char **argv) {
    tacita_bytes *json = NULL;
    create_costs(argc, argv, 1);
    SUCCEEDS(tacita_plan_for_evaluator(world.evaluator, world.costs, 1, TACITA_PLAN_SECRET_KEY, NULL, NULL, &json));
    CHECK(contains(json, "\"best\":\"") && contains(json, "\"total\":") && contains(json, "\"costs\":{"));
    tacita_bytes_free(json);
    SUCCEEDS(tacita_plan_for_spec(world.spec, world.costs, 100, TACITA_PLAN_POOLS, &json));
    CHECK(contains(json, "\"records\":100") && contains(json, "\"estimated\":true"));
    tacita_bytes_free(json);
    REFUSED(ARGUMENT, tacita_plan_for_spec(world.spec, world.costs, 0, TACITA_PLAN_POOLS, &out.bytes));
    REFUSED(ARGUMENT, tacita_plan_for_spec(world.spec, world.costs, 1, 3, &out.bytes));
    REFUSED(TOO_LARGE, tacita_plan_for_spec(world.spec, world.costs, SIZE_MAX, TACITA_PLAN_POOLS, &out.bytes));
    REFUSED(ARGUMENT, tacita_plan_for_evaluator(world.evaluator, world.costs, 0, TACITA_PLAN_PUBLIC_KEY, NULL, NULL,
                                                &out.bytes));
    REFUSED(ARGUMENT, tacita_plan_for_evaluator(world.evaluator, world.costs, 1, UINT32_MAX, NULL, NULL, &out.bytes));
    REFUSED(TOO_LARGE, tacita_plan_for_evaluator(world.evaluator, world.costs, SIZE_MAX, TACITA_PLAN_PUBLIC_KEY, NULL,
                                                 NULL, &out.bytes));
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    create_world(argv[1]);
    engines();
    specs(argv[1]);
    records(argv[1]);
    encryptors_and_pools();
    messages(argv[1]);
    models(argv[1]);
    many(argv[1]);
    plans(argc, argv);
    free_world();
    return report();
}
