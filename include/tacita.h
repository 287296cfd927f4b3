/*
 * tacita: predictions on encrypted records. The C API.
 *
 * Conventions, valid for every function unless it says otherwise:
 *
 * - A type `tacita_x` is opaque. The functions that make one give out a handle, which is yours: free it once, with
 *   `tacita_x_free`, which accepts NULL. Handles depend on nothing they were made from, which may be freed before them.
 * - Almost every function returns a `tacita_status`, which is 0 for success. `tacita_status_text` puts it into words,
 *   and `tacita_last_error_detail` says which argument, feature or file it was. Neither ever shows a value of a record
 *   or a part of a secret key. Every function that returns a status may return TACITA_STATUS_BUG, also where its own
 *   list of codes does not say so: it stands for a mistake in this library. Nothing is ever thrown through C.
 * - Arguments are borrowed for the time of the call, and what is kept of them is copied. Results go to the arguments
 *   whose names end in `out`, which come last; they are written on success only. No pointer may be NULL, not even one
 *   to an empty array. What a handle pointer points to must be a live handle of this library; if it is one of another type,
 *   the call fails with TACITA_STATUS_WRONG_HANDLE. Arrays have exactly the length that is passed or named.
 * - Text is UTF-8; text that goes in or out as `char *` ends with NUL.
 * - Handles do not change once they are made, so that any number of threads may use the same one at the same time, as
 *   each function says again. Only a handle that is being freed must not be in use by another call.
 * - A process that runs out of memory is ended.
 */

#ifndef TACITA_H
#define TACITA_H

/* Made by `make header` from src/ffi.rs and src/ffi/: do not edit. */

#include <stddef.h>
#include <stdint.h>

/**
 * First number of the version that this header belongs to. As long as it is 0, header and library must have the same
 * second number too.
 */
#define TACITA_VERSION_MAJOR 0

/**
 * Second number of the version.
 */
#define TACITA_VERSION_MINOR 1

/**
 * Third number of the version.
 */
#define TACITA_VERSION_PATCH 0

/**
 * All three as one that grows with the version: 1002003 is 1.2.3.
 */
#define TACITA_VERSION_NUMBER (((TACITA_VERSION_MAJOR * 1000000) + (TACITA_VERSION_MINOR * 1000)) + TACITA_VERSION_PATCH)

/**
 * Bytes of a fingerprint, a SHA-256 digest.
 */
#define TACITA_FINGERPRINT_LEN 32

/**
 * Bytes of a fingerprint as text: 64 hexadecimal digits and a NUL.
 */
#define TACITA_FINGERPRINT_HEX_LEN 65

/**
 * Room that is enough for the name of any feature and of any label, with its NUL.
 */
#define TACITA_NAME_CAPACITY 272

/**
 * Bytes of the random name of a request.
 */
#define TACITA_REQUEST_ID_LEN 16

/**
 * How a call ended. Numbers are never reused: 0 success, 100s a bad call, 200s bad data, 300s a failed machine,
 * 900s a mistake in this library.
 */
