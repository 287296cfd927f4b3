/* Bytes that were cut, padded, changed or swapped, and lengths that no array has. */

#include "check.h"

/* Of so many bytes one is cut off or changed. */
static size_t step = 1;

typedef tacita_status (*reader)(const uint8_t *, size_t, void *);

/* One type for all readers of sealed bytes: each gives out a handle, which must not happen here. */
static tacita_status read_spec(const uint8_t *bytes, size_t length, void *handle) {
    return tacita_spec_from_json(bytes, length, (tacita_spec **)handle);
}
static tacita_status read_model(const uint8_t *bytes, size_t length, void *handle) {
    return tacita_model_from_bytes(bytes, length, (tacita_model **)handle);
}
static tacita_status read_request(const uint8_t *bytes, size_t length, void *handle) {
    return tacita_request_from_bytes(bytes, length, (tacita_request **)handle);
}
static tacita_status read_response(const uint8_t *bytes, size_t length, void *handle) {
    return tacita_response_from_bytes(bytes, length, (tacita_response **)handle);
}
static tacita_status read_secret_key(const uint8_t *bytes, size_t length, void *handle) {
    return tacita_secret_key_from_json(bytes, length, (tacita_secret_key **)handle);
}
static tacita_status read_public_key(const uint8_t *bytes, size_t length, void *handle) {
    return tacita_public_key_from_json(bytes, length, (tacita_public_key **)handle);
}

/* Nothing was read, and nothing but MALFORMED, CUT_OR_PADDED or DAMAGED was said. */
static void check_unreadable(tacita_status status, const char *what) {
    check(status == TACITA_STATUS_MALFORMED || status == TACITA_STATUS_CUT_OR_PADDED || status == TACITA_STATUS_DAMAGED,
          __FILE__, __LINE__, what);
    check(memcmp(&out, &untouched, sizeof out) == 0, __FILE__, __LINE__, "an output was touched");
}

/* No array is that long, whatever the pointer says. */
static void impossible_lengths(reader read, const uint8_t *bytes) {
    REFUSED(LENGTH, read(bytes, SIZE_MAX, &out.bytes));
    REFUSED(LENGTH, read(bytes, SIZE_MAX - 1, &out.bytes));
    REFUSED(LENGTH, read(bytes, SIZE_MAX / 2 + 1, &out.bytes));
}

/* What carries a SHA-256: every cut, a padding, and a flipped bit in each byte are noticed. */
static void sealed(reader read, const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length + 1);
    size_t i;
    if (copy == NULL) {
        exit(2);
    }
    for (i = 0; i < length; i += step) {
        /* Exactly as long as it is said to be, so that valgrind sees a read beyond. */
        uint8_t *cut = malloc(i + 1);
        if (cut == NULL) {
            exit(2);
        }
        memcpy(cut + 1, bytes, i);
        check_unreadable(read(cut + 1, i, &out.bytes), "cut bytes were read");
        free(cut);
    }
    memcpy(copy, bytes, length);
    copy[length] = 0;
    check_unreadable(read(copy, length + 1, &out.bytes), "padded bytes were read");
    for (i = 0; i < length; i += step) {
        copy[i] ^= (uint8_t)(1u << i % 8);
        check_unreadable(read(copy, length, &out.bytes), "changed bytes were read");
        copy[i] = bytes[i];
    }
    impossible_lengths(read, bytes);
    free(copy);
}

/* Key files carry no SHA-256: cuts are noticed, and each change of a number of the key. */
static void key_files(const char *folder) {
    size_t length, i, n_at;
    uint8_t *json = fixture(folder, "key.json", &length), *other_json, *too_long;
    const uint8_t *public_json;
    uint8_t fingerprint[TACITA_FINGERPRINT_LEN], *copy;
    tacita_bytes *bytes = NULL;
    tacita_public_key *key = NULL;
    /* The file ends with "}\n", and can do without the last byte. */
    for (i = 0; i + 1 < length; i += step) {
        REFUSED(MALFORMED, tacita_secret_key_from_json(json, i, &out.secret_key));
    }
    json[length / 2] = 0xff;
    REFUSED(MALFORMED, tacita_secret_key_from_json(json, length, &out.secret_key));
    impossible_lengths(read_secret_key, json);
    free(json);
    too_long = calloc(65537, 1);
    REFUSED(TOO_LARGE, tacita_secret_key_from_json(too_long, 65537, &out.secret_key));
    REFUSED(TOO_LARGE, tacita_public_key_from_json(too_long, 65537, &out.public_key));
    free(too_long);

    SUCCEEDS(tacita_public_key_to_json(world.public_key, &bytes));
    SUCCEEDS(tacita_public_key_fingerprint(world.public_key, fingerprint));
    public_json = tacita_bytes_data(bytes);
    length = tacita_bytes_len(bytes);
    for (i = 0; i + 1 < length; i += step) {
        REFUSED(MALFORMED, tacita_public_key_from_json(public_json, i, &out.public_key));
    }
    impossible_lengths(read_public_key, public_json);
    REFUSED(LENGTH, tacita_public_key_from_json_verified_before(public_json, SIZE_MAX, fingerprint, &out.public_key));

    copy = malloc(length + 1);
    if (copy == NULL) {
        exit(2);
    }
    memcpy(copy, public_json, length);
    copy[length] = 0;
    /* Another odd modulus, which the proof does not fit and which is not the pinned one. */
    n_at = (size_t)(strstr((char *)copy, "\"n\": \"") - (char *)copy) + 6;
    copy[n_at + 20] = copy[n_at + 20] == 'A' ? 'B' : 'A';
    CHECK(tacita_public_key_from_json(copy, length, &out.public_key) != TACITA_STATUS_SUCCESS);
    CHECK(memcmp(&out, &untouched, sizeof out) == 0);
    REFUSED(KEY_MISMATCH, tacita_public_key_from_json_verified_before(copy, length, fingerprint, &out.public_key));
    memcpy(copy, public_json, length);
    /* The proof, bent. */
    i = (size_t)(strstr((char *)copy, "\"proof\": \"") - (char *)copy) + 30;
    copy[i] = copy[i] == 'A' ? 'B' : 'A';
    REFUSED(KEY_PROOF_WRONG, tacita_public_key_from_json(copy, length, &out.public_key));
    /* No proof at all. */
    i = (size_t)(strstr((char *)copy, "\"proof\"") - (char *)copy);
    memcpy(copy + i, "\"proOf\"", 7);
    REFUSED(KEY_PROOF_MISSING, tacita_public_key_from_json(copy, length, &out.public_key));
    free(copy);

    /* The whole file is a key again, verified now or before. */
    SUCCEEDS(tacita_public_key_from_json(public_json, length, &key));
    tacita_public_key_free(key);
    SUCCEEDS(tacita_public_key_from_json_verified_before(public_json, length, fingerprint, &key));
    tacita_public_key_free(key);
    tacita_bytes_free(bytes);

    /* A secret key is no public key, and a public part of another key is noticed. */
    other_json = fixture(folder, "other-key.json", &length);
    REFUSED(MALFORMED, tacita_public_key_from_json(other_json, length, &out.public_key));
    free(other_json);
}

