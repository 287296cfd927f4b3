/*
 * The scorer: reads a table of records of any length and writes predictions, in memory that does not grow with it.
 *
 *   scorer MODEL SPEC FINGERPRINT KEY CSV PREDICTIONS [RECORDS_PER_REQUEST]
 *
 * CSV begins with a line that names its columns, the model's features in any order; each further line that is not
 * empty is a record. PREDICTIONS gets a line for each: its index from 0, class, label and probabilities. It is written
 * as PREDICTIONS.partial and renamed when it is complete, so that a run that failed leaves nothing that looks like one
 * that did not; an older PREDICTIONS stays until then. A request holds as many records as the library advises, or
 * RECORDS_PER_REQUEST if that is less. How far it is goes to standard error, if that is a terminal or the environment
 * variable TACITA_PROGRESS is 1.
 *
 * KEY, SPEC, FINGERPRINT, CSV and PREDICTIONS are the hospital's, MODEL is the cloud's, as in hospital.c and cloud.c.
 * Here both are in one program: the hospital calls `cloud_answer` where it would send a request and wait for the
 * response. Only the bytes of these two pass between them, and the network would be there.
 */

/* For what C11 alone does not have: POSIX, 2008. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

/* The cloud's side. */
struct cloud {
    tacita_model *model;
    tacita_evaluator *evaluator;
    tacita_verified_keys *keys;
};

static int cloud_open(struct cloud *cloud, const char *model_path) {
    int failed = 0;
    TRY(tacita_model_load(model_path, &cloud->model));
    TRY(tacita_evaluator_new(cloud->model, &cloud->evaluator));
    TRY(tacita_verified_keys_new(&cloud->keys));
done:
    return failed;
}

/* The key of the first request is verified, which takes a while; it is known from then on. */
static int cloud_answer(struct cloud *cloud, const uint8_t *data, size_t length, tacita_bytes **answer) {
    tacita_request *request = NULL;
    tacita_public_key *key = NULL;
    tacita_response *response = NULL;
    int failed = 0;
    TRY(tacita_request_from_bytes(data, length, &request));
    TRY(tacita_verified_keys_admit(cloud->keys, request, &key));
    TRY(tacita_evaluator_evaluate(cloud->evaluator, request, key, &response));
    TRY(tacita_response_to_bytes(response, answer));
done:
    tacita_response_free(response);
    tacita_public_key_free(key);
    tacita_request_free(request);
    return failed;
}

static void cloud_close(struct cloud *cloud) {
    tacita_verified_keys_free(cloud->keys);
    tacita_evaluator_free(cloud->evaluator);
    tacita_model_free(cloud->model);
}

/* The hospital's side. */
struct hospital {
    tacita_secret_key *key;
    tacita_spec *spec;
    tacita_encryptor *encryptor;
    tacita_decryptor *decryptor;
    /* Those of one request. They are filled in by name, so that nothing here depends on the order of the features. */
    tacita_records *records;
    double *probabilities;
    size_t features, labels, batch;
};

static int hospital_open(struct hospital *hospital, const char *spec_path, const char *fingerprint,
                         const char *key_path, size_t most) {
    uint8_t pin[TACITA_FINGERPRINT_LEN];
    int failed = 0;
    TRY(tacita_fingerprint_from_hex(fingerprint, pin));
    TRY(tacita_spec_load(spec_path, &hospital->spec));
    TRY(tacita_secret_key_load(key_path, &hospital->key));
    TRY(tacita_encryptor_new_with_secret_key(hospital->spec, pin, hospital->key, &hospital->encryptor));
    TRY(tacita_decryptor_new(hospital->spec, pin, hospital->key, &hospital->decryptor));
    TRY(tacita_records_new(hospital->spec, &hospital->records));
    TRY(tacita_spec_feature_count(hospital->spec, &hospital->features));
    TRY(tacita_spec_label_count(hospital->spec, &hospital->labels));
    TRY(tacita_encryptor_records_per_request(hospital->encryptor, &hospital->batch));
    if (hospital->batch > most) {
        hospital->batch = most;
    }
    hospital->probabilities = calloc(hospital->labels, sizeof *hospital->probabilities);
    if (hospital->probabilities == NULL) {
        perror("probabilities");
        failed = 1;
    }
done:
    return failed;
}

static void hospital_close(struct hospital *hospital) {
    free(hospital->probabilities);
    tacita_records_free(hospital->records);
    tacita_decryptor_free(hospital->decryptor);
    tacita_encryptor_free(hospital->encryptor);
    tacita_spec_free(hospital->spec);
    tacita_secret_key_free(hospital->key);
}

/* A column of the hospital's table, with the range of its feature. */
struct column {
    char name[TACITA_NAME_CAPACITY];
    double least, greatest, step;
};

