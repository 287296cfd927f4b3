/*
 * The C++ API: what it adds to the C API, which has tests of its own, and that each function calls the right one.
 *
 *   cpp FIXTURES
 */

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "tacita.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

std::atomic<unsigned long> checks{0}, failures{0};

void check(bool holds, int line, const char *what) {
    checks++;
    if (!holds && ++failures <= 20) {
        std::fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, line, what, tacita::last_error_detail().c_str());
    }
}

#define CHECK(condition) check((condition), __LINE__, #condition)

// The call throws the status, with all that an error carries, and does not show the value that all records here share.
template <typename Call>
void check_fails(tacita_status status, const char *part, Call call, int line, const char *what) {
    tacita_status found = TACITA_STATUS_SUCCESS;
    try {
        call();
    } catch (const tacita::error &error) {
        const std::string text = error.what(), number = std::to_string(static_cast<int>(status));
        found = error.status();
        check(text.find(number) != text.npos, line, "the number is missing");
        check(text.find(tacita::status_text(status)) != text.npos, line, "the meaning is missing");
        check(std::strstr(error.detail(), part) != nullptr, line, error.what());
        const std::size_t length = std::strlen(error.detail());
        check(text.compare(text.size() - length, length, error.detail()) == 0, line, "the detail is missing");
        check(text.find("4711") == text.npos, line, "a value is shown");
    }
    check(found == status, line, what);
}

#define FAILS(status, part, call) check_fails(TACITA_STATUS_##status, part, [&] { (void)(call); }, __LINE__, #call)

// What a callable may throw that is no `std::exception`.
struct stop {
    int calls;
};

// The call tells the callable that it gets of its progress, lets it cancel, and lets through what it throws.
template <typename Call>
void check_watched(bool complete, Call call, int line) {
    int calls = 0;
    if (complete) {
        call([&](std::uint64_t done, std::uint64_t expected) {
            calls++;
            return done <= expected;
        });
        check(calls > 0, line, "nothing was heard");
    }
    calls = 0;
    check_fails(TACITA_STATUS_CANCELLED, "", [&] { call([&](std::uint64_t, std::uint64_t) { return ++calls == 0; }); },
                line, "cancelled");
    check(calls == 1, line, "called after it cancelled");
    calls = 0;
    try {
        call([&](std::uint64_t, std::uint64_t) -> bool { throw stop{++calls}; });
        check(false, line, "nothing was thrown");
    } catch (const stop &thrown) {
        check(thrown.calls == 1 && calls == 1, line, "called after it threw");
    }
}

#define WATCHED(complete, call) check_watched(complete, [&](const tacita::progress &told) { (void)(call); }, __LINE__)

std::string folder;
// Whether there is time for what takes minutes under valgrind, where other tests do the same in C.
bool thorough = true;

bytes read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return bytes(std::istreambuf_iterator<char>(file), {});
}

// A name that no other run of this test uses.
struct temporary {
    explicit temporary(const char *name) : path(folder + "/cpp-" + std::to_string(getpid()) + "-" + name) {}
    temporary(const temporary &) = delete;
    temporary &operator=(const temporary &) = delete;
    ~temporary() { std::remove(path.c_str()); }

    std::string path;
};

const std::array<double, 3> RECORD{1, 2, 3};

// One of each, as a hospital and a cloud have them.
struct world {
    tacita::secret_key secret = tacita::secret_key::load(folder + "/key.json");
    tacita::secret_key other_secret = tacita::secret_key::from_json(read(folder + "/other-key.json"));
    tacita::public_key key = secret.public_key();
    tacita::spec spec = tacita::spec::load(folder + "/spec.json");
    tacita::spec other_spec = tacita::spec::load(folder + "/other-spec.json");
    tacita::fingerprint pin = spec.fingerprint();
    tacita::model model = tacita::model::load(folder + "/model.safetensors");
    tacita::encryptor encryptor{spec, pin, secret};
    tacita::evaluator evaluator{model};
    tacita::decryptor decryptor{spec, pin, secret};
    tacita::request request = encryptor.encrypt(RECORD);
    tacita::response response = evaluator.evaluate(request, key);
};

