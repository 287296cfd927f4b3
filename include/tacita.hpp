/*
 * tacita: predictions on encrypted records. The C++17 API: the C API with owners, exceptions and callables. What a call
 * does, its limits, and what it fails with are told in tacita.h under the name that the function calls here.
 *
 * - Everything is inline: this header has no ABI of its own, and a program links to the C library alone.
 * - Each noun is a class that owns one handle, and can be moved but not copied. Objects depend on nothing that they
 *   were made from. A moved-from object is empty: destroy it or assign to it, since any other use throws `error` with
 *   TACITA_STATUS_NULL_POINTER; only `bytes`, whose functions cannot fail, are of size 0 then.
 * - Threads: what a handle owns does not change once it is made, so any number of threads may use the same object. This
 *   holds for `verified_keys` too, whose calls wait for each other. So do those of `records`, but a record takes several of
 *   them: threads that filled one object together would mix their records. Only moving, assigning and destroying
 *   an object need it for themselves. Each thread has an error detail of its own.
 * - Text is UTF-8, paths included. Keys, records and passphrases in the caller's memory are the caller's to overwrite.
 */

#ifndef TACITA_HPP
#define TACITA_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#if __has_include(<version>)
#include <version>
#endif
#ifdef __cpp_lib_span
#include <span>
#endif

#include "tacita.h"

namespace tacita {

/// What there is to say about the last call of this thread that failed. Exceptions carry it already; it is of use after
/// `evaluator::evaluate_many`, which reports without them.
inline std::string last_error_detail() {
    std::string detail(tacita_last_error_detail(nullptr, 0) + 1, '\0');
    detail.resize(tacita_last_error_detail(detail.data(), detail.size()));
    return detail;
}

/// What a status means, in text that is there as long as the program runs.
inline std::string_view status_text(tacita_status status) { return tacita_status_text(static_cast<int>(status)); }

/// A call that failed. Its text never shows a value of a record or a part of a secret key. There is one copy of it, in
/// `std::runtime_error`, so that copying an exception throws none.
class error : public std::runtime_error {
  public:
    explicit error(tacita_status status, const std::string &detail = last_error_detail())
        : std::runtime_error(sentence(status, detail)), status_(status),
          detail_at_(sentence(status, detail).size() - detail.size()) {}

    tacita_status status() const noexcept { return status_; }

    /// Which argument, feature or file it was: the end of `what()`, empty where there is nothing to say.
    const char *detail() const noexcept { return what() + detail_at_; }

  private:
    static std::string sentence(tacita_status status, const std::string &detail) {
        std::string text = "error " + std::to_string(static_cast<int>(status)) + ": ";
        return text.append(status_text(status)).append(detail.empty() ? "" : ": ").append(detail);
    }

    tacita_status status_;
    std::size_t detail_at_;
};

/// Values in a row, to be read, which belong to somebody else: as much of C++20's `std::span` as is needed here, from and to
/// which it converts. It is the same type in every standard, so that parts of a program can be compiled by different ones.
template <typename T>
class view {
    /// Containers and arrays of `T` itself: a pointer to a class derived from it would convert too, and step wrongly.
    template <typename C>
    using element = std::remove_pointer_t<decltype(std::data(std::declval<const C &>()))>;
    template <typename C>
    using if_holds = std::enable_if_t<std::is_convertible_v<element<C> (*)[], const T (*)[]>>;

  public:
    constexpr view() noexcept = default;
    constexpr view(const T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <typename C, typename = if_holds<C>>
    constexpr view(const C &values) : data_(std::data(values)), size_(std::size(values)) {}
    /// As in `encrypt({71, 1})`: a list lives as long as the call that it is written in, so keep no view of one.
    constexpr view(std::initializer_list<T> values) noexcept : view(values.begin(), values.size()) {}

    constexpr const T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const T *begin() const noexcept { return data_; }
    constexpr const T *end() const noexcept { return data_ + size_; }
    constexpr const T &operator[](std::size_t index) const { return data_[index]; }
    constexpr view subspan(std::size_t offset) const { return view(data_ + offset, size_ - offset); }
#ifdef __cpp_lib_span
    constexpr operator std::span<const T>() const noexcept { return {data_, size_}; }
#endif

  private:
    const T *data_ = nullptr;
    std::size_t size_ = 0;
};

/// Bytes to be read, made from what a view is made from, or from text, in which JSON and passphrases mostly come. An
/// array of `char` is text too, and ends before its first NUL.
class byte_view : public view<std::uint8_t> {
    using base = view<std::uint8_t>;
    template <typename V>
    static constexpr bool is_source =
        std::is_convertible_v<const V &, base> || std::is_convertible_v<const V &, std::string_view>;

