/* The library itself: version, statuses, details, threads, engine; and a key made with a progress callback. */

#include <pthread.h>

#include "check.h"

static void version(void) {
    char text[32];
    CHECK(tacita_version_number() == TACITA_VERSION_NUMBER);
    CHECK(TACITA_VERSION_NUMBER == 1000000 * TACITA_VERSION_MAJOR + 1000 * TACITA_VERSION_MINOR + TACITA_VERSION_PATCH);
    snprintf(text, sizeof text, "%d.%d.%d", TACITA_VERSION_MAJOR, TACITA_VERSION_MINOR, TACITA_VERSION_PATCH);
    CHECK(strcmp(tacita_version(), text) == 0);
}

static void statuses(void) {
    int number;
    const char *unknown = tacita_status_text(-1);
    for (number = -1000; number < 2000; number++) {
        CHECK(strlen(tacita_status_text(number)) > 0);
    }
    CHECK(strcmp(tacita_status_text(TACITA_STATUS_SUCCESS), "success") == 0);
    CHECK(strcmp(tacita_status_text(TACITA_STATUS_BUG), unknown) != 0);
    CHECK(strcmp(tacita_status_text(INT32_MAX), unknown) == 0);
    CHECK(strcmp(tacita_status_text(INT32_MIN), unknown) == 0);
}

static void *other_thread(void *argument) {
    char detail[8] = "unread";
    (void)argument;
    CHECK(tacita_last_error_detail(detail, sizeof detail) == 0);
    CHECK(detail[0] == 0);
    return NULL;
}

/* The detail is of this thread's last failure, is cut where the buffer ends, and never passes its end. */
static void details(void) {
    char detail[64], whole[512];
    size_t length, capacity;
    pthread_t thread;
    CHECK(tacita_last_error_detail(detail, sizeof detail) == 0);
    CHECK(detail[0] == 0);
    REFUSED(IO, tacita_model_load("no/such/file", &out.model));
    length = tacita_last_error_detail(whole, sizeof whole);
    CHECK(length == strlen(whole) && strstr(whole, "no/such/file") != NULL);
    CHECK(tacita_version_number() == TACITA_VERSION_NUMBER);
    for (capacity = 0; capacity < sizeof detail; capacity++) {
        memset(detail, 0x5a, sizeof detail);
        CHECK(tacita_last_error_detail(detail, capacity) == length);
        CHECK(detail[capacity] == 0x5a);
        if (capacity > 0) {
            size_t kept = strlen(detail);
            CHECK(kept == (capacity - 1 < length ? capacity - 1 : length));
            CHECK(memcmp(detail, whole, kept) == 0);
        }
    }
    CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Before the threads run their number can be set, afterwards only be confirmed. */
static void threads(void) {
    size_t found = 0;
    const char *name = NULL;
    SUCCEEDS(tacita_set_threads(3));
    SUCCEEDS(tacita_set_threads(2));
    SUCCEEDS(tacita_threads(&found));
    CHECK(found == 2);
    SUCCEEDS(tacita_set_threads(2));
    REFUSED(THREADS, tacita_set_threads(3));
    REFUSED(THREADS, tacita_set_threads(SIZE_MAX));
    SUCCEEDS(tacita_backend(&name));
    CHECK(name != NULL && strlen(name) > 0);
}

struct watch {
    pthread_t caller;
    uint64_t calls, last, expected, stop_after;
};

static int progress(void *user_data, uint64_t done, uint64_t expected) {
    struct watch *watch = user_data;
    CHECK(pthread_equal(pthread_self(), watch->caller));
    CHECK(done > watch->last);
    watch->last = done;
    watch->expected = expected;
    watch->calls++;
    /* The library may be called from here. */
    CHECK(tacita_version_number() == TACITA_VERSION_NUMBER);
    return watch->calls == watch->stop_after;
}

static void keys(void) {
    const uint32_t wrong[] = {0, 1, 1024, 2047, 2049, 3071, 8192, UINT32_MAX};
    tacita_secret_key *key = NULL;
    tacita_public_key *public_key = NULL, *verified = NULL;
    tacita_bytes *json = NULL;
    struct watch watch = {0};
    uint32_t bits = 0;
    size_t i;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        REFUSED(KEY_SIZE, tacita_secret_key_generate(wrong[i], NULL, NULL, &out.secret_key));
    }
    watch.caller = pthread_self();
    watch.stop_after = 1;
    REFUSED(CANCELLED, tacita_secret_key_generate(4096, progress, &watch, &out.secret_key));
    CHECK(watch.calls == 1);

    memset(&watch, 0, sizeof watch);
    watch.caller = pthread_self();
    SUCCEEDS(tacita_secret_key_generate(2048, progress, &watch, &key));
    CHECK(watch.calls > 0 && watch.last >= watch.calls && watch.expected > 0);
    SUCCEEDS(tacita_secret_key_public_key(key, &public_key));
    SUCCEEDS(tacita_public_key_bits(public_key, &bits));
    CHECK(bits == 2048);
    /* The public part comes with a proof that holds. */
    SUCCEEDS(tacita_public_key_to_json(public_key, &json));
    SUCCEEDS(tacita_public_key_from_json(tacita_bytes_data(json), tacita_bytes_len(json), &verified));
    tacita_public_key_free(verified);
    tacita_bytes_free(json);
    tacita_public_key_free(public_key);
    tacita_secret_key_free(key);
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc < 2) {
        return 2;
    }
    reset_outputs();
    version();
    statuses();
    details();
    threads();
    keys();
    return report();
}
