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
 *   to an empty array; one that is not aligned as its type wants is an ARGUMENT that makes no sense. What a handle pointer points to must be a live handle of this library; if it is one of another type,
 *   the call fails with TACITA_STATUS_WRONG_HANDLE. Arrays have exactly the length that is passed or named.
 * - Text is UTF-8; text that goes in or out as `char *` ends with NUL.
 * - Handles do not change once they are made, but for `tacita_records` and `tacita_verified_keys`, whose calls wait for
 *   each other, and for what fills itself: an evaluator's plans and pools, a pool's nonces. So any number of threads may use
 *   the same handle at the same time, as each function says again. Only a handle that is being freed must not be in use by
 *   another call.
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
 * Method for nonces: the quickest that the key permits.
 */
#define TACITA_NONCES_QUICKEST 0

/**
 * Method for nonces: r^n. Rests on Paillier's assumption alone.
 */
#define TACITA_NONCES_POWER 1

/**
 * Method for nonces: a table of powers of a public base, with short exponents. Wants a key that declares it, as those of this
 * library do.
 */
#define TACITA_NONCES_PUBLIC_BASE 2

/**
 * Method for nonces: two tables that need the secret key. Rests on Paillier's assumption alone.
 */
#define TACITA_NONCES_SECRET_BASE 3

/**
 * Method for nonces: a table of secret random bases, which takes seconds to make and pays from some thousand nonces on.
 * Rests on Paillier's assumption alone.
 */
#define TACITA_NONCES_RANDOM_BASES 4

/**
 * Bytes of the random name of a request.
 */
#define TACITA_REQUEST_ID_LEN 16

/**
 * A job encrypts with the secret key.
 */
#define TACITA_PLAN_SECRET_KEY 0

/**
 * A job encrypts with the public key.
 */
#define TACITA_PLAN_PUBLIC_KEY 1

/**
 * Both sides of a job find all nonces in their pools.
 */
#define TACITA_PLAN_POOLS 2

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
     * A feature of that name is not in the spec.
     */
    TACITA_STATUS_FEATURE_UNKNOWN = 205,
    /**
     * A feature has no value in a record.
     */
    TACITA_STATUS_FEATURE_MISSING = 206,
    /**
     * A feature has a value in a record already.
     */
    TACITA_STATUS_FEATURE_TWICE = 207,
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
     * The secret key file is encrypted, and not under this passphrase.
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
     * The engine that was asked for, by its name or by the environment variable TACITA_BACKEND, is not one that this machine and
     * this build have.
     */
    TACITA_STATUS_BACKEND = 302,
    /**
     * Threads cannot be had, or not that many.
     */
    TACITA_STATUS_THREADS = 303,
    /**
     * The self test came out wrong: do not use this installation.
     */
    TACITA_STATUS_SELF_TEST = 304,
    /**
     * This build of the library was made without this function.
     */
    TACITA_STATUS_NOT_BUILT = 305,
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
 * What the parts of the work cost on this machine, under keys of one length.
 */
typedef struct tacita_costs tacita_costs;

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
 * Nonces of one key, made in the background while the library has nothing else to do, and used once each: whoever finds
 * them there encrypts in a tenth of the time. Encryptors and evaluators can share it. It lives on in a child process after
 * `fork` as an empty one.
 */
typedef struct tacita_nonce_pool tacita_nonce_pool;

/**
 * The predictions for the records of one request.
 */
typedef struct tacita_predictions tacita_predictions;

/**
 * A public key that may be used: its proof was verified, it was verified before, or its secret key is at hand.
 */
typedef struct tacita_public_key tacita_public_key;

/**
 * Records for one model, filled in feature by feature: whoever does not know the order of the features cannot get it wrong.
 * It is one of the two types of handles that calls change: they wait for each other, but a record takes several calls, so
 * threads that filled one handle together would mix their records. Give each its own. The records stay until
 * `tacita_records_clear`, also when they were encrypted or refused. Their values are overwritten then, or when the handle is
 * freed.
 */
typedef struct tacita_records tacita_records;

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
 * Called now and then during long work, on the thread that asked for the work: `done` steps out of about `expected` are
 * done. `user_data` is what the caller of the function gave. Returning anything but 0 cancels the work, which then gives
 * nothing out. It must return: no exception and no longjmp may leave it. It may call functions of this library.
 */
typedef int (*tacita_progress)(void *user_data, uint64_t done, uint64_t expected);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ==== Errors as numbers, their texts, and the detail of the last one. ==== */

/**
 * What a status means, in words that never change while the program runs. Any integer is accepted.
 *
 * Threads: any. Never fails.
 */
const char *tacita_status_text(int status);