// The predictions of a response are those of the model in plain, to the last bit.
void check_response(const world &w, const tacita::request &request, const tacita::response &response,
                    tacita::view<double> values) {
    const auto predictions = w.decryptor.decrypt(response, request);
    CHECK(predictions.records() * 3 == values.size());
    for (std::size_t i = 0; i < predictions.records(); i++) {
        const auto logits = predictions.logits(i), probabilities = predictions.probabilities(i);
        CHECK(logits == w.model.logits({values.data() + 3 * i, 3}));
        CHECK(probabilities.size() == 2 && probabilities[0] + probabilities[1] > 0.999);
        CHECK(predictions.class_index(i) == (logits[1] > logits[0] ? 1 : 0));
        CHECK(predictions.label(i) == w.spec.label(predictions.class_index(i)));
    }
    FAILS(INDEX, "", predictions.logits(predictions.records()));
}

void check_request(const world &w, const tacita::request &request, tacita::view<double> values) {
    check_response(w, request, w.evaluator.evaluate(request, w.key), values);
}

template <typename... Nouns>
constexpr bool are_owners = ((!std::is_copy_constructible_v<Nouns> && !std::is_copy_assignable_v<Nouns> &&
                              std::is_nothrow_move_constructible_v<Nouns> &&
                              std::is_nothrow_move_assignable_v<Nouns>) && ...);
static_assert(are_owners<tacita::bytes, tacita::secret_key, tacita::public_key, tacita::spec, tacita::records,
                         tacita::nonce_pool, tacita::encryptor, tacita::request, tacita::model, tacita::verified_keys,
                         tacita::evaluator, tacita::costs, tacita::response, tacita::decryptor, tacita::predictions>);
static_assert(std::is_nothrow_copy_constructible_v<tacita::error>);
static_assert(!std::is_convertible_v<tacita_bytes *, tacita::bytes>, "ownership is never taken by chance");
static_assert(tacita::is_compatible(TACITA_VERSION_NUMBER) && tacita::is_compatible(TACITA_VERSION_NUMBER + 1));
static_assert(!tacita::is_compatible(TACITA_VERSION_NUMBER + 1000) && !tacita::is_compatible(1000000));

// In C it is 0 that goes on, so numbers are not taken for an answer.
template <typename Answer>
using callable = Answer (*)(std::uint64_t, std::uint64_t);
static_assert(std::is_convertible_v<callable<bool>, tacita::progress>);
static_assert(!std::is_convertible_v<callable<int>, tacita::progress>);
static_assert(!std::is_convertible_v<callable<void>, tacita::progress>);
static_assert(std::is_convertible_v<std::function<bool(std::uint64_t, std::uint64_t)>, tacita::progress>);

// First of all, because it sets the number of threads.
void library() {
    CHECK(tacita::last_error_detail().empty());
    tacita::set_threads(2);
    CHECK(tacita::threads() == 2);
    FAILS(THREADS, "", tacita::set_threads(3));
    tacita::check_version();
    CHECK(tacita::version_number() == TACITA_VERSION_NUMBER && !tacita::version().empty());
    CHECK(tacita::status_text(TACITA_STATUS_SUCCESS) == "success");
    const auto engines = tacita::backends();
    CHECK(!engines.empty() && engines[0] == "portable" && !tacita::backend().empty());
    if (thorough) {
        tacita::self_test();
    }
}

std::size_t size_of(tacita::byte_view view) {
    return view.size();
}

double sum_of(tacita::view<double> values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return sum;
}