  public:
    constexpr byte_view() noexcept = default;
    constexpr byte_view(const std::uint8_t *data, std::size_t size) noexcept : base(data, size) {}
    template <typename V, typename = std::enable_if_t<is_source<V>>>
    byte_view(const V &values) : base(of(values)) {}

  private:
    static base of(base bytes) { return bytes; }
    static base of(std::string_view text) { return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()}; }
};

/// The passphrase of a key file: a type of its own, so that none is taken for a path or a file. It shows the caller's memory.
class passphrase : public byte_view {
  public:
    explicit passphrase(byte_view text) : byte_view(text) {}
};

/// Called now and then during long work, on the thread that asked for it: `done` steps of about `expected` are done.
/// Returning false cancels the work, which throws `error` with TACITA_STATUS_CANCELLED. Throwing cancels it too; then
/// what was thrown comes out, once the library is left. An empty one hears nothing. It may use this library.
/// A callable has to return `bool` itself: a number would mean the opposite of what it means in C.
struct progress : std::function<bool(std::uint64_t done, std::uint64_t expected)> {
    progress() = default;
    progress(std::nullptr_t) {}
    template <typename F,
              typename = std::enable_if_t<std::is_same_v<std::invoke_result_t<F &, std::uint64_t, std::uint64_t>, bool>>>
    progress(F told) : function(std::move(told)) {}
};

namespace c {
/// A handle that the C API gave out just now, on the way to its owner.
template <typename T>
struct given {
    T *raw;
};
}  // namespace c

/// Owns a handle of the C API.
template <typename T, void (*Free)(T *)>
class handle {
  public:
    /// Takes over what the C API gave out.
    explicit handle(T *owned) noexcept : owned_(owned) {}
    handle(c::given<T> owned) noexcept : owned_(owned.raw) {}

    /// For calls to the C API. It stays this object's, and is NULL if this was moved from.
    T *get() noexcept { return owned_.get(); }
    const T *get() const noexcept { return owned_.get(); }

    /// Gives it away, to be freed by the caller.
    T *release() noexcept { return owned_.release(); }

    /// False if this was moved from.
    explicit operator bool() const noexcept { return owned_ != nullptr; }

  private:
    struct deleter {
        void operator()(T *owned) const noexcept { Free(owned); }
    };

    std::unique_ptr<T, deleter> owned_;
};

/// How all that follows calls the C API: with arguments as C takes them, results returned, and failures thrown. This is
/// for this header alone.
namespace c {

/// Keeps what a callable throws while there are frames of the library, which nothing may be thrown across.
struct listener {
    explicit listener(const progress &progress) : told(progress) {}

    static int tell(void *user_data, std::uint64_t done, std::uint64_t expected) noexcept {
        auto &self = *static_cast<listener *>(user_data);
        try {
            return self.told(done, expected) ? 0 : 1;
        } catch (...) {
            self.thrown = std::current_exception();
            return 1;
        }
    }

