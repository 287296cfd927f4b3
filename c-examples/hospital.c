/*
 * The hospital: it holds the secret key and the records, and learns the predictions.
 *
 *   hospital keygen  KEY [BITS]                                  makes a secret key of 3072 bits, or BITS
 *   hospital encrypt KEY SPEC FINGERPRINT RECORDS REQUEST        encrypts the records in RECORDS
 *   hospital decrypt KEY SPEC FINGERPRINT REQUEST RESPONSE       prints the predictions in RESPONSE
 *
 * SPEC is the model's public spec.json; FINGERPRINT, 64 hexadecimal digits, must have come from the model's owner by
 * another way than SPEC. RECORDS is text: a record a line, or several, numbers separated by blanks or a comma, as many a
 * record as the model has features. REQUEST goes to the cloud and is needed again to decrypt the RESPONSE that comes back.
 */

#include <string.h>

#include "common.h"

/* Called while the key is searched for; returning anything but 0 would stop that. */
static int show_progress(void *user_data, uint64_t done, uint64_t expected) {
    fprintf((FILE *)user_data, "\r%llu candidates tested, about %llu are needed", (unsigned long long)done,
            (unsigned long long)expected);
    return 0;
}

static int keygen(const char *key_path, const char *bits_text) {
    tacita_secret_key *key = NULL;
    int failed = 0;
    TRY(tacita_secret_key_generate((uint32_t)strtoul(bits_text, NULL, 10), show_progress, stderr, &key));
    fputc('\n', stderr);
    TRY(tacita_secret_key_save(key, key_path));
done:
    tacita_secret_key_free(key);
    return failed;
}

/* The spec, refused later on if it does not have the fingerprint. */
static int load_spec(const char *path, tacita_spec **spec) {
    uint8_t *json = NULL;
    size_t length = 0;
    int failed = 0;
    TRY_FILE(read_file(path, &json, &length));
    TRY(tacita_spec_from_json(json, length, spec));
done:
    free(json);
    return failed;
}

#define BLANK " \t\f\v"
#define LINE_END "\r\n"
#define SPACE BLANK LINE_END

/* Numbers out of text, in memory that is the caller's to free. */
static int load_values(const char *path, size_t features, double **values, size_t *count) {
    uint8_t *text = NULL;
    size_t length = 0;
    int failed = 0, comma = 0;
    char *at, *end;
    double value;
    TRY_FILE(read_file(path, &text, &length));
    /* A number takes at least one character, and what separates it another. */
    *values = malloc((length / 2 + 1) * sizeof **values);
    if (*values == NULL) {
        fprintf(stderr, "%s: too large\n", path);
        failed = 1;
        goto done;
    }
    *count = 0;
    at = (char *)text + strspn((char *)text, SPACE);
    while (comma || at != (char *)text + length) {
        value = strtod(at, &end);
        /* After a comma there is a number on the same line: without it, all later values would move up. */
        if (end == at || strchr(LINE_END, *at) != NULL || (*end != 0 && strchr(SPACE ",", *end) == NULL)) {
            fprintf(stderr, "%s: what begins at byte %lu is not a number\n", path, (unsigned long)(at - (char *)text));
            failed = 1;
            break;
        }
        (*values)[(*count)++] = value;
        at = end + strspn(end, BLANK);
        comma = *at == ',';
        if (!comma && strchr(LINE_END, *at) != NULL && *count % features != 0) {
            fprintf(stderr, "%s: the line that ends at byte %lu is not of whole records, of %lu numbers each\n", path,
                    (unsigned long)(at - (char *)text), (unsigned long)features);
            failed = 1;
            break;
        }
        at += comma ? 1 + strspn(at + 1, BLANK) : strspn(at, SPACE);
    }
done:
    free(text);
    return failed;
}

