/* quickstart MODEL VALUE...: one prediction, all three sides in one program. Built by
 *   cc -std=c11 quickstart.c -ltacita -o quickstart */
#include <stdio.h>
#include <stdlib.h>

#include "tacita.h"

static void check(tacita_status status) {
    if (status != TACITA_STATUS_SUCCESS) {
        fprintf(stderr, "%s\n", tacita_status_text((int)status));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL VALUE...\n", argv[0]);
        return 2;
    }
    size_t features = (size_t)argc - 2;
    double *record = calloc(features, sizeof *record);
    if (record == NULL) {
        return 1;
    }
    for (size_t i = 0; i < features; i++) {
        char *end;
        record[i] = strtod(argv[i + 2], &end);
        if (end == argv[i + 2] || *end != 0) {
            fprintf(stderr, "value %zu is not a number\n", i + 1);
            return 2;
        }
    }

    /* The cloud has the model. Its public spec goes to the hospital, the spec's fingerprint by another way. */
    tacita_model *model;
    tacita_spec *spec;
    uint8_t pin[TACITA_FINGERPRINT_LEN];
    check(tacita_model_load(argv[1], &model));
    check(tacita_model_spec(model, &spec));
    check(tacita_spec_fingerprint(spec, pin));

    /* The hospital makes a key and encrypts. */
    tacita_secret_key *secret;
    tacita_encryptor *encryptor;
    tacita_request *request;
    check(tacita_secret_key_generate(3072, NULL, NULL, &secret));
    check(tacita_encryptor_new_with_secret_key(spec, pin, secret, &encryptor));
    check(tacita_encryptor_encrypt(encryptor, record, features, 1, &request));

    /* The cloud verifies the key, once, and evaluates. */
    tacita_verified_keys *keys;
    tacita_public_key *key;
    tacita_evaluator *evaluator;
    tacita_response *response;
    check(tacita_verified_keys_new(&keys));
    check(tacita_verified_keys_admit(keys, request, &key));
    check(tacita_evaluator_new(model, &evaluator));
    check(tacita_evaluator_evaluate(evaluator, request, key, &response));

    /* The hospital decrypts. */
    tacita_decryptor *decryptor;
    tacita_predictions *predictions;
    char label[TACITA_NAME_CAPACITY];
    check(tacita_decryptor_new(spec, pin, secret, &decryptor));
    check(tacita_decryptor_decrypt(decryptor, response, request, &predictions));
    check(tacita_predictions_label(predictions, 0, label, sizeof label));
    puts(label);

    tacita_predictions_free(predictions);
    tacita_decryptor_free(decryptor);
    tacita_response_free(response);
    tacita_evaluator_free(evaluator);
    tacita_public_key_free(key);
    tacita_verified_keys_free(keys);
    tacita_request_free(request);
    tacita_encryptor_free(encryptor);
    tacita_secret_key_free(secret);
    tacita_spec_free(spec);
    tacita_model_free(model);
    free(record);
    return 0;
}