    const progress &told;
    std::exception_ptr thrown;
};

inline std::tuple<tacita_progress, void *> as_c(listener &here) {
    return {here.told ? listener::tell : nullptr, &here};
}

template <typename T, void (*Free)(T *)>
std::tuple<T *> as_c(handle<T, Free> &owner) {
    return owner.get();
}

template <typename T, void (*Free)(T *)>
std::tuple<const T *> as_c(const handle<T, Free> &owner) {
    return owner.get();
}

/// An empty container may begin at NULL, which the C API does not take.
template <typename T>
std::tuple<const T *, std::size_t> as_c(view<T> values) {
    static constexpr T nothing{};
    return {values.empty() ? &nothing : values.data(), values.size()};
}

inline auto as_c(const byte_view &bytes) { return as_c<std::uint8_t>(bytes); }

inline std::tuple<const std::uint8_t *> as_c(const std::array<std::uint8_t, TACITA_FINGERPRINT_LEN> &digest) {
    return digest.data();
}

/// A NUL inside would end the text there for C, and make it another name or path.
inline std::tuple<const char *> as_c(const std::string &text) {
    if (text.find('\0') != std::string::npos) {
        throw error(TACITA_STATUS_MALFORMED, "text with a NUL inside");
    }
    return text.c_str();
}

template <typename T, typename = std::enable_if_t<std::is_scalar_v<T>>>
auto as_c(const T &value) {
    if constexpr (std::is_enum_v<T>) {
        return std::tuple(static_cast<std::underlying_type_t<T>>(value));
    } else {
        return std::tuple(value);
    }
}

inline void rethrow(const listener &here) {
    if (here.thrown) {
        std::rethrow_exception(here.thrown);
    }
}

template <typename T>
void rethrow(const T &) {}

template <typename Function, typename... Arguments>
void call(Function function, Arguments &&...arguments) {
    const tacita_status status = std::apply(function, std::tuple_cat(as_c(arguments)...));
    if (status != TACITA_STATUS_SUCCESS) {
        (rethrow(arguments), ...);
        throw error(status);
    }
}

/// What a function writes to its last parameter: a handle, a number, or a text that stays.
template <typename... Parameters, typename... Arguments>
auto get(tacita_status (*function)(Parameters...), Arguments &&...arguments) {
    std::remove_pointer_t<std::tuple_element_t<sizeof...(Parameters) - 1, std::tuple<Parameters...>>> out{};
    using value = std::remove_pointer_t<decltype(out)>;
    static_assert(sizeof out > 1, "this is the first of several bytes");
    call(function, std::forward<Arguments>(arguments)..., &out);
    if constexpr (std::is_pointer_v<decltype(out)> && !std::is_const_v<value>) {
        return given<value>{out};
    } else {
        return out;
    }
}

/// The bytes or characters that a function writes, always as many.
template <typename Array, typename Function, typename... Arguments>
Array get_array(Function function, const Arguments &...arguments) {
    Array out{};
    call(function, arguments..., out.data());
    return out;
}

template <typename Function, typename... Arguments>
std::string get_name(Function function, const Arguments &...arguments) {
    std::array<char, TACITA_NAME_CAPACITY> out{};
    call(function, arguments..., out.data(), out.size());
    return out.data();
}

/// Reads the first of several messages in a row, and takes it off them.
template <typename Function>
auto get_next(Function function, byte_view &rest) {
    std::size_t used = 0;
    auto first = get(function, rest, &used);
    rest = rest.subspan(used);
    return first;
}

}  // namespace c

/// Whether a library of this version number has what this header calls: it is not older, and its first number is the same, while
/// that is 0 the second one too.
constexpr bool is_compatible(std::uint32_t library) noexcept {
    constexpr std::uint32_t header = TACITA_VERSION_NUMBER;
    return library >= header && library / 1000000 == header / 1000000 &&
           (header >= 1000000 || library / 1000 == header / 1000);
}

static_assert(TACITA_VERSION_MAJOR == 0 && TACITA_VERSION_MINOR == 1, "tacita.hpp is written for tacita.h 0.1");

inline std::uint32_t version_number() { return tacita_version_number(); }
inline std::string_view version() { return tacita_version(); }

/// Throws if the library that was found at run time does not belong to this header.
inline void check_version() {
    if (!is_compatible(version_number())) {
        throw std::runtime_error("the library of version " + std::string(version()) + " does not belong to the header");
    }
}

/// Sets how many threads the library works with, 0 for one a processor: before anything else is called.
inline void set_threads(std::size_t threads) { c::call(tacita_set_threads, threads); }
inline std::size_t threads() { return c::get(tacita_threads); }

/// The engines of this machine and this build, the slowest first.
inline std::vector<std::string_view> backends() {
    std::vector<std::string_view> names;
    for (const char *name; tacita_backend_name(names.size(), &name) == TACITA_STATUS_SUCCESS;) {
        names.emplace_back(name);
    }
    return names;
}

/// The engine that keys made from now on compute with.
inline std::string_view backend() { return c::get(tacita_backend); }

/// Throws if the library does not compute rightly on this machine.
inline void self_test() { c::call(tacita_self_test); }

/// Bytes that the library gave out. They convert to views, and are overwritten when they are destroyed.
class bytes : public handle<tacita_bytes, tacita_bytes_free> {
  public:
    using handle::handle;

    const std::uint8_t *data() const noexcept { return tacita_bytes_data(get()); }
    std::size_t size() const noexcept { return tacita_bytes_len(get()); }
    const std::uint8_t *begin() const noexcept { return data(); }
    const std::uint8_t *end() const noexcept { return data() + size(); }

    /// The same bytes as text, as long as this object is there.
    std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data()), size()}; }
};

/// A SHA-256 digest that names a key or a spec.
struct fingerprint : std::array<std::uint8_t, TACITA_FINGERPRINT_LEN> {
    static fingerprint from_hex(const std::string &hex) {
        return c::get_array<fingerprint>(tacita_fingerprint_from_hex, hex);
    }
    std::string hex() const {
        return c::get_array<std::array<char, TACITA_FINGERPRINT_HEX_LEN>>(tacita_fingerprint_to_hex, *this).data();
    }
};

/// The random name of a request, which its response repeats.
using request_id = std::array<std::uint8_t, TACITA_REQUEST_ID_LEN>;