void views(const world &w) {
    const std::vector<double> vector{1, 2, 3};
    const double array[] = {1, 2, 3};
    CHECK(sum_of(vector) > 5 && sum_of(array) > 5 && sum_of(RECORD) > 5 && sum_of({array, 2}) < 5 && sum_of({}) < 1);
    const bytes data{1, 0, 3};
    const std::uint8_t raw[] = {1, 0, 3};
    CHECK(size_of(data) == 3 && size_of(raw) == 3 && size_of({raw, 2}) == 2 && size_of({}) == 0);
    CHECK(size_of("text") == 4 && size_of(std::string("te\0xt", 5)) == 5 && size_of(std::string_view("text")) == 4);
    const auto given = w.spec.to_json();
    CHECK(size_of(given) == given.size() && size_of(given.text()) == given.size());
    CHECK(size_of(tacita::view<std::uint8_t>(given)) == given.size() && bytes(given.begin(), given.end())[0] == '{');
    // Two numbers are two values, even where they could be taken for NULL and a length.
    CHECK(sum_of({0, 1}) > 0 && sum_of({0, 1}) < 2);
    check_request(w, w.encryptor.encrypt({1, 2, 3}), RECORD);
    static_assert(!std::is_convertible_v<std::vector<float>, tacita::view<double>>);
    static_assert(!std::is_convertible_v<std::vector<double>, tacita::byte_view>);
    static_assert(!std::is_convertible_v<std::string, tacita::view<std::uint8_t>>);
}

void errors(const world &w) {
    FAILS(IO, "no/such/file", tacita::model::load("no/such/file"));
    FAILS(MALFORMED, "NUL", tacita::model::load(std::string("no\0thing", 8)));
    FAILS(FEATURE_UNKNOWN, "x_3", w.spec.feature_index("x_3"));
    FAILS(MALFORMED, "NUL", w.spec.feature_index(std::string("x_0\0", 4)));
    FAILS(OUT_OF_RANGE, "x_1", w.encryptor.encrypt(std::vector<double>{1, 4711, 3}));
    FAILS(OUT_OF_RANGE, "x_2", w.model.logits(std::vector<double>{1, 2, 4711}));
    FAILS(ARGUMENT, "", w.encryptor.encrypt(std::vector<double>(), 0));
    FAILS(LENGTH, "", w.encryptor.encrypt(RECORD, 2));
    const tacita::error ours(TACITA_STATUS_DECRYPTION, "");
    CHECK(std::string_view(ours.detail()).empty() && ours.what()[std::strlen(ours.what()) - 1] != ' ');
    const std::runtime_error &base = ours;
    CHECK(std::strstr(base.what(), "225") != nullptr);
}

// A moved-from object is empty, and says so.
void moves(world &w) {
    auto made = tacita::spec::from_json(w.spec.to_json());
    auto moved = std::move(made);
    CHECK(moved && !made && made.get() == nullptr && moved.feature_count() == 3);
    FAILS(NULL_POINTER, "spec", made.feature_count());
    FAILS(NULL_POINTER, "spec", tacita::records(made));
    made = std::move(moved);
    CHECK(made.feature_count() == 3 && !moved);
    made = w.model.spec();
    tacita::spec adopted(made.release());
    CHECK(!made && adopted.fingerprint() == w.pin);
    auto json = adopted.to_json();
    const auto kept = std::move(json);
    CHECK(json.size() == 0 && json.text().empty() && size_of(json) == 0 && kept.size() > 0);
    tacita::decryptor decryptor(w.spec, w.pin, w.secret);
    w.decryptor = std::move(decryptor);
    FAILS(NULL_POINTER, "decryptor", decryptor.decrypt(w.response, w.request));
    auto predictions = w.decryptor.decrypt(w.response, w.request);
    const auto last = std::move(predictions);
    FAILS(NULL_POINTER, "predictions", predictions.logits(0));
    CHECK(last.logits(0).size() == 2);
    // What things were made from may go before them.
    std::optional<tacita::encryptor> encryptor;
    {
        const auto spec = w.model.spec();
        const auto key = tacita::secret_key::from_json(w.secret.to_json());
        encryptor.emplace(spec, spec.fingerprint(), key);
    }
    check_request(w, encryptor->encrypt(RECORD), RECORD);
}