/**
 * Copies what there is to say about the last call of this thread that failed, such as the name of the feature or of the
 * file; nothing, if none has failed yet. It shows no value of a record; with FEATURE_UNKNOWN it shows the name that was asked for.
 * A text that is too long is cut. A call that succeeds does not change it.
 *
 * `detail_out` has room for `capacity` bytes, the closing NUL included; it may be NULL, and then nothing is copied.
 * Returns the length of the whole text without its NUL: less than `capacity`, if it was not cut.
 * Threads: each has a detail of its own. Never fails.
 */
size_t tacita_last_error_detail(char *detail_out,
                                size_t capacity);

/* ==== The library itself: its version, its threads, its engine. ==== */

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
 * Tells the name of engine `index` of those that this machine and this build have, the slowest first. The text never
 * changes while the program runs.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, INDEX if there are not so many, at least one.
 */
tacita_status tacita_backend_name(size_t index, const char **name_out);

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
 * Tests whether the library computes rightly on this machine, with every engine that it has and a published key: some
 * tenths of a second of work on all threads, for programs that show at their start that they work.
 *
 * Threads: any.
 * Fails with: SELF_TEST, RANDOMNESS, THREADS, BACKEND if TACITA_BACKEND asks for an engine that is not there. After
 * SELF_TEST do not use this installation.
 */
tacita_status tacita_self_test(void);

/* ==== Bytes that the library gives out. ==== */

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

/* ==== Fingerprints: the 32 bytes that name a public key or a spec. ==== */

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

/* ==== Secret keys. ==== */

/**
 * Makes a new key of 2048, 3072 (the recommended size) or 4096 `bits`: tenths of a second or a few seconds of work, on all threads.
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
 * a passphrase is no such text, and MALFORMED: see `tacita_secret_key_from_encrypted`.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG, BACKEND.
 */
tacita_status tacita_secret_key_from_json(const uint8_t *json,
                                          size_t json_len,
                                          tacita_secret_key **key_out);

/**
 * Reads a secret key from a file. A file that is encrypted under a passphrase is refused with ARGUMENT: see
 * `tacita_secret_key_load_encrypted`.
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
 * Tells whether the bytes of a key file are encrypted under a passphrase: 1 if they are, else 0.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH.
 */
tacita_status tacita_secret_key_is_encrypted(const uint8_t *bytes, size_t bytes_len, int *encrypted_out);

/**
 * Writes a secret key as bytes in the age format (<https://age-encryption.org/v1>), encrypted under a passphrase: UTF-8, not
 * empty, at most 1024 bytes. Half a second of work and 256 MB of memory, as much as each guess of the passphrase takes.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, MALFORMED if the passphrase is not UTF-8, ARGUMENT if it is
 * empty, KEY_FACTORS, THREADS, NOT_BUILT.
 */
tacita_status tacita_secret_key_to_encrypted(const tacita_secret_key *key,
                                             const uint8_t *passphrase,
                                             size_t passphrase_len,
                                             tacita_bytes **bytes_out);

/**
 * Reads a secret key from bytes that `tacita_secret_key_to_encrypted`, the command `tacita keygen --passphrase` or `age`
 * encrypted under a passphrase, in half a second.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, PASSPHRASE, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG,
 * BACKEND, NOT_BUILT.
 */
tacita_status tacita_secret_key_from_encrypted(const uint8_t *bytes,
                                               size_t bytes_len,
                                               const uint8_t *passphrase,
                                               size_t passphrase_len,
                                               tacita_secret_key **key_out);

/**
 * Writes a secret key to a new file that only its owner may read, encrypted under a passphrase as
 * `tacita_secret_key_to_encrypted` does it. It never overwrites a file.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, MALFORMED if the passphrase is not UTF-8, ARGUMENT if it is
 * empty, IO, KEY_FACTORS, THREADS, NOT_BUILT.
 */
tacita_status tacita_secret_key_save_encrypted(const tacita_secret_key *key,
                                               const uint8_t *passphrase,
                                               size_t passphrase_len,
                                               const char *path);

/**
 * Reads a secret key from a file that is encrypted under a passphrase.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, MALFORMED, IO, PASSPHRASE, KEY_SIZE, KEY_PARTS, KEY_FACTORS, KEY_PROOF_WRONG,
 * BACKEND, NOT_BUILT.
 */
tacita_status tacita_secret_key_load_encrypted(const char *path,
                                               const uint8_t *passphrase,
                                               size_t passphrase_len,
                                               tacita_secret_key **key_out);

/**
 * Makes a key like another one, which computes with the engine of a name: `portable`, or `ifma` where the machine has it.
 * So do its public part and everything made from it.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, BACKEND.
 */
tacita_status tacita_secret_key_new_on(const tacita_secret_key *key,
                                       const char *backend,
                                       tacita_secret_key **key_out);

