/*
 * Eight threads share one of each handle, and every answer is just that of the model.
 *
 *   threads FIXTURES SECONDS
 *
 * SECONDS may be a fraction; each thread goes through everything once in any case.
 */

/* For what C11 alone does not have: POSIX, 2008. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"

enum { THREADS = 8, MOST_RECORDS = 3, POOL_SIZE = 16, MANY = 30 };

/* This thread does not fail, and so has nothing to tell of, whatever fails on others. */
enum { CAREFUL = 0 };

/* `check` counts for one thread alone. These order nothing, as that could hide a race: hence `relaxed`. */
static atomic_ulong all_checks, all_failures;
/* Requests of records that the threads filled in together. */
static atomic_ulong shared_requests;

static void holds(int condition, int line, const char *what) {
    atomic_fetch_add_explicit(&all_checks, 1, memory_order_relaxed);
    if (!condition && atomic_fetch_add_explicit(&all_failures, 1, memory_order_relaxed) < 20) {
        char detail[512];
        (void)tacita_last_error_detail(detail, sizeof detail);
        fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, line, what, detail);
    }
}

#define HOLDS(condition) holds((condition) != 0, __LINE__, #condition)
#define WORKS(call) HOLDS((call) == TACITA_STATUS_SUCCESS)

/* A request that several threads may be using. Whoever uses it last frees it: a handle in use must not be freed. */
struct sent {
    atomic_int users;
    tacita_request *request;
    size_t records;
    double logits[MOST_RECORDS][LABELS];
};

/* The last request of each thread, for the others. */
static struct offer {
    pthread_mutex_t mutex;
    struct sent *sent;
} board[THREADS];

/* Shared beside the handles of `world`. */
static tacita_encryptor *with_pool, *with_layout;
static tacita_nonce_pool *pool;
static tacita_public_key *known_key;
static uint8_t key_fingerprint[TACITA_FINGERPRINT_LEN];

/* What each thread adds to the shared records, and the logits of that. */
static double patterns[THREADS][FEATURES], pattern_logits[THREADS][LABELS];

static struct timespec end;
static pthread_barrier_t together;

struct thread {
    pthread_t id;
    size_t number;
    uint64_t random;
};

static uint64_t draw(struct thread *thread, uint64_t below) {
    thread->random = thread->random * 6364136223846793005 + 1442695040888963407;
    return (thread->random >> 33) % below;
}

static int time_is_left(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec != end.tv_sec ? now.tv_sec < end.tv_sec : now.tv_nsec < end.tv_nsec;
}

static int same(const double *left, const double *right) {
    return memcmp(left, right, LABELS * sizeof *left) == 0;
}

/* Encrypts records of its own by the shared encryptors. */
static struct sent *encrypt(struct thread *thread) {
    const tacita_encryptor *encryptors[] = {world.encryptor, with_pool, with_layout};
    double values[MOST_RECORDS][FEATURES];
    struct sent *sent = calloc(1, sizeof *sent);
    size_t i, j;
    if (sent == NULL) {
        exit(2);
    }
    atomic_init(&sent->users, 1);
    sent->records = 1 + (size_t)draw(thread, MOST_RECORDS);
    for (i = 0; i < sent->records; i++) {
        for (j = 0; j < FEATURES; j++) {
            values[i][j] = (double)draw(thread, 256);
        }
        WORKS(tacita_model_logits(world.model, values[i], FEATURES, sent->logits[i], LABELS));
    }
    WORKS(tacita_encryptor_encrypt(encryptors[draw(thread, 3)], &values[0][0], sent->records * FEATURES, sent->records,
                                   &sent->request));
    return sent;
}

/* Evaluates a request, its own or another thread's, and decrypts the answer. */
static void evaluate(struct thread *thread, const struct sent *sent) {
    tacita_public_key *key = NULL;
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    double logits[LABELS] = {0, 0};
    size_t i, count = 0;
    /* Half of them have the key admitted; the others use one key that they share. */
    if (draw(thread, 2) == 0) {
        WORKS(tacita_verified_keys_admit(world.keys, sent->request, &key));
        WORKS(tacita_evaluator_evaluate(world.evaluator, sent->request, key, &response));
    } else {
        WORKS(tacita_evaluator_evaluate(world.evaluator, sent->request, known_key, &response));
    }
    WORKS(tacita_decryptor_decrypt(world.decryptor, response, sent->request, &predictions));
    WORKS(tacita_predictions_records(predictions, &count));
    HOLDS(count == sent->records);
    for (i = 0; i < count && i < sent->records; i++) {
        WORKS(tacita_predictions_logits(predictions, i, logits, LABELS));
        HOLDS(same(logits, sent->logits[i]));
    }
    tacita_predictions_free(predictions);
    tacita_response_free(response);
    tacita_public_key_free(key);
}