/// How nonces are drawn.
enum class nonces : std::uint32_t {
    quickest = TACITA_NONCES_QUICKEST,
    power = TACITA_NONCES_POWER,
    public_base = TACITA_NONCES_PUBLIC_BASE,
    secret_base = TACITA_NONCES_SECRET_BASE,
    random_bases = TACITA_NONCES_RANDOM_BASES,
};

/// A public key that may be used: its proof was verified, or its secret key is at hand.
class public_key : public handle<tacita_public_key, tacita_public_key_free> {
  public:
    using handle::handle;

    /// Verifies the key's proof, in some tenth of a second. Whose key it is, only its fingerprint can show.
    static public_key from_json(byte_view json) { return c::get(tacita_public_key_from_json, json); }

    /// Believes the fingerprint that it is the key whose proof was verified.
    static public_key from_json_verified_before(byte_view json, const tacita::fingerprint &verified) {
        return c::get(tacita_public_key_from_json_verified_before, json, verified);
    }

    bytes to_json() const { return c::get(tacita_public_key_to_json, *this); }
    bytes proof() const { return c::get(tacita_public_key_proof, *this); }
    std::uint32_t bits() const { return c::get(tacita_public_key_bits, *this); }
    std::string_view backend() const { return c::get(tacita_public_key_backend, *this); }
    tacita::fingerprint fingerprint() const {
        return c::get_array<tacita::fingerprint>(tacita_public_key_fingerprint, *this);
    }

    /// The same key, which computes with the engine of this name.
    [[nodiscard]] public_key on(const std::string &engine) const { return c::get(tacita_public_key_new_on, *this, engine); }

    /// The same key, whose tables for encryption take at most about so many bytes each.
    public_key with_table_memory(std::size_t table_bytes) const {
        return c::get(tacita_public_key_new_with_table_memory, *this, table_bytes);
    }
};

/// A secret key, which decrypts. Its numbers are overwritten as soon as nothing made from it uses them any more.
class secret_key : public handle<tacita_secret_key, tacita_secret_key_free> {
  public:
    using handle::handle;

    /// Makes a key of 2048, 3072 or 4096 bits, in tenths of a second or a few seconds. `told` hears how many candidates for its primes were tested.
    static secret_key generate(std::uint32_t bits = 3072, const progress &told = {}) {
        return c::get(tacita_secret_key_generate, bits, c::listener(told));
    }

    static secret_key from_json(byte_view json) { return c::get(tacita_secret_key_from_json, json); }
    static secret_key load(const std::string &path) { return c::get(tacita_secret_key_load, path); }

    /// Each guess of a passphrase, the right one too, takes half a second and 256 MB.
    static secret_key from_encrypted(byte_view file, const passphrase &under) {
        return c::get(tacita_secret_key_from_encrypted, file, under);
    }
    static secret_key load_encrypted(const std::string &path, const passphrase &under) {
        return c::get(tacita_secret_key_load_encrypted, path, under);
    }
    static bool is_encrypted(byte_view file) { return c::get(tacita_secret_key_is_encrypted, file) != 0; }

    /// Whoever sees this can decrypt.
    bytes to_json() const { return c::get(tacita_secret_key_to_json, *this); }
    bytes to_encrypted(const passphrase &under) const { return c::get(tacita_secret_key_to_encrypted, *this, under); }

    /// Makes a file that only its owner may read, and never overwrites one.
    void save(const std::string &path) const { c::call(tacita_secret_key_save, *this, path); }
    void save_encrypted(const std::string &path, const passphrase &under) const {
        c::call(tacita_secret_key_save_encrypted, *this, under, path);
    }

    /// The same key, which computes with the engine of this name, as does everything made from it.
    [[nodiscard]] secret_key on(const std::string &engine) const { return c::get(tacita_secret_key_new_on, *this, engine); }

    /// The same key, whose tables for encryption take at most about so many bytes each.
    secret_key with_table_memory(std::size_t table_bytes) const {
        return c::get(tacita_secret_key_new_with_table_memory, *this, table_bytes);
    }

    tacita::public_key public_key() const { return c::get(tacita_secret_key_public_key, *this); }
};

/// The public spec of a model: its input features with their ranges, the labels of its outputs, and how to read them.
class spec : public handle<tacita_spec, tacita_spec_free> {
  public:
    using handle::handle;

    /// Values between the ends are rounded to a grid with neighbours `step` apart.
    struct range { double least, greatest, step; };
    /// The ciphertexts of a request and of its response.
    struct traffic { std::uint64_t up, down; };