/**
 * Makes a key like another one, whose tables for encryption take at most about so many bytes of memory; smaller ones make
 * it slower. New keys allow 67,108,864 for each table.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_secret_key_new_with_table_memory(const tacita_secret_key *key,
                                                      size_t table_bytes,
                                                      tacita_secret_key **key_out);

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

/* ==== Public keys. ==== */

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
 * `verified_fingerprint`, 32 bytes: the fingerprint that `tacita_public_key_fingerprint` gave then. The proof that stands in the
 * text this time goes along with the key unseen.
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
 * Gives the key proof: 11 numbers of the key's length, as `docs/formats.md` describes it.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_PROOF_MISSING if the key came without one.
 */
tacita_status tacita_public_key_proof(const tacita_public_key *key, tacita_bytes **proof_out);

/**
 * Tells the name of the engine that a key computes with. The text never changes while the program runs.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_public_key_backend(const tacita_public_key *key, const char **name_out);

/**
 * Makes a key like another one, which computes with the engine of a name: `portable`, or `ifma` where the machine has it.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, BACKEND.
 */
tacita_status tacita_public_key_new_on(const tacita_public_key *key,
                                       const char *backend,
                                       tacita_public_key **key_out);

/**
 * Makes a key like another one, whose tables for encryption take at most about so many bytes of memory; smaller ones make
 * it slower. New keys allow 67,108,864 for each table.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_public_key_new_with_table_memory(const tacita_public_key *key,
                                                      size_t table_bytes,
                                                      tacita_public_key **key_out);

/**
 * Frees a public key; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `key`. Never fails.
 */
void tacita_public_key_free(tacita_public_key *key);

/* ==== Public specs: what a hospital needs to know of a model. ==== */

/**
 * Reads a spec from its JSON text.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, TOO_LARGE, DAMAGED, MALFORMED.
 */
tacita_status tacita_spec_from_json(const uint8_t *json, size_t json_len, tacita_spec **spec_out);

/**
 * Reads a spec from a file.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, IO, TOO_LARGE, DAMAGED, MALFORMED.
 */
tacita_status tacita_spec_load(const char *path, tacita_spec **spec_out);

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
 * Tells the index of the feature with a name, as `tacita_spec_feature_name` writes it.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, FEATURE_UNKNOWN.
 */
tacita_status tacita_spec_feature_index(const tacita_spec *spec, const char *feature, size_t *index_out);

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
 * Writes the name of the model, with its NUL, into room for `capacity` bytes; TACITA_NAME_CAPACITY is enough.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, BUFFER_TOO_SMALL.
 */
tacita_status tacita_spec_model_name(const tacita_spec *spec, char *name_out, size_t capacity);

/**
 * Tells what makes probabilities of logits: `softmax`, `sigmoid` or `identity`. The text never changes while the program
 * runs.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_activation(const tacita_spec *spec,
                                     const char **name_out);

/**
 * Tells how far a logit can be from that of the network before it was rounded to integers, proved for every record of values
 * on the grids.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_spec_logit_error(const tacita_spec *spec,
                                      double *error_out);

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
 * Tells the layout, as the number of features that share a ciphertext, in which `records` records are probably done the
 * soonest under a key of `key_bits` bits, by a rule of thumb; `tacita_plan_for_evaluator` knows better.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_SIZE, TOO_LARGE.
 */
tacita_status tacita_spec_best_layout(const tacita_spec *spec,
                                      uint32_t key_bits,
                                      size_t records,
                                      uint32_t *together_out);

/**
 * Tells in how many ciphertexts, of a quarter of `key_bits` bytes each, `records` records go up and their answers come down in
 * the layout with `together` features of a record in each.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_SIZE, TOO_LARGE, ARGUMENT if the spec does not permit the layout or not one
 * record fits such a key.
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

/* ==== Records that are filled in by the names of their features. ==== */

/**
 * Starts without any record.
 *
 * Threads: any number may share `spec`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_records_new(const tacita_spec *spec, tacita_records **records_out);

/**
 * Sets the feature of the current record that has this name, as `tacita_spec_feature_name` writes it. The first value
 * begins the record. Whether it is in range is seen when the record is encrypted.
 *
 * Threads: any number may share `records`; they wait for each other.
 * Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the name is not UTF-8, FEATURE_UNKNOWN, FEATURE_TWICE, OUT_OF_RANGE
 * if the value is not a finite number.
 */
tacita_status tacita_records_set(tacita_records *records,
                                 const char *feature,
                                 double value);

/**
 * Sets all features of a run of the current record, those that are named `prefix_0`, `prefix_1` and so on.
 *
 * Threads: any number may share `records`; they wait for each other.
 * Fails with: NULL_POINTER, WRONG_HANDLE, MALFORMED if the prefix is not UTF-8, FEATURE_UNKNOWN if the spec has no such run,
 * LENGTH if it has another length, FEATURE_TWICE, OUT_OF_RANGE if a value is not a finite number.
 */