void keys(const world &w) {
    const temporary plain("key.json"), encrypted("key.age");
    const tacita::passphrase horse("correct horse");
    static_assert(!std::is_convertible_v<const char *, tacita::passphrase>, "a path is none");
    static_assert(!std::is_convertible_v<tacita::passphrase, std::string>, "it is no path");
    const auto json = w.secret.to_json();
    w.secret.save(plain.path);
    FAILS(IO, plain.path.c_str(), w.secret.save(plain.path));
    CHECK(tacita::secret_key::load(plain.path).to_json().text() == json.text());
    CHECK(!tacita::secret_key::is_encrypted(json));
    FAILS(ARGUMENT, "", w.secret.to_encrypted(tacita::passphrase("")));
    FAILS(IO, "", tacita::secret_key::load_encrypted(encrypted.path, horse));
    if (thorough) {
        w.secret.save_encrypted(encrypted.path, horse);
        const auto file = read(encrypted.path);
        CHECK(tacita::secret_key::is_encrypted(file));
        CHECK(tacita::secret_key::from_encrypted(file, horse).to_json().text() == json.text());
    }
    WATCHED(false, tacita::secret_key::generate(4096, told));
    FAILS(KEY_SIZE, "", tacita::secret_key::generate(1024));

    const auto public_json = w.key.to_json();
    const auto same = tacita::public_key::from_json(public_json);
    const auto print = w.key.fingerprint();
    CHECK(same.fingerprint() == print && same.bits() == 2048 && w.key.proof().size() == 11 * 256);
    CHECK(tacita::public_key::from_json_verified_before(public_json.text(), print).bits() == 2048);
    FAILS(KEY_MISMATCH, "", tacita::public_key::from_json_verified_before(public_json, w.pin));
    CHECK(print.hex().size() == 64 && tacita::fingerprint::from_hex(print.hex()) == print);
    FAILS(MALFORMED, "", tacita::fingerprint::from_hex(print.hex() + "0"));
    const auto slow = w.secret.on("portable").with_table_memory(1 << 20);
    CHECK(slow.public_key().backend() == "portable");
    const auto slow_public = w.key.on("portable").with_table_memory(1 << 20);
    CHECK(slow_public.backend() == "portable" && slow_public.fingerprint() == print);
    FAILS(BACKEND, "abacus", w.key.on("abacus"));
}

void specs(const world &w) {
    const auto range = w.spec.feature_range(0);
    CHECK(range.least < 1 && range.greatest > 254 && range.step > 0);
    CHECK(w.spec.feature_name(2) == "x_2" && w.spec.feature_index("x_2") == 2);
    CHECK(w.spec.label_count() == 2 && !w.spec.model_name().empty() && w.spec.activation() == "softmax");
    CHECK(w.spec.logit_error() >= 0 && w.spec.slot_bits() <= 62);
    const std::uint32_t most = w.spec.layout_together(w.spec.layout_count() - 1);
    CHECK(most == 3 && w.spec.layout_together(0) == 1 && w.spec.best_layout(2048, 1) <= 3);
    const auto traffic = w.spec.ciphertexts(1, 2048, 1);
    CHECK(traffic.up == 3 && traffic.down == 1);
}

void requests(const world &w) {
    const auto bare = w.request.without_key();
    CHECK(w.request.has_key() && !bare.has_key() && bare.id() == w.request.id() && w.response.id() == bare.id());
    CHECK(bare.records() == 1 && bare.together() == 1 && w.response.records() == 1);
    CHECK(bare.ciphertext_bytes() == 3 * 512 && w.response.ciphertext_bytes() == 512);
    CHECK(bare.key_fingerprint() == w.key.fingerprint() && bare.spec_fingerprint() == w.pin);
    check_request(w, tacita::request::from_bytes(bare.to_bytes()), RECORD);
    check_response(w, w.request, tacita::response::from_bytes(w.response.to_bytes()), RECORD);

    // Messages in a row.
    const auto first = w.request.to_bytes(), second = bare.to_bytes();
    bytes both(first.begin(), first.end());
    both.insert(both.end(), second.begin(), second.end());
    tacita::byte_view rest = both;
    CHECK(tacita::request::read_next(rest).has_key() && rest.size() == second.size());
    CHECK(!tacita::request::read_next(rest).has_key() && rest.empty());
    const auto answer = w.response.to_bytes();
    rest = answer;
    CHECK(tacita::response::read_next(rest).records() == 1 && rest.empty());
    rest = both;
    FAILS(MALFORMED, "", tacita::response::read_next(rest));
    CHECK(rest.size() == both.size());
    FAILS(CUT_OR_PADDED, "", tacita::request::from_bytes(both));

    const temporary file("keys");
    auto remembered = tacita::verified_keys::open(file.path);
    CHECK(remembered.admit(w.request).bits() == 2048 && remembered.count() == 1);
    CHECK(tacita::verified_keys::open(file.path).count() == 1);
    tacita::verified_keys verified;
    CHECK(verified.admit(bare, w.key.to_json()).fingerprint() == w.key.fingerprint() && verified.count() == 1);
    verified.pin(w.other_secret.public_key().fingerprint());
    FAILS(KEY_MISMATCH, "", verified.admit(w.request));
}