    static spec from_json(byte_view json) { return c::get(tacita_spec_from_json, json); }
    static spec load(const std::string &path) { return c::get(tacita_spec_load, path); }
    bytes to_json() const { return c::get(tacita_spec_to_json, *this); }

    /// Not to be taken for the pin of an encryptor or decryptor, which has to come from elsewhere than the spec.
    tacita::fingerprint fingerprint() const {
        return c::get_array<tacita::fingerprint>(tacita_spec_fingerprint, *this);
    }

    std::size_t feature_count() const { return c::get(tacita_spec_feature_count, *this); }
    std::string feature_name(std::size_t index) const { return c::get_name(tacita_spec_feature_name, *this, index); }
    std::size_t feature_index(const std::string &feature) const {
        return c::get(tacita_spec_feature_index, *this, feature);
    }
    range feature_range(std::size_t index) const {
        range out{};
        c::call(tacita_spec_feature_range, *this, index, &out.least, &out.greatest, &out.step);
        return out;
    }

    std::size_t label_count() const { return c::get(tacita_spec_label_count, *this); }
    std::string label(std::size_t index) const { return c::get_name(tacita_spec_label, *this, index); }
    std::string model_name() const { return c::get_name(tacita_spec_model_name, *this); }
    std::string_view activation() const { return c::get(tacita_spec_activation, *this); }
    double logit_error() const { return c::get(tacita_spec_logit_error, *this); }
    std::uint32_t slot_bits() const { return c::get(tacita_spec_slot_bits, *this); }

    /// A layout goes by how many features of a record share a ciphertext: 1 in the first, the records layout.
    std::size_t layout_count() const { return c::get(tacita_spec_layout_count, *this); }
    std::uint32_t layout_together(std::size_t index) const { return c::get(tacita_spec_layout_together, *this, index); }

    /// A rule of thumb; `plan` knows better.
    std::uint32_t best_layout(std::uint32_t key_bits, std::size_t count) const {
        return c::get(tacita_spec_best_layout, *this, key_bits, count);
    }

    traffic ciphertexts(std::uint32_t together, std::uint32_t key_bits, std::size_t count) const {
        traffic out{};
        c::call(tacita_spec_ciphertexts, *this, together, key_bits, count, &out.up, &out.down);
        return out;
    }
};

/// Records for one model, filled in by the names of their features: whoever does not know the order cannot get it
/// wrong. Their values are overwritten when they are destroyed.
class records : public handle<tacita_records, tacita_records_free> {
  public:
    using handle::handle;

    explicit records(const spec &of) : handle(c::get(tacita_records_new, of)) {}

    /// The first value begins a record. Whether it is in range is seen when the record is encrypted.
    void set(const std::string &feature, double value) { c::call(tacita_records_set, *this, feature, value); }

    /// Sets `prefix_0`, `prefix_1` and so on.
    void set_run(const std::string &prefix, view<double> values) {
        c::call(tacita_records_set_run, *this, prefix, values);
    }

    /// Where features are missing, this throws, and they can still be set.
    void end_record() { c::call(tacita_records_end_record, *this); }

    /// How many were ended.
    std::size_t count() const { return c::get(tacita_records_count, *this); }

    void clear() { c::call(tacita_records_clear, *this); }
};

/// Nonces of one key, made in the background and used once each: whoever finds them there encrypts in a tenth of the
/// time. In a child process after `fork` it is an empty one.
class nonce_pool : public handle<tacita_nonce_pool, tacita_nonce_pool_free> {
  public:
    using handle::handle;

    struct level { std::size_t filled, capacity; };
    /// Nonces that were made ahead of time, those of them that were used, and those that somebody had to wait for.
    struct counts { std::uint64_t precomputed, hits, misses; };

    nonce_pool(const public_key &key, nonces method, std::size_t capacity)
        : handle(c::get(tacita_nonce_pool_new_with_public_key, key, method, capacity)) {}

    /// Draws with the secret key, in six to nine tenths of the time.
    nonce_pool(const secret_key &key, nonces method, std::size_t capacity)
        : handle(c::get(tacita_nonce_pool_new_with_secret_key, key, method, capacity)) {}

    /// Fills it now. A fill that is cancelled keeps the nonces that are there.
    void fill(const progress &told = {}) const { c::call(tacita_nonce_pool_fill, *this, c::listener(told)); }

    level size() const {
        level out{};
        c::call(tacita_nonce_pool_size, *this, &out.filled, &out.capacity);
        return out;
    }

    counts statistics() const {
        counts out{};
        c::call(tacita_nonce_pool_statistics, *this, &out.precomputed, &out.hits, &out.misses);
        return out;
    }
};