typedef enum {
    /**
     * The call did what it should.
     */
    TACITA_STATUS_SUCCESS = 0,
    /**
     * A pointer is NULL.
     */
    TACITA_STATUS_NULL_POINTER = 100,
    /**
     * A handle is of another type than the argument wants.
     */
    TACITA_STATUS_WRONG_HANDLE = 101,
    /**
     * An argument makes no sense, or not together with another one.
     */
    TACITA_STATUS_ARGUMENT = 102,
    /**
     * An array has another length than it should.
     */
    TACITA_STATUS_LENGTH = 103,
    /**
     * An index is not below the number of things.
     */
    TACITA_STATUS_INDEX = 104,
    /**
     * The buffer is too small for the text and its NUL.
     */
    TACITA_STATUS_BUFFER_TOO_SMALL = 105,
    /**
     * The progress callback asked to stop.
     */
    TACITA_STATUS_CANCELLED = 106,
    /**
     * A value of a record is outside the range of its feature, or is not a finite number. Nothing was encrypted. Do
     * not tell the service: that would tell it something about the record.
     */
    TACITA_STATUS_OUT_OF_RANGE = 200,
    /**
     * Bytes do not have the form that they should.
     */
    TACITA_STATUS_MALFORMED = 201,
    /**
     * Bytes were changed on the way, a spec or a model perhaps cut or padded: they do not have the SHA-256 that they
     * claim.
     */
    TACITA_STATUS_DAMAGED = 202,
    /**
     * A length or a count is above a limit.
     */
    TACITA_STATUS_TOO_LARGE = 203,
    /**
     * A message is not as long as it says: it was cut or padded on the way.
     */
    TACITA_STATUS_CUT_OR_PADDED = 204,
    /**
     * The modulus of a key does not have 2048, 3072 or 4096 bits.
     */
    TACITA_STATUS_KEY_SIZE = 210,
    /**
     * The modulus of a key is even.
     */
    TACITA_STATUS_KEY_EVEN = 211,
    /**
     * The modulus of a key has a small prime factor.
     */
    TACITA_STATUS_KEY_SMALL_FACTOR = 212,
    /**
     * The modulus of a key is prime, or passes for a prime.
     */
    TACITA_STATUS_KEY_PRIME = 213,
    /**
     * A public key comes without its key proof.
     */
    TACITA_STATUS_KEY_PROOF_MISSING = 214,
    /**
     * The key proof does not hold for this public key.
     */
    TACITA_STATUS_KEY_PROOF_WRONG = 215,
    /**
     * The factors of a secret key are not two distinct primes of half the length of the modulus.
     */
    TACITA_STATUS_KEY_FACTORS = 216,
    /**
     * The modulus of a key shares a factor with a number derived from it by a hash.
     */
    TACITA_STATUS_KEY_HASH = 217,
    /**
     * The public and the secret part of a key do not belong together.
     */
    TACITA_STATUS_KEY_PARTS = 218,
    /**
     * The secret key file is encrypted, and not under this passphrase. No function of this version returns it.
     */
    TACITA_STATUS_PASSPHRASE = 219,
    /**
     * Things that belong to different keys were brought together.
     */
    TACITA_STATUS_KEY_MISMATCH = 220,
    /**
     * Things that belong to different models were brought together, or the spec is not the pinned one.
     */
    TACITA_STATUS_SPEC_MISMATCH = 221,
    /**
     * The response answers another request.
     */
    TACITA_STATUS_REQUEST_MISMATCH = 222,
    /**
     * A ciphertext is not valid under its key.
     */
    TACITA_STATUS_CIPHERTEXT = 223,
    /**
     * A model cannot be used.
     */
    TACITA_STATUS_MODEL = 224,
    /**
     * A response does not decrypt to an answer. On purpose there is no detail. Never send this on, and never retry
     * automatically: whoever sees which responses fail can find out by trials what is encrypted.
     */
    TACITA_STATUS_DECRYPTION = 225,
    /**
     * The operating system's random source failed.
     */
    TACITA_STATUS_RANDOMNESS = 300,
    /**
     * A file cannot be read or written.
     */
    TACITA_STATUS_IO = 301,
    /**
     * The environment variable TACITA_BACKEND asks for an engine that this machine or this build does not have.
     */
    TACITA_STATUS_BACKEND = 302,
    /**
     * Threads cannot be had, or not that many.
     */
    TACITA_STATUS_THREADS = 303,
    /**
     * A mistake in this library. Please report it.
     */
    TACITA_STATUS_BUG = 900,
} tacita_status;

/**
 * Bytes that a function gave out, in memory of the library's. Freeing them overwrites them first.
 */
typedef struct tacita_bytes tacita_bytes;

/**
 * Decrypts the responses of one model under one key.
 */
typedef struct tacita_decryptor tacita_decryptor;

/**
 * Encrypts records for one model under one key.
 */
typedef struct tacita_encryptor tacita_encryptor;

/**
 * Evaluates one private model on encrypted records.
 */
typedef struct tacita_evaluator tacita_evaluator;

/**
 * The integer weights of a model, with its public spec.
 */
typedef struct tacita_model tacita_model;

/**
 * The predictions for the records of one request.
 */
typedef struct tacita_predictions tacita_predictions;

/**
 * A public key that may be used: its proof was verified, it was verified before, or its secret key is at hand.
 */
typedef struct tacita_public_key tacita_public_key;

/**
 * Encrypted records, with the public key that they are encrypted under.
 */
typedef struct tacita_request tacita_request;

/**
 * Encrypted answers to one request.
 */
typedef struct tacita_response tacita_response;

/**
 * A secret key, which decrypts. Freeing it overwrites its numbers, as soon as nothing made from it uses them any more.
 */