void encryptors(const world &w) {
    const std::array<double, 6> two{1, 2, 3, 4, 5, 6};
    tacita::records filled(w.spec);
    filled.set("x_2", 3);
    FAILS(FEATURE_TWICE, "x_2", filled.set("x_2", 4711));
    filled.set("x_0", 1);
    FAILS(FEATURE_MISSING, "x_1", filled.end_record());
    filled.set("x_1", 2);
    filled.end_record();
    filled.set_run("x", std::vector<double>{4, 5, 6});
    filled.end_record();
    CHECK(filled.count() == 2);
    check_request(w, w.encryptor.encrypt(filled), two);
    WATCHED(true, w.encryptor.encrypt(filled, told));
    WATCHED(true, w.encryptor.encrypt(two, 2, told));
    check_request(w, w.encryptor.encrypt(two, 2, nullptr), two);
    filled.clear();
    CHECK(filled.count() == 0);

    const tacita::encryptor open(w.spec, w.pin, w.key);
    FAILS(SPEC_MISMATCH, "", tacita::encryptor(w.other_spec, w.pin, w.key));
    check_request(w, open.encrypt(RECORD), RECORD);
    check_request(w, open.with_clamping().encrypt(std::vector<double>{-4711, 2, 4711}), std::vector<double>{0, 2, 255});
    check_request(w, w.encryptor.with_nonces(tacita::nonces::power).encrypt(RECORD), RECORD);
    const auto together = w.encryptor.with_layout(3).encrypt(RECORD);
    CHECK(together.together() == 3 && together.ciphertext_bytes() == 512);
    check_request(w, together, RECORD);
    CHECK(open.records_per_request() >= open.capacity() && open.capacity() > 1);

    const tacita::nonce_pool pool(w.secret, tacita::nonces::quickest, 6), public_pool(w.key, tacita::nonces::power, 1);
    pool.fill();
    CHECK(pool.size().filled == 6 && pool.size().capacity == 6);
    check_request(w, w.encryptor.with_pool(pool).encrypt(RECORD), RECORD);
    CHECK(pool.statistics().hits == 3 && pool.statistics().misses == 0 && pool.statistics().precomputed >= 6);
    if (thorough) {
        // More than the background makes before the fill begins.
        WATCHED(false, tacita::nonce_pool(w.secret, tacita::nonces::secret_base, 4000).fill(told));
    }
    w.evaluator.set_pool(public_pool);
    check_request(w, w.request, RECORD);
    w.evaluator.remove_pool(w.key.fingerprint());
    const auto counts = public_pool.statistics();
    CHECK(counts.hits + counts.misses == 1);
}