/* Files: missing, or of another kind. */
static void files(const char *folder) {
    char path[1024], detail[1100];
    REFUSED(IO, tacita_secret_key_load("no/such/file", &out.secret_key));
    REFUSED(IO, tacita_model_load("no/such/file", &out.model));
    REFUSED(IO, tacita_model_load(folder, &out.model));
    REFUSED(IO, tacita_verified_keys_open(folder, &out.keys));
    /* Nothing could be written there later. */
    REFUSED(IO, tacita_verified_keys_open("no/such/file", &out.keys));
    REFUSED(IO, tacita_verified_keys_open("", &out.keys));
    REFUSED(IO, tacita_secret_key_save(world.secret_key, folder));
    snprintf(path, sizeof path, "%s/spec.json", folder);
    REFUSED(MALFORMED, tacita_secret_key_load(path, &out.secret_key));
    REFUSED(MALFORMED, tacita_model_load(path, &out.model));
    (void)tacita_last_error_detail(detail, sizeof detail);
    CHECK(strncmp(detail, path, strlen(path)) == 0);
    REFUSED(MALFORMED, tacita_secret_key_load_encrypted(path, (const uint8_t *)"right", 5, &out.secret_key));
    REFUSED(MALFORMED, tacita_verified_keys_open(path, &out.keys));
    REFUSED(IO, tacita_secret_key_save(world.secret_key, path));
}

static void fingerprints(void) {
    char hex[TACITA_FINGERPRINT_HEX_LEN + 1];
    size_t i;
    REFUSED(MALFORMED, tacita_fingerprint_from_hex("", out.digest));
    REFUSED(MALFORMED, tacita_fingerprint_from_hex("\xff\xfe", out.digest));
    SUCCEEDS(tacita_fingerprint_to_hex(world.pin, hex));
    CHECK(strlen(hex) == 64);
    SUCCEEDS(tacita_fingerprint_from_hex(hex, out.digest));
    CHECK(memcmp(out.digest, world.pin, sizeof world.pin) == 0);
    reset_outputs();
    hex[64] = '0';
    hex[65] = 0;
    REFUSED(MALFORMED, tacita_fingerprint_from_hex(hex, out.digest));
    for (i = 0; i < 64; i++) {
        hex[i] = 0;
        REFUSED(MALFORMED, tacita_fingerprint_from_hex(hex, out.digest));
        hex[i] = 'x';
    }
}

int main(int argc, char **argv) {
    size_t length;
    uint8_t *data;
    tacita_bytes *bytes = NULL;
    if (argc < 2) {
        return 2;
    }
    if (argc == 3) {
        step = (size_t)strtoul(argv[2], NULL, 10);
    }
    create_world(argv[1]);
    data = fixture(argv[1], "spec.json", &length);
    sealed(read_spec, data, length);
    free(data);
    data = fixture(argv[1], "model.safetensors", &length);
    sealed(read_model, data, length);
    free(data);
    sealed(read_request, tacita_bytes_data(world.bytes), tacita_bytes_len(world.bytes));
    SUCCEEDS(tacita_response_to_bytes(world.response, &bytes));
    sealed(read_response, tacita_bytes_data(bytes), tacita_bytes_len(bytes));
    /* One message is not the other. */
    REFUSED(MALFORMED, tacita_request_from_bytes(tacita_bytes_data(bytes), tacita_bytes_len(bytes), &out.request));
    tacita_bytes_free(bytes);
    key_files(argv[1]);
    files(argv[1]);
    fingerprints();
    free_world();
    return report();
}