typedef struct tacita_secret_key tacita_secret_key;

/**
 * The public spec of a model: its input features with their ranges, the labels of its outputs, and how to read them.
 */
typedef struct tacita_spec tacita_spec;

/**
 * Remembers the fingerprints of keys whose proof was verified, in a file if wanted, so that it is done once a key.
 */
typedef struct tacita_verified_keys tacita_verified_keys;

/**
 * Called now and then during long work, on the thread that asked for the work: `done` steps out of about `expected`,
 * which may be exceeded, are done. `user_data` is what the caller of the function gave. Returning anything but 0 cancels
 * the work. It must return: no exception and no longjmp may leave it. It may call functions of this library.
 */
typedef int (*tacita_progress)(void *user_data, uint64_t done, uint64_t expected);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * What a status means, in words that never change while the program runs. Any integer is accepted.
 *
 * Threads: any. Never fails.
 */
const char *tacita_status_text(int status);

/**
 * Copies what there is to say about the last call of this thread that failed, such as the name of the feature or of the
 * file; nothing, if none has failed yet. A text that is too long is cut. A call that succeeds does not change it.
 *
 * `detail_out` has room for `capacity` bytes, the closing NUL included; it may be NULL, and then nothing is copied.
 * Returns the length of the whole text without its NUL: less than `capacity`, if it was not cut.
 * Threads: each has a detail of its own. Never fails.
 */
size_t tacita_last_error_detail(char *detail_out, size_t capacity);

/**
 * The version of the library as a number, to be compared with TACITA_VERSION_NUMBER of the header.
 *
 * Threads: any. Never fails.
 */
uint32_t tacita_version_number(void);

/**
 * The version of the library as text, such as "1.2.3", that never changes while the program runs.
 *
 * Threads: any. Never fails.
 */
const char *tacita_version(void);

/**
 * Sets how many threads the library works with, in all calls together; 0 stands for one a processor, which is the
 * default. Call it before anything else: the threads start with the first long operation, and stay as many.
 *
 * Threads: any. This is the library's only state that is not in a handle.
 * Fails with: THREADS if they run already and are not as many.
 */
tacita_status tacita_set_threads(size_t threads);

/**
 * Tells how many threads the library works with. Starts them if they do not run yet.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, THREADS.
 */
tacita_status tacita_threads(size_t *threads_out);

/**
 * Tells the name of the engine that keys made from now on compute with: the one that the environment variable
 * TACITA_BACKEND asks for, `portable` or `ifma`, otherwise the best that the machine has. Any other value, the empty text
 * too, and an engine that the machine lacks fail with BACKEND. The text never changes while the program runs.
 *
 * Threads: any, as long as none changes the environment.
 * Fails with: NULL_POINTER, BACKEND.
 */
tacita_status tacita_backend(const char **name_out);

/**
 * The bytes themselves. They are there until `bytes` is freed; NULL, if that is not a handle of bytes.
 *
 * Threads: any number may share `bytes`. Never fails.
 */
const uint8_t *tacita_bytes_data(const tacita_bytes *bytes);

/**
 * How many bytes there are; 0, if `bytes` is not a handle of bytes.
 *
 * Threads: any number may share `bytes`. Never fails.
 */
size_t tacita_bytes_len(const tacita_bytes *bytes);

/**
 * Overwrites and frees bytes; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `bytes`. Never fails.
 */
void tacita_bytes_free(tacita_bytes *bytes);

/**
 * Writes a fingerprint as 64 hexadecimal digits and a NUL.
 *
 * Threads: any.
 * Fails with: NULL_POINTER.
 */
tacita_status tacita_fingerprint_to_hex(const uint8_t fingerprint[TACITA_FINGERPRINT_LEN],
                                        char hex_out[TACITA_FINGERPRINT_HEX_LEN]);

/**
 * Reads a fingerprint of 64 hexadecimal digits.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, MALFORMED.
 */
tacita_status tacita_fingerprint_from_hex(const char *hex, uint8_t fingerprint_out[TACITA_FINGERPRINT_LEN]);

/**
 * Makes a new key of 2048, 3072 (the recommended size) or 4096 `bits`: seconds of work, on all threads.
 *
 * `progress` is told how many candidates for the two primes were tested, and may be NULL. `user_data` is handed to it,
 * and may be NULL.
 * Threads: any.
 * Fails with: NULL_POINTER, KEY_SIZE, CANCELLED, RANDOMNESS, BACKEND, THREADS.
 */
