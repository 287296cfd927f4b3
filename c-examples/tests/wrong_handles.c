/* A live handle of each other type in each place for a handle: a status of its own, and no output touched.
 * tests/c_api.rs compares this list with the header. */

#include "check.h"

/* Each live handle, by its role. */
static void *handle(int role) {
    void *handles[ROLES];
    handles[BYTES] = world.bytes;
    handles[SECRET_KEY] = world.secret_key;
    handles[PUBLIC_KEY] = world.public_key;
    handles[SPEC] = world.spec;
    handles[ENCRYPTOR] = world.encryptor;
    handles[REQUEST] = world.request;
    handles[MODEL] = world.model;
    handles[KEYS] = world.keys;
    handles[EVALUATOR] = world.evaluator;
    handles[RESPONSE] = world.response;
    handles[DECRYPTOR] = world.decryptor;
    handles[PREDICTIONS] = world.predictions;
    handles[RECORDS] = world.records;
    handles[POOL] = world.pool;
    handles[COSTS] = world.costs;
    return handles[role];
}

/* Refused with every handle as `wrong` but those of the role. */
#define WRONG_REFUSED(right, call)                                                                                     \
    do {                                                                                                               \
        int role_;                                                                                                     \
        for (role_ = 0; role_ < ROLES; role_++) {                                                                      \
            void *wrong = handle(role_);                                                                               \
            if (role_ != right && wrong != NULL) {                                                                                      \
                REFUSED(WRONG_HANDLE, call);                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

/* Bytes for where bytes are wanted. */
static const uint8_t bytes[2] = {'{', '}'};

static void of_secret_key(void) {
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_to_json(wrong, &out.bytes));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_save(wrong, "never-written"));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_to_encrypted(wrong, bytes, 2, &out.bytes));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_save_encrypted(wrong, bytes, 2, "never-written"));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_new_on(wrong, "portable", &out.secret_key));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_new_with_table_memory(wrong, 0, &out.secret_key));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_public_key(wrong, &out.public_key));
}

static void of_public_key(void) {
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_to_json(wrong, &out.bytes));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_fingerprint(wrong, out.digest));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_bits(wrong, &out.number));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_proof(wrong, &out.bytes));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_backend(wrong, &out.name));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_new_on(wrong, "portable", &out.public_key));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_new_with_table_memory(wrong, 0, &out.public_key));
}

