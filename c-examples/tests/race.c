/*
 * Two threads share handles rightly and a number wrongly: what watches for data races must see the one, and only that.
 *
 *   race FIXTURES
 *
 * Without such a watch the program ends well, as its checks are about the answers.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { THREADS = 2, ROUNDS = 10 };

/* `relaxed`: if these ordered the threads, that would order what they do to the tally too. */
static atomic_ulong all_checks, all_failures;

/* The planted fault: both threads count in it, and nothing orders them. */
struct tally {
    unsigned long answered;
};

static void holds(int condition) {
    atomic_fetch_add_explicit(&all_checks, 1, memory_order_relaxed);
    if (!condition) {
        atomic_fetch_add_explicit(&all_failures, 1, memory_order_relaxed);
    }
}

#define WORKS(call) holds((call) == TACITA_STATUS_SUCCESS)

static void *answer(void *argument) {
    struct tally *tally = argument;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        tacita_request *request = NULL;
        tacita_public_key *key = NULL;
        tacita_response *response = NULL;
        tacita_predictions *predictions = NULL;
        double logits[LABELS] = {0, 0}, expected[LABELS] = {1, 1};
        WORKS(tacita_encryptor_encrypt(world.encryptor, RECORD, FEATURES, 1, &request));
        WORKS(tacita_verified_keys_admit(world.keys, request, &key));
        WORKS(tacita_evaluator_evaluate(world.evaluator, request, key, &response));
        WORKS(tacita_decryptor_decrypt(world.decryptor, response, request, &predictions));
        WORKS(tacita_predictions_logits(predictions, 0, logits, LABELS));
        WORKS(tacita_model_logits(world.model, RECORD, FEATURES, expected, LABELS));
        holds(memcmp(logits, expected, sizeof logits) == 0);
        tally->answered++;
        tacita_predictions_free(predictions);
        tacita_response_free(response);
        tacita_public_key_free(key);
        tacita_request_free(request);
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct tally tally = {0};
    pthread_t threads[THREADS];
    size_t i;
    if (argc < 2) {
        return 2;
    }
    SUCCEEDS(tacita_set_threads(2));
    create_world(argv[1]);
    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, answer, &tally) != 0) {
            exit(2);
        }
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    /* Not that it counted right: nobody knows. */
    CHECK(tally.answered > 0);
    free_world();
    checks += atomic_load(&all_checks);
    failures += atomic_load(&all_failures);
    return report();
}