tacita_status tacita_secret_key_generate(uint32_t bits,
                                         tacita_progress progress,
                                         void *user_data,
                                         tacita_secret_key **key_out);

/**
 * Reads a secret key from the JSON text of a key file. The text stays the caller's to overwrite. What is encrypted under
 * a passphrase is no such text, and MALFORMED.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG, BACKEND.
 */
tacita_status tacita_secret_key_from_json(const uint8_t *json,
                                          size_t json_len,
                                          tacita_secret_key **key_out);

/**
 * Reads a secret key from a file. A file that is encrypted under a passphrase is refused with ARGUMENT.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, ARGUMENT, IO, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG,
 * BACKEND.
 */
tacita_status tacita_secret_key_load(const char *path, tacita_secret_key **key_out);

/**
 * Writes a secret key as JSON text: whoever sees it can decrypt.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_FACTORS, THREADS.
 */
tacita_status tacita_secret_key_to_json(const tacita_secret_key *key, tacita_bytes **json_out);

/**
 * Writes a secret key to a new file that only its owner may read (mode 0600, where there are modes). It never
 * overwrites a file.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, IO, KEY_FACTORS, THREADS.
 */
tacita_status tacita_secret_key_save(const tacita_secret_key *key, const char *path);

/**
 * Gives the public part, with its key proof.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_FACTORS, THREADS.
 */
tacita_status tacita_secret_key_public_key(const tacita_secret_key *key, tacita_public_key **public_key_out);

/**
 * Frees a secret key; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `key`. Never fails.
 */
void tacita_secret_key_free(tacita_secret_key *key);

/**
 * Reads a public key from the JSON text of a key file and verifies its key proof: some tenth of a second of work. It
 * shows that responses under the key hide what they should, not whose key it is: compare its fingerprint for that.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_EVEN, KEY_SMALL_FACTOR, KEY_PRIME,
 * KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND, THREADS.
 */
tacita_status tacita_public_key_from_json(const uint8_t *json, size_t json_len, tacita_public_key **key_out);

/**
 * Reads a public key whose proof was verified before, which is not done again. That it is the same key is shown by
 * `verified_fingerprint`, 32 bytes: the fingerprint that `tacita_public_key_fingerprint` gave then.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_MISMATCH, KEY_SIZE, KEY_EVEN, KEY_SMALL_FACTOR, KEY_PRIME,
 * KEY_PROOF_WRONG, BACKEND.
 */
tacita_status tacita_public_key_from_json_verified_before(const uint8_t *json,
                                                          size_t json_len,
                                                          const uint8_t verified_fingerprint[TACITA_FINGERPRINT_LEN],
                                                          tacita_public_key **key_out);

/**
 * Writes a public key as JSON text, with its proof where it has one.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_public_key_to_json(const tacita_public_key *key, tacita_bytes **json_out);

/**
 * Tells the fingerprint, which names the key.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_public_key_fingerprint(const tacita_public_key *key,
                                            uint8_t fingerprint_out[TACITA_FINGERPRINT_LEN]);

/**
 * Tells the length of the modulus in bits: 2048, 3072 or 4096.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_public_key_bits(const tacita_public_key *key, uint32_t *bits_out);

/**
 * Frees a public key; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `key`. Never fails.
 */
void tacita_public_key_free(tacita_public_key *key);

/**
 * Reads a spec from its JSON text.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, DAMAGED, MALFORMED.
 */
tacita_status tacita_spec_from_json(const uint8_t *json, size_t json_len, tacita_spec **spec_out);

/**
 * Writes a spec as its JSON text, just as it was read or made.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_to_json(const tacita_spec *spec, tacita_bytes **json_out);

/**
 * Tells the fingerprint, which names the spec to the last byte of its text.
 *
 * An encryptor or decryptor must not get its pin from here: what pins the spec has to come from elsewhere.
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_fingerprint(const tacita_spec *spec, uint8_t fingerprint_out[TACITA_FINGERPRINT_LEN]);

/**
 * Tells the number of input features: the length of a record, at least 1.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_feature_count(const tacita_spec *spec, size_t *count_out);

/**
 * Writes the name of feature `index`, with its NUL, into room for `capacity` bytes; TACITA_NAME_CAPACITY is enough.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
 */