struct table {
    const char *path;
    FILE *file;
    /* The current line, in room that is enough for any line that can be right. */
    char *line;
    size_t room;
    unsigned long number;
    struct column *columns;
    size_t count;
};

/* The features bound how long a line can be: the file does not. */
static int table_open(struct table *table, const char *path, const tacita_spec *spec, size_t features) {
    /* Digits of a number that were written by anything sensible, with quotes and a comma. */
    enum { NUMBER = 40 };
    char name[TACITA_NAME_CAPACITY];
    size_t i, longest;
    int failed = 0;
    table->path = path;
    /* A byte order mark, the end of the line, and a NUL. */
    table->room = 3 + 2 + 1;
    for (i = 0; i < features; i++) {
        TRY(tacita_spec_feature_name(spec, i, name, sizeof name));
        /* Quoted it is longer by two, and by one for each quote in it. */
        longest = 2 * strlen(name) + 3;
        table->room += longest > NUMBER ? longest : NUMBER;
    }
    table->line = malloc(table->room);
    table->columns = calloc(features, sizeof *table->columns);
    table->file = fopen(path, "rb");
    if (table->line == NULL || table->columns == NULL || table->file == NULL) {
        perror(path);
        failed = 1;
    }
done:
    return failed;
}

static void table_close(struct table *table) {
    if (table->file != NULL) {
        fclose(table->file);
    }
    free(table->columns);
    free(table->line);
}

/* Says where in the table something is wrong, by the column's name if there is one, and never what is written there. */
static int wrong(const struct table *table, const struct column *column, const char *what) {
    fprintf(stderr, "%s: line %lu", table->path, table->number);
    if (column != NULL) {
        fprintf(stderr, ", column %lu (%s)", (unsigned long)(column - table->columns) + 1, column->name);
    }
    fprintf(stderr, ": %s\n", what);
    return 1;
}

/* Reads the next line without its end; `more` tells whether there was one. Empty lines are skipped. */
static int read_line(struct table *table, int *more) {
    size_t used = 0, i;
    int byte = 0;
    while (used == 0 && byte != EOF) {
        table->number++;
        while ((byte = getc(table->file)) != EOF && byte != '\n') {
            if (used + 1 == table->room) {
                return wrong(table, NULL, "longer than a record of this model can be");
            }
            table->line[used++] = (char)byte;
        }
        if (used > 0 && table->line[used - 1] == '\r') {
            used--;
        }
    }
    if (ferror(table->file)) {
        perror(table->path);
        return 1;
    }
    *more = used > 0;
    table->line[used] = 0;
    for (i = 0; i < used; i++) {
        if (iscntrl((unsigned char)table->line[i])) {
            return wrong(table, NULL, "a control character");
        }
    }
    return 0;
}

enum field { FIELD, NO_FIELD, BAD_FIELD };

/* Takes the next field from a line, without its quotes. `at` is NULL once the last one is taken. */
static enum field next_field(char **at, char **field) {
    char *from = *at, *to = from;
    if (from == NULL) {
        return NO_FIELD;
    }
    *field = to;
    if (*from != '"') {
        from += strcspn(from, ",");
        to = from;
    } else {
        for (from++; *from != '"' || from[1] == '"'; from++) {
            /* Two quotes stand for one. */
            from += *from == '"';
            if (*from == 0) {
                return BAD_FIELD;
            }
            *to++ = *from;
        }
        from++;
        if (*from != 0 && *from != ',') {
            return BAD_FIELD;
        }
    }
    *at = *from == ',' ? from + 1 : NULL;
    *to = 0;
    return FIELD;
}

/* Reads a decimal number that is the whole text: no white space, no name of a number, no other base. */
static int number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return *text != 0 && *end == 0 && text[strspn(text, "+-.0123456789eE")] == 0;
}

/* Reads the names of the columns. A record that is tried on them shows whether they are the features, each once. */
static int read_header(struct table *table, struct hospital *hospital) {
    static const char mark[] = "\xef\xbb\xbf";
    char *at = table->line, *name;
    enum field field;
    tacita_status status;
    size_t index;
    int more, failed = 0;
    TRY_FILE(read_line(table, &more));
    if (!more) {
        return wrong(table, NULL, "the file is empty");
    }
    /* Some programs begin a file of UTF-8 with this mark. */
    if (strncmp(at, mark, strlen(mark)) == 0) {
        at += strlen(mark);
    }
    while ((field = next_field(&at, &name)) == FIELD) {
        struct column *column = table->columns + table->count;
        status = tacita_records_set(hospital->records, name, 0.0);
        if (status != TACITA_STATUS_SUCCESS) {
            fprintf(stderr, "%s: line %lu, column %lu: ", table->path, table->number, (unsigned long)table->count + 1);
        }
        if (status == TACITA_STATUS_FEATURE_UNKNOWN) {
            /* The library's detail shows the name, which is a value of a record if the table has no line of names. */
            fprintf(stderr, "not a feature of the model; the first line must name the columns\n");
            return 1;
        }
        /* An unknown feature and one that is there twice end here, so there are no more columns than features. */
        TRY(status);
        snprintf(column->name, sizeof column->name, "%s", name);
        TRY(tacita_spec_feature_index(hospital->spec, name, &index));
        TRY(tacita_spec_feature_range(hospital->spec, index, &column->least, &column->greatest, &column->step));
        table->count++;
    }
    if (field == BAD_FIELD) {
        return wrong(table, NULL, "a quote is not closed, or something follows it");
    }
    status = tacita_records_end_record(hospital->records);
    if (status != TACITA_STATUS_SUCCESS) {
        fprintf(stderr, "%s: line %lu: ", table->path, table->number);
    }
    TRY(status);
    TRY(tacita_records_clear(hospital->records));
done:
    return failed;
}