static void of_spec(void) {
    WRONG_REFUSED(SPEC, tacita_spec_to_json(wrong, &out.bytes));
    WRONG_REFUSED(SPEC, tacita_spec_fingerprint(wrong, out.digest));
    WRONG_REFUSED(SPEC, tacita_spec_feature_count(wrong, &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_feature_name(wrong, 0, out.text, sizeof out.text));
    WRONG_REFUSED(SPEC, tacita_spec_feature_index(wrong, "x_0", &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_feature_range(wrong, 0, out.reals, out.reals + 1, out.reals + 2));
    WRONG_REFUSED(SPEC, tacita_spec_label_count(wrong, &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_label(wrong, 0, out.text, sizeof out.text));
    WRONG_REFUSED(SPEC, tacita_spec_model_name(wrong, out.text, sizeof out.text));
    WRONG_REFUSED(SPEC, tacita_spec_activation(wrong, &out.name));
    WRONG_REFUSED(SPEC, tacita_spec_logit_error(wrong, out.reals));
    WRONG_REFUSED(SPEC, tacita_spec_slot_bits(wrong, &out.number));
    WRONG_REFUSED(SPEC, tacita_spec_layout_count(wrong, &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_layout_together(wrong, 0, &out.number));
    WRONG_REFUSED(SPEC, tacita_spec_best_layout(wrong, 2048, 1, &out.number));
    WRONG_REFUSED(SPEC, tacita_spec_ciphertexts(wrong, 1, 2048, 1, out.counts, out.counts + 1));
}

static void of_records(void) {
    WRONG_REFUSED(SPEC, tacita_records_new(wrong, &out.records));
    WRONG_REFUSED(RECORDS, tacita_records_set(wrong, "x_0", 1.0));
    WRONG_REFUSED(RECORDS, tacita_records_set_run(wrong, "x", RECORD, FEATURES));
    WRONG_REFUSED(RECORDS, tacita_records_end_record(wrong));
    WRONG_REFUSED(RECORDS, tacita_records_count(wrong, &out.size));
    WRONG_REFUSED(RECORDS, tacita_records_clear(wrong));
}

static void of_nonce_pool(void) {
    WRONG_REFUSED(PUBLIC_KEY, tacita_nonce_pool_new_with_public_key(wrong, TACITA_NONCES_POWER, 1, &out.pool));
    WRONG_REFUSED(SECRET_KEY, tacita_nonce_pool_new_with_secret_key(wrong, TACITA_NONCES_POWER, 1, &out.pool));
    WRONG_REFUSED(POOL, tacita_nonce_pool_fill(wrong, NULL, NULL));
    WRONG_REFUSED(POOL, tacita_nonce_pool_size(wrong, &out.size, &out.other_size));
    WRONG_REFUSED(POOL, tacita_nonce_pool_statistics(wrong, out.counts, out.counts + 1, out.counts + 2));
}

static void of_encryptor(void) {
    WRONG_REFUSED(SPEC, tacita_encryptor_new_with_public_key(wrong, world.pin, world.public_key, &out.encryptor));
    WRONG_REFUSED(PUBLIC_KEY, tacita_encryptor_new_with_public_key(world.spec, world.pin, wrong, &out.encryptor));
    WRONG_REFUSED(SPEC, tacita_encryptor_new_with_secret_key(wrong, world.pin, world.secret_key, &out.encryptor));
    WRONG_REFUSED(SECRET_KEY, tacita_encryptor_new_with_secret_key(world.spec, world.pin, wrong, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_new_with_layout(wrong, 1, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_new_with_clamping(wrong, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_new_with_nonces(wrong, TACITA_NONCES_POWER, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_new_with_pool(wrong, world.pool, &out.encryptor));
    WRONG_REFUSED(POOL, tacita_encryptor_new_with_pool(world.encryptor, wrong, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_capacity(wrong, &out.size));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_records_per_request(wrong, &out.size));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_encrypt(wrong, RECORD, FEATURES, 1, &out.request));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_encrypt_with_progress(wrong, RECORD, FEATURES, 1, NULL, NULL,
                                                                    &out.request));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_encrypt_records(wrong, world.records, NULL, NULL, &out.request));
    WRONG_REFUSED(RECORDS, tacita_encryptor_encrypt_records(world.encryptor, wrong, NULL, NULL, &out.request));
}

static void of_request(void) {
    WRONG_REFUSED(REQUEST, tacita_request_to_bytes(wrong, &out.bytes));
    WRONG_REFUSED(REQUEST, tacita_request_id(wrong, out.digest));
    WRONG_REFUSED(REQUEST, tacita_request_records(wrong, &out.size));
    WRONG_REFUSED(REQUEST, tacita_request_key_fingerprint(wrong, out.digest));
    WRONG_REFUSED(REQUEST, tacita_request_spec_fingerprint(wrong, out.digest));
    WRONG_REFUSED(REQUEST, tacita_request_together(wrong, &out.number));
    WRONG_REFUSED(REQUEST, tacita_request_has_key(wrong, &out.flag));
    WRONG_REFUSED(REQUEST, tacita_request_new_without_key(wrong, &out.request));
    WRONG_REFUSED(REQUEST, tacita_request_ciphertext_bytes(wrong, &out.size));
}

static void of_model(void) {
    WRONG_REFUSED(MODEL, tacita_model_new_with_plan(wrong, 1, NULL, NULL, &out.model));
    WRONG_REFUSED(MODEL, tacita_model_to_bytes(wrong, &out.bytes));
    WRONG_REFUSED(MODEL, tacita_model_report(wrong, &out.bytes));
    WRONG_REFUSED(MODEL, tacita_model_logits(wrong, RECORD, FEATURES, out.reals, LABELS));
    WRONG_REFUSED(MODEL, tacita_model_spec(wrong, &out.spec));
}

static void of_verified_keys(void) {
    WRONG_REFUSED(KEYS, tacita_verified_keys_admit(wrong, world.request, &out.public_key));
    WRONG_REFUSED(REQUEST, tacita_verified_keys_admit(world.keys, wrong, &out.public_key));
    WRONG_REFUSED(KEYS, tacita_verified_keys_admit_with(wrong, world.request, bytes, 2, &out.public_key));
    WRONG_REFUSED(REQUEST, tacita_verified_keys_admit_with(world.keys, wrong, bytes, 2, &out.public_key));
    WRONG_REFUSED(KEYS, tacita_verified_keys_pin(wrong, world.pin));
    WRONG_REFUSED(KEYS, tacita_verified_keys_count(wrong, &out.size));
}

static void of_evaluator(void) {
    const tacita_request *requests[1];
    const tacita_public_key *keys[1];
    int role;
    requests[0] = world.request;
    keys[0] = world.public_key;
    WRONG_REFUSED(MODEL, tacita_evaluator_new(wrong, &out.evaluator));
    WRONG_REFUSED(MODEL, tacita_evaluator_new_with_max_records(wrong, 1, &out.evaluator));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_prepare(wrong, 1, NULL, NULL));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_multiplications(wrong, 1, &out.size));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_set_pool(wrong, world.pool));
    WRONG_REFUSED(POOL, tacita_evaluator_set_pool(world.evaluator, wrong));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_remove_pool(wrong, world.pin));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_evaluate(wrong, world.request, world.public_key, &out.response));
    WRONG_REFUSED(REQUEST, tacita_evaluator_evaluate(world.evaluator, wrong, world.public_key, &out.response));
    WRONG_REFUSED(PUBLIC_KEY, tacita_evaluator_evaluate(world.evaluator, world.request, wrong, &out.response));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_evaluate_with_progress(wrong, world.request, world.public_key, NULL,
                                                                     NULL, &out.response));
    WRONG_REFUSED(REQUEST, tacita_evaluator_evaluate_with_progress(world.evaluator, wrong, world.public_key, NULL,
                                                                   NULL, &out.response));
    WRONG_REFUSED(PUBLIC_KEY, tacita_evaluator_evaluate_with_progress(world.evaluator, world.request, wrong, NULL,
                                                                      NULL, &out.response));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_evaluate_many(wrong, requests, keys, 1, NULL, NULL, &out.response,
                                                            &out.status));
    for (role = 0; role < ROLES; role++) {
        if (role != REQUEST && handle(role) != NULL) {
            requests[0] = handle(role);
            REFUSED(WRONG_HANDLE, tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 1, NULL, NULL,
                                                                 &out.response, &out.status));
            requests[0] = world.request;
        }
        if (role != PUBLIC_KEY && handle(role) != NULL) {
            keys[0] = handle(role);
            REFUSED(WRONG_HANDLE, tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 1, NULL, NULL,
                                                                 &out.response, &out.status));
            keys[0] = world.public_key;
        }
    }
}