tacita_status tacita_spec_feature_name(const tacita_spec *spec, size_t index, char *name_out, size_t capacity);

/**
 * Tells the least and the greatest value that feature `index` may have. Between them values are rounded to a grid with
 * neighbours `step_out` apart.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
 */
tacita_status tacita_spec_feature_range(const tacita_spec *spec,
                                        size_t index,
                                        double *least_out,
                                        double *greatest_out,
                                        double *step_out);

/**
 * Tells the number of labels, which is the number of logits and probabilities of a record, at least 1.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_label_count(const tacita_spec *spec, size_t *count_out);

/**
 * Writes label `index`, with its NUL, into room for `capacity` bytes; TACITA_NAME_CAPACITY is enough.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
 */
tacita_status tacita_spec_label(const tacita_spec *spec, size_t index, char *label_out, size_t capacity);

/**
 * Tells how many bits an answer takes in a ciphertext, at most 62.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_slot_bits(const tacita_spec *spec, uint32_t *bits_out);

/**
 * Tells the number of layouts that the spec permits, at least 1.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_layout_count(const tacita_spec *spec, size_t *count_out);

/**
 * Tells how many features of a record share a ciphertext in layout `index`: 1 in the first, the records layout, and then more
 * and more.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
 */
tacita_status tacita_spec_layout_together(const tacita_spec *spec,
                                          size_t index,
                                          uint32_t *together_out);

/**
 * Tells in how many ciphertexts, of a quarter of `key_bits` bytes each, `records` records go up and their answers come down in
 * the layout with `together` features of a record in each.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, TOO_LARGE, ARGUMENT if the spec does not permit the layout or not one record fits
 * such a key.
 */
tacita_status tacita_spec_ciphertexts(const tacita_spec *spec,
                                      uint32_t together,
                                      uint32_t key_bits,
                                      size_t records,
                                      uint64_t *up_out,
                                      uint64_t *down_out);

/**
 * Frees a spec; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `spec`. Never fails.
 */
void tacita_spec_free(tacita_spec *spec);

/**
 * Makes an encryptor that knows the public key only.
 *
 * `spec_fingerprint` is that of the spec as it was agreed on, apart from the service: a service that could change the
 * ranges could learn about a record from seeing that it was not sent.
 * Threads: any number may share `spec` and `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH.
 */
tacita_status tacita_encryptor_new_with_public_key(const tacita_spec *spec,
                                                   const uint8_t spec_fingerprint[TACITA_FINGERPRINT_LEN],
                                                   const tacita_public_key *key,
                                                   tacita_encryptor **encryptor_out);

/**
 * Makes an encryptor that knows the secret key, and encrypts in about half to two thirds of the time.
 *
 * `spec_fingerprint` as in `tacita_encryptor_new_with_public_key`.
 * Threads: any number may share `spec` and `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_FACTORS, THREADS.
 */
tacita_status tacita_encryptor_new_with_secret_key(const tacita_spec *spec,
                                                   const uint8_t spec_fingerprint[TACITA_FINGERPRINT_LEN],
                                                   const tacita_secret_key *key,
                                                   tacita_encryptor **encryptor_out);

/**
 * Makes an encryptor like another one, which puts `together` features of a record into each ciphertext; 1 is the records layout,
 * with which new encryptors begin.
 *
 * With more features together fewer ciphertexts go up and, if they are many, more come down; answers are the same. The spec
 * says what is permitted: `tacita_spec_layout_together`, `tacita_spec_ciphertexts`.
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit it or not one record fits the key.
 */
tacita_status tacita_encryptor_new_with_layout(const tacita_encryptor *encryptor,
                                               uint32_t together,
                                               tacita_encryptor **encryptor_out);

/**
 * Tells how many records one set of ciphertexts has room for, at the price of one.
 *
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_encryptor_capacity(const tacita_encryptor *encryptor, size_t *records_out);

/**
 * Encrypts `records` records, at least 1.
 *
 * `values` are real numbers, record after record, in each one number a feature in the order of the spec;
 * `values_len` is records times features. A value half a step outside its range is still taken as the end of the range.
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, ARGUMENT if there is no record, OUT_OF_RANGE, KEY_HASH,
 * RANDOMNESS, THREADS.
 */
