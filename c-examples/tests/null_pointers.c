/* NULL in each pointer of each function: a status of its own, and no output touched. */

#include "check.h"

#define NULL_REFUSED(call) REFUSED(NULL_POINTER, call)

static void library(void) {
    NULL_REFUSED(tacita_threads(NULL));
    NULL_REFUSED(tacita_backend(NULL));
    NULL_REFUSED(tacita_fingerprint_to_hex(NULL, out.text));
    NULL_REFUSED(tacita_fingerprint_to_hex(world.pin, NULL));
    NULL_REFUSED(tacita_fingerprint_from_hex(NULL, out.digest));
    NULL_REFUSED(tacita_fingerprint_from_hex("00", NULL));
    CHECK(tacita_last_error_detail(NULL, 0) > 0);
    CHECK(tacita_last_error_detail(NULL, 100) > 0);
    CHECK(tacita_bytes_data(NULL) == NULL);
    CHECK(tacita_bytes_len(NULL) == 0);
}

static void keys(void) {
    const uint8_t *json = (const uint8_t *)"{}";
    NULL_REFUSED(tacita_secret_key_generate(2048, NULL, NULL, NULL));
    NULL_REFUSED(tacita_secret_key_from_json(NULL, 0, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_from_json(json, 2, NULL));
    NULL_REFUSED(tacita_secret_key_load(NULL, &out.secret_key));
    NULL_REFUSED(tacita_secret_key_load("", NULL));
    NULL_REFUSED(tacita_secret_key_to_json(NULL, &out.bytes));
    NULL_REFUSED(tacita_secret_key_to_json(world.secret_key, NULL));
    NULL_REFUSED(tacita_secret_key_save(NULL, "never-written"));
    NULL_REFUSED(tacita_secret_key_save(world.secret_key, NULL));
    NULL_REFUSED(tacita_secret_key_public_key(NULL, &out.public_key));
    NULL_REFUSED(tacita_secret_key_public_key(world.secret_key, NULL));
    NULL_REFUSED(tacita_public_key_from_json(NULL, 0, &out.public_key));
    NULL_REFUSED(tacita_public_key_from_json(json, 2, NULL));
    NULL_REFUSED(tacita_public_key_from_json_verified_before(NULL, 0, world.pin, &out.public_key));
    NULL_REFUSED(tacita_public_key_from_json_verified_before(json, 2, NULL, &out.public_key));
    NULL_REFUSED(tacita_public_key_from_json_verified_before(json, 2, world.pin, NULL));
    NULL_REFUSED(tacita_public_key_to_json(NULL, &out.bytes));
    NULL_REFUSED(tacita_public_key_to_json(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_public_key_fingerprint(world.public_key, NULL));
    NULL_REFUSED(tacita_public_key_bits(NULL, &out.number));
    NULL_REFUSED(tacita_public_key_bits(world.public_key, NULL));
    NULL_REFUSED(tacita_verified_keys_new(NULL));
    NULL_REFUSED(tacita_verified_keys_open(NULL, &out.keys));
    NULL_REFUSED(tacita_verified_keys_open("never-written", NULL));
    NULL_REFUSED(tacita_verified_keys_admit(NULL, world.request, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit(world.keys, NULL, &out.public_key));
    NULL_REFUSED(tacita_verified_keys_admit(world.keys, world.request, NULL));
}

static void models(void) {
    const uint8_t *bytes = (const uint8_t *)"{}";
    NULL_REFUSED(tacita_spec_from_json(NULL, 0, &out.spec));
    NULL_REFUSED(tacita_spec_from_json(bytes, 2, NULL));
    NULL_REFUSED(tacita_spec_to_json(NULL, &out.bytes));
    NULL_REFUSED(tacita_spec_to_json(world.spec, NULL));
    NULL_REFUSED(tacita_spec_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_spec_fingerprint(world.spec, NULL));
    NULL_REFUSED(tacita_spec_feature_count(NULL, &out.size));
    NULL_REFUSED(tacita_spec_feature_count(world.spec, NULL));
    NULL_REFUSED(tacita_spec_feature_name(NULL, 0, out.text, sizeof out.text));
    NULL_REFUSED(tacita_spec_feature_name(world.spec, 0, NULL, sizeof out.text));
    NULL_REFUSED(tacita_spec_feature_range(NULL, 0, out.reals, out.reals + 1, out.reals + 2));
    NULL_REFUSED(tacita_spec_feature_range(world.spec, 0, NULL, out.reals + 1, out.reals + 2));
    NULL_REFUSED(tacita_spec_feature_range(world.spec, 0, out.reals, NULL, out.reals + 2));
    NULL_REFUSED(tacita_spec_feature_range(world.spec, 0, out.reals, out.reals + 1, NULL));
    NULL_REFUSED(tacita_spec_label_count(NULL, &out.size));
    NULL_REFUSED(tacita_spec_label_count(world.spec, NULL));
    NULL_REFUSED(tacita_spec_label(NULL, 0, out.text, sizeof out.text));
    NULL_REFUSED(tacita_spec_label(world.spec, 0, NULL, sizeof out.text));
    NULL_REFUSED(tacita_spec_slot_bits(NULL, &out.number));
    NULL_REFUSED(tacita_spec_slot_bits(world.spec, NULL));
    NULL_REFUSED(tacita_spec_layout_count(NULL, &out.size));
    NULL_REFUSED(tacita_spec_layout_count(world.spec, NULL));
    NULL_REFUSED(tacita_spec_layout_together(NULL, 0, &out.number));
    NULL_REFUSED(tacita_spec_layout_together(world.spec, 0, NULL));
    NULL_REFUSED(tacita_spec_ciphertexts(NULL, 1, 2048, 1, out.counts, out.counts + 1));
    NULL_REFUSED(tacita_spec_ciphertexts(world.spec, 1, 2048, 1, NULL, out.counts + 1));
    NULL_REFUSED(tacita_spec_ciphertexts(world.spec, 1, 2048, 1, out.counts, NULL));
    NULL_REFUSED(tacita_model_from_bytes(NULL, 0, &out.model));
    NULL_REFUSED(tacita_model_from_bytes(bytes, 2, NULL));
    NULL_REFUSED(tacita_model_load(NULL, &out.model));
    NULL_REFUSED(tacita_model_load("", NULL));
    NULL_REFUSED(tacita_model_spec(NULL, &out.spec));
    NULL_REFUSED(tacita_model_spec(world.model, NULL));
}

static void messages(void) {
    const uint8_t *bytes = (const uint8_t *)"{}";
    NULL_REFUSED(tacita_encryptor_new_with_public_key(NULL, world.pin, world.public_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_public_key(world.spec, NULL, world.public_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_public_key(world.spec, world.pin, NULL, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_public_key(world.spec, world.pin, world.public_key, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(NULL, world.pin, world.secret_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(world.spec, NULL, world.secret_key, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(world.spec, world.pin, NULL, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_secret_key(world.spec, world.pin, world.secret_key, NULL));
    NULL_REFUSED(tacita_encryptor_capacity(NULL, &out.size));
    NULL_REFUSED(tacita_encryptor_capacity(world.encryptor, NULL));
    NULL_REFUSED(tacita_encryptor_new_with_layout(NULL, 2, &out.encryptor));
    NULL_REFUSED(tacita_encryptor_new_with_layout(world.encryptor, 2, NULL));
    NULL_REFUSED(tacita_encryptor_encrypt(NULL, RECORD, FEATURES, 1, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt(world.encryptor, NULL, FEATURES, 1, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt(world.encryptor, NULL, 0, 0, &out.request));
    NULL_REFUSED(tacita_encryptor_encrypt(world.encryptor, RECORD, FEATURES, 1, NULL));
    NULL_REFUSED(tacita_request_from_bytes(NULL, 0, &out.request));
    NULL_REFUSED(tacita_request_from_bytes(bytes, 2, NULL));
    NULL_REFUSED(tacita_request_to_bytes(NULL, &out.bytes));
    NULL_REFUSED(tacita_request_to_bytes(world.request, NULL));
    NULL_REFUSED(tacita_request_id(NULL, out.digest));
    NULL_REFUSED(tacita_request_id(world.request, NULL));
    NULL_REFUSED(tacita_request_records(NULL, &out.size));
    NULL_REFUSED(tacita_request_records(world.request, NULL));
    NULL_REFUSED(tacita_request_together(NULL, &out.number));
    NULL_REFUSED(tacita_request_together(world.request, NULL));
    NULL_REFUSED(tacita_request_key_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_request_key_fingerprint(world.request, NULL));
    NULL_REFUSED(tacita_request_spec_fingerprint(NULL, out.digest));
    NULL_REFUSED(tacita_request_spec_fingerprint(world.request, NULL));
    NULL_REFUSED(tacita_evaluator_new(NULL, &out.evaluator));
    NULL_REFUSED(tacita_evaluator_new(world.model, NULL));
    NULL_REFUSED(tacita_evaluator_prepare(NULL, 1));
    NULL_REFUSED(tacita_evaluator_evaluate(NULL, world.request, world.public_key, &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate(world.evaluator, NULL, world.public_key, &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate(world.evaluator, world.request, NULL, &out.response));
    NULL_REFUSED(tacita_evaluator_evaluate(world.evaluator, world.request, world.public_key, NULL));
    NULL_REFUSED(tacita_response_from_bytes(NULL, 0, &out.response));
    NULL_REFUSED(tacita_response_from_bytes(bytes, 2, NULL));
    NULL_REFUSED(tacita_response_to_bytes(NULL, &out.bytes));
    NULL_REFUSED(tacita_response_to_bytes(world.response, NULL));
    NULL_REFUSED(tacita_response_id(NULL, out.digest));
    NULL_REFUSED(tacita_response_id(world.response, NULL));
}

static void answers(void) {
    NULL_REFUSED(tacita_decryptor_new(NULL, world.pin, world.secret_key, &out.decryptor));
    NULL_REFUSED(tacita_decryptor_new(world.spec, NULL, world.secret_key, &out.decryptor));
    NULL_REFUSED(tacita_decryptor_new(world.spec, world.pin, NULL, &out.decryptor));
    NULL_REFUSED(tacita_decryptor_new(world.spec, world.pin, world.secret_key, NULL));
    NULL_REFUSED(tacita_decryptor_decrypt(NULL, world.response, world.request, &out.predictions));
    NULL_REFUSED(tacita_decryptor_decrypt(world.decryptor, NULL, world.request, &out.predictions));
    NULL_REFUSED(tacita_decryptor_decrypt(world.decryptor, world.response, NULL, &out.predictions));
    NULL_REFUSED(tacita_decryptor_decrypt(world.decryptor, world.response, world.request, NULL));
    NULL_REFUSED(tacita_predictions_records(NULL, &out.size));
    NULL_REFUSED(tacita_predictions_records(world.predictions, NULL));
    NULL_REFUSED(tacita_predictions_logits(NULL, 0, out.reals, LABELS));
    NULL_REFUSED(tacita_predictions_logits(world.predictions, 0, NULL, LABELS));
    NULL_REFUSED(tacita_predictions_probabilities(NULL, 0, out.reals, LABELS));
    NULL_REFUSED(tacita_predictions_probabilities(world.predictions, 0, NULL, LABELS));
    NULL_REFUSED(tacita_predictions_class(NULL, 0, &out.size));
    NULL_REFUSED(tacita_predictions_class(world.predictions, 0, NULL));
    NULL_REFUSED(tacita_predictions_label(NULL, 0, out.text, sizeof out.text));
    NULL_REFUSED(tacita_predictions_label(world.predictions, 0, NULL, sizeof out.text));
}

static void freed(void) {
    tacita_bytes_free(NULL);
    tacita_secret_key_free(NULL);
    tacita_public_key_free(NULL);
    tacita_spec_free(NULL);
    tacita_encryptor_free(NULL);
    tacita_request_free(NULL);
    tacita_model_free(NULL);
    tacita_verified_keys_free(NULL);
    tacita_evaluator_free(NULL);
    tacita_response_free(NULL);
    tacita_decryptor_free(NULL);
    tacita_predictions_free(NULL);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    create_world(argv[1]);
    library();
    keys();
    models();
    messages();
    answers();
    freed();
    free_world();
    return report();
}