static void let_go(struct sent *sent) {
    if (sent != NULL && atomic_fetch_sub(&sent->users, 1) == 1) {
        tacita_request_free(sent->request);
        free(sent);
    }
}

/* Takes the place of this thread's last request. */
static void offer(const struct thread *thread, struct sent *sent) {
    struct offer *place = &board[thread->number];
    struct sent *last;
    pthread_mutex_lock(&place->mutex);
    last = place->sent;
    place->sent = sent;
    pthread_mutex_unlock(&place->mutex);
    let_go(last);
}

static struct sent *accept(size_t from) {
    struct offer *place = &board[from];
    struct sent *sent;
    pthread_mutex_lock(&place->mutex);
    sent = place->sent;
    if (sent != NULL) {
        atomic_fetch_add(&sent->users, 1);
    }
    pthread_mutex_unlock(&place->mutex);
    return sent;
}

/* All threads fill in the same records, encrypt them and clear them. A run is set in one call, so each record is one
 * thread's, whichever. */
static void share_records(const struct thread *thread) {
    tacita_request *request = NULL;
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    double logits[LABELS] = {0, 0};
    size_t records = 0, count = 0, i, j;
    tacita_status status = tacita_records_set_run(world.records, "x", patterns[thread->number], FEATURES);
    /* Another thread's record may not be ended yet, and another thread may end this one. */
    HOLDS(status == TACITA_STATUS_SUCCESS || status == TACITA_STATUS_FEATURE_TWICE);
    status = tacita_records_end_record(world.records);
    HOLDS(status == TACITA_STATUS_SUCCESS || status == TACITA_STATUS_FEATURE_MISSING);
    WORKS(tacita_records_count(world.records, &records));
    status = tacita_encryptor_encrypt_records(world.encryptor, world.records, NULL, NULL, &request);
    /* None is there, or the last one is not ended. */
    HOLDS(status == TACITA_STATUS_SUCCESS || status == TACITA_STATUS_ARGUMENT);
    if (records > MANY) {
        WORKS(tacita_records_clear(world.records));
    }
    if (status != TACITA_STATUS_SUCCESS) {
        return;
    }
    atomic_fetch_add_explicit(&shared_requests, 1, memory_order_relaxed);
    WORKS(tacita_evaluator_evaluate(world.evaluator, request, known_key, &response));
    WORKS(tacita_decryptor_decrypt(world.decryptor, response, request, &predictions));
    WORKS(tacita_predictions_records(predictions, &count));
    for (i = 0; i < count; i++) {
        WORKS(tacita_predictions_logits(predictions, i, logits, LABELS));
        for (j = 0; j < THREADS && !same(logits, pattern_logits[j]); j++) {
        }
        HOLDS(j < THREADS);
    }
    tacita_predictions_free(predictions);
    tacita_response_free(response);
    tacita_request_free(request);
}

/* What is read by all, and never changes. */
static void read_spec(struct thread *thread) {
    char name[TACITA_NAME_CAPACITY] = "", expected[TACITA_NAME_CAPACITY];
    uint8_t fingerprint[TACITA_FINGERPRINT_LEN];
    double least = 1, greatest = 0, step = 0;
    size_t index = (size_t)draw(thread, FEATURES), found = FEATURES;
    snprintf(expected, sizeof expected, "x_%lu", (unsigned long)index);
    WORKS(tacita_spec_feature_name(world.spec, index, name, sizeof name));
    HOLDS(strcmp(name, expected) == 0);
    WORKS(tacita_spec_feature_index(world.spec, name, &found));
    HOLDS(found == index);
    WORKS(tacita_spec_feature_range(world.spec, index, &least, &greatest, &step));
    HOLDS(least == 0 && greatest == 255 && step == 1);
    WORKS(tacita_spec_label(world.spec, 1, name, sizeof name));
    HOLDS(strcmp(name, "class 1") == 0);
    WORKS(tacita_spec_fingerprint(world.spec, fingerprint));
    HOLDS(memcmp(fingerprint, world.pin, sizeof fingerprint) == 0);
}

/* The pool is used up, filled and looked at, and comes and goes, while others evaluate with it. */
static void change_pools(struct thread *thread) {
    size_t filled = 0, capacity = 0, keys = 0;
    uint64_t precomputed = 0, hits = 0, misses = 0;
    switch (draw(thread, 8)) {
    case 0:
        WORKS(tacita_evaluator_remove_pool(world.evaluator, key_fingerprint));
        break;
    case 1:
        WORKS(tacita_nonce_pool_fill(pool, NULL, NULL));
        break;
    case 2:
        WORKS(tacita_verified_keys_pin(world.keys, key_fingerprint));
        break;
    default:
        WORKS(tacita_evaluator_set_pool(world.evaluator, pool));
    }
    WORKS(tacita_nonce_pool_size(pool, &filled, &capacity));
    HOLDS(filled <= capacity && capacity == POOL_SIZE);
    WORKS(tacita_nonce_pool_statistics(pool, &precomputed, &hits, &misses));
    HOLDS(hits <= precomputed);
    WORKS(tacita_verified_keys_count(world.keys, &keys));
    HOLDS(keys <= 1);
}