/* Reads a record; `more` tells whether there was one. */
static int read_record(struct table *table, struct hospital *hospital, int *more) {
    char *at = table->line, *text;
    double value;
    size_t i;
    int failed = 0;
    TRY_FILE(read_line(table, more));
    if (!*more) {
        goto done;
    }
    for (i = 0; i < table->count; i++) {
        const struct column *column = table->columns + i;
        switch (next_field(&at, &text)) {
        case FIELD:
            break;
        case NO_FIELD:
            return wrong(table, NULL, "fewer fields than columns");
        case BAD_FIELD:
            return wrong(table, column, "a quote is not closed, or something follows it");
        }
        if (!number(text, &value)) {
            return wrong(table, column, "not a number");
        }
        /* The library would refuse it too, but only with its whole request, and does not know lines. It takes what is
         * less than half a step outside for the end of the range. */
        if (!(value > column->least - column->step / 2 && value < column->greatest + column->step / 2)) {
            return wrong(table, column, "out of range");
        }
        TRY(tacita_records_set(hospital->records, column->name, value));
    }
    if (at != NULL) {
        return wrong(table, NULL, "more fields than columns");
    }
    TRY(tacita_records_end_record(hospital->records));
done:
    return failed;
}

/* Reads the records of a request, fewer only at the end of the file. */
static int read_batch(struct table *table, struct hospital *hospital, size_t *count) {
    int more = 1, failed = 0;
    TRY(tacita_records_clear(hospital->records));
    for (*count = 0; *count < hospital->batch; ++*count) {
        TRY_FILE(read_record(table, hospital, &more));
        if (!more) {
            break;
        }
    }
done:
    return failed;
}

/* What is there if the program fails is readable to nobody else, like what is there in the end. */
static FILE *create_private(const char *path) {
    FILE *file;
    int descriptor;
    /* Of an earlier run that failed. */
    remove(path);
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file == NULL) {
        perror(path);
        if (descriptor >= 0) {
            close(descriptor);
        }
    }
    return file;
}

/* The model's owner chose the labels: a comma or a quote in one must not look like the end of the field. */
static void write_label(FILE *file, const char *label) {
    if (strpbrk(label, ",\"") == NULL) {
        fputs(label, file);
        return;
    }
    putc('"', file);
    for (; *label != 0; label++) {
        if (*label == '"') {
            putc('"', file);
        }
        putc(*label, file);
    }
    putc('"', file);
}

static void write_names(FILE *file, const struct hospital *hospital) {
    size_t i;
    fputs("index,class,label", file);
    for (i = 0; i < hospital->labels; i++) {
        fprintf(file, ",p%lu", (unsigned long)i);
    }
    putc('\n', file);
}

static int write_predictions(FILE *file, const struct hospital *hospital, const tacita_predictions *predictions,
                             size_t first) {
    size_t records = 0, record, i, class_index;
    char label[TACITA_NAME_CAPACITY];
    int failed = 0;
    TRY(tacita_predictions_records(predictions, &records));
    for (record = 0; record < records; record++) {
        TRY(tacita_predictions_class(predictions, record, &class_index));
        TRY(tacita_predictions_label(predictions, record, label, sizeof label));
        TRY(tacita_predictions_probabilities(predictions, record, hospital->probabilities, hospital->labels));
        fprintf(file, "%lu,%lu,", (unsigned long)(first + record), (unsigned long)class_index);
        write_label(file, label);
        for (i = 0; i < hospital->labels; i++) {
            /* So many digits give back the same number when they are read. */
            fprintf(file, ",%.17g", hospital->probabilities[i]);
        }
        putc('\n', file);
    }
done:
    return failed;
}

/* How far it is, for whoever watches. */
struct progress {
    struct timespec start;
    int wanted, terminal, shown;
};