/// Encrypted records, with the public key that they are encrypted under. Decrypting the response needs them again.
class request : public handle<tacita_request, tacita_request_free> {
  public:
    using handle::handle;

    static request from_bytes(byte_view message) { return c::get(tacita_request_from_bytes, message); }

    /// Reads the first of several messages in a row and takes it off `rest`, which stays as it is if this throws.
    static request read_next(byte_view &rest) { return c::get_next(tacita_request_read_next, rest); }

    bytes to_bytes() const { return c::get(tacita_request_to_bytes, *this); }
    request_id id() const { return c::get_array<request_id>(tacita_request_id, *this); }
    std::size_t records() const { return c::get(tacita_request_records, *this); }
    fingerprint key_fingerprint() const { return c::get_array<fingerprint>(tacita_request_key_fingerprint, *this); }
    fingerprint spec_fingerprint() const { return c::get_array<fingerprint>(tacita_request_spec_fingerprint, *this); }
    std::uint32_t together() const { return c::get(tacita_request_together, *this); }
    std::size_t ciphertext_bytes() const { return c::get(tacita_request_ciphertext_bytes, *this); }
    bool has_key() const { return c::get(tacita_request_has_key, *this) != 0; }

    /// The same request, for a service that has the key: some kilobytes less.
    [[nodiscard]] request without_key() const { return c::get(tacita_request_new_without_key, *this); }
};

/// Encrypts records for one model under one key. `pin` is the fingerprint of the spec as it was agreed on, apart from
/// the service, which could otherwise learn from ranges of its choice.
class encryptor : public handle<tacita_encryptor, tacita_encryptor_free> {
  public:
    using handle::handle;

    encryptor(const spec &of, const fingerprint &pin, const public_key &key)
        : handle(c::get(tacita_encryptor_new_with_public_key, of, pin, key)) {}

    /// Encrypts in six to nine tenths of the time.
    encryptor(const spec &of, const fingerprint &pin, const secret_key &key)
        : handle(c::get(tacita_encryptor_new_with_secret_key, of, pin, key)) {}

    /// The same with `together` features of a record in each ciphertext: fewer go up, perhaps more come down.
    [[nodiscard]] encryptor with_layout(std::uint32_t together) const {
        return c::get(tacita_encryptor_new_with_layout, *this, together);
    }

    /// The same, which takes the end of the range for a value outside it, instead of refusing the record.
    [[nodiscard]] encryptor with_clamping() const { return c::get(tacita_encryptor_new_with_clamping, *this); }

    [[nodiscard]] encryptor with_nonces(nonces method) const {
        return c::get(tacita_encryptor_new_with_nonces, *this, method);
    }

    /// Takes nonces from the pool, which draws by the method that was asked for, if one was.
    [[nodiscard]] encryptor with_pool(const nonce_pool &pool) const {
        return c::get(tacita_encryptor_new_with_pool, *this, pool);
    }

    /// How many records one set of ciphertexts has room for, at the price of one.
    std::size_t capacity() const { return c::get(tacita_encryptor_capacity, *this); }

    /// How many to put into each request, where there are more than one should hold.
    std::size_t records_per_request() const { return c::get(tacita_encryptor_records_per_request, *this); }

    /// `values` are `count` records, one after another, in each one number a feature in the order of the spec.
    request encrypt(view<double> values, std::size_t count = 1) const {
        return c::get(tacita_encryptor_encrypt, *this, values, count);
    }

    /// `told` hears how many ciphertexts are done.
    request encrypt(view<double> values, std::size_t count, const progress &told) const {
        return c::get(tacita_encryptor_encrypt_with_progress, *this, values, count, c::listener(told));
    }

    /// `filled` keeps its records: `clear` it before the next request's, and also after a record was refused.
    request encrypt(const records &filled, const progress &told = {}) const {
        return c::get(tacita_encryptor_encrypt_records, *this, filled, c::listener(told));
    }
};

/// The integer weights of a model, with its public spec.
class model : public handle<tacita_model, tacita_model_free> {
  public:
    using handle::handle;

    static model from_bytes(byte_view file) { return c::get(tacita_model_from_bytes, file); }
    static model load(const std::string &path) { return c::get(tacita_model_load, path); }

    /// Makes a model of a trained network in safetensors, and tells, as JSON text for the model's owner, what the
    /// rounding to integers costs. `description` is the JSON text that tacita.h tells of.
    static std::pair<model, bytes> compile(byte_view network, byte_view description) {
        tacita_model *compiled = nullptr;
        bytes report = c::get(tacita_model_compile, network, description, &compiled);
        return {model(compiled), std::move(report)};
    }

