/* Long work tells how far it is, on the thread that asked for it, and can be cancelled, which gives nothing out. */

#include <pthread.h>

#include "check.h"

struct watch {
    pthread_t caller;
    uint64_t calls, last, stop_after;
};

static int on_progress(void *user_data, uint64_t done, uint64_t expected) {
    struct watch *watch = user_data;
    size_t features = 0;
    CHECK(pthread_equal(pthread_self(), watch->caller));
    CHECK(done <= expected && expected > 0);
    watch->last = done;
    watch->calls++;
    /* The library may be called from here. */
    CHECK(tacita_spec_feature_count(world.spec, &features) == TACITA_STATUS_SUCCESS && features == FEATURES);
    return watch->calls == watch->stop_after;
}

static struct watch watch;

static void *watched(uint64_t stop_after) {
    memset(&watch, 0, sizeof watch);
    watch.caller = pthread_self();
    watch.stop_after = stop_after;
    return &watch;
}

/* The call is cancelled when it first tells of its progress, and touches no output. */
#define CANCELLED_AT_ONCE(call)                                                                                        \
    do {                                                                                                               \
        void *user_data = watched(1);                                                                                  \
        REFUSED(CANCELLED, call);                                                                                      \
        CHECK(watch.calls == 1);                                                                                       \
    } while (0)

/* The call is not cancelled, and has told of its progress. */
#define WATCHED(call)                                                                                                  \
    do {                                                                                                               \
        void *user_data = watched(0);                                                                                  \
        SUCCEEDS(call);                                                                                                \
        CHECK(watch.calls > 0);                                                                                        \
    } while (0)

/* Enough records for three sets of ciphertexts. */
static void requests(void) {
    size_t capacity = 0, count, i;
    double *values;
    tacita_records *records = NULL;
    tacita_request *request = NULL;
    tacita_response *response = NULL;
    const tacita_request *both[2];
    const tacita_public_key *keys[2];
    tacita_response *responses[2] = {NULL, NULL};
    tacita_status statuses[2];
    SUCCEEDS(tacita_encryptor_capacity(world.encryptor, &capacity));
    count = 2 * capacity + 1;
    values = calloc(count, FEATURES * sizeof *values);
    if (values == NULL) {
        exit(2);
    }
    CANCELLED_AT_ONCE(tacita_encryptor_encrypt_with_progress(world.encryptor, values, count * FEATURES, count,
                                                             on_progress, user_data, &out.request));
    WATCHED(tacita_encryptor_encrypt_with_progress(world.encryptor, values, count * FEATURES, count, on_progress,
                                                   user_data, &request));
    CHECK(watch.calls == 3 && watch.last == 3 * FEATURES);
    CANCELLED_AT_ONCE(tacita_evaluator_evaluate_with_progress(world.evaluator, request, world.public_key, on_progress,
                                                              user_data, &out.response));
    WATCHED(tacita_evaluator_evaluate_with_progress(world.evaluator, request, world.public_key, on_progress, user_data,
                                                    &response));
    CHECK(watch.calls == 3 && watch.last == 3);
    tacita_response_free(response);
    tacita_request_free(request);

    both[0] = both[1] = world.request;
    keys[0] = keys[1] = world.public_key;
    CANCELLED_AT_ONCE(tacita_evaluator_evaluate_many(world.evaluator, both, keys, 2, on_progress, user_data,
                                                     &out.response, &out.status));
    WATCHED(tacita_evaluator_evaluate_many(world.evaluator, both, keys, 2, on_progress, user_data, responses,
                                           statuses));
    tacita_response_free(responses[0]);
    tacita_response_free(responses[1]);

    SUCCEEDS(tacita_records_new(world.spec, &records));
    for (i = 0; i < 2; i++) {
        SUCCEEDS(tacita_records_set_run(records, "x", RECORD, FEATURES));
        SUCCEEDS(tacita_records_end_record(records));
    }
    CANCELLED_AT_ONCE(tacita_encryptor_encrypt_records(world.encryptor, records, on_progress, user_data, &out.request));
    WATCHED(tacita_encryptor_encrypt_records(world.encryptor, records, on_progress, user_data, &request));
    tacita_request_free(request);
    tacita_records_free(records);
    free(values);
}

/* Searches for plans, which a model of three features finds at once. */
static void plans(int argc, char **argv) {
    tacita_evaluator *evaluator = NULL;
    tacita_model *model = NULL;
    tacita_bytes *json = NULL;
    size_t multiplications = 0;
    tacita_status status;
    CANCELLED_AT_ONCE(tacita_model_new_with_plan(world.model, 2, on_progress, user_data, &out.model));
    WATCHED(tacita_model_new_with_plan(world.model, 2, on_progress, user_data, &model));
    SUCCEEDS(tacita_evaluator_new(world.model, &evaluator));
    CANCELLED_AT_ONCE(tacita_evaluator_prepare(evaluator, 3, on_progress, user_data));
    /* That search may have been at its end, and its plan kept: another evaluator has none yet. */
    tacita_evaluator_free(evaluator);
    SUCCEEDS(tacita_evaluator_new(world.model, &evaluator));
    WATCHED(tacita_evaluator_prepare(evaluator, 3, on_progress, user_data));
    SUCCEEDS(tacita_evaluator_multiplications(evaluator, 3, &multiplications));
    CHECK(multiplications > 0);
    tacita_evaluator_free(evaluator);

    /* Whether a plan has anything to search for is a matter of this machine's costs. */
    SUCCEEDS(tacita_evaluator_new(world.model, &evaluator));
    create_costs(argc, argv, 0);
    if (world.costs == NULL) {
        goto done;
    }
    status = tacita_plan_for_evaluator(evaluator, world.costs, 1, TACITA_PLAN_POOLS, on_progress, watched(1), &json);
    CHECK(status == (watch.calls > 0 ? TACITA_STATUS_CANCELLED : TACITA_STATUS_SUCCESS));
    CHECK((json == NULL) == (status == TACITA_STATUS_CANCELLED));
    tacita_bytes_free(json);
done:
    tacita_evaluator_free(evaluator);
    tacita_model_free(model);
}

static void pools(void) {
    tacita_nonce_pool *pool = NULL;
    size_t filled = 0, capacity = 0;
    /* More than the background makes before the fill begins. */
    enum { MANY = 4000 };
    SUCCEEDS(tacita_nonce_pool_new_with_secret_key(world.secret_key, TACITA_NONCES_SECRET_BASE, MANY, &pool));
    CANCELLED_AT_ONCE(tacita_nonce_pool_fill(pool, on_progress, user_data));
    SUCCEEDS(tacita_nonce_pool_size(pool, &filled, &capacity));
    CHECK(filled > 0 && capacity == MANY);
    tacita_nonce_pool_free(pool);
    SUCCEEDS(tacita_nonce_pool_new_with_secret_key(world.secret_key, TACITA_NONCES_SECRET_BASE, 300, &pool));
    SUCCEEDS(tacita_nonce_pool_fill(pool, on_progress, watched(0)));
    SUCCEEDS(tacita_nonce_pool_size(pool, &filled, &capacity));
    CHECK(filled == 300);
    tacita_nonce_pool_free(pool);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    create_world(argv[1]);
    requests();
    plans(argc, argv);
    pools();
    free_world();
    return report();
}
