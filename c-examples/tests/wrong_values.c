/* Values, lengths, indices and pairs of things that make no sense, and what comes out when they do. */

#include <math.h>

#include "check.h"

/* Out of range and not finite: the feature is named, the value is not. */
static void values(void) {
    const double bad[] = {NAN, INFINITY, -INFINITY, 98765.0, -0.51, 255.51, 1e308, -1e308};
    double record[2 * FEATURES];
    size_t i, place;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (place = 0; place < 2 * FEATURES; place++) {
            char name[TACITA_NAME_CAPACITY];
            size_t j;
            for (j = 0; j < 2 * FEATURES; j++) {
                record[j] = 7;
            }
            record[place] = bad[i];
            REFUSED(OUT_OF_RANGE, tacita_encryptor_encrypt(world.encryptor, record, 2 * FEATURES, 2, &out.request));
            SUCCEEDS(tacita_spec_feature_name(world.spec, place % FEATURES, name, sizeof name));
            CHECK(says(name));
            CHECK(!says("98765") && !says("NaN") && !says("inf") && !says("0.51") && !says("255.51"));
        }
    }
}

/* Lengths that do not fit together, also where their product overflows. */
static void lengths(void) {
    double record[FEATURES] = {0, 0, 0};
    /* Three times this is 1 modulo 2^64. */
    size_t third = SIZE_MAX / 3 * 2 + 1;
    size_t i;
    const size_t counts[][2] = {
        {FEATURES, 0}, {FEATURES, 2}, {FEATURES - 1, 1}, {0, 1}, {1, SIZE_MAX / 3 * 2 + 1}, {FEATURES, SIZE_MAX},
        {SIZE_MAX, 1}, {SIZE_MAX, SIZE_MAX / 3}, {SIZE_MAX / 8 + 1, 1}, {SIZE_MAX / 16 + 1, SIZE_MAX / 48},
    };
    CHECK(third * 3 == 1);
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        REFUSED(LENGTH, tacita_encryptor_encrypt(world.encryptor, record, counts[i][0], counts[i][1], &out.request));
    }
    REFUSED(ARGUMENT, tacita_encryptor_encrypt(world.encryptor, record, 0, 0, &out.request));
    /* Not a byte of so many records is looked at. */
    REFUSED(TOO_LARGE, tacita_encryptor_encrypt(world.encryptor, record, (size_t)FEATURES << 32, (size_t)1 << 32,
                                                &out.request));
    /* Not aligned as doubles are. */
    REFUSED(ARGUMENT, tacita_encryptor_encrypt(world.encryptor, (const double *)(void *)((char *)record + 1), FEATURES,
                                               1, &out.request));
    for (i = 0; i < 5; i++) {
        const size_t wrong[] = {0, LABELS - 1, LABELS + 1, SIZE_MAX / 2, SIZE_MAX};
        REFUSED(LENGTH, tacita_predictions_logits(world.predictions, 0, out.reals, wrong[i]));
        REFUSED(LENGTH, tacita_predictions_probabilities(world.predictions, 0, out.reals, wrong[i]));
    }
}

static void indices(void) {
    const size_t beyond[] = {1, 2, SIZE_MAX / 2, SIZE_MAX};
    size_t i;
    for (i = 0; i < 4; i++) {
        REFUSED(INDEX, tacita_predictions_logits(world.predictions, beyond[i], out.reals, LABELS));
        REFUSED(INDEX, tacita_predictions_probabilities(world.predictions, beyond[i], out.reals, LABELS));
        REFUSED(INDEX, tacita_predictions_class(world.predictions, beyond[i], &out.size));
        REFUSED(INDEX, tacita_predictions_label(world.predictions, beyond[i], out.text, sizeof out.text));
    }
    REFUSED(INDEX, tacita_spec_feature_name(world.spec, FEATURES, out.text, sizeof out.text));
    REFUSED(INDEX, tacita_spec_feature_name(world.spec, SIZE_MAX, out.text, sizeof out.text));
    REFUSED(INDEX, tacita_spec_feature_range(world.spec, FEATURES, out.reals, out.reals + 1, out.reals + 2));
    REFUSED(INDEX, tacita_spec_feature_range(world.spec, SIZE_MAX, out.reals, out.reals + 1, out.reals + 2));
    REFUSED(INDEX, tacita_spec_label(world.spec, LABELS, out.text, sizeof out.text));
    REFUSED(INDEX, tacita_spec_label(world.spec, SIZE_MAX, out.text, sizeof out.text));
    REFUSED(INDEX, tacita_spec_layout_together(world.spec, FEATURES, &out.number));
    REFUSED(INDEX, tacita_spec_layout_together(world.spec, SIZE_MAX, &out.number));
}