    /// The same with the plan of its multiplications in the layout with `together` features in a ciphertext, which
    /// saves evaluators seconds, or half a minute for a thousand outputs. `told` hears the steps of the search, of which more come to light as it goes on.
    [[nodiscard]] model with_plan(std::uint32_t together, const progress &told = {}) const {
        return c::get(tacita_model_new_with_plan, *this, together, c::listener(told));
    }

    /// For the evaluating side alone, as is `report`.
    bytes to_bytes() const { return c::get(tacita_model_to_bytes, *this); }
    bytes report() const { return c::get(tacita_model_report, *this); }

    tacita::spec spec() const { return c::get(tacita_model_spec, *this); }

    /// The logits of one record without any encryption: what an encrypted evaluation must give, bit for bit.
    std::vector<double> logits(view<double> record) const {
        std::vector<double> out(spec().label_count());
        c::call(tacita_model_logits, *this, record, out.data(), out.size());
        return out;
    }
};

/// Remembers the fingerprints of keys whose proof was verified, in a file if wanted, so that it is done once a key.
class verified_keys : public handle<tacita_verified_keys, tacita_verified_keys_free> {
  public:
    using handle::handle;

    /// In memory only.
    verified_keys() : handle(c::get(tacita_verified_keys_new)) {}

    /// Whoever can write the file can have a bad key accepted.
    static verified_keys open(const std::string &path) { return c::get(tacita_verified_keys_open, path); }

    /// The public key of a request, verified now or before.
    public_key admit(const request &of) { return c::get(tacita_verified_keys_admit, *this, of); }

    /// The same for a request that does not carry its key, which `json` is.
    public_key admit(const request &of, byte_view json) {
        return c::get(tacita_verified_keys_admit_with, *this, of, json);
    }

    /// Accepts requests under this one key only from now on.
    void pin(const fingerprint &key) { c::call(tacita_verified_keys_pin, *this, key); }

    std::size_t count() const { return c::get(tacita_verified_keys_count, *this); }
};

/// Encrypted answers to one request.
class response : public handle<tacita_response, tacita_response_free> {
  public:
    using handle::handle;

    static response from_bytes(byte_view message) { return c::get(tacita_response_from_bytes, message); }

    /// Reads the first of several messages in a row and takes it off `rest`, which stays as it is if this throws.
    static response read_next(byte_view &rest) { return c::get_next(tacita_response_read_next, rest); }

    bytes to_bytes() const { return c::get(tacita_response_to_bytes, *this); }
    request_id id() const { return c::get_array<request_id>(tacita_response_id, *this); }
    std::size_t records() const { return c::get(tacita_response_records, *this); }
    std::size_t ciphertext_bytes() const { return c::get(tacita_response_ciphertext_bytes, *this); }
};

/// Evaluates one private model on encrypted records, of which it learns nothing.
class evaluator : public handle<tacita_evaluator, tacita_evaluator_free> {
  public:
    using handle::handle;

    /// A request and the public key that it names, both kept by the caller.
    struct job {
        job(const tacita::request &of, const public_key &under) noexcept : request(of), key(under) {}
        job(const tacita::request &&, const public_key &) = delete;
        job(const tacita::request &, const public_key &&) = delete;
        job(const tacita::request &&, const public_key &&) = delete;

        const tacita::request &request;
        const public_key &key;
    };

    /// There is a response exactly where the status is success.
    struct outcome {
        tacita_status status;
        std::optional<tacita::response> response;
    };

    /// Takes seconds, or half a minute for a thousand outputs, if the model does not carry the plan of the records layout.
    explicit evaluator(const model &of) : handle(c::get(tacita_evaluator_new, of)) {}

    /// Takes requests of at most so many records, where others take 100,000.
    evaluator(const model &of, std::size_t max_records)
        : handle(c::get(tacita_evaluator_new_with_max_records, of, max_records)) {}

    /// Gets ready for another layout than the records layout now, instead of at the first such request.
    void prepare(std::uint32_t together, const progress &told = {}) const {
        c::call(tacita_evaluator_prepare, *this, together, c::listener(told));
    }

    /// What a set of records takes.
    std::size_t multiplications(std::uint32_t together) const {
        return c::get(tacita_evaluator_multiplications, *this, together);
    }

    /// Takes the nonces of responses under the pool's key from it from now on: those of a set of records all or not at
    /// all, one a ciphertext. No answer changes by that.
    void set_pool(const nonce_pool &pool) const { c::call(tacita_evaluator_set_pool, *this, pool); }
    void remove_pool(const fingerprint &key) const { c::call(tacita_evaluator_remove_pool, *this, key); }

    response evaluate(const request &of, const public_key &key) const {
        return c::get(tacita_evaluator_evaluate, *this, of, key);
    }