tacita_status tacita_records_set_run(tacita_records *records,
                                     const char *prefix,
                                     const double *values,
                                     size_t values_len);

/**
 * Ends the current record; the next value begins another one.
 *
 * Threads: any number may share `records`; they wait for each other.
 * Fails with: NULL_POINTER, WRONG_HANDLE, FEATURE_MISSING, after which what is missing can still be set.
 */
tacita_status tacita_records_end_record(tacita_records *records);

/**
 * Tells the number of records that were ended.
 *
 * Threads: any number may share `records`; they wait for each other.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_records_count(const tacita_records *records, size_t *count_out);

/**
 * Overwrites and forgets all records, the current one too. A call that is just encrypting them keeps its own until it ends.
 *
 * Threads: any number may share `records`; they wait for each other.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_records_clear(tacita_records *records);

/**
 * Overwrites and frees records; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `records`. Never fails.
 */
void tacita_records_free(tacita_records *records);

/* ==== Nonce pools: the slow part of an encryption or a response, done ahead of time. ==== */

/**
 * Makes a pool of up to `capacity` nonces, at most 1,048,576, each of a quarter of the key's length. `method` is one of
 * TACITA_NONCES_...; a pool for an evaluator has to be of POWER or RANDOM_BASES. Tables that the method needs are made now.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the key does not permit the method or the capacity is 0, TOO_LARGE,
 * KEY_HASH, RANDOMNESS, THREADS.
 */
tacita_status tacita_nonce_pool_new_with_public_key(const tacita_public_key *key,
                                                    uint32_t method,
                                                    size_t capacity,
                                                    tacita_nonce_pool **pool_out);

/**
 * Makes a pool that draws with the secret key, in six to nine tenths of the time.
 *
 * Threads: any number may share `key`.
 * Fails with: as `tacita_nonce_pool_new_with_public_key`: NULL_POINTER, WRONG_HANDLE, ARGUMENT, TOO_LARGE, KEY_HASH,
 * RANDOMNESS, THREADS.
 */
tacita_status tacita_nonce_pool_new_with_secret_key(const tacita_secret_key *key,
                                                    uint32_t method,
                                                    size_t capacity,
                                                    tacita_nonce_pool **pool_out);

/**
 * Fills a pool now, on all threads, instead of leaving it to the background. A fill that is cancelled keeps the nonces that
 * are there.
 *
 * `progress` is told how many of the pool's nonces are there, and may be NULL. `user_data` is handed to it, and may be NULL.
 * Threads: any number may share `pool`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, CANCELLED, RANDOMNESS, THREADS.
 */
tacita_status tacita_nonce_pool_fill(const tacita_nonce_pool *pool,
                                     tacita_progress progress,
                                     void *user_data);

/**
 * Tells how many nonces a pool has now, and how many it can have.
 *
 * Threads: any number may share `pool`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_nonce_pool_size(const tacita_nonce_pool *pool, size_t *filled_out, size_t *capacity_out);

/**
 * Tells how many nonces were made for a pool ahead of time so far, how many of them were used, and how many were made while
 * somebody waited, because it had too few.
 *
 * Threads: any number may share `pool`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_nonce_pool_statistics(const tacita_nonce_pool *pool,
                                           uint64_t *precomputed_out,
                                           uint64_t *hits_out,
                                           uint64_t *misses_out);

/**
 * Frees a pool, as soon as no encryptor and no evaluator uses it any more; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `pool`. Never fails.
 */
void tacita_nonce_pool_free(tacita_nonce_pool *pool);

/* ==== Encryptors: records to requests. ==== */

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
 * Makes an encryptor that knows the secret key, and encrypts in six to nine tenths of the time.
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
 * Makes an encryptor like another one, which takes the end of the range for a value outside it, instead of refusing the
 * record. What is not a finite number is refused all the same.
 *
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_encryptor_new_with_clamping(const tacita_encryptor *encryptor, tacita_encryptor **encryptor_out);

/**
 * Makes an encryptor like another one, which draws nonces by `method`, one of TACITA_NONCES_....
 *
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the key does not permit the method, or if it is not that of the
 * encryptor's pool.
 */
tacita_status tacita_encryptor_new_with_nonces(const tacita_encryptor *encryptor,
                                               uint32_t method,
                                               tacita_encryptor **encryptor_out);

/**
 * Makes an encryptor like another one, which takes its nonces from a pool, one a ciphertext. Those that are not there are drawn
 * by the pool's method too.
 *
 * Threads: any number may share `encryptor` and `pool`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_MISMATCH if the pool is for another key, ARGUMENT if its method is not the
 * one that the encryptor was asked for, or not one that its key permits.
 */
tacita_status tacita_encryptor_new_with_pool(const tacita_encryptor *encryptor,
                                             const tacita_nonce_pool *pool,
                                             tacita_encryptor **encryptor_out);