static void of_costs(void) {
    WRONG_REFUSED(SECRET_KEY, tacita_costs_measure(wrong, &out.costs));
}

static void of_plan(void) {
    WRONG_REFUSED(EVALUATOR, tacita_plan_for_evaluator(wrong, world.costs, 1, TACITA_PLAN_SECRET_KEY, NULL, NULL,
                                                       &out.bytes));
    WRONG_REFUSED(COSTS, tacita_plan_for_evaluator(world.evaluator, wrong, 1, TACITA_PLAN_SECRET_KEY, NULL, NULL,
                                                   &out.bytes));
    WRONG_REFUSED(SPEC, tacita_plan_for_spec(wrong, world.costs, 1, TACITA_PLAN_SECRET_KEY, &out.bytes));
    WRONG_REFUSED(COSTS, tacita_plan_for_spec(world.spec, wrong, 1, TACITA_PLAN_SECRET_KEY, &out.bytes));
}

static void of_response(void) {
    WRONG_REFUSED(RESPONSE, tacita_response_to_bytes(wrong, &out.bytes));
    WRONG_REFUSED(RESPONSE, tacita_response_id(wrong, out.digest));
    WRONG_REFUSED(RESPONSE, tacita_response_records(wrong, &out.size));
    WRONG_REFUSED(RESPONSE, tacita_response_ciphertext_bytes(wrong, &out.size));
}