void models(const world &w) {
    const auto file = w.model.to_bytes();
    CHECK(tacita::model::from_bytes(file).spec().fingerprint() == w.pin);
    const char *description =
        R"({"name": "small", "features": [{"name": "x", "count": 3, "offset": 0, "step": 1, "least": 0,
            "greatest": 255}], "labels": ["a", "b"]})";
    const auto made = tacita::model::compile(read(folder + "/network.safetensors"), description);
    const auto &compiled = made.first;
    CHECK(made.second.text().find("\"logit_error\":") != std::string_view::npos && compiled.spec().label(1) == "b");
    CHECK(compiled.report().text().find("\"weights\":") != std::string_view::npos);
    FAILS(MALFORMED, "", tacita::model::compile("", description));
    try {
        (void)tacita::model::compile("", R"({"a\u0000bbbbbbbbbbbbbbbbbbbb": 1})");
        CHECK(false);
    } catch (const tacita::error &error) {
        // A NUL in the description is none in the detail, which is the end of the whole text.
        const std::string_view what = error.what(), detail = error.detail();
        CHECK(detail.find("bbb") != std::string_view::npos && what.data() + what.size() == detail.data() + detail.size());
    }
    WATCHED(true, compiled.with_plan(2, told));
    CHECK(tacita::evaluator(compiled.with_plan(2)).multiplications(2) > 0);
    WATCHED(true, tacita::evaluator(w.model).prepare(3, told));
    FAILS(ARGUMENT, "", w.evaluator.prepare(4));
    FAILS(TOO_LARGE, "", tacita::evaluator(w.model, 0).evaluate(w.request, w.key));
    WATCHED(true, w.evaluator.evaluate(w.request, w.key, told));
}

void plans(const world &w) {
    const auto costs = tacita::costs::measure(w.secret);
    const auto plan = tacita::plan(w.spec, costs, 100, tacita::plan_with::pools);
    CHECK(plan.text().find("\"records\":100") != std::string_view::npos);
    // Whether there is anything to search for, and so to hear, depends on the costs.
    const auto go_on = [](std::uint64_t done, std::uint64_t expected) { return done <= expected; };
    const auto better = tacita::plan(tacita::evaluator(w.model), costs, 1, tacita::plan_with::secret_key, go_on);
    CHECK(better.text().find("\"best\":") != std::string_view::npos);
    FAILS(ARGUMENT, "", tacita::plan(w.spec, costs, 0, tacita::plan_with::public_key));
}

// Requests side by side fail and succeed each by itself.
void many(const world &w) {
    const auto other = w.other_secret.public_key();
    const std::vector<tacita::evaluator::job> jobs{{w.request, w.key}, {w.request, other}, {w.request, w.key}};
    const auto outcomes = w.evaluator.evaluate_many(jobs);
    CHECK(tacita::last_error_detail().find("key mismatch") != std::string::npos);
    CHECK(outcomes.size() == 3 && outcomes[1].status == TACITA_STATUS_KEY_MISMATCH && !outcomes[1].response);
    for (const auto *outcome : {&outcomes[0], &outcomes[2]}) {
        CHECK(outcome->status == TACITA_STATUS_SUCCESS && outcome->response);
        check_response(w, w.request, outcome->response.value(), RECORD);
    }
    CHECK(w.evaluator.evaluate_many({}).empty());
    WATCHED(true, w.evaluator.evaluate_many(jobs, told));
}

// One encryptor, evaluator, decryptor and list of verified keys for all threads.
void shared(const world &w) {
    tacita::verified_keys verified;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&, i] {
            const std::array<double, 3> record{1.0 * i, 2.0 * i, 255};
            const auto request = w.encryptor.encrypt(record);
            const auto key = verified.admit(request);
            check_response(w, request, w.evaluator.evaluate(request, key), record);
            FAILS(OUT_OF_RANGE, "x_0", w.encryptor.encrypt(std::vector<double>{4711, 0, 0}));
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK(verified.count() == 1);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    folder = argv[1];
    thorough = argc < 3 || std::string(argv[2]) == "1";
    library();
    {
        world w;
        views(w);
        errors(w);
        moves(w);
        keys(w);
        specs(w);
        requests(w);
        encryptors(w);
        models(w);
        if (thorough) {
            plans(w);
        }
        many(w);
        shared(w);
    }
    std::printf("%lu checks, %lu failed\n", checks.load(), failures.load());
    return failures > 0;
}
