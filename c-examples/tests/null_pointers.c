/* NULL in each pointer of each function: a status of its own, and no output touched. Progress callbacks may be NULL.
 * tests/c_api.rs compares this list with the header. */

#include "check.h"

#define NULL_REFUSED(call) REFUSED(NULL_POINTER, call)

static const uint8_t bytes[2] = {'{', '}'};

static void of_library(void) {
    NULL_REFUSED(tacita_threads(NULL));
    NULL_REFUSED(tacita_backend_name(0, NULL));
    NULL_REFUSED(tacita_backend(NULL));
    CHECK(tacita_last_error_detail(NULL, 0) > 0);
    CHECK(tacita_last_error_detail(NULL, 100) > 0);
}

static void of_fingerprint(void) {
    NULL_REFUSED(tacita_fingerprint_to_hex(NULL, out.text));
    NULL_REFUSED(tacita_fingerprint_to_hex(world.pin, NULL));
    NULL_REFUSED(tacita_fingerprint_from_hex(NULL, out.digest));
    NULL_REFUSED(tacita_fingerprint_from_hex("00", NULL));
}

static void of_secret_key(void) {
    NULL_REFUSED(tacita_secret_key_generate(2048, NULL, NULL, NULL));
    NULL_REFUSED(tacita_secret_key_from_json(NULL, 2, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_from_json(bytes, 2, NULL));
    NULL_REFUSED(tacita_secret_key_load(NULL, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_load("never-written", NULL));
    NULL_REFUSED(tacita_secret_key_to_json(NULL, &out.bytes));
    NULL_REFUSED(tacita_secret_key_to_json(world.secret_key, NULL));
    NULL_REFUSED(tacita_secret_key_save(NULL, "never-written"));
    NULL_REFUSED(tacita_secret_key_save(world.secret_key, NULL));
    NULL_REFUSED(tacita_secret_key_is_encrypted(NULL, 2, &out.flag));
    NULL_REFUSED(tacita_secret_key_is_encrypted(bytes, 2, NULL));
    NULL_REFUSED(tacita_secret_key_to_encrypted(NULL, bytes, 2, &out.bytes));
    NULL_REFUSED(tacita_secret_key_to_encrypted(world.secret_key, NULL, 2, &out.bytes));
    NULL_REFUSED(tacita_secret_key_to_encrypted(world.secret_key, bytes, 2, NULL));
    NULL_REFUSED(tacita_secret_key_from_encrypted(NULL, 2, bytes, 2, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_from_encrypted(bytes, 2, NULL, 2, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_from_encrypted(bytes, 2, bytes, 2, NULL));
    NULL_REFUSED(tacita_secret_key_save_encrypted(NULL, bytes, 2, "never-written"));
    NULL_REFUSED(tacita_secret_key_save_encrypted(world.secret_key, NULL, 2, "never-written"));
    NULL_REFUSED(tacita_secret_key_save_encrypted(world.secret_key, bytes, 2, NULL));
    NULL_REFUSED(tacita_secret_key_load_encrypted(NULL, bytes, 2, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_load_encrypted("never-written", NULL, 2, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_load_encrypted("never-written", bytes, 2, NULL));
    NULL_REFUSED(tacita_secret_key_new_on(NULL, "portable", &out.secret_key));
    NULL_REFUSED(tacita_secret_key_new_on(world.secret_key, NULL, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_new_on(world.secret_key, "portable", NULL));
    NULL_REFUSED(tacita_secret_key_new_with_table_memory(NULL, 0, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_new_with_table_memory(world.secret_key, 0, NULL));
    NULL_REFUSED(tacita_secret_key_public_key(NULL, &out.public_key));
    NULL_REFUSED(tacita_secret_key_public_key(world.secret_key, NULL));
}

static void of_public_key(void) {
    NULL_REFUSED(tacita_public_key_from_json(NULL, 2, &out.public_key));
    NULL_REFUSED(tacita_public_key_from_json(bytes, 2, NULL));
    NULL_REFUSED(tacita_public_key_from_json_verified_before(NULL, 2, world.pin, &out.public_key));
    NULL_REFUSED(tacita_public_key_from_json_verified_before(bytes, 2, NULL, &out.public_key));
    NULL_REFUSED(tacita_public_key_from_json_verified_before(bytes, 2, world.pin, NULL));
    NULL_REFUSED(tacita_public_key_to_json(NULL, &out.bytes));
    NULL_REFUSED(tacita_public_key_to_json(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_public_key_fingerprint(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_bits(NULL, &out.number));
    NULL_REFUSED(tacita_public_key_bits(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_proof(NULL, &out.bytes));
    NULL_REFUSED(tacita_public_key_proof(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_backend(NULL, &out.name));
    NULL_REFUSED(tacita_public_key_backend(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_new_on(NULL, "portable", &out.public_key));
    NULL_REFUSED(tacita_public_key_new_on(world.public_key, NULL, &out.public_key));
    NULL_REFUSED(tacita_public_key_new_on(world.public_key, "portable", NULL));
    NULL_REFUSED(tacita_public_key_new_with_table_memory(NULL, 0, &out.public_key));
    NULL_REFUSED(tacita_public_key_new_with_table_memory(world.public_key, 0, NULL));
}

static void of_spec(void) {
    NULL_REFUSED(tacita_spec_from_json(NULL, 2, &out.spec));
    NULL_REFUSED(tacita_spec_from_json(bytes, 2, NULL));
    NULL_REFUSED(tacita_spec_load(NULL, &out.spec));
    NULL_REFUSED(tacita_spec_load("never-written", NULL));
    NULL_REFUSED(tacita_spec_to_json(NULL, &out.bytes));
    NULL_REFUSED(tacita_spec_to_json(world.spec, NULL));
    NULL_REFUSED(tacita_spec_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_spec_fingerprint(world.spec, NULL));
    NULL_REFUSED(tacita_spec_feature_count(NULL, &out.size));
    NULL_REFUSED(tacita_spec_feature_count(world.spec, NULL));
    NULL_REFUSED(tacita_spec_feature_name(NULL, 0, out.text, sizeof out.text));
    NULL_REFUSED(tacita_spec_feature_name(world.spec, 0, NULL, sizeof out.text));
    NULL_REFUSED(tacita_spec_feature_index(NULL, "x_0", &out.size));
    NULL_REFUSED(tacita_spec_feature_index(world.spec, NULL, &out.size));
    NULL_REFUSED(tacita_spec_feature_index(world.spec, "x_0", NULL));
    NULL_REFUSED(tacita_spec_feature_range(NULL, 0, out.reals, out.reals + 1, out.reals + 2));
    NULL_REFUSED(tacita_spec_feature_range(world.spec, 0, NULL, out.reals + 1, out.reals + 2));
    NULL_REFUSED(tacita_spec_feature_range(world.spec, 0, out.reals, NULL, out.reals + 2));
    NULL_REFUSED(tacita_spec_feature_range(world.spec, 0, out.reals, out.reals + 1, NULL));
    NULL_REFUSED(tacita_spec_label_count(NULL, &out.size));
    NULL_REFUSED(tacita_spec_label_count(world.spec, NULL));
    NULL_REFUSED(tacita_spec_label(NULL, 0, out.text, sizeof out.text));
    NULL_REFUSED(tacita_spec_label(world.spec, 0, NULL, sizeof out.text));
    NULL_REFUSED(tacita_spec_model_name(NULL, out.text, sizeof out.text));
    NULL_REFUSED(tacita_spec_model_name(world.spec, NULL, sizeof out.text));
    NULL_REFUSED(tacita_spec_activation(NULL, &out.name));
    NULL_REFUSED(tacita_spec_activation(world.spec, NULL));
    NULL_REFUSED(tacita_spec_logit_error(NULL, out.reals));
    NULL_REFUSED(tacita_spec_logit_error(world.spec, NULL));
    NULL_REFUSED(tacita_spec_slot_bits(NULL, &out.number));
    NULL_REFUSED(tacita_spec_slot_bits(world.spec, NULL));
    NULL_REFUSED(tacita_spec_layout_count(NULL, &out.size));
    NULL_REFUSED(tacita_spec_layout_count(world.spec, NULL));
    NULL_REFUSED(tacita_spec_layout_together(NULL, 0, &out.number));
    NULL_REFUSED(tacita_spec_layout_together(world.spec, 0, NULL));
    NULL_REFUSED(tacita_spec_best_layout(NULL, 2048, 1, &out.number));
    NULL_REFUSED(tacita_spec_best_layout(world.spec, 2048, 1, NULL));
    NULL_REFUSED(tacita_spec_ciphertexts(NULL, 1, 2048, 1, out.counts, out.counts + 1));
    NULL_REFUSED(tacita_spec_ciphertexts(world.spec, 1, 2048, 1, NULL, out.counts + 1));
    NULL_REFUSED(tacita_spec_ciphertexts(world.spec, 1, 2048, 1, out.counts, NULL));
}

static void of_records(void) {
    NULL_REFUSED(tacita_records_new(NULL, &out.records));
    NULL_REFUSED(tacita_records_new(world.spec, NULL));
    NULL_REFUSED(tacita_records_set(NULL, "x_0", 1.0));
    NULL_REFUSED(tacita_records_set(world.records, NULL, 1.0));
    NULL_REFUSED(tacita_records_set_run(NULL, "x", RECORD, FEATURES));
    NULL_REFUSED(tacita_records_set_run(world.records, NULL, RECORD, FEATURES));
    NULL_REFUSED(tacita_records_set_run(world.records, "x", NULL, FEATURES));
    NULL_REFUSED(tacita_records_end_record(NULL));
    NULL_REFUSED(tacita_records_count(NULL, &out.size));
    NULL_REFUSED(tacita_records_count(world.records, NULL));
    NULL_REFUSED(tacita_records_clear(NULL));
}

static void of_nonce_pool(void) {
    NULL_REFUSED(tacita_nonce_pool_new_with_public_key(NULL, TACITA_NONCES_POWER, 1, &out.pool));
    NULL_REFUSED(tacita_nonce_pool_new_with_public_key(world.public_key, TACITA_NONCES_POWER, 1, NULL));
    NULL_REFUSED(tacita_nonce_pool_new_with_secret_key(NULL, TACITA_NONCES_POWER, 1, &out.pool));
    NULL_REFUSED(tacita_nonce_pool_new_with_secret_key(world.secret_key, TACITA_NONCES_POWER, 1, NULL));
    NULL_REFUSED(tacita_nonce_pool_fill(NULL, NULL, NULL));
    NULL_REFUSED(tacita_nonce_pool_size(NULL, &out.size, &out.other_size));
    NULL_REFUSED(tacita_nonce_pool_size(world.pool, NULL, &out.other_size));
    NULL_REFUSED(tacita_nonce_pool_size(world.pool, &out.size, NULL));
    NULL_REFUSED(tacita_nonce_pool_statistics(NULL, out.counts, out.counts + 1, out.counts + 2));
    NULL_REFUSED(tacita_nonce_pool_statistics(world.pool, NULL, out.counts + 1, out.counts + 2));
    NULL_REFUSED(tacita_nonce_pool_statistics(world.pool, out.counts, NULL, out.counts + 2));
    NULL_REFUSED(tacita_nonce_pool_statistics(world.pool, out.counts, out.counts + 1, NULL));
}

static void of_encryptor(void) {
    NULL_REFUSED(tacita_encryptor_new_with_public_key(NULL, world.pin, world.public_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_public_key(world.spec, NULL, world.public_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_public_key(world.spec, world.pin, NULL, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_public_key(world.spec, world.pin, world.public_key, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(NULL, world.pin, world.secret_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(world.spec, NULL, world.secret_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(world.spec, world.pin, NULL, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(world.spec, world.pin, world.secret_key, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_layout(NULL, 1, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_layout(world.encryptor, 1, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_clamping(NULL, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_clamping(world.encryptor, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_nonces(NULL, TACITA_NONCES_POWER, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_nonces(world.encryptor, TACITA_NONCES_POWER, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_pool(NULL, world.pool, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_pool(world.encryptor, NULL, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_pool(world.encryptor, world.pool, NULL));
    NULL_REFUSED(tacita_encryptor_capacity(NULL, &out.size));
    NULL_REFUSED(tacita_encryptor_capacity(world.encryptor, NULL));
    NULL_REFUSED(tacita_encryptor_records_per_request(NULL, &out.size));
    NULL_REFUSED(tacita_encryptor_records_per_request(world.encryptor, NULL));
    NULL_REFUSED(tacita_encryptor_encrypt(NULL, RECORD, FEATURES, 1, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt(world.encryptor, NULL, FEATURES, 1, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt(world.encryptor, RECORD, FEATURES, 1, NULL));
    NULL_REFUSED(tacita_encryptor_encrypt_with_progress(NULL, RECORD, FEATURES, 1, NULL, NULL, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt_with_progress(world.encryptor, NULL, FEATURES, 1, NULL, NULL, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt_with_progress(world.encryptor, RECORD, FEATURES, 1, NULL, NULL, NULL));
    NULL_REFUSED(tacita_encryptor_encrypt_records(NULL, world.records, NULL, NULL, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt_records(world.encryptor, NULL, NULL, NULL, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt_records(world.encryptor, world.records, NULL, NULL, NULL));
}

static void of_request(void) {
    NULL_REFUSED(tacita_request_from_bytes(NULL, 2, &out.request));
    NULL_REFUSED(tacita_request_from_bytes(bytes, 2, NULL));
    NULL_REFUSED(tacita_request_read_next(NULL, 2, &out.size, &out.request));
    NULL_REFUSED(tacita_request_read_next(bytes, 2, NULL, &out.request));
    NULL_REFUSED(tacita_request_read_next(bytes, 2, &out.size, NULL));
    NULL_REFUSED(tacita_request_to_bytes(NULL, &out.bytes));
    NULL_REFUSED(tacita_request_to_bytes(world.request, NULL));
    NULL_REFUSED(tacita_request_id(NULL, out.digest));
    NULL_REFUSED(tacita_request_id(world.request, NULL));
    NULL_REFUSED(tacita_request_records(NULL, &out.size));
    NULL_REFUSED(tacita_request_records(world.request, NULL));
    NULL_REFUSED(tacita_request_key_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_request_key_fingerprint(world.request, NULL));
    NULL_REFUSED(tacita_request_spec_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_request_spec_fingerprint(world.request, NULL));
    NULL_REFUSED(tacita_request_together(NULL, &out.number));
    NULL_REFUSED(tacita_request_together(world.request, NULL));
    NULL_REFUSED(tacita_request_has_key(NULL, &out.flag));
    NULL_REFUSED(tacita_request_has_key(world.request, NULL));
    NULL_REFUSED(tacita_request_new_without_key(NULL, &out.request));
    NULL_REFUSED(tacita_request_new_without_key(world.request, NULL));
    NULL_REFUSED(tacita_request_ciphertext_bytes(NULL, &out.size));
    NULL_REFUSED(tacita_request_ciphertext_bytes(world.request, NULL));
}

static void of_model(void) {
    NULL_REFUSED(tacita_model_from_bytes(NULL, 2, &out.model));
    NULL_REFUSED(tacita_model_from_bytes(bytes, 2, NULL));
    NULL_REFUSED(tacita_model_load(NULL, &out.model));
    NULL_REFUSED(tacita_model_load("never-written", NULL));
    NULL_REFUSED(tacita_model_compile(NULL, 2, bytes, 2, &out.model, &out.bytes));
    NULL_REFUSED(tacita_model_compile(bytes, 2, NULL, 2, &out.model, &out.bytes));
    NULL_REFUSED(tacita_model_compile(bytes, 2, bytes, 2, NULL, &out.bytes));
    NULL_REFUSED(tacita_model_compile(bytes, 2, bytes, 2, &out.model, NULL));
    NULL_REFUSED(tacita_model_new_with_plan(NULL, 1, NULL, NULL, &out.model));
    NULL_REFUSED(tacita_model_new_with_plan(world.model, 1, NULL, NULL, NULL));
    NULL_REFUSED(tacita_model_to_bytes(NULL, &out.bytes));
    NULL_REFUSED(tacita_model_to_bytes(world.model, NULL));
    NULL_REFUSED(tacita_model_report(NULL, &out.bytes));
    NULL_REFUSED(tacita_model_report(world.model, NULL));
    NULL_REFUSED(tacita_model_logits(NULL, RECORD, FEATURES, out.reals, LABELS));
    NULL_REFUSED(tacita_model_logits(world.model, NULL, FEATURES, out.reals, LABELS));
    NULL_REFUSED(tacita_model_logits(world.model, RECORD, FEATURES, NULL, LABELS));
    NULL_REFUSED(tacita_model_spec(NULL, &out.spec));
    NULL_REFUSED(tacita_model_spec(world.model, NULL));
}

static void of_verified_keys(void) {
    NULL_REFUSED(tacita_verified_keys_new(NULL));
    NULL_REFUSED(tacita_verified_keys_open(NULL, &out.keys));
    NULL_REFUSED(tacita_verified_keys_open("never-written", NULL));
    NULL_REFUSED(tacita_verified_keys_admit(NULL, world.request, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit(world.keys, NULL, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit(world.keys, world.request, NULL));
    NULL_REFUSED(tacita_verified_keys_admit_with(NULL, world.request, bytes, 2, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit_with(world.keys, NULL, bytes, 2, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit_with(world.keys, world.request, NULL, 2, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit_with(world.keys, world.request, bytes, 2, NULL));
    NULL_REFUSED(tacita_verified_keys_pin(NULL, world.pin));
    NULL_REFUSED(tacita_verified_keys_pin(world.keys, NULL));
    NULL_REFUSED(tacita_verified_keys_count(NULL, &out.size));
    NULL_REFUSED(tacita_verified_keys_count(world.keys, NULL));
}

static void of_evaluator(void) {
    const tacita_request *requests[1];
    const tacita_public_key *keys[1];
    requests[0] = world.request;
    keys[0] = world.public_key;
    NULL_REFUSED(tacita_evaluator_new(NULL, &out.evaluator));
    NULL_REFUSED(tacita_evaluator_new(world.model, NULL));
    NULL_REFUSED(tacita_evaluator_new_with_max_records(NULL, 1, &out.evaluator));
    NULL_REFUSED(tacita_evaluator_new_with_max_records(world.model, 1, NULL));
    NULL_REFUSED(tacita_evaluator_prepare(NULL, 1, NULL, NULL));
    NULL_REFUSED(tacita_evaluator_multiplications(NULL, 1, &out.size));
    NULL_REFUSED(tacita_evaluator_multiplications(world.evaluator, 1, NULL));
    NULL_REFUSED(tacita_evaluator_set_pool(NULL, world.pool));
    NULL_REFUSED(tacita_evaluator_set_pool(world.evaluator, NULL));
    NULL_REFUSED(tacita_evaluator_remove_pool(NULL, world.pin));
    NULL_REFUSED(tacita_evaluator_remove_pool(world.evaluator, NULL));
    NULL_REFUSED(tacita_evaluator_evaluate(NULL, world.request, world.public_key, &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate(world.evaluator, NULL, world.public_key, &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate(world.evaluator, world.request, NULL, &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate(world.evaluator, world.request, world.public_key, NULL));
    NULL_REFUSED(tacita_evaluator_evaluate_with_progress(NULL, world.request, world.public_key, NULL, NULL,
                                                         &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate_with_progress(world.evaluator, NULL, world.public_key, NULL, NULL,
                                                         &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate_with_progress(world.evaluator, world.request, NULL, NULL, NULL,
                                                         &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate_with_progress(world.evaluator, world.request, world.public_key, NULL, NULL,
                                                         NULL));
    NULL_REFUSED(tacita_evaluator_evaluate_many(NULL, requests, keys, 1, NULL, NULL, &out.response,
                                                &out.status));
    NULL_REFUSED(tacita_evaluator_evaluate_many(world.evaluator, NULL, keys, 1, NULL, NULL, &out.response,
                                                &out.status));
    NULL_REFUSED(tacita_evaluator_evaluate_many(world.evaluator, requests, NULL, 1, NULL, NULL, &out.response,
                                                &out.status));
    NULL_REFUSED(tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 1, NULL, NULL, NULL, &out.status));
    NULL_REFUSED(tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 1, NULL, NULL, &out.response, NULL));
    requests[0] = NULL;
    NULL_REFUSED(tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 1, NULL, NULL, &out.response,
                                                &out.status));
    requests[0] = world.request;
    keys[0] = NULL;
    NULL_REFUSED(tacita_evaluator_evaluate_many(world.evaluator, requests, keys, 1, NULL, NULL, &out.response,
                                                &out.status));
}

static void of_costs(void) {
    NULL_REFUSED(tacita_costs_measure(NULL, &out.costs));
    NULL_REFUSED(tacita_costs_measure(world.secret_key, NULL));
}

static void of_plan(void) {
    NULL_REFUSED(tacita_plan_for_evaluator(NULL, world.costs, 1, TACITA_PLAN_SECRET_KEY, NULL, NULL, &out.bytes));
    NULL_REFUSED(tacita_plan_for_evaluator(world.evaluator, NULL, 1, TACITA_PLAN_SECRET_KEY, NULL, NULL, &out.bytes));
    NULL_REFUSED(tacita_plan_for_evaluator(world.evaluator, world.costs, 1, TACITA_PLAN_SECRET_KEY, NULL, NULL, NULL));
    NULL_REFUSED(tacita_plan_for_spec(NULL, world.costs, 1, TACITA_PLAN_SECRET_KEY, &out.bytes));
    NULL_REFUSED(tacita_plan_for_spec(world.spec, NULL, 1, TACITA_PLAN_SECRET_KEY, &out.bytes));
    NULL_REFUSED(tacita_plan_for_spec(world.spec, world.costs, 1, TACITA_PLAN_SECRET_KEY, NULL));
}

static void of_response(void) {
    NULL_REFUSED(tacita_response_from_bytes(NULL, 2, &out.response));
    NULL_REFUSED(tacita_response_from_bytes(bytes, 2, NULL));
    NULL_REFUSED(tacita_response_read_next(NULL, 2, &out.size, &out.response));
    NULL_REFUSED(tacita_response_read_next(bytes, 2, NULL, &out.response));
    NULL_REFUSED(tacita_response_read_next(bytes, 2, &out.size, NULL));
    NULL_REFUSED(tacita_response_to_bytes(NULL, &out.bytes));
    NULL_REFUSED(tacita_response_to_bytes(world.response, NULL));
    NULL_REFUSED(tacita_response_id(NULL, out.digest));
    NULL_REFUSED(tacita_response_id(world.response, NULL));
    NULL_REFUSED(tacita_response_records(NULL, &out.size));
    NULL_REFUSED(tacita_response_records(world.response, NULL));
    NULL_REFUSED(tacita_response_ciphertext_bytes(NULL, &out.size));
    NULL_REFUSED(tacita_response_ciphertext_bytes(world.response, NULL));
}

static void of_decryptor(void) {
    NULL_REFUSED(tacita_decryptor_new(NULL, world.pin, world.secret_key, &out.decryptor));
    NULL_REFUSED(tacita_decryptor_new(world.spec, NULL, world.secret_key, &out.decryptor));
    NULL_REFUSED(tacita_decryptor_new(world.spec, world.pin, NULL, &out.decryptor));
    NULL_REFUSED(tacita_decryptor_new(world.spec, world.pin, world.secret_key, NULL));
    NULL_REFUSED(tacita_decryptor_decrypt(NULL, world.response, world.request, &out.predictions));
    NULL_REFUSED(tacita_decryptor_decrypt(world.decryptor, NULL, world.request, &out.predictions));
    NULL_REFUSED(tacita_decryptor_decrypt(world.decryptor, world.response, NULL, &out.predictions));
    NULL_REFUSED(tacita_decryptor_decrypt(world.decryptor, world.response, world.request, NULL));
}

static void of_predictions(void) {
    NULL_REFUSED(tacita_predictions_records(NULL, &out.size));
    NULL_REFUSED(tacita_predictions_records(world.predictions, NULL));
    NULL_REFUSED(tacita_predictions_label_count(NULL, &out.size));
    NULL_REFUSED(tacita_predictions_label_count(world.predictions, NULL));
    NULL_REFUSED(tacita_predictions_logits(NULL, 0, out.reals, LABELS));
    NULL_REFUSED(tacita_predictions_logits(world.predictions, 0, NULL, LABELS));
    NULL_REFUSED(tacita_predictions_probabilities(NULL, 0, out.reals, LABELS));
    NULL_REFUSED(tacita_predictions_probabilities(world.predictions, 0, NULL, LABELS));
    NULL_REFUSED(tacita_predictions_class(NULL, 0, &out.size));
    NULL_REFUSED(tacita_predictions_class(world.predictions, 0, NULL));
    NULL_REFUSED(tacita_predictions_label(NULL, 0, out.text, sizeof out.text));
    NULL_REFUSED(tacita_predictions_label(world.predictions, 0, NULL, sizeof out.text));
}

static void of_bytes_and_free(void) {
    CHECK(tacita_bytes_data(NULL) == NULL);
    CHECK(tacita_bytes_len(NULL) == 0);
    tacita_bytes_free(NULL);
    tacita_secret_key_free(NULL);
    tacita_public_key_free(NULL);
    tacita_spec_free(NULL);
    tacita_records_free(NULL);
    tacita_nonce_pool_free(NULL);
    tacita_encryptor_free(NULL);
    tacita_request_free(NULL);
    tacita_model_free(NULL);
    tacita_verified_keys_free(NULL);
    tacita_evaluator_free(NULL);
    tacita_costs_free(NULL);
    tacita_response_free(NULL);
    tacita_decryptor_free(NULL);
    tacita_predictions_free(NULL);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    create_world(argv[1]);
    create_costs(argc, argv, 0);
    of_library();
    of_fingerprint();
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
    of_bytes_and_free();
    free_world();
    return report();
}
