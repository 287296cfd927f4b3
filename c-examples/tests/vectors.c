/* The known-answer vectors of tests/vectors, as C programs see them. */

#include "check.h"

/* Of the vectors' model. */
enum { VECTOR_FEATURES = 4, VECTOR_LABELS = 3 };

/* The numbers of a text file, freed by nobody but `free`. */
static double *numbers(const char *folder, const char *name, size_t *count) {
    size_t length, room;
    char *text = (char *)fixture(folder, name, &length), *at = text, *end;
    double *found;
    /* Each number but the last has a separator behind it. */
    room = length / 2 + 1;
    found = malloc(room * sizeof *found);
    if (found == NULL) {
        exit(2);
    }
    for (*count = 0; *count < room; at = end) {
        double number = strtod(at, &end);
        if (end == at) {
            break;
        }
        found[(*count)++] = number;
    }
    CHECK(strspn(at, "\n") == strlen(at));
    free(text);
    return found;
}

static void same_bytes(tacita_bytes *bytes, const char *folder, const char *name) {
    size_t length;
    uint8_t *expected = fixture(folder, name, &length);
    CHECK(tacita_bytes_len(bytes) == length);
    CHECK(tacita_bytes_len(bytes) == length && memcmp(tacita_bytes_data(bytes), expected, length) == 0);
    free(expected);
    tacita_bytes_free(bytes);
}

/* What the library reads it writes again to the last byte. */
static void files(const char *folder, const tacita_request *request, const tacita_response *response) {
    tacita_bytes *bytes = NULL;
    SUCCEEDS(tacita_secret_key_to_json(world.secret_key, &bytes));
    same_bytes(bytes, folder, "secret-key.json");
    SUCCEEDS(tacita_public_key_to_json(world.public_key, &bytes));
    same_bytes(bytes, folder, "public-key.json");
    SUCCEEDS(tacita_spec_to_json(world.spec, &bytes));
    same_bytes(bytes, folder, "spec.json");
    SUCCEEDS(tacita_request_to_bytes(request, &bytes));
    same_bytes(bytes, folder, "request.cbor");
    SUCCEEDS(tacita_response_to_bytes(response, &bytes));
    same_bytes(bytes, folder, "response.cbor");
}

/* Logits to the last bit, and classes, of the first of the listed records, as many as the request has. */
static void predictions(const char *folder, const tacita_response *response, const tacita_request *request) {
    tacita_predictions *predictions = NULL;
    double found[VECTOR_LABELS], *logits, *classes;
    size_t logit_count, records, asked = 0, decrypted = 0, class, i, j;
    logits = numbers(folder, "expected-logits.txt", &logit_count);
    classes = numbers(folder, "expected-classes.txt", &records);
    CHECK(records > 1 && logit_count == VECTOR_LABELS * records);
    SUCCEEDS(tacita_request_records(request, &asked));
    CHECK(asked > 1 && asked <= records);
    records = asked;
    SUCCEEDS(tacita_decryptor_decrypt(world.decryptor, response, request, &predictions));
    SUCCEEDS(tacita_predictions_records(predictions, &decrypted));
    CHECK(decrypted == records);
    for (i = 0; i < records; i++) {
        SUCCEEDS(tacita_predictions_logits(predictions, i, found, VECTOR_LABELS));
        for (j = 0; j < VECTOR_LABELS; j++) {
            CHECK(found[j] == logits[VECTOR_LABELS * i + j]);
        }
        class = SIZE_MAX;
        SUCCEEDS(tacita_predictions_class(predictions, i, &class));
        CHECK((double)class == classes[i]);
    }
    free(logits);
    free(classes);
    tacita_predictions_free(predictions);
}

int main(int argc, char **argv) {
    uint8_t *data, digest[TACITA_FINGERPRINT_LEN];
    size_t length, count;
    double *records;
    tacita_request *request = NULL;
    tacita_response *response = NULL;
    tacita_public_key *admitted = NULL;
    const char *folder;
    if (argc < 2) {
        return 2;
    }
    folder = argv[1];
    data = fixture(folder, "secret-key.json", &length);
    SUCCEEDS(tacita_secret_key_from_json(data, length, &world.secret_key));
    free(data);
    /* Reading it verifies its proof. */
    data = fixture(folder, "public-key.json", &length);
    SUCCEEDS(tacita_public_key_from_json(data, length, &world.public_key));
    free(data);
    data = fixture(folder, "model.safetensors", &length);
    SUCCEEDS(tacita_model_from_bytes(data, length, &world.model));
    free(data);
    data = fixture(folder, "spec.json", &length);
    SUCCEEDS(tacita_spec_from_json(data, length, &world.spec));
    free(data);
    data = fixture(folder, "request.cbor", &length);
    SUCCEEDS(tacita_request_from_bytes(data, length, &request));
    free(data);
    data = fixture(folder, "response.cbor", &length);
    SUCCEEDS(tacita_response_from_bytes(data, length, &response));
    free(data);
    files(folder, request, response);

    SUCCEEDS(tacita_spec_fingerprint(world.spec, world.pin));
    SUCCEEDS(tacita_request_spec_fingerprint(request, digest));
    CHECK(memcmp(digest, world.pin, sizeof digest) == 0);

    /* The listed response, one to the listed request, and one to a request with the listed records. */
    SUCCEEDS(tacita_decryptor_new(world.spec, world.pin, world.secret_key, &world.decryptor));
    predictions(folder, response, request);
    tacita_response_free(response);

    SUCCEEDS(tacita_verified_keys_new(&world.keys));
    SUCCEEDS(tacita_verified_keys_admit(world.keys, request, &admitted));
    SUCCEEDS(tacita_evaluator_new(world.model, &world.evaluator));
    SUCCEEDS(tacita_evaluator_evaluate(world.evaluator, request, admitted, &response));
    predictions(folder, response, request);
    tacita_response_free(response);
    tacita_request_free(request);

    /* The same in a features layout. */
    data = fixture(folder, "features-request.cbor", &length);
    SUCCEEDS(tacita_request_from_bytes(data, length, &request));
    free(data);
    data = fixture(folder, "features-response.cbor", &length);
    SUCCEEDS(tacita_response_from_bytes(data, length, &response));
    free(data);
    predictions(folder, response, request);
    tacita_response_free(response);
    SUCCEEDS(tacita_evaluator_evaluate(world.evaluator, request, admitted, &response));
    predictions(folder, response, request);
    tacita_response_free(response);
    tacita_request_free(request);

    records = numbers(folder, "records.txt", &count);
    CHECK(count % VECTOR_FEATURES == 0);
    SUCCEEDS(tacita_encryptor_new_with_public_key(world.spec, world.pin, admitted, &world.encryptor));
    SUCCEEDS(tacita_encryptor_encrypt(world.encryptor, records, count, count / VECTOR_FEATURES, &request));
    SUCCEEDS(tacita_evaluator_evaluate(world.evaluator, request, admitted, &response));
    predictions(folder, response, request);
    free(records);
    tacita_response_free(response);
    tacita_request_free(request);
    tacita_public_key_free(admitted);
    free_world();
    return report();
}