/* The spec of three features permits one, two or three of them together, and nothing else. */
static void layouts(void) {
    const uint32_t bad[] = {0, 4, 227, UINT32_MAX};
    tacita_encryptor *encryptor = NULL;
    tacita_request *request = NULL;
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    uint64_t up = 0, down = 0;
    uint32_t together = 0, found = 0;
    size_t i, count = 0, class_index = 9, other_index = 8;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSED(ARGUMENT, tacita_encryptor_new_with_layout(world.encryptor, bad[i], &out.encryptor));
        REFUSED(ARGUMENT, tacita_spec_ciphertexts(world.spec, bad[i], 2048, 1, out.counts, out.counts + 1));
        REFUSED(ARGUMENT, tacita_evaluator_prepare(world.evaluator, bad[i], NULL, NULL));
    }
    REFUSED(KEY_SIZE, tacita_spec_ciphertexts(world.spec, 2, 3000, 1, out.counts, out.counts + 1));
    REFUSED(TOO_LARGE, tacita_spec_ciphertexts(world.spec, 2, 2048, (size_t)1 << 32, out.counts, out.counts + 1));
    SUCCEEDS(tacita_spec_layout_count(world.spec, &count));
    CHECK(count == FEATURES);
    SUCCEEDS(tacita_predictions_class(world.predictions, 0, &class_index));
    for (i = 0; i < count; i++) {
        SUCCEEDS(tacita_spec_layout_together(world.spec, i, &together));
        CHECK(together == i + 1);
        SUCCEEDS(tacita_spec_ciphertexts(world.spec, together, 2048, 1, &up, &down));
        CHECK(up == (FEATURES + i) / (i + 1) && down == 1);
        SUCCEEDS(tacita_encryptor_new_with_layout(world.encryptor, together, &encryptor));
        SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));
        SUCCEEDS(tacita_request_together(request, &found));
        CHECK(found == together);
        SUCCEEDS(tacita_evaluator_prepare(world.evaluator, together, NULL, NULL));
        SUCCEEDS(tacita_evaluator_evaluate(world.evaluator, request, world.public_key, &response));
        if (i > 0) {
            REFUSED(REQUEST_MISMATCH, tacita_decryptor_decrypt(world.decryptor, response, world.request,
                                                               &out.predictions));
        }
        SUCCEEDS(tacita_decryptor_decrypt(world.decryptor, response, request, &predictions));
        SUCCEEDS(tacita_predictions_class(predictions, 0, &other_index));
        CHECK(other_index == class_index);
        tacita_predictions_free(predictions);
        tacita_response_free(response);
        tacita_request_free(request);
        tacita_encryptor_free(encryptor);
    }
}

/* Texts need room for their NUL; a capacity beyond all memory does no harm. */
static void texts(void) {
    size_t capacity;
    for (capacity = 0; capacity <= 3; capacity++) {
        REFUSED(BUFFER_TOO_SMALL, tacita_spec_feature_name(world.spec, 2, out.text, capacity));
        REFUSED(BUFFER_TOO_SMALL, tacita_spec_label(world.spec, 1, out.text, capacity));
        REFUSED(BUFFER_TOO_SMALL, tacita_predictions_label(world.predictions, 0, out.text, capacity));
    }
    SUCCEEDS(tacita_spec_feature_name(world.spec, 2, out.text, 4));
    CHECK(strcmp(out.text, "x_2") == 0);
    CHECK(out.text[4] == untouched.text[4]);
    SUCCEEDS(tacita_spec_feature_name(world.spec, 1, out.text, SIZE_MAX));
    CHECK(strcmp(out.text, "x_1") == 0);
    SUCCEEDS(tacita_spec_label(world.spec, 1, out.text, sizeof out.text));
    CHECK(strcmp(out.text, "class 1") == 0);
    reset_outputs();
}