    /// `told` hears how many sets of ciphertexts are done.
    response evaluate(const request &of, const public_key &key, const progress &told) const {
        return c::get(tacita_evaluator_evaluate_with_progress, *this, of, key, c::listener(told));
    }

    /// Evaluates requests side by side, so that small ones leave no thread idle. Each succeeds or fails by itself, and
    /// `last_error_detail` tells of the last that failed. `told` hears how many are done.
    std::vector<outcome> evaluate_many(view<job> jobs, const progress &told = {}) const {
        // All memory is had before the call, so that no response can get lost after it. One place too many keeps the
        // vectors from being empty, and so from beginning at NULL.
        const std::size_t places = jobs.size() + 1;
        std::vector<const tacita_request *> requests(places);
        std::vector<const tacita_public_key *> keys(places);
        std::vector<tacita_response *> responses(places);
        std::vector<tacita_status> statuses(places);
        std::vector<outcome> outcomes(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); i++) {
            requests[i] = jobs[i].request.get();
            keys[i] = jobs[i].key.get();
        }
        c::call(tacita_evaluator_evaluate_many, *this, requests.data(), keys.data(), jobs.size(), c::listener(told),
                responses.data(), statuses.data());
        for (std::size_t i = 0; i < jobs.size(); i++) {
            outcomes[i].status = statuses[i];
            if (responses[i] != nullptr) {
                outcomes[i].response.emplace(responses[i]);
            }
        }
        return outcomes;
    }
};

/// The predictions for the records of one request, which are counted from 0. They are overwritten when they are destroyed; the
/// vectors that are got from them are the caller's to overwrite.
class predictions : public handle<tacita_predictions, tacita_predictions_free> {
  public:
    using handle::handle;

    std::size_t records() const { return c::get(tacita_predictions_records, *this); }
    std::size_t label_count() const { return c::get(tacita_predictions_label_count, *this); }

    /// The outputs of the model before softmax or sigmoid.
    std::vector<double> logits(std::size_t record) const {
        std::vector<double> out(label_count());
        c::call(tacita_predictions_logits, *this, record, out.data(), out.size());
        return out;
    }

    std::vector<double> probabilities(std::size_t record) const {
        std::vector<double> out(label_count());
        c::call(tacita_predictions_probabilities, *this, record, out.data(), out.size());
        return out;
    }

    /// The index of the largest logit; a single logit under sigmoid decides between 0 and 1. Classes say nothing where
    /// several labels have a sigmoid or where there is none: read probabilities or logits there.
    std::size_t class_index(std::size_t record) const { return c::get(tacita_predictions_class, *this, record); }
    std::string label(std::size_t record) const { return c::get_name(tacita_predictions_label, *this, record); }
};

/// Decrypts the responses of one model under one key. `pin` is what it is for `encryptor`.
class decryptor : public handle<tacita_decryptor, tacita_decryptor_free> {
  public:
    using handle::handle;

    decryptor(const spec &of, const fingerprint &pin, const secret_key &key)
        : handle(c::get(tacita_decryptor_new, of, pin, key)) {}

    /// One prediction a record, in the request's order. If this throws TACITA_STATUS_DECRYPTION, do not tell the
    /// service, and do not retry automatically: who sees which responses fail can find out by trials what is encrypted.
    predictions decrypt(const response &answer, const request &of) const {
        return c::get(tacita_decryptor_decrypt, *this, answer, of);
    }
};

/// What the parts of the work cost on this machine, under keys of one length.
class costs : public handle<tacita_costs, tacita_costs_free> {
  public:
    using handle::handle;

    /// Works for a second, or a few, on all threads.
    static costs measure(const secret_key &key) { return c::get(tacita_costs_measure, key); }
};

/// What a job that is planned encrypts with.
enum class plan_with : std::uint32_t {
    secret_key = TACITA_PLAN_SECRET_KEY,
    public_key = TACITA_PLAN_PUBLIC_KEY,
    pools = TACITA_PLAN_POOLS,
};

/// Predicts what `count` records take in each layout, the quickest first, as JSON text. `told` hears the steps of
/// searches for plans of multiplications.
inline bytes plan(const evaluator &by, const costs &costs, std::size_t count, plan_with with,
                  const progress &told = {}) {
    return c::get(tacita_plan_for_evaluator, by, costs, count, with, c::listener(told));
}

/// The same for whoever knows the spec alone: all multiplications are estimated.
inline bytes plan(const spec &by, const costs &costs, std::size_t count, plan_with with) {
    return c::get(tacita_plan_for_spec, by, costs, count, with);
}

}  // namespace tacita

#endif  // TACITA_HPP
