/* Key files under a passphrase. Each passphrase that is tried takes 256 MB and half a second, under valgrind a minute. */

#include "check.h"

/* Whether there is time for all of them. */
static int thorough = 1;

static void in_memory(void) {
    const uint8_t right[] = "correct horse", wrong[] = "battery staple", not_text[] = {'a', 0xff};
    uint8_t *too_long = calloc(1, 1025);
    tacita_bytes *bytes = NULL, *json = NULL, *json_again = NULL;
    tacita_secret_key *key = NULL;
    int encrypted = 9;
    if (too_long == NULL) {
        exit(2);
    }
    memset(too_long, 'x', 1025);
    SUCCEEDS(tacita_secret_key_to_encrypted(world.secret_key, right, 13, &bytes));
    SUCCEEDS(tacita_secret_key_is_encrypted(tacita_bytes_data(bytes), tacita_bytes_len(bytes), &encrypted));
    CHECK(encrypted == 1);
    if (thorough) {
        REFUSED(PASSPHRASE, tacita_secret_key_from_encrypted(tacita_bytes_data(bytes), tacita_bytes_len(bytes), wrong, 14,
                                                             &out.secret_key));
        CHECK(!says("battery") && !says("correct"));
    }
    REFUSED(MALFORMED, tacita_secret_key_from_encrypted(tacita_bytes_data(bytes), 40, right, 13, &out.secret_key));
    REFUSED(LENGTH, tacita_secret_key_from_encrypted(tacita_bytes_data(bytes), SIZE_MAX, right, 13, &out.secret_key));
    REFUSED(LENGTH, tacita_secret_key_from_encrypted(tacita_bytes_data(bytes), 40, right, SIZE_MAX, &out.secret_key));
    REFUSED(MALFORMED, tacita_secret_key_from_json(tacita_bytes_data(bytes), tacita_bytes_len(bytes), &out.secret_key));
    SUCCEEDS(tacita_secret_key_from_encrypted(tacita_bytes_data(bytes), tacita_bytes_len(bytes), right, 13, &key));
    SUCCEEDS(tacita_secret_key_to_json(key, &json));
    SUCCEEDS(tacita_secret_key_to_json(world.secret_key, &json_again));
    CHECK(tacita_bytes_len(json) == tacita_bytes_len(json_again) &&
          memcmp(tacita_bytes_data(json), tacita_bytes_data(json_again), tacita_bytes_len(json)) == 0);
    SUCCEEDS(tacita_secret_key_is_encrypted(tacita_bytes_data(json), tacita_bytes_len(json), &encrypted));
    CHECK(encrypted == 0);
    REFUSED(LENGTH, tacita_secret_key_is_encrypted(tacita_bytes_data(json), SIZE_MAX, &out.flag));
    REFUSED(ARGUMENT, tacita_secret_key_to_encrypted(world.secret_key, right, 0, &out.bytes));
    REFUSED(MALFORMED, tacita_secret_key_to_encrypted(world.secret_key, not_text, 2, &out.bytes));
    REFUSED(TOO_LARGE, tacita_secret_key_to_encrypted(world.secret_key, too_long, 1025, &out.bytes));
    REFUSED(LENGTH, tacita_secret_key_to_encrypted(world.secret_key, right, SIZE_MAX, &out.bytes));
    tacita_secret_key_free(key);
    tacita_bytes_free(json_again);
    tacita_bytes_free(json);
    tacita_bytes_free(bytes);
    free(too_long);
}

static void in_files(const char *folder) {
    const uint8_t right[] = "correct horse", wrong[] = "battery staple";
    char path[1024];
    tacita_secret_key *key = NULL;
    snprintf(path, sizeof path, "%s/key.age", folder);
    remove(path);
    REFUSED(ARGUMENT, tacita_secret_key_save_encrypted(world.secret_key, right, 0, path));
    REFUSED(LENGTH, tacita_secret_key_save_encrypted(world.secret_key, right, SIZE_MAX, path));
    REFUSED(IO, tacita_secret_key_load_encrypted(path, right, 13, &out.secret_key));
    SUCCEEDS(tacita_secret_key_save_encrypted(world.secret_key, right, 13, path));
    if (thorough) {
        REFUSED(IO, tacita_secret_key_save_encrypted(world.secret_key, right, 13, path));
    }
    REFUSED(ARGUMENT, tacita_secret_key_load(path, &out.secret_key));
    if (thorough) {
        REFUSED(PASSPHRASE, tacita_secret_key_load_encrypted(path, wrong, 14, &out.secret_key));
    }
    REFUSED(LENGTH, tacita_secret_key_load_encrypted(path, right, SIZE_MAX, &out.secret_key));
    SUCCEEDS(tacita_secret_key_load_encrypted(path, right, 13, &key));
    remove(path);
    tacita_secret_key_free(key);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    thorough = argc < 3 || strcmp(argv[2], "1") == 0;
    create_world(argv[1]);
    in_memory();
    in_files(argv[1]);
    free_world();
    return report();
}