/**
 * Tells how many records one set of ciphertexts has room for, at the price of one.
 *
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_encryptor_capacity(const tacita_encryptor *encryptor, size_t *records_out);

/**
 * Tells how many records to put into each request, where there are more than one request should hold: whole sets of
 * ciphertexts, at most 16 MiB of them or 100,000 records, but one set in any case.
 *
 * Threads: any number may share `encryptor`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_encryptor_records_per_request(const tacita_encryptor *encryptor, size_t *records_out);

/**
 * Encrypts `records` records, at least 1.
 *
 * `values` are real numbers, record after record, in each one number a feature in the order of the spec;
 * `values_len` is records times features. A value is rounded to the nearest of its grid, and refused if that is outside its
 * range; what lies halfway is rounded to the even multiple of the step.
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
 * Encrypts like `tacita_encryptor_encrypt` and tells how far it is.
 *
 * `progress` is told how many ciphertexts are done, and may be NULL. `user_data` is handed to it, and may be NULL.
 * Threads: any number may share `encryptor`.
 * Fails with: as `tacita_encryptor_encrypt`: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, ARGUMENT, OUT_OF_RANGE, KEY_HASH,
 * RANDOMNESS, THREADS; CANCELLED.
 */
tacita_status tacita_encryptor_encrypt_with_progress(const tacita_encryptor *encryptor,
                                                     const double *values,
                                                     size_t values_len,
                                                     size_t records,
                                                     tacita_progress progress,
                                                     void *user_data,
                                                     tacita_request **request_out);

/**
 * Encrypts records that were filled in by the names of their features. They stay: `tacita_records_clear` before the next
 * request's, and also after a record was refused.
 *
 * `progress` is told how many ciphertexts are done, and may be NULL. `user_data` is handed to it, and may be NULL.
 * Threads: any number may share `encryptor` and `records`; changes that come meanwhile are for the next call.
 * Fails with: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH if the records are for another spec, ARGUMENT if there is none or the
 * last one was not ended, FEATURE_MISSING, OUT_OF_RANGE, TOO_LARGE, CANCELLED, KEY_HASH, RANDOMNESS, THREADS.
 */
tacita_status tacita_encryptor_encrypt_records(const tacita_encryptor *encryptor,
                                               const tacita_records *records,
                                               tacita_progress progress,
                                               void *user_data,
                                               tacita_request **request_out);

/**
 * Frees an encryptor; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `encryptor`. Never fails.
 */
void tacita_encryptor_free(tacita_encryptor *encryptor);

/* ==== Requests: what goes from the hospital to the cloud. ==== */

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
 * Reads the first request of a sequence of them, one message after another as the command `tacita` writes them, and tells how
 * many of the bytes it took: the rest, if there is any, begins with the next one.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED, KEY_SIZE, KEY_PROOF_WRONG, KEY_MISMATCH.
 */
tacita_status tacita_request_read_next(const uint8_t *bytes,
                                       size_t bytes_len,
                                       size_t *used_out,
                                       tacita_request **request_out);

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
 * Tells whether a request carries its public key: 1 if it does, else 0.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_has_key(const tacita_request *request, int *has_key_out);

/**
 * Makes a request like another one, without its public key, for a service that has it: some kilobytes less.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_new_without_key(const tacita_request *request, tacita_request **request_out);

/**
 * Tells the bytes of all ciphertexts together: the message is longer by its header and its key.
 *
 * Threads: any number may share `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_request_ciphertext_bytes(const tacita_request *request, size_t *bytes_out);

/**
 * Frees a request; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `request`. Never fails.
 */
void tacita_request_free(tacita_request *request);

/* ==== Private models: what the evaluating side holds. ==== */

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
 * Makes a private model of a trained network: the bytes of a safetensors file of dense layers, as PyTorch's `state_dict`
 * makes it.
 *
 * `description` is JSON text with `name`, the model's; `features`, a list of `name`, `offset`, `step`, `least`, `greatest`
 * and, for a run of equal features, `count`, as in a spec; `labels`, a list of the outputs' names; and, if they are not as
 * usual, `activation` (`softmax`, `sigmoid`, `identity`; otherwise what the network says), `bits` of a weight (2 to 16,
 * otherwise 8) and `layers`, their names from input to output. `report_out` gets JSON text of what the rounding costs:
 * `bits`, `scale`, `logit_error` and `logit_error_off_grid` (proved bounds), `largest_weight`, `zero_weights`, `weights`,
 * `output_bits`, `slot_bits`. It belongs to the model's owner: parts of it describe the weights.
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, MALFORMED, TOO_LARGE, ARGUMENT, MODEL.
 */
tacita_status tacita_model_compile(const uint8_t *network,
                                   size_t network_len,
                                   const uint8_t *description,
                                   size_t description_len,
                                   tacita_model **model_out,
                                   tacita_bytes **report_out);

