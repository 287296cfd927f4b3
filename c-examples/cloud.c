/*
 * The cloud: it holds the private model, and learns neither records nor predictions.
 *
 *   cloud MODEL REQUEST RESPONSE [KEYS]
 *
 * MODEL is the private model.safetensors; REQUEST came from the hospital and RESPONSE goes back to it. KEYS is a file
 * that remembers the hospitals' public keys, so that each is verified only once.
 */

#include "common.h"

int main(int argc, char **argv) {
    tacita_model *model = NULL;
    tacita_evaluator *evaluator = NULL;
    tacita_verified_keys *keys = NULL;
    tacita_request *request = NULL;
    tacita_public_key *key = NULL;
    tacita_response *response = NULL;
    tacita_bytes *bytes = NULL;
    uint8_t *data = NULL;
    size_t length = 0, records = 0;
    int failed = 0;
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: %s MODEL REQUEST RESPONSE [KEYS]\n", argv[0]);
        return 2;
    }
    TRY(tacita_model_load(argv[1], &model));
    TRY(tacita_evaluator_new(model, &evaluator));
    if (argc == 5) {
        TRY(tacita_verified_keys_open(argv[4], &keys));
    } else {
        TRY(tacita_verified_keys_new(&keys));
    }
    TRY_FILE(read_file(argv[2], &data, &length));
    TRY(tacita_request_from_bytes(data, length, &request));
    TRY(tacita_verified_keys_admit(keys, request, &key));
    TRY(tacita_evaluator_evaluate(evaluator, request, key, &response));
    TRY(tacita_response_to_bytes(response, &bytes));
    TRY_FILE(write_file(argv[3], bytes));
    TRY(tacita_request_records(request, &records));
    printf("evaluated %lu records\n", (unsigned long)records);
done:
    free(data);
    tacita_bytes_free(bytes);
    tacita_response_free(response);
    tacita_public_key_free(key);
    tacita_request_free(request);
    tacita_verified_keys_free(keys);
    tacita_evaluator_free(evaluator);
    tacita_model_free(model);
    return failed;
}