static int encrypt(char **arguments) {
    tacita_secret_key *key = NULL;
    tacita_spec *spec = NULL;
    tacita_encryptor *encryptor = NULL;
    tacita_request *request = NULL;
    tacita_bytes *bytes = NULL;
    uint8_t pin[TACITA_FINGERPRINT_LEN];
    double *values = NULL;
    size_t count = 0, features = 0;
    int failed = 0;
    TRY(tacita_secret_key_load(arguments[0], &key));
    TRY_FILE(load_spec(arguments[1], &spec));
    TRY(tacita_fingerprint_from_hex(arguments[2], pin));
    TRY(tacita_encryptor_new_with_secret_key(spec, pin, key, &encryptor));
    TRY(tacita_spec_feature_count(spec, &features));
    TRY_FILE(load_values(arguments[3], features, &values, &count));
    TRY(tacita_encryptor_encrypt(encryptor, values, count, count / features, &request));
    TRY(tacita_request_to_bytes(request, &bytes));
    TRY_FILE(write_file(arguments[4], bytes));
done:
    free(values);
    tacita_bytes_free(bytes);
    tacita_request_free(request);
    tacita_encryptor_free(encryptor);
    tacita_spec_free(spec);
    tacita_secret_key_free(key);
    return failed;
}

/* Prints one line a record: its class, the label of that, and all probabilities. */
static int print(const tacita_spec *spec, const tacita_predictions *predictions) {
    double *probabilities = NULL;
    size_t records = 0, labels = 0, record, i, class_index;
    char label[TACITA_NAME_CAPACITY];
    int failed = 0;
    TRY(tacita_predictions_records(predictions, &records));
    TRY(tacita_spec_label_count(spec, &labels));
    probabilities = calloc(labels, sizeof *probabilities);
    if (probabilities == NULL) {
        perror("probabilities");
        return 1;
    }
    for (record = 0; record < records; record++) {
        TRY(tacita_predictions_class(predictions, record, &class_index));
        TRY(tacita_predictions_label(predictions, record, label, sizeof label));
        TRY(tacita_predictions_probabilities(predictions, record, probabilities, labels));
        printf("record %lu: class %lu, %s;", (unsigned long)record, (unsigned long)class_index, label);
        for (i = 0; i < labels; i++) {
            printf(" %.4f", probabilities[i]);
        }
        putchar('\n');
    }
done:
    free(probabilities);
    return failed;
}

static int decrypt(char **arguments) {
    tacita_secret_key *key = NULL;
    tacita_spec *spec = NULL;
    tacita_decryptor *decryptor = NULL;
    tacita_request *request = NULL;
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    uint8_t pin[TACITA_FINGERPRINT_LEN], *data = NULL;
    size_t length = 0;
    int failed = 0;
    TRY(tacita_secret_key_load(arguments[0], &key));
    TRY_FILE(load_spec(arguments[1], &spec));
    TRY(tacita_fingerprint_from_hex(arguments[2], pin));
    TRY(tacita_decryptor_new(spec, pin, key, &decryptor));
    TRY_FILE(read_file(arguments[3], &data, &length));
    TRY(tacita_request_from_bytes(data, length, &request));
    free(data);
    data = NULL;
    TRY_FILE(read_file(arguments[4], &data, &length));
    TRY(tacita_response_from_bytes(data, length, &response));
    TRY(tacita_decryptor_decrypt(decryptor, response, request, &predictions));
    TRY_FILE(print(spec, predictions));
done:
    free(data);
    tacita_predictions_free(predictions);
    tacita_response_free(response);
    tacita_request_free(request);
    tacita_decryptor_free(decryptor);
    tacita_spec_free(spec);
    tacita_secret_key_free(key);
    return failed;
}

int main(int argc, char **argv) {
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "keygen") == 0) {
        return keygen(argv[2], argc == 4 ? argv[3] : "3072");
    }
    if (argc == 7 && strcmp(argv[1], "encrypt") == 0) {
        return encrypt(argv + 2);
    }
    if (argc == 7 && strcmp(argv[1], "decrypt") == 0) {
        return decrypt(argv + 2);
    }
    fprintf(stderr, "usage: %s keygen KEY [BITS]\n"
                    "       %s encrypt KEY SPEC FINGERPRINT RECORDS REQUEST\n"
                    "       %s decrypt KEY SPEC FINGERPRINT REQUEST RESPONSE\n", argv[0], argv[0], argv[0]);
    return 2;
}