static void of_decryptor(void) {
    WRONG_REFUSED(SPEC, tacita_decryptor_new(wrong, world.pin, world.secret_key, &out.decryptor));
    WRONG_REFUSED(SECRET_KEY, tacita_decryptor_new(world.spec, world.pin, wrong, &out.decryptor));
    WRONG_REFUSED(DECRYPTOR, tacita_decryptor_decrypt(wrong, world.response, world.request, &out.predictions));
    WRONG_REFUSED(RESPONSE, tacita_decryptor_decrypt(world.decryptor, wrong, world.request, &out.predictions));
    WRONG_REFUSED(REQUEST, tacita_decryptor_decrypt(world.decryptor, world.response, wrong, &out.predictions));
}

static void of_predictions(void) {
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_records(wrong, &out.size));
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_label_count(wrong, &out.size));
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_logits(wrong, 0, out.reals, LABELS));
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_probabilities(wrong, 0, out.reals, LABELS));
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_class(wrong, 0, &out.size));
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_label(wrong, 0, out.text, sizeof out.text));
}

/* Memory that is no handle at all but could be one: aligned, and as long as a tag. */
static void no_handles(void) {
    uint64_t zero = 0;
    char text[32] = "tacita, but not a handle";
    REFUSED(WRONG_HANDLE, tacita_spec_slot_bits((const tacita_spec *)(void *)&zero, &out.number));
    REFUSED(WRONG_HANDLE, tacita_spec_slot_bits((const tacita_spec *)(void *)text, &out.number));
    REFUSED(WRONG_HANDLE, tacita_spec_slot_bits((const tacita_spec *)(void *)(text + 1), &out.number));
}

/* Freed in the wrong role, handles are left alone: they still work, and are freed once more, rightly, at the end. */
static void freed(void) {
    int role;
    for (role = 0; role < ROLES; role++) {
        void *wrong = handle(role);
        if (role != BYTES) {
            CHECK(tacita_bytes_data(wrong) == NULL);
            CHECK(tacita_bytes_len(wrong) == 0);
            tacita_bytes_free(wrong);
        }
        if (role != SECRET_KEY) {
            tacita_secret_key_free(wrong);
        }
        if (role != PUBLIC_KEY) {
            tacita_public_key_free(wrong);
        }
        if (role != SPEC) {
            tacita_spec_free(wrong);
        }
        if (role != ENCRYPTOR) {
            tacita_encryptor_free(wrong);
        }
        if (role != REQUEST) {
            tacita_request_free(wrong);
        }
        if (role != MODEL) {
            tacita_model_free(wrong);
        }
        if (role != KEYS) {
            tacita_verified_keys_free(wrong);
        }
        if (role != EVALUATOR) {
            tacita_evaluator_free(wrong);
        }
        if (role != RESPONSE) {
            tacita_response_free(wrong);
        }
        if (role != DECRYPTOR) {
            tacita_decryptor_free(wrong);
        }
        if (role != PREDICTIONS) {
            tacita_predictions_free(wrong);
        }
        if (role != RECORDS) {
            tacita_records_free(wrong);
        }
        if (role != POOL) {
            tacita_nonce_pool_free(wrong);
        }
        if (role != COSTS) {
            tacita_costs_free(wrong);
        }
    }
    CHECK(tacita_bytes_len(world.bytes) > 0);
    SUCCEEDS(tacita_spec_slot_bits(world.spec, &out.number));
    SUCCEEDS(tacita_predictions_class(world.predictions, 0, &out.size));
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    create_world(argv[1]);
    create_costs(argc, argv, 0);
    of_secret_key();
    of_public_key();
    of_spec();
    of_records();
    of_nonce_pool();
    of_encryptor();
    of_request();
    of_model();
    of_verified_keys();
    of_evaluator();
    of_costs();
    of_plan();
    of_response();
    of_decryptor();
    of_predictions();
    no_handles();
    freed();
    free_world();
    return report();
}
