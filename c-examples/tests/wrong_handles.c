/* A live handle of each other type in each place for a handle: a status of its own, and no output touched. */

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
    return handles[role];
}

/* Refused with every handle as `wrong` but those of the role. */
#define WRONG_REFUSED(right, call)                                                                                     \
    do {                                                                                                               \
        int role_;                                                                                                     \
        for (role_ = 0; role_ < ROLES; role_++) {                                                                      \
            void *wrong = handle(role_);                                                                               \
            if (role_ != right) {                                                                                      \
                REFUSED(WRONG_HANDLE, call);                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

static void keys(void) {
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_to_json(wrong, &out.bytes));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_save(wrong, "never-written"));
    WRONG_REFUSED(SECRET_KEY, tacita_secret_key_public_key(wrong, &out.public_key));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_to_json(wrong, &out.bytes));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_fingerprint(wrong, out.digest));
    WRONG_REFUSED(PUBLIC_KEY, tacita_public_key_bits(wrong, &out.number));
    WRONG_REFUSED(KEYS, tacita_verified_keys_admit(wrong, world.request, &out.public_key));
    WRONG_REFUSED(REQUEST, tacita_verified_keys_admit(world.keys, wrong, &out.public_key));
}

static void models(void) {
    WRONG_REFUSED(SPEC, tacita_spec_to_json(wrong, &out.bytes));
    WRONG_REFUSED(SPEC, tacita_spec_fingerprint(wrong, out.digest));
    WRONG_REFUSED(SPEC, tacita_spec_feature_count(wrong, &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_feature_name(wrong, 0, out.text, sizeof out.text));
    WRONG_REFUSED(SPEC, tacita_spec_feature_range(wrong, 0, out.reals, out.reals + 1, out.reals + 2));
    WRONG_REFUSED(SPEC, tacita_spec_label_count(wrong, &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_label(wrong, 0, out.text, sizeof out.text));
    WRONG_REFUSED(SPEC, tacita_spec_slot_bits(wrong, &out.number));
    WRONG_REFUSED(SPEC, tacita_spec_layout_count(wrong, &out.size));
    WRONG_REFUSED(SPEC, tacita_spec_layout_together(wrong, 0, &out.number));
    WRONG_REFUSED(SPEC, tacita_spec_ciphertexts(wrong, 1, 2048, 1, out.counts, out.counts + 1));
    WRONG_REFUSED(MODEL, tacita_model_spec(wrong, &out.spec));
}

static void messages(void) {
    WRONG_REFUSED(SPEC, tacita_encryptor_new_with_public_key(wrong, world.pin, world.public_key, &out.encryptor));
    WRONG_REFUSED(PUBLIC_KEY, tacita_encryptor_new_with_public_key(world.spec, world.pin, wrong, &out.encryptor));
    WRONG_REFUSED(SPEC, tacita_encryptor_new_with_secret_key(wrong, world.pin, world.secret_key, &out.encryptor));
    WRONG_REFUSED(SECRET_KEY, tacita_encryptor_new_with_secret_key(world.spec, world.pin, wrong, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_capacity(wrong, &out.size));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_new_with_layout(wrong, 2, &out.encryptor));
    WRONG_REFUSED(ENCRYPTOR, tacita_encryptor_encrypt(wrong, RECORD, FEATURES, 1, &out.request));
    WRONG_REFUSED(REQUEST, tacita_request_to_bytes(wrong, &out.bytes));
    WRONG_REFUSED(REQUEST, tacita_request_id(wrong, out.digest));
    WRONG_REFUSED(REQUEST, tacita_request_records(wrong, &out.size));
    WRONG_REFUSED(REQUEST, tacita_request_together(wrong, &out.number));
    WRONG_REFUSED(REQUEST, tacita_request_key_fingerprint(wrong, out.digest));
    WRONG_REFUSED(REQUEST, tacita_request_spec_fingerprint(wrong, out.digest));
    WRONG_REFUSED(MODEL, tacita_evaluator_new(wrong, &out.evaluator));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_prepare(wrong, 1));
    WRONG_REFUSED(EVALUATOR, tacita_evaluator_evaluate(wrong, world.request, world.public_key, &out.response));
    WRONG_REFUSED(REQUEST, tacita_evaluator_evaluate(world.evaluator, wrong, world.public_key, &out.response));
    WRONG_REFUSED(PUBLIC_KEY, tacita_evaluator_evaluate(world.evaluator, world.request, wrong, &out.response));
    WRONG_REFUSED(RESPONSE, tacita_response_to_bytes(wrong, &out.bytes));
    WRONG_REFUSED(RESPONSE, tacita_response_id(wrong, out.digest));
}

static void answers(void) {
    WRONG_REFUSED(SPEC, tacita_decryptor_new(wrong, world.pin, world.secret_key, &out.decryptor));
    WRONG_REFUSED(SECRET_KEY, tacita_decryptor_new(world.spec, world.pin, wrong, &out.decryptor));
    WRONG_REFUSED(DECRYPTOR, tacita_decryptor_decrypt(wrong, world.response, world.request, &out.predictions));
    WRONG_REFUSED(RESPONSE, tacita_decryptor_decrypt(world.decryptor, wrong, world.request, &out.predictions));
    WRONG_REFUSED(REQUEST, tacita_decryptor_decrypt(world.decryptor, world.response, wrong, &out.predictions));
    WRONG_REFUSED(PREDICTIONS, tacita_predictions_records(wrong, &out.size));
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
    keys();
    models();
    messages();
    answers();
    no_handles();
    freed();
    free_world();
    return report();
}
