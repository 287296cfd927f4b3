/*
 * The service: answers requests on many threads, which share its handles.
 *
 *   service MODEL THREADS REQUESTS
 *
 * THREADS workers take requests from one queue and put responses into another. Both queues are bounded, so that a
 * service with more to do than it can makes its clients wait, instead of filling its memory. Here the client is in the
 * same program, where the network would be: it encrypts REQUESTS records that it makes up, one a request, decrypts
 * what comes back, and compares that with the model in plain. Its key has 2048 bits, for speed: real ones have 3072.
 * The first of its messages is one more, which is cut on the way: it must be refused and do no harm.
 *
 * What is shared, and why that is allowed. Handles do not change once they are made, so one evaluator serves all
 * workers, and they need no lock for it. The verified keys do change, but their calls wait for each other, and so they
 * are shared as well. What belongs to one request (the request, its key, its response) is seen by one thread after
 * another, and the queues hand it over. A handle is freed when no call uses it: the workers are joined before.
 *
 * On threads. The library has threads of its own, one a processor, for all calls together; the workers mostly wait for
 * them, and add only the small parts of the work that are not worth handing over. So more workers do not mean as many
 * times the library's threads, and a few a processor are enough: while one parses or writes, others keep the library
 * busy. `tacita_set_threads`, called before anything else, leaves processors to others. It is not meant to make up for
 * many workers: with 1, they would all wait for one thread.
 */

/* For what C11 alone does not have: POSIX, 2008. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "common.h"

/* What is sent: the client's request, or the service's answer to it. */
struct message {
    /* Stands for the connection that it came by and goes back to. */
    size_t number;
    /* Of an answer: anything but success comes without bytes. */
    tacita_status status;
    tacita_bytes *bytes;
    /* How many of the bytes arrived. */
    size_t length;
};

enum { ROOM = 16 };

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_full, not_empty;
    struct message messages[ROOM];
    size_t first, count;
    int closed;
};

#define EMPTY_QUEUE                                                                                                    \
    {.mutex = PTHREAD_MUTEX_INITIALIZER, .not_full = PTHREAD_COND_INITIALIZER, .not_empty = PTHREAD_COND_INITIALIZER}

/* Waits for room. */
static void put(struct queue *queue, const struct message *message) {
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == ROOM) {
        pthread_cond_wait(&queue->not_full, &queue->mutex);
    }
    queue->messages[(queue->first + queue->count++) % ROOM] = *message;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
}