tacita_status tacita_encryptor_encrypt(const tacita_encryptor *encryptor,
                                       const double *values,
                                       size_t values_len,
                                       size_t records,
                                       tacita_request **request_out);

/**
 * Frees an encryptor; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `encryptor`. Never fails.
 */
void tacita_encryptor_free(tacita_encryptor *encryptor);

/**
 * Reads a request, one message and no more: a sequence of several, as `tacita encrypt` writes for many records, is
 * refused with CUT_OR_PADDED. Its public key and ciphertexts are checked when they are used.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED, KEY_SIZE,
 * KEY_PROOF_WRONG, KEY_MISMATCH.
 */
tacita_status tacita_request_from_bytes(const uint8_t *bytes, size_t bytes_len, tacita_request **request_out);

/**
 * Writes a request. Keep these bytes, or the handle: decrypting the response needs the request.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_to_bytes(const tacita_request *request, tacita_bytes **bytes_out);

/**
 * Tells the random name of a request, which its response repeats.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_id(const tacita_request *request, uint8_t id_out[TACITA_REQUEST_ID_LEN]);

/**
 * Tells the number of records, at least 1.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_records(const tacita_request *request, size_t *records_out);

/**
 * Tells the fingerprint of the public key that the records are encrypted under.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_key_fingerprint(const tacita_request *request,
                                             uint8_t fingerprint_out[TACITA_FINGERPRINT_LEN]);

/**
 * Tells the fingerprint of the spec of the model that the records are for.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_spec_fingerprint(const tacita_request *request,
                                              uint8_t fingerprint_out[TACITA_FINGERPRINT_LEN]);

/**
 * Tells how many features of a record share a ciphertext; 1 in the records layout.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_together(const tacita_request *request, uint32_t *together_out);

/**
 * Frees a request; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `request`. Never fails.
 */
void tacita_request_free(tacita_request *request);

/**
 * Reads a private model from the bytes of its file.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, DAMAGED, MALFORMED, MODEL.
 */
tacita_status tacita_model_from_bytes(const uint8_t *bytes, size_t bytes_len, tacita_model **model_out);

/**
 * Reads a private model from a file.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, IO, TOO_LARGE, DAMAGED, MALFORMED, MODEL.
 */
tacita_status tacita_model_load(const char *path, tacita_model **model_out);

/**
 * Gives the public spec of a model.
 *
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_model_spec(const tacita_model *model, tacita_spec **spec_out);

/**
 * Frees a model; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `model`. Never fails.
 */
void tacita_model_free(tacita_model *model);

/**
 * Starts without any key, in memory only.
 *
 * Threads: any.
 * Fails with: NULL_POINTER.
 */
tacita_status tacita_verified_keys_new(tacita_verified_keys **keys_out);

/**
 * Starts with the keys in a file, and adds to it those that are verified; it is made when the first one is. Whoever can
 * write the file can have a bad key accepted.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, IO, TOO_LARGE, MALFORMED.
 */
tacita_status tacita_verified_keys_open(const char *path, tacita_verified_keys **keys_out);

/**
 * Gives the public key of a request, verified now or before.
 *
 * This is the one handle that a call changes. Any number of threads may share it all the same; they wait for each other.
 * Threads: any number may share `keys` and `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the request does not carry its key, KEY_EVEN, KEY_SMALL_FACTOR,
 * KEY_PRIME, KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND, THREADS, IO if the file cannot be written.
 */
tacita_status tacita_verified_keys_admit(tacita_verified_keys *keys,
                                         const tacita_request *request,
                                         tacita_public_key **key_out);

/**
 * Frees verified keys, not their file; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `keys`. Never fails.
 */
void tacita_verified_keys_free(tacita_verified_keys *keys);

/**
 * Makes an evaluator that is ready for requests in the records layout. That takes seconds if the model's file does not
 * carry the plan of that layout. For other layouts see `tacita_evaluator_prepare`.
 *
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_evaluator_new(const tacita_model *model, tacita_evaluator **evaluator_out);

/**
 * Makes an evaluator ready for requests with `together` features in a ciphertext; 1 is the records layout.
 *
 * Without it the first such request takes longer, by seconds if the model's file does not carry the plan of that
 * layout, which `tacita compile --plan` stores.
 * Threads: any number may share `evaluator`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout.
 */
tacita_status tacita_evaluator_prepare(const tacita_evaluator *evaluator, uint32_t together);

