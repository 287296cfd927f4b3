/* What the examples need: whole files in and out, and a way to say what went wrong. */

#ifndef TACITA_EXAMPLES_COMMON_H
#define TACITA_EXAMPLES_COMMON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tacita.h"

/* Calls a function of tacita in a function that has `int failed` and a label `done`. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        tacita_status status_ = (call);                                                                                \
        if (status_ != TACITA_STATUS_SUCCESS) {                                                                        \
            complain(status_);                                                                                         \
            failed = 1;                                                                                                \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* The same for the functions below, which complain themselves and return 0 for success. */
#define TRY_FILE(call)                                                                                                 \
    do {                                                                                                               \
        if ((call) != 0) {                                                                                             \
            failed = 1;                                                                                                \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* Says what a status means and what the library has to add. Neither shows a value of a record. */
static inline void complain(tacita_status status) {
    char detail[512];
    (void)tacita_last_error_detail(detail, sizeof detail);
    fprintf(stderr, "error %d: %s (%s)\n", (int)status, tacita_status_text((int)status), detail);
}

/* Reads a whole file into memory that is the caller's to free. One byte more than its length is allocated, and is 0. */
static inline int read_file(const char *path, uint8_t **data, size_t *length) {
    FILE *file = fopen(path, "rb");
    uint8_t *buffer = NULL;
    size_t used = 0, room = 0;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    do {
        if (room - used < 2) {
            uint8_t *larger = room > SIZE_MAX / 2 ? NULL : realloc(buffer, room = room == 0 ? 4096 : 2 * room);
            if (larger == NULL) {
                fprintf(stderr, "%s: too large\n", path);
                free(buffer);
                fclose(file);
                return 1;
            }
            buffer = larger;
        }
        used += fread(buffer + used, 1, room - used - 1, file);
    } while (!feof(file) && !ferror(file));
    if (ferror(file)) {
        perror(path);
        free(buffer);
        fclose(file);
        return 1;
    }
    fclose(file);
    buffer[used] = 0;
    *data = buffer;
    *length = used;
    return 0;
}

/* Writes bytes that the library gave out. */
static inline int write_file(const char *path, const tacita_bytes *bytes) {
    size_t length = tacita_bytes_len(bytes);
    FILE *file = fopen(path, "wb");
    int failed = file == NULL || fwrite(tacita_bytes_data(bytes), 1, length, file) != length;
    if (file != NULL && fclose(file) != 0) {
        failed = 1;
    }
    if (failed) {
        perror(path);
    }
    return failed;
}

#endif
