/*
 * The bench: measures how long one prediction takes, as a C program sees it.
 *
 *   bench MODEL ROUNDS
 *
 * It makes a key of 3072 bits and takes one record of all least values, in the records layout, on one thread. Each of
 * the three steps is measured ROUNDS times, as a whole: the call, the handle that it makes, and freeing that. What a
 * program makes once is made before, which is key, encryptor, evaluator and decryptor. Encryption is with the secret
 * key. The medians are printed in milliseconds, as one line of JSON.
 */

/* For what C11 alone does not have: POSIX, 2008. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common.h"

enum { BITS = 3072, THREADS = 1, RECORDS_LAYOUT = 1 };

enum step { ENCRYPT, EVALUATE, DECRYPT, STEPS };

/* What the steps work on. Request and response are made before, so that each step can free what it makes. */
struct bench {
    tacita_model *model;
    tacita_spec *spec;
    tacita_secret_key *secret_key;
    tacita_public_key *public_key;
    tacita_encryptor *encryptor;
    tacita_evaluator *evaluator;
    tacita_decryptor *decryptor;
    tacita_request *request;
    tacita_response *response;
    double *record, *logits, *expected;
    size_t features, labels;
};

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *times, size_t count) {
    qsort(times, count, sizeof *times, compare);
    return (times[(count - 1) / 2] + times[count / 2]) / 2;
}

static double milliseconds(const struct timespec *begin, const struct timespec *end) {
    return (double)(end->tv_sec - begin->tv_sec) * 1e3 + (double)(end->tv_nsec - begin->tv_nsec) / 1e6;
}

static int least_record(struct bench *bench) {
    double greatest, step;
    size_t i;
    int failed = 0;
    TRY(tacita_spec_feature_count(bench->spec, &bench->features));
    TRY(tacita_spec_label_count(bench->spec, &bench->labels));
    bench->record = calloc(bench->features, sizeof *bench->record);
    bench->logits = calloc(bench->labels, sizeof *bench->logits);
    bench->expected = calloc(bench->labels, sizeof *bench->expected);
    if (bench->record == NULL || bench->logits == NULL || bench->expected == NULL) {
        perror("record");
        failed = 1;
        goto done;
    }
    for (i = 0; i < bench->features; i++) {
        TRY(tacita_spec_feature_range(bench->spec, i, &bench->record[i], &greatest, &step));
    }
done:
    return failed;
}

/* A step that gave wrong answers would not be worth its time. */
static int check_answer(struct bench *bench) {
    tacita_predictions *predictions = NULL;
    int failed = 0;
    TRY(tacita_decryptor_decrypt(bench->decryptor, bench->response, bench->request, &predictions));
    TRY(tacita_predictions_logits(predictions, 0, bench->logits, bench->labels));
    TRY(tacita_model_logits(bench->model, bench->record, bench->features, bench->expected, bench->labels));
    if (memcmp(bench->logits, bench->expected, bench->labels * sizeof *bench->logits) != 0) {
        fprintf(stderr, "the prediction is not the model's\n");
        failed = 1;
    }
done:
    tacita_predictions_free(predictions);
    return failed;
}

static int prepare(struct bench *bench, const char *model_path) {
    uint8_t pin[TACITA_FINGERPRINT_LEN];
    int failed = 0;
    TRY(tacita_set_threads(THREADS));
    TRY(tacita_model_load(model_path, &bench->model));
    TRY(tacita_model_spec(bench->model, &bench->spec));
    TRY(tacita_spec_fingerprint(bench->spec, pin));
    TRY_FILE(least_record(bench));
    TRY(tacita_secret_key_generate(BITS, NULL, NULL, &bench->secret_key));
    TRY(tacita_secret_key_public_key(bench->secret_key, &bench->public_key));
    TRY(tacita_encryptor_new_with_secret_key(bench->spec, pin, bench->secret_key, &bench->encryptor));
    TRY(tacita_evaluator_new(bench->model, &bench->evaluator));
    TRY(tacita_evaluator_prepare(bench->evaluator, RECORDS_LAYOUT, NULL, NULL));
    TRY(tacita_decryptor_new(bench->spec, pin, bench->secret_key, &bench->decryptor));
    TRY(tacita_encryptor_encrypt(bench->encryptor, bench->record, bench->features, 1, &bench->request));
    TRY(tacita_evaluator_evaluate(bench->evaluator, bench->request, bench->public_key, &bench->response));
    TRY_FILE(check_answer(bench));
done:
    return failed;
}