static void progress_start(struct progress *progress) {
    const char *wish = getenv("TACITA_PROGRESS");
    progress->terminal = isatty(STDERR_FILENO);
    progress->wanted = progress->terminal || (wish != NULL && strcmp(wish, "1") == 0);
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
}

/* On a terminal each line takes the place of the one before, and an error message begins below it. */
static void progress_show(struct progress *progress, size_t records) {
    const char *place = progress->terminal && progress->shown ? "\033[A\033[K" : "";
    struct timespec now;
    double elapsed;
    if (!progress->wanted) {
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    elapsed = (double)(now.tv_sec - progress->start.tv_sec) + (double)(now.tv_nsec - progress->start.tv_nsec) / 1e9;
    fprintf(stderr, "%s%lu records, %.1f records/s, %.1f s\n", place, (unsigned long)records,
            elapsed > 0 ? (double)records / elapsed : 0.0, elapsed);
    progress->shown = 1;
}

/* The records that were read go up, and their predictions come down. */
static int score_batch(struct hospital *hospital, struct cloud *cloud, FILE *file, size_t first) {
    tacita_request *request = NULL;
    tacita_bytes *sent = NULL, *answer = NULL;
    tacita_response *response = NULL;
    tacita_predictions *predictions = NULL;
    int failed = 0;
    TRY(tacita_encryptor_encrypt_records(hospital->encryptor, hospital->records, NULL, NULL, &request));
    TRY(tacita_request_to_bytes(request, &sent));
    /* The network. The hospital keeps its request: the response does not decrypt without. */
    TRY_FILE(cloud_answer(cloud, tacita_bytes_data(sent), tacita_bytes_len(sent), &answer));
    TRY(tacita_response_from_bytes(tacita_bytes_data(answer), tacita_bytes_len(answer), &response));
    TRY(tacita_decryptor_decrypt(hospital->decryptor, response, request, &predictions));
    TRY_FILE(write_predictions(file, hospital, predictions, first));
done:
    tacita_predictions_free(predictions);
    tacita_response_free(response);
    tacita_bytes_free(answer);
    tacita_bytes_free(sent);
    tacita_request_free(request);
    return failed;
}

static int score(struct hospital *hospital, struct cloud *cloud, struct table *table, const char *path) {
    struct progress progress = {.wanted = 0};
    size_t scored = 0, count;
    char *partial = malloc(strlen(path) + sizeof ".partial");
    FILE *file = NULL;
    int failed = 0;
    if (partial == NULL) {
        perror(path);
        return 1;
    }
    strcat(strcpy(partial, path), ".partial");
    progress_start(&progress);
    /* A table whose columns are wrong is seen before there is any file. */
    TRY_FILE(read_header(table, hospital));
    file = create_private(partial);
    TRY_FILE(file == NULL);
    write_names(file, hospital);
    do {
        TRY_FILE(read_batch(table, hospital, &count));
        if (count > 0) {
            TRY_FILE(score_batch(hospital, cloud, file, scored));
            scored += count;
            progress_show(&progress, scored);
        }
    } while (count == hospital->batch && !ferror(file));
    /* It is on the disk before it is renamed: a machine that stops between must not leave the name on half a file. */
    if (ferror(file) || fflush(file) != 0 || fsync(fileno(file)) != 0) {
        perror(partial);
        failed = 1;
    }
done:
    if (file != NULL && fclose(file) != 0 && !failed) {
        perror(partial);
        failed = 1;
    }
    if (!failed && rename(partial, path) != 0) {
        perror(path);
        failed = 1;
    }
    if (!failed) {
        printf("scored %lu records\n", (unsigned long)scored);
    }
    free(partial);
    return failed;
}

int main(int argc, char **argv) {
    struct hospital hospital = {.key = NULL};
    struct cloud cloud = {.model = NULL};
    struct table table = {.path = NULL};
    size_t most = SIZE_MAX;
    char *end;
    int failed = 0;
    if (argc == 8) {
        errno = 0;
        most = strtoul(argv[7], &end, 10);
        /* A minus sign makes a large number of a small one. */
        if (!isdigit((unsigned char)*argv[7]) || *end != 0 || most == 0 || errno != 0) {
            argc = 0;
        }
    }
    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: %s MODEL SPEC FINGERPRINT KEY CSV PREDICTIONS [RECORDS_PER_REQUEST]\n", argv[0]);
        return 2;
    }
    TRY_FILE(hospital_open(&hospital, argv[2], argv[3], argv[4], most));
    TRY_FILE(table_open(&table, argv[5], hospital.spec, hospital.features));
    TRY_FILE(cloud_open(&cloud, argv[1]));
    TRY_FILE(score(&hospital, &cloud, &table, argv[6]));
done:
    table_close(&table);
    cloud_close(&cloud);
    hospital_close(&hospital);
    return failed;
}