/* Things of one key, model or request together with those of another. */
static void mismatches(const char *folder) {
    size_t length;
    uint8_t *data = fixture(folder, "other-key.json", &length), other_pin[TACITA_FINGERPRINT_LEN];
    tacita_secret_key *key = NULL;
    tacita_public_key *public_key = NULL;
    tacita_spec *spec = NULL;
    tacita_model *model = NULL;
    tacita_evaluator *evaluator = NULL;
    tacita_decryptor *decryptor = NULL;
    tacita_request *request = NULL;
    SUCCEEDS(tacita_secret_key_from_json(data, length, &key));
    free(data);
    SUCCEEDS(tacita_secret_key_public_key(key, &public_key));
    data = fixture(folder, "other-model.safetensors", &length);
    SUCCEEDS(tacita_model_from_bytes(data, length, &model));
    free(data);
    SUCCEEDS(tacita_model_spec(model, &spec));
    SUCCEEDS(tacita_spec_fingerprint(spec, other_pin));

    REFUSED(SPEC_MISMATCH, tacita_encryptor_new_with_public_key(spec, world.pin, public_key, &out.encryptor));
    REFUSED(SPEC_MISMATCH, tacita_encryptor_new_with_secret_key(world.spec, other_pin, key, &out.encryptor));
    REFUSED(SPEC_MISMATCH, tacita_decryptor_new(spec, world.pin, key, &out.decryptor));

    REFUSED(KEY_MISMATCH, tacita_evaluator_evaluate(world.evaluator, world.request, public_key, &out.response));
    SUCCEEDS(tacita_evaluator_new(model, &evaluator));
    REFUSED(SPEC_MISMATCH, tacita_evaluator_evaluate(evaluator, world.request, world.public_key, &out.response));

    SUCCEEDS(tacita_decryptor_new(world.spec, world.pin, key, &decryptor));
    REFUSED(KEY_MISMATCH, tacita_decryptor_decrypt(decryptor, world.response, world.request, &out.predictions));
    tacita_decryptor_free(decryptor);
    SUCCEEDS(tacita_decryptor_new(spec, other_pin, world.secret_key, &decryptor));
    REFUSED(SPEC_MISMATCH, tacita_decryptor_decrypt(decryptor, world.response, world.request, &out.predictions));
    SUCCEEDS(tacita_encryptor_encrypt(world.encryptor, RECORD, FEATURES, 1, &request));
    REFUSED(REQUEST_MISMATCH, tacita_decryptor_decrypt(world.decryptor, world.response, request, &out.predictions));

    tacita_request_free(request);
    tacita_decryptor_free(decryptor);
    tacita_evaluator_free(evaluator);
    tacita_model_free(model);
    tacita_spec_free(spec);
    tacita_public_key_free(public_key);
    tacita_secret_key_free(key);
}