static void free_all(struct bench *bench) {
    free(bench->expected);
    free(bench->logits);
    free(bench->record);
    tacita_response_free(bench->response);
    tacita_request_free(bench->request);
    tacita_decryptor_free(bench->decryptor);
    tacita_evaluator_free(bench->evaluator);
    tacita_encryptor_free(bench->encryptor);
    tacita_public_key_free(bench->public_key);
    tacita_secret_key_free(bench->secret_key);
    tacita_spec_free(bench->spec);
    tacita_model_free(bench->model);
}

/* Does a step once, and nothing that is not of it. */
static tacita_status once(const struct bench *bench, enum step step) {
    tacita_request *request = NULL;
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    tacita_status status = TACITA_STATUS_SUCCESS;
    switch (step) {
    case ENCRYPT:
        status = tacita_encryptor_encrypt(bench->encryptor, bench->record, bench->features, 1, &request);
        tacita_request_free(request);
        break;
    case EVALUATE:
        status = tacita_evaluator_evaluate(bench->evaluator, bench->request, bench->public_key, &response);
        tacita_response_free(response);
        break;
    case DECRYPT:
        status = tacita_decryptor_decrypt(bench->decryptor, bench->response, bench->request, &predictions);
        tacita_predictions_free(predictions);
        break;
    case STEPS:
        break;
    }
    return status;
}

/* Steps take turns, so that what disturbs the machine for a while does not hit one of them alone. The first round only
 * warms up. */
static int measure(const struct bench *bench, double *times[STEPS], size_t rounds) {
    struct timespec begin, end;
    size_t round;
    int step, failed = 0;
    for (round = 0; round <= rounds; round++) {
        for (step = 0; step < STEPS; step++) {
            clock_gettime(CLOCK_MONOTONIC, &begin);
            TRY(once(bench, (enum step)step));
            clock_gettime(CLOCK_MONOTONIC, &end);
            if (round > 0) {
                times[step][round - 1] = milliseconds(&begin, &end);
            }
        }
    }
done:
    return failed;
}

int main(int argc, char **argv) {
    struct bench bench = {.model = NULL};
    double *times[STEPS] = {NULL, NULL, NULL};
    const char *backend;
    unsigned long rounds = 0;
    size_t threads = 0;
    uint32_t bits = 0;
    char *end;
    int step, failed = 0;
    if (argc == 3 && *argv[2] >= '0' && *argv[2] <= '9') {
        errno = 0;
        rounds = strtoul(argv[2], &end, 10);
        rounds = *end == 0 && errno == 0 && rounds <= 1000000 ? rounds : 0;
    }
    if (rounds == 0) {
        fprintf(stderr, "usage: %s MODEL ROUNDS\n", argv[0]);
        return 2;
    }
    for (step = 0; step < STEPS; step++) {
        times[step] = calloc(rounds, sizeof *times[step]);
        if (times[step] == NULL) {
            perror("times");
            failed = 1;
            goto done;
        }
    }
    TRY_FILE(prepare(&bench, argv[1]));
    TRY_FILE(measure(&bench, times, rounds));
    TRY(tacita_public_key_bits(bench.public_key, &bits));
    TRY(tacita_public_key_backend(bench.public_key, &backend));
    TRY(tacita_threads(&threads));
    printf("{\"bits\":%lu,\"threads\":%lu,\"backend\":\"%s\",\"rounds\":%lu,"
           "\"ms\":{\"encrypt\":%.4f,\"evaluate\":%.4f,\"decrypt\":%.4f}}\n",
           (unsigned long)bits, (unsigned long)threads, backend, rounds, median(times[ENCRYPT], rounds),
           median(times[EVALUATE], rounds), median(times[DECRYPT], rounds));
done:
    for (step = 0; step < STEPS; step++) {
        free(times[step]);
    }
    free_all(&bench);
    return failed;
}
