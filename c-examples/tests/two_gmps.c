/* A program that uses a GMP of its own beside the library's, which may be another version: neither sees the other. Its own one
 * takes memory through functions of the program, which no call of the library may reach. */

#include <gmp.h>

#include <stdio.h>
#include <stdlib.h>

#include "tacita.h"

static unsigned long own_calls = 0;

static void *own_allocate(size_t size) {
    own_calls++;
    return malloc(size);
}

static void *own_reallocate(void *memory, size_t old_size, size_t new_size) {
    (void)old_size;
    own_calls++;
    return realloc(memory, new_size);
}

static void own_free(void *memory, size_t size) {
    (void)size;
    own_calls++;
    free(memory);
}

/* 3^(2^521 - 2) = 1 modulo the prime 2^521 - 1. */
static int own_gmp_works(void) {
    mpz_t prime, exponent, power;
    int works;
    mpz_init(prime);
    mpz_init(exponent);
    mpz_init_set_ui(power, 3);
    mpz_ui_pow_ui(prime, 2, 521);
    mpz_sub_ui(prime, prime, 1);
    mpz_sub_ui(exponent, prime, 1);
    mpz_powm(power, power, exponent, prime);
    works = mpz_cmp_ui(power, 1) == 0;
    mpz_clear(power);
    mpz_clear(exponent);
    mpz_clear(prime);
    return works;
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

int main(void) {
    unsigned long before;
    tacita_secret_key *key = NULL;
    mp_set_memory_functions(own_allocate, own_reallocate, own_free);
    CHECK(own_gmp_works());
    before = own_calls;
    CHECK(before > 0);
    CHECK(tacita_self_test() == TACITA_STATUS_SUCCESS);
    CHECK(tacita_secret_key_generate(2048, NULL, NULL, &key) == TACITA_STATUS_SUCCESS);
    tacita_secret_key_free(key);
    CHECK(own_calls == before);
    CHECK(own_gmp_works());
    CHECK(own_calls > before);
    printf("GMP %s of the program's own, and tacita's beside it\n", gmp_version);
    return 0;
}