/* What the calls that succeed give out fits together. */
static void results(const char *folder) {
    uint8_t id[TACITA_REQUEST_ID_LEN], other_id[TACITA_REQUEST_ID_LEN], fingerprint[TACITA_FINGERPRINT_LEN];
    size_t length, features = 0, labels = 0, records = 0, capacity = 0, class_index = 9;
    double logits[LABELS], probabilities[LABELS];
    uint32_t bits = 0;
    uint8_t *data;
    char path[1024];
    tacita_bytes *bytes = NULL;
    tacita_model *model = NULL;
    tacita_public_key *key = NULL, *admitted = NULL;
    tacita_secret_key *secret_key = NULL;
    tacita_encryptor *encryptor = NULL;
    tacita_request *request = NULL;
    tacita_verified_keys *keys = NULL;

    SUCCEEDS(tacita_spec_feature_count(world.spec, &features));
    SUCCEEDS(tacita_spec_label_count(world.spec, &labels));
    CHECK(features == FEATURES && labels == LABELS);
    SUCCEEDS(tacita_spec_feature_range(world.spec, 1, out.reals, out.reals + 1, out.reals + 2));
    CHECK(out.reals[0] <= 0 && out.reals[0] >= 0 && out.reals[1] <= 255 && out.reals[1] >= 255);
    CHECK(out.reals[2] <= 1 && out.reals[2] >= 1);
    SUCCEEDS(tacita_spec_slot_bits(world.spec, &bits));
    SUCCEEDS(tacita_encryptor_capacity(world.encryptor, &capacity));
    CHECK(capacity == 2046 / bits);
    SUCCEEDS(tacita_public_key_bits(world.public_key, &bits));
    CHECK(bits == 2048);

    SUCCEEDS(tacita_spec_to_json(world.spec, &bytes));
    data = fixture(folder, "spec.json", &length);
    CHECK(tacita_bytes_len(bytes) == length && memcmp(tacita_bytes_data(bytes), data, length) == 0);
    free(data);
    tacita_bytes_free(bytes);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    SUCCEEDS(tacita_model_load(path, &model));
    tacita_model_free(model);

    SUCCEEDS(tacita_request_id(world.request, id));
    SUCCEEDS(tacita_response_id(world.response, other_id));
    CHECK(memcmp(id, other_id, sizeof id) == 0);
    SUCCEEDS(tacita_request_records(world.request, &records));
    CHECK(records == 1);
    SUCCEEDS(tacita_request_spec_fingerprint(world.request, fingerprint));
    CHECK(memcmp(fingerprint, world.pin, sizeof fingerprint) == 0);
    SUCCEEDS(tacita_request_key_fingerprint(world.request, fingerprint));
    SUCCEEDS(tacita_public_key_fingerprint(world.public_key, out.digest));
    CHECK(memcmp(fingerprint, out.digest, sizeof fingerprint) == 0);

    SUCCEEDS(tacita_predictions_records(world.predictions, &records));
    CHECK(records == 1);
    SUCCEEDS(tacita_predictions_logits(world.predictions, 0, logits, LABELS));
    SUCCEEDS(tacita_predictions_probabilities(world.predictions, 0, probabilities, LABELS));
    SUCCEEDS(tacita_predictions_class(world.predictions, 0, &class_index));
    CHECK(class_index == (logits[1] > logits[0]));
    CHECK(fabs(probabilities[0] + probabilities[1] - 1) < 1e-9);
    CHECK((probabilities[1] > probabilities[0]) == (logits[1] > logits[0]));
    SUCCEEDS(tacita_predictions_label(world.predictions, 0, out.text, sizeof out.text));
    CHECK(strncmp(out.text, "class ", 6) == 0 && out.text[6] == (char)('0' + class_index));

    /* A secret key through its text, and the public key as an encryptor's. */
    SUCCEEDS(tacita_secret_key_to_json(world.secret_key, &bytes));
    SUCCEEDS(tacita_secret_key_from_json(tacita_bytes_data(bytes), tacita_bytes_len(bytes), &secret_key));
    tacita_bytes_free(bytes);
    SUCCEEDS(tacita_secret_key_public_key(secret_key, &key));
    SUCCEEDS(tacita_encryptor_new_with_public_key(world.spec, world.pin, key, &encryptor));
    SUCCEEDS(tacita_encryptor_encrypt(encryptor, RECORD, FEATURES, 1, &request));

    /* The key is verified once, and then remembered in the file. */
    snprintf(path, sizeof path, "%s/verified-keys", folder);
    remove(path);
    SUCCEEDS(tacita_verified_keys_open(path, &keys));
    SUCCEEDS(tacita_verified_keys_admit(keys, request, &admitted));
    tacita_verified_keys_free(keys);
    tacita_public_key_free(admitted);
    data = fixture(folder, "verified-keys", &length);
    CHECK(length == 65);
    free(data);
    SUCCEEDS(tacita_verified_keys_open(path, &keys));
    SUCCEEDS(tacita_verified_keys_admit(keys, request, &admitted));
    SUCCEEDS(tacita_public_key_fingerprint(admitted, fingerprint));
    CHECK(memcmp(fingerprint, out.digest, sizeof fingerprint) == 0);
    remove(path);

    tacita_verified_keys_free(keys);
    tacita_public_key_free(admitted);
    tacita_request_free(request);
    tacita_encryptor_free(encryptor);
    tacita_public_key_free(key);
    tacita_secret_key_free(secret_key);
    reset_outputs();
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    create_world(argv[1]);
    values();
    lengths();
    indices();
    layouts();
    texts();
    mismatches(argv[1]);
    results(argv[1]);
    free_world();
    return report();
}