/* Fails on purpose, in words that no other thread's failures have. */
static void fail(struct thread *thread, char *words, size_t capacity) {
    tacita_model *model = NULL;
    tacita_request *request = NULL;
    double outside[FEATURES] = {0, 0, 0};
    size_t index = 99;
    snprintf(words, capacity, "no such thing as of thread %lu", (unsigned long)thread->number);
    switch (draw(thread, 4)) {
    case 0:
        HOLDS(tacita_model_load(words, &model) == TACITA_STATUS_IO && model == NULL);
        break;
    case 1:
        HOLDS(tacita_spec_feature_index(world.spec, words, &index) == TACITA_STATUS_FEATURE_UNKNOWN && index == 99);
        break;
    case 2:
        HOLDS(tacita_records_set(world.records, words, 1) == TACITA_STATUS_FEATURE_UNKNOWN);
        break;
    default:
        snprintf(words, capacity, "x_%lu", (unsigned long)thread->number % FEATURES);
        outside[thread->number % FEATURES] = 256;
        HOLDS(tacita_encryptor_encrypt(with_pool, outside, FEATURES, 1, &request) == TACITA_STATUS_OUT_OF_RANGE);
        HOLDS(request == NULL);
    }
    HOLDS(says(words));
}

static void *hammer(void *argument) {
    struct thread *thread = argument;
    pthread_barrier_wait(&together);
    do {
        struct sent *own = encrypt(thread), *others;
        char words[64];
        if (thread->number != CAREFUL) {
            fail(thread, words, sizeof words);
        }
        evaluate(thread, own);
        offer(thread, own);
        others = accept((size_t)draw(thread, THREADS));
        if (others != NULL) {
            evaluate(thread, others);
            let_go(others);
        }
        read_spec(thread);
        change_pools(thread);
        /* What fails on other threads does not show, and what succeeds on this one changes nothing. */
        if (thread->number != CAREFUL) {
            HOLDS(says(words));
            share_records(thread);
        } else {
            HOLDS(tacita_last_error_detail(NULL, 0) == 0);
        }
    } while (time_is_left());
    return NULL;
}

static void run(double seconds) {
    struct thread threads[THREADS];
    size_t i;
    CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    end.tv_sec += (time_t)seconds;
    end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_mutex_init(&board[i].mutex, NULL) == 0);
        threads[i].number = i;
        threads[i].random = i;
    }
    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i].id, NULL, hammer, &threads[i]) != 0) {
            exit(2);
        }
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i].id, NULL) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        let_go(board[i].sent);
        CHECK(pthread_mutex_destroy(&board[i].mutex) == 0);
    }
    CHECK(pthread_barrier_destroy(&together) == 0);
    CHECK(atomic_load(&shared_requests) > 0);
}

int main(int argc, char **argv) {
    size_t i, j;
    char *rest = NULL;
    double seconds = argc == 3 ? strtod(argv[2], &rest) : -1;
    if (!(seconds >= 0 && seconds <= 86400) || rest == argv[2] || *rest != 0) {
        fprintf(stderr, "usage: %s FIXTURES SECONDS\n", argv[0]);
        return 2;
    }
    /* The library's own threads are several on any machine. */
    SUCCEEDS(tacita_set_threads(2));
    create_world(argv[1]);
    SUCCEEDS(tacita_secret_key_public_key(world.secret_key, &known_key));
    SUCCEEDS(tacita_public_key_fingerprint(known_key, key_fingerprint));
    SUCCEEDS(tacita_nonce_pool_new_with_public_key(known_key, TACITA_NONCES_POWER, POOL_SIZE, &pool));
    SUCCEEDS(tacita_encryptor_new_with_pool(world.encryptor, pool, &with_pool));
    SUCCEEDS(tacita_encryptor_new_with_layout(world.encryptor, FEATURES, &with_layout));
    for (i = 0; i < THREADS; i++) {
        for (j = 0; j < FEATURES; j++) {
            patterns[i][j] = (double)((31 * i + 97 * j) % 256);
        }
        SUCCEEDS(tacita_model_logits(world.model, patterns[i], FEATURES, pattern_logits[i], LABELS));
    }
    run(seconds);
    tacita_encryptor_free(with_layout);
    tacita_encryptor_free(with_pool);
    tacita_nonce_pool_free(pool);
    tacita_public_key_free(known_key);
    free_world();
    checks += atomic_load(&all_checks);
    failures += atomic_load(&all_failures);
    return report();
}