/**
 * Makes a model like another one, which carries the plan of its multiplications in the layout with `together` features in a
 * ciphertext, 1 for the records layout: for its file and for every evaluator that is made of it. The search takes seconds, or
 * half a minute for a thousand outputs.
 *
 * `progress` is told the steps of the search, of which more come to light as it goes on, and may be NULL. `user_data` is
 * handed to it, and may be NULL.
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout, CANCELLED, THREADS.
 */
tacita_status tacita_model_new_with_plan(const tacita_model *model,
                                         uint32_t together,
                                         tacita_progress progress,
                                         void *user_data,
                                         tacita_model **model_out);

/**
 * Writes a private model as the bytes of its file: for the evaluating side alone.
 *
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_model_to_bytes(const tacita_model *model, tacita_bytes **bytes_out);

/**
 * Tells of a private model, as JSON text: `name`, `outputs`, `features`, `weights`, `zero_weights`, `largest_weight`,
 * `scale` (a logit is that times an integer), `logit_error` (proved: how far a logit can be from the network's),
 * `slot_bits`, and of each layout in `plans` `layout`, `together` and `multiplications`, which is null where the model does
 * not carry their plan. It belongs to the model's owner: parts of it describe the weights.
 *
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_model_report(const tacita_model *model,
                                  tacita_bytes **json_out);

/**
 * Computes the logits of one record in plain, without any encryption: what an encrypted evaluation must give, bit for bit.
 *
 * `values` is one number a feature, in the order of the spec; `logits_len` is the number of labels of the spec.
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, OUT_OF_RANGE.
 */
tacita_status tacita_model_logits(const tacita_model *model,
                                  const double *values,
                                  size_t values_len,
                                  double *logits_out,
                                  size_t logits_len);

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

/* ==== Verified keys: an evaluator's memory of the public keys whose proof it has checked. ==== */

/**
 * Starts without any key, in memory only.
 *
 * Threads: any.
 * Fails with: NULL_POINTER.
 */
tacita_status tacita_verified_keys_new(tacita_verified_keys **keys_out);

/**
 * Starts with the keys in a file, and adds to it those that are verified; it is made when the first one is, in a
 * folder that is there. Whoever can write the file can have a bad key accepted.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, IO, TOO_LARGE, MALFORMED.
 */
tacita_status tacita_verified_keys_open(const char *path, tacita_verified_keys **keys_out);

/**
 * Gives the public key of a request, verified now or before.
 *
 * This changes `keys`. Any number of threads may share it all the same; nobody waits while a proof is checked.
 * Threads: any number may share `keys` and `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the request does not carry its key, KEY_MISMATCH if another one is
 * pinned, KEY_EVEN, KEY_SMALL_FACTOR,
 * KEY_PRIME, KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND, THREADS, IO if the file cannot be written.
 */
tacita_status tacita_verified_keys_admit(tacita_verified_keys *keys,
                                         const tacita_request *request,
                                         tacita_public_key **key_out);

/**
 * Gives the public key of a request that does not carry it, from the JSON text of its key file, verified now or before.
 *
 * Threads: any number may share `keys` and `request`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, TOO_LARGE, MALFORMED, KEY_MISMATCH if it is another key than the request's
 * or the pinned one, KEY_SIZE, KEY_EVEN, KEY_SMALL_FACTOR, KEY_PRIME, KEY_PROOF_MISSING, KEY_PROOF_WRONG, KEY_HASH, BACKEND,
 * THREADS, IO if the file cannot be written.
 */
tacita_status tacita_verified_keys_admit_with(tacita_verified_keys *keys,
                                              const tacita_request *request,
                                              const uint8_t *json,
                                              size_t json_len,
                                              tacita_public_key **key_out);

/**
 * Accepts requests under one key only from now on: the one with this fingerprint.
 *
 * Threads: any number may share `keys`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_verified_keys_pin(tacita_verified_keys *keys, const uint8_t fingerprint[TACITA_FINGERPRINT_LEN]);

/**
 * Tells how many keys were verified.
 *
 * Threads: any number may share `keys`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_verified_keys_count(const tacita_verified_keys *keys, size_t *count_out);

/**
 * Frees verified keys, not their file; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `keys`. Never fails.
 */
void tacita_verified_keys_free(tacita_verified_keys *keys);

/* ==== Evaluators: requests to responses. ==== */

/**
 * Makes an evaluator that is ready for requests in the records layout. That takes seconds, or half a minute for a thousand
 * outputs, if the model's file does not carry the plan of that layout: `tacita_model_new_with_plan` tells of its progress. For
 * other layouts see `tacita_evaluator_prepare`.
 *
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, THREADS.
 */
tacita_status tacita_evaluator_new(const tacita_model *model,
                                   tacita_evaluator **evaluator_out);