/**
 * Evaluates a request of at most 100,000 records, without learning anything of them.
 *
 * `key` is the public key that the request names: from `tacita_verified_keys_admit`, or one that is there already.
 * Threads: any number may share `evaluator`, `request` and `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_MISMATCH, TOO_LARGE, MALFORMED, CIPHERTEXT, RANDOMNESS, THREADS.
 */
tacita_status tacita_evaluator_evaluate(const tacita_evaluator *evaluator,
                                        const tacita_request *request,
                                        const tacita_public_key *key,
                                        tacita_response **response_out);

/**
 * Frees an evaluator; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `evaluator`. Never fails.
 */
void tacita_evaluator_free(tacita_evaluator *evaluator);

/**
 * Reads a response, one message and no more: a sequence of several, as `tacita evaluate` answers one of requests, is
 * refused with CUT_OR_PADDED. Its ciphertexts are checked when it is decrypted.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED.
 */
tacita_status tacita_response_from_bytes(const uint8_t *bytes, size_t bytes_len, tacita_response **response_out);

/**
 * Writes a response.
 *
 * Threads: any number may share `response`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_response_to_bytes(const tacita_response *response, tacita_bytes **bytes_out);

/**
 * Tells the random name of the request that this answers.
 *
 * Threads: any number may share `response`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_response_id(const tacita_response *response, uint8_t id_out[TACITA_REQUEST_ID_LEN]);

/**
 * Frees a response; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `response`. Never fails.
 */
void tacita_response_free(tacita_response *response);

/**
 * Makes a decryptor.
 *
 * `spec_fingerprint` as in `tacita_encryptor_new_with_public_key`.
 * Threads: any number may share `spec` and `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH.
 */
tacita_status tacita_decryptor_new(const tacita_spec *spec,
                                   const uint8_t spec_fingerprint[TACITA_FINGERPRINT_LEN],
                                   const tacita_secret_key *key,
                                   tacita_decryptor **decryptor_out);

/**
 * Decrypts the response to `request`: one prediction a record, in the request's order. That the service computed what
 * it should is not proved.
 *
 * Threads: any number may share `decryptor`, `response` and `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_MISMATCH, REQUEST_MISMATCH, MALFORMED, CIPHERTEXT, THREADS,
 * and, once anything was decrypted, with DECRYPTION alone: do not send that on, and do not retry automatically.
 */
tacita_status tacita_decryptor_decrypt(const tacita_decryptor *decryptor,
                                       const tacita_response *response,
                                       const tacita_request *request,
                                       tacita_predictions **predictions_out);

/**
 * Frees a decryptor; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `decryptor`. Never fails.
 */
void tacita_decryptor_free(tacita_decryptor *decryptor);

/**
 * Tells the number of records.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_predictions_records(const tacita_predictions *predictions, size_t *records_out);

/**
 * Writes the logits of one record, counted from 0: the outputs of the model before softmax or sigmoid. `logits_len` is
 * the number of labels of the spec.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, LENGTH.
 */
tacita_status tacita_predictions_logits(const tacita_predictions *predictions,
                                        size_t record,
                                        double *logits_out,
                                        size_t logits_len);

/**
 * Writes the probabilities of one record, counted from 0: its logits through the softmax or sigmoid of the spec, or the
 * logits themselves where it has neither. `probabilities_len` is the number of labels of the spec.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, LENGTH.
 */
tacita_status tacita_predictions_probabilities(const tacita_predictions *predictions,
                                               size_t record,
                                               double *probabilities_out,
                                               size_t probabilities_len);

/**
 * Tells the class of one record, counted from 0: the index of its largest logit. A single logit under sigmoid decides
 * between two classes: 1 if it is positive, else 0.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
 */
tacita_status tacita_predictions_class(const tacita_predictions *predictions, size_t record, size_t *class_out);

/**
 * Writes the label of the class of one record, counted from 0, with its NUL, into room for `capacity` bytes;
 * TACITA_NAME_CAPACITY is enough. A single logit under sigmoid has a label for class 1; class 0 is `not ` and that label.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
 */
tacita_status tacita_predictions_label(const tacita_predictions *predictions,
                                       size_t record,
                                       char *label_out,
                                       size_t capacity);

/**
 * Frees predictions; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `predictions`. Never fails.
 */
void tacita_predictions_free(tacita_predictions *predictions);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TACITA_H */