/* Waits for a message; 0, if the queue is closed and none is left. */
static int take(struct queue *queue, struct message *message) {
    int taken = 0;
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && !queue->closed) {
        pthread_cond_wait(&queue->not_empty, &queue->mutex);
    }
    if (queue->count > 0) {
        *message = queue->messages[queue->first];
        queue->first = (queue->first + 1) % ROOM;
        queue->count--;
        taken = 1;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

/* Nobody puts anything any more. What is there can still be taken. */
static void close_queue(struct queue *queue) {
    pthread_mutex_lock(&queue->mutex);
    queue->closed = 1;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
}

struct service {
    /* Shared by all workers. */
    tacita_evaluator *evaluator;
    tacita_verified_keys *keys;
    struct queue requests, responses;
    /* The workers' own, under a lock of their own. */
    pthread_mutex_t mutex;
    size_t seen;
    tacita_nonce_pool *pool;
};

/* A key under which requests keep coming gets a pool: nonces of its responses are then made while nothing else is to
 * do, and nobody waits for those. POWER needs no tables. For a key with thousands of requests RANDOM_BASES, which takes
 * seconds to set up, makes more of them in the same time; an evaluator takes no other methods. There is one client
 * here: a service of many counts by the keys' fingerprints, and has pools for at most 64 keys. That others evaluate
 * meanwhile does no harm: a pool changes no answer. */
static void notice(struct service *service, const tacita_public_key *key) {
    enum { BUSY = 4, CAPACITY = 64 };
    tacita_status status = TACITA_STATUS_SUCCESS;
    pthread_mutex_lock(&service->mutex);
    if (++service->seen == BUSY) {
        status = tacita_nonce_pool_new_with_public_key(key, TACITA_NONCES_POWER, CAPACITY, &service->pool);
        if (status == TACITA_STATUS_SUCCESS) {
            status = tacita_evaluator_set_pool(service->evaluator, service->pool);
        }
    }
    pthread_mutex_unlock(&service->mutex);
    if (status != TACITA_STATUS_SUCCESS) {
        /* Requests are answered without it, too. */
        complain(status);
    }
}

/* Answers one request. What fails here fails for this request alone. */
static tacita_status answer(struct service *service, const struct message *message, tacita_bytes **bytes) {
    tacita_request *request = NULL;
    tacita_public_key *key = NULL;
    tacita_response *response = NULL;
    tacita_status status = tacita_request_from_bytes(tacita_bytes_data(message->bytes), message->length, &request);
    if (status == TACITA_STATUS_SUCCESS) {
        /* The proof of a new key is verified here, which takes a while, and remembered. Nobody else waits for it; threads that
         * meet the same new key at the same time each verify it. */
        status = tacita_verified_keys_admit(service->keys, request, &key);
    }
    if (status == TACITA_STATUS_SUCCESS) {
        notice(service, key);
        status = tacita_evaluator_evaluate(service->evaluator, request, key, &response);
    }
    if (status == TACITA_STATUS_SUCCESS) {
        status = tacita_response_to_bytes(response, bytes);
    }
    tacita_response_free(response);
    tacita_public_key_free(key);
    tacita_request_free(request);
    return status;
}

static void *work(void *argument) {
    struct service *service = argument;
    struct message message;
    while (take(&service->requests, &message)) {
        struct message reply = {.number = message.number};
        reply.status = answer(service, &message, &reply.bytes);
        if (reply.status == TACITA_STATUS_SUCCESS) {
            reply.length = tacita_bytes_len(reply.bytes);
        } else {
            /* The detail is this thread's own, whatever fails on others meanwhile. The client gets the status only. */
            complain(reply.status);
        }
        tacita_bytes_free(message.bytes);
        put(&service->responses, &reply);
    }
    return NULL;
}

/* What the client keeps of a request until it is answered. */
struct sent {
    double *values;
    tacita_request *request;
};

/* Its two threads, one that sends and one that receives, share all but the last line. The queues order what they do to
 * `sent`: a request is received after it was sent. */
struct client {
    /* To check the answers with: a real client has no model. */
    const tacita_model *model;
    tacita_spec *spec;
    tacita_secret_key *key;
    tacita_encryptor *encryptor;
    tacita_decryptor *decryptor;
    size_t features, labels, messages;
    struct sent *sent;
    struct service *service;
    /* The receiving thread's. */
    size_t answered, refused, wrong;
};

/* The message that is cut on the way. */
enum { CUT = 0 };

static int client_open(struct client *client, const tacita_model *model, tacita_evaluator *evaluator, size_t requests) {
    enum { BITS = 2048 };
    tacita_encryptor *encryptor = NULL;
    uint8_t pin[TACITA_FINGERPRINT_LEN];
    uint32_t together;
    int failed = 0;
    client->model = model;
    TRY(tacita_model_spec(model, &client->spec));
    /* A real client gets the fingerprint by another way than the spec. */
    TRY(tacita_spec_fingerprint(client->spec, pin));
    TRY(tacita_spec_feature_count(client->spec, &client->features));
    TRY(tacita_spec_label_count(client->spec, &client->labels));
    TRY(tacita_secret_key_generate(BITS, NULL, NULL, &client->key));
    TRY(tacita_encryptor_new_with_secret_key(client->spec, pin, client->key, &encryptor));
    /* Single records are quicker with several features in a ciphertext. The service gets ready for that layout before
     * the first request in it, which would wait for a plan otherwise. */
    TRY(tacita_spec_best_layout(client->spec, BITS, 1, &together));
    TRY(tacita_encryptor_new_with_layout(encryptor, together, &client->encryptor));
    TRY(tacita_evaluator_prepare(evaluator, together, NULL, NULL));
    TRY(tacita_decryptor_new(client->spec, pin, client->key, &client->decryptor));
    client->messages = requests + 1;
    client->sent = calloc(client->messages, sizeof *client->sent);
    if (client->sent == NULL) {
        perror("requests");
        failed = 1;
    }
done:
    tacita_encryptor_free(encryptor);
    return failed;
}

static void forget(struct sent *sent) {
    free(sent->values);
    tacita_request_free(sent->request);
    sent->values = NULL;
    sent->request = NULL;
}

static void client_close(struct client *client) {
    size_t i;
    /* What was not answered, if the program failed. */
    for (i = 0; client->sent != NULL && i < client->messages; i++) {
        forget(&client->sent[i]);
    }
    free(client->sent);
    tacita_decryptor_free(client->decryptor);
    tacita_encryptor_free(client->encryptor);
    tacita_secret_key_free(client->key);
    tacita_spec_free(client->spec);
}

/* From 0 to 1, for values that are made up: nothing secret comes from here. */
static double random_share(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* Sends requests as fast as the queue takes them. */
static int send_all(struct client *client) {
    uint64_t state = 88172645463325252;
    struct message message = {.number = 0};
    size_t i;
    int failed = 0;
    for (message.number = 0; message.number < client->messages; message.number++) {
        struct sent *sent = &client->sent[message.number];
        sent->values = calloc(client->features, sizeof *sent->values);
        if (sent->values == NULL) {
            perror("values");
            return 1;
        }
        for (i = 0; i < client->features; i++) {
            double least, greatest, step;
            TRY(tacita_spec_feature_range(client->spec, i, &least, &greatest, &step));
            sent->values[i] = least + random_share(&state) * (greatest - least);
        }
        TRY(tacita_encryptor_encrypt(client->encryptor, sent->values, client->features, 1, &sent->request));
        TRY(tacita_request_to_bytes(sent->request, &message.bytes));
        message.length = tacita_bytes_len(message.bytes);
        if (message.number == CUT) {
            message.length /= 2;
        }
        put(&client->service->requests, &message);
    }
done:
    return failed;
}

/* Decrypts one answer, and tells whether it is just that of the model. */
static int is_right(const struct client *client, const struct message *message) {
    const struct sent *sent = &client->sent[message->number];
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    double *logits = calloc(client->labels, sizeof *logits), *expected = calloc(client->labels, sizeof *expected);
    int failed = 0;
    TRY_FILE(logits == NULL || expected == NULL);
    TRY(tacita_response_from_bytes(tacita_bytes_data(message->bytes), message->length, &response));
    TRY(tacita_decryptor_decrypt(client->decryptor, response, sent->request, &predictions));
    TRY(tacita_predictions_logits(predictions, 0, logits, client->labels));
    TRY(tacita_model_logits(client->model, sent->values, client->features, expected, client->labels));
    failed = memcmp(logits, expected, client->labels * sizeof *logits) != 0;
done:
    free(expected);
    free(logits);
    tacita_predictions_free(predictions);
    tacita_response_free(response);
    return !failed;
}

/* Receives until the service has closed its queue. */
static void *receive_all(void *argument) {
    struct client *client = argument;
    struct message message;
    while (take(&client->service->responses, &message)) {
        if (message.status != TACITA_STATUS_SUCCESS) {
            client->refused++;
            client->wrong += message.number != CUT;
        } else {
            client->answered++;
            client->wrong += message.number == CUT || !is_right(client, &message);
        }
        tacita_bytes_free(message.bytes);
        forget(&client->sent[message.number]);
    }
    return NULL;
}

/* Starts a thread, or says why not. */
static int start(pthread_t *thread, void *(*body)(void *), void *argument) {
    int error = pthread_create(thread, NULL, body, argument);
    if (error != 0) {
        fprintf(stderr, "thread: %s\n", strerror(error));
    }
    return error != 0;
}

/* Runs the client against `count` workers. Whatever fails, all threads have ended afterwards: each kind once those are
 * gone that give it something to do. */
static int run(struct service *service, struct client *client, pthread_t *workers, size_t count) {
    pthread_t receiver;
    size_t started = 0;
    int failed = 0;
    if (start(&receiver, receive_all, client) != 0) {
        return 1;
    }
    while (started < count && !failed) {
        failed = start(&workers[started], work, service);
        started += !failed;
    }
    if (!failed) {
        failed = send_all(client);
    }
    close_queue(&service->requests);
    while (started > 0) {
        pthread_join(workers[--started], NULL);
    }
    close_queue(&service->responses);
    pthread_join(receiver, NULL);
    return failed;
}

/* A number of the command line, from 1 to `most`; 0, if it is none. */
static size_t number(const char *text, size_t most) {
    char *end;
    unsigned long found;
    errno = 0;
    found = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && found <= most ? found : 0;
}

int main(int argc, char **argv) {
    struct service service = {
        .requests = EMPTY_QUEUE, .responses = EMPTY_QUEUE, .mutex = PTHREAD_MUTEX_INITIALIZER,
    };
    struct client client = {.service = &service};
    struct timespec begin, end;
    tacita_model *model = NULL;
    pthread_t *workers = NULL;
    size_t threads = argc == 4 ? number(argv[2], 1000) : 0, requests = argc == 4 ? number(argv[3], 1000000000) : 0;
    double seconds;
    int failed = 0;
    if (threads == 0 || requests == 0) {
        fprintf(stderr, "usage: %s MODEL THREADS REQUESTS\n", argv[0]);
        return 2;
    }
    workers = calloc(threads, sizeof *workers);
    if (workers == NULL) {
        perror("threads");
        return 1;
    }
    TRY(tacita_model_load(argv[1], &model));
    TRY(tacita_evaluator_new(model, &service.evaluator));
    TRY(tacita_verified_keys_new(&service.keys));
    TRY_FILE(client_open(&client, model, service.evaluator, requests));
    clock_gettime(CLOCK_MONOTONIC, &begin);
    TRY_FILE(run(&service, &client, workers, threads));
    clock_gettime(CLOCK_MONOTONIC, &end);
    seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    /* The client's work is in this rate, as it has the same processors. */
    printf("answered %lu of %lu requests, %lu wrong, %lu refused, %.1f requests per second\n",
           (unsigned long)client.answered, (unsigned long)requests, (unsigned long)client.wrong,
           (unsigned long)client.refused, (double)client.answered / seconds);
    failed = client.answered != requests || client.wrong > 0 || client.refused != 1;
done:
    client_close(&client);
    free(workers);
    tacita_nonce_pool_free(service.pool);
    tacita_verified_keys_free(service.keys);
    tacita_evaluator_free(service.evaluator);
    tacita_model_free(model);
    return failed;
}