/**
 * Makes an evaluator that takes requests of at most so many records, where others take 100,000; otherwise as with
 * `tacita_evaluator_new`.
 *
 * Threads: any number may share `model`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, THREADS.
 */
tacita_status tacita_evaluator_new_with_max_records(const tacita_model *model,
                                                    size_t max_records,
                                                    tacita_evaluator **evaluator_out);

/**
 * Makes an evaluator ready for requests with `together` features in a ciphertext; 1 is the records layout.
 *
 * Without it the first such request takes longer, by seconds, or half a minute for a thousand outputs, if the model's file does
 * not carry the plan of that layout, which `tacita_model_new_with_plan` and the command `tacita compile --plan` store.
 * `progress` is told the steps of the search, of which more come to light as it goes on, and may be NULL. `user_data` is handed
 * to it, and may be NULL.
 * Threads: any number may share `evaluator`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout, CANCELLED, THREADS.
 */
tacita_status tacita_evaluator_prepare(const tacita_evaluator *evaluator,
                                       uint32_t together,
                                       tacita_progress progress,
                                       void *user_data);

/**
 * Tells how many multiplications of ciphertexts a set of records takes in the layout with `together` features in a ciphertext.
 * Searches for their plan, for seconds or, for a thousand outputs, half a minute, if it is not there yet.
 *
 * Threads: any number may share `evaluator`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout, THREADS.
 */
tacita_status tacita_evaluator_multiplications(const tacita_evaluator *evaluator,
                                               uint32_t together,
                                               size_t *multiplications_out);

/**
 * Takes the nonces of responses under the pool's key from it from now on, as far as they are there: one a ciphertext down,
 * as `tacita_spec_ciphertexts` tells. In some layouts those of a set of records are taken all or not at all, so that a pool
 * must hold as many. An evaluator has at most 64 pools; another one for the same key takes its place.
 *
 * This changes `evaluator`, and no answer.
 * Threads: any number may share `evaluator` and `pool`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT for a pool of another method than POWER and RANDOM_BASES, TOO_LARGE.
 */
tacita_status tacita_evaluator_set_pool(const tacita_evaluator *evaluator,
                                        const tacita_nonce_pool *pool);

/**
 * Takes the pool of a key away, if it has one.
 *
 * Threads: any number may share `evaluator`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_evaluator_remove_pool(const tacita_evaluator *evaluator,
                                           const uint8_t key_fingerprint[TACITA_FINGERPRINT_LEN]);

/**
 * Evaluates a request without learning anything of its records.
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
 * Evaluates like `tacita_evaluator_evaluate` and tells how far it is.
 *
 * `progress` is told how many sets of ciphertexts are done, and may be NULL. `user_data` is handed to it, and may be NULL.
 * Threads: any number may share `evaluator`, `request` and `key`.
 * Fails with: as `tacita_evaluator_evaluate`: NULL_POINTER, WRONG_HANDLE, SPEC_MISMATCH, KEY_MISMATCH, TOO_LARGE, MALFORMED,
 * CIPHERTEXT, RANDOMNESS, THREADS; CANCELLED.
 */
tacita_status tacita_evaluator_evaluate_with_progress(const tacita_evaluator *evaluator,
                                                      const tacita_request *request,
                                                      const tacita_public_key *key,
                                                      tacita_progress progress,
                                                      void *user_data,
                                                      tacita_response **response_out);

/**
 * Evaluates `count` requests side by side, each under the key at its place: while small ones would leave threads idle one by
 * one, together they do not.
 *
 * Each succeeds or fails by itself: its status comes at its place in `statuses_out`, and its response, or NULL, in
 * `responses_out`. `tacita_last_error_detail` tells of the last that failed.
 * `progress` is told how many requests are done, and may be NULL. `user_data` is handed to it, and may be NULL.
 * Threads: any number may share `evaluator`, the requests and the keys.
 * Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, CANCELLED, THREADS. One request fails with what
 * `tacita_evaluator_evaluate` says.
 */
tacita_status tacita_evaluator_evaluate_many(const tacita_evaluator *evaluator,
                                             const tacita_request *const *requests,
                                             const tacita_public_key *const *keys,
                                             size_t count,
                                             tacita_progress progress,
                                             void *user_data,
                                             tacita_response **responses_out,
                                             tacita_status *statuses_out);

/**
 * Frees an evaluator; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `evaluator`. Never fails.
 */
void tacita_evaluator_free(tacita_evaluator *evaluator);

/* ==== Plans: which layout is the best for a job on this machine, and what it will take. ==== */

/**
 * Measures the costs with the engine of a key and all threads: a second of work, or a few where the engine is slow. They
 * are those of any key of this length and engine, each the least of up to three turns: what neighbours of the machine take comes
 * on top.
 *
 * Threads: any number may share `key`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, KEY_HASH, RANDOMNESS, THREADS.
 */
tacita_status tacita_costs_measure(const tacita_secret_key *key,
                                   tacita_costs **costs_out);

/**
 * Predicts what `records` records take in each layout of a model, the quickest first, as JSON text: `records`, `best`,
 * `layouts` (`layout`, `together`, `request_ciphertexts`, `response_ciphertexts`, `request_bytes`, `response_bytes`,
 * `multiplications`, `estimated`, and in seconds `encrypt`, `evaluate`, `decrypt`, `total`) and `costs`. Plans of
 * layouts near the best that are not there yet are searched for, which takes seconds each, or half a minute for a thousand
 * outputs; the evaluator keeps them. For the rest multiplications are `estimated`.
 *
 * `nonces` is one of TACITA_PLAN_.... `progress` is told the steps of each search, and may be NULL. `user_data` is handed to
 * it, and may be NULL.
 * Threads: any number may share `evaluator` and `costs`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT, TOO_LARGE, CANCELLED, THREADS.
 */
tacita_status tacita_plan_for_evaluator(const tacita_evaluator *evaluator,
                                        const tacita_costs *costs,
                                        size_t records,
                                        uint32_t nonces,
                                        tacita_progress progress,
                                        void *user_data,
                                        tacita_bytes **json_out);

/**
 * Predicts the same for whoever knows the spec alone: all multiplications are estimated.
 *
 * `nonces` and the text as in `tacita_plan_for_evaluator`.
 * Threads: any number may share `spec` and `costs`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT, TOO_LARGE.
 */
tacita_status tacita_plan_for_spec(const tacita_spec *spec,
                                   const tacita_costs *costs,
                                   size_t records,
                                   uint32_t nonces,
                                   tacita_bytes **json_out);

/**
 * Frees costs; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `costs`. Never fails.
 */
void tacita_costs_free(tacita_costs *costs);

/* ==== Responses: what comes back from the cloud. ==== */

/**
 * Reads a response, one message and no more: a sequence of several, as `tacita evaluate` answers one of requests, is
 * refused with CUT_OR_PADDED. Its ciphertexts are checked when it is decrypted.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED.
 */
tacita_status tacita_response_from_bytes(const uint8_t *bytes, size_t bytes_len, tacita_response **response_out);

/**
 * Reads the first response of a sequence of them, one message after another as the command `tacita` writes them, and tells how
 * many of the bytes it took: the rest, if there is any, begins with the next one.
 *
 * Threads: any.
 * Fails with: NULL_POINTER, LENGTH, MALFORMED, CUT_OR_PADDED, DAMAGED.
 */
tacita_status tacita_response_read_next(const uint8_t *bytes,
                                        size_t bytes_len,
                                        size_t *used_out,
                                        tacita_response **response_out);

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
 * Tells the number of records that a response answers, at least 1.
 *
 * Threads: any number may share `response`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_response_records(const tacita_response *response, size_t *records_out);

/**
 * Tells the bytes of all ciphertexts together: the message is longer by its header.
 *
 * Threads: any number may share `response`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_response_ciphertext_bytes(const tacita_response *response, size_t *bytes_out);

/**
 * Frees a response; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `response`. Never fails.
 */
void tacita_response_free(tacita_response *response);

/* ==== Decryptors: responses to predictions. ==== */

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

/* ==== Predictions: what the model says of each record. ==== */

/**
 * Tells the number of records.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_predictions_records(const tacita_predictions *predictions, size_t *records_out);

/**
 * Tells the number of logits and probabilities of each record, which is the number of labels of the spec.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE.
 */
tacita_status tacita_predictions_label_count(const tacita_predictions *predictions, size_t *count_out);

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
 * between two classes: 1 if it is positive, else 0. Several labels under sigmoid do not exclude each other, and identity has no
 * classes: there read probabilities or logits.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX.
 */
tacita_status tacita_predictions_class(const tacita_predictions *predictions,
                                       size_t record,
                                       size_t *class_out);

/**
 * Writes the label of the class of one record, counted from 0, with its NUL, into room for `capacity` bytes;
 * TACITA_NAME_CAPACITY is enough. A single logit under sigmoid has a label for class 1; class 0 is `not ` and that label.
 * Where classes say nothing, as `tacita_predictions_class` tells, their labels say nothing either.
 *
 * Threads: any number may share `predictions`.
 * Fails with: NULL_POINTER, WRONG_HANDLE, INDEX, BUFFER_TOO_SMALL.
 */
tacita_status tacita_predictions_label(const tacita_predictions *predictions,
                                       size_t record,
                                       char *label_out,
                                       size_t capacity);

/**
 * Overwrites and frees predictions; NULL and handles of other types are left alone.
 *
 * Threads: no other call may still use `predictions`. Never fails.
 */
void tacita_predictions_free(tacita_predictions *predictions);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TACITA_H */
