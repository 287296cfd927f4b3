/*
 * The hospital and the cloud in two processes, which talk over TCP.
 *
 *   tcp MODEL SPEC FINGERPRINT KEY RECORDS
 *
 * The cloud's process sees MODEL alone, the private model.safetensors; the hospital's sees the rest: SPEC, the model's
 * public spec.json; FINGERPRINT, 64 hexadecimal digits, which must have come from the model's owner by another way than
 * SPEC; KEY, the file of the secret key; RECORDS, numbers separated by white space, as many a record as the model has
 * features. The hospital prints the predictions. Both end with exit code 1 if anything goes wrong on either side.
 *
 * The connection carries frames: a byte that tells the kind, eight bytes that tell the length, highest first, and as
 * many bytes. The hospital sends requests. The cloud answers each with a response, or with a refusal of length 0: what
 * was wrong is said where the cloud runs, and not sent.
 *
 * Nobody on the way can read records or predictions. But that the cloud is the one that was meant, and that the answers
 * are its own, nothing here shows: on a network these frames belong inside TLS.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tacita.hpp"

namespace {

// Of `records_per_request` records the ciphertexts take at most 16 MiB, unless one set of them takes more.
constexpr std::uint64_t MAX_FRAME = 64 << 20;

enum class kind : std::uint8_t { request = 1, response = 2, refusal = 3 };

// An open file, socket or end of a pipe.
class descriptor {
  public:
    explicit descriptor(int number) : number_(checked(number)) {}
    descriptor(descriptor &&other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor &operator=(descriptor &&) = delete;
    ~descriptor() { close(); }

    int get() const { return number_; }

    void close() {
        if (number_ >= 0) {
            ::close(std::exchange(number_, -1));
        }
    }

    template <typename Result>
    static Result checked(Result result) {
        if (result < 0) {
            throw std::system_error(errno, std::generic_category());
        }
        return result;
    }

  private:
    int number_;
};

// Calls again what a signal has interrupted.
template <typename Call>
auto uninterrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) {
            return descriptor::checked(result);
        }
    }
}

void send_all(const descriptor &peer, tacita::byte_view bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        // Without the flag, SIGPIPE would end this process if the peer has hung up; so it is an error as others are.
        const auto more = [&] { return send(peer.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL); };
        sent += static_cast<std::size_t>(uninterrupted(more));
    }
}

// False if the peer has hung up before the first byte.
bool receive_all(const descriptor &peer, std::uint8_t *bytes, std::size_t length) {
    for (std::size_t received = 0; received < length;) {
        const auto more = uninterrupted([&] { return recv(peer.get(), bytes + received, length - received, 0); });
        if (more == 0) {
            if (received == 0) {
                return false;
            }
            throw std::runtime_error("the connection ended in the middle of a frame");
        }
        received += static_cast<std::size_t>(more);
    }
    return true;
}

struct frame {
    enum kind kind;
    std::vector<std::uint8_t> payload;
};

void send_frame(const descriptor &peer, kind kind, tacita::byte_view payload) {
    std::array<std::uint8_t, 9> header{static_cast<std::uint8_t>(kind)};
    for (std::size_t i = 0; i < 8; i++) {
        header[1 + i] = static_cast<std::uint8_t>(std::uint64_t{payload.size()} >> (56 - 8 * i));
    }
    send_all(peer, header);
    send_all(peer, payload);
}

// Nothing, if the peer has hung up instead of sending another frame.
std::optional<frame> receive_frame(const descriptor &peer) {
    std::array<std::uint8_t, 9> header;
    if (!receive_all(peer, header.data(), header.size())) {
        return std::nullopt;
    }
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; i++) {
        length = length << 8 | header[1 + i];
    }
    // Before any memory is had for it: the length is whatever the peer says.
    if (length > MAX_FRAME) {
        throw std::runtime_error("the peer announces a frame that is too long");
    }
    frame frame{static_cast<kind>(header[0]), std::vector<std::uint8_t>(static_cast<std::size_t>(length))};
    if (length > 0 && !receive_all(peer, frame.payload.data(), frame.payload.size())) {
        throw std::runtime_error("the connection ended in the middle of a frame");
    }
    return frame;
}

sockaddr_in loopback(in_port_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = port;
    return address;
}

// Port 0 lets the system choose one.
descriptor listen_on_loopback() {
    descriptor listener(socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = loopback(0);
    descriptor::checked(bind(listener.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address));
    descriptor::checked(listen(listener.get(), 1));
    return listener;
}

in_port_t port_of(const descriptor &listener) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    descriptor::checked(getsockname(listener.get(), reinterpret_cast<sockaddr *>(&address), &length));
    return address.sin_port;
}

descriptor connect_to(in_port_t port) {
    descriptor peer(socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = loopback(port);
    // A connection that a signal interrupts is made all the same, and must not be asked for again.
    if (connect(peer.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
        if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "the cloud");
        }
        pollfd writable{peer.get(), POLLOUT, 0};
        uninterrupted([&] { return poll(&writable, 1, -1); });
    }
    return peer;
}

// Nothing, if the other end of the life line is closed before anybody connects.
std::optional<descriptor> accept_from(const descriptor &listener, const descriptor &life_line) {
    pollfd events[] = {{listener.get(), POLLIN, 0}, {life_line.get(), POLLIN, 0}};
    uninterrupted([&] { return poll(events, 2, -1); });
    if (events[0].revents == 0) {
        return std::nullopt;
    }
    return descriptor(uninterrupted([&] { return accept(listener.get(), nullptr, nullptr); }));
}

void complain(const char *side, const std::exception &error) {
    std::fprintf(stderr, "%s: %s\n", side, error.what());
}

int cloud(const char *model_path, const descriptor &listener, const descriptor &life_line) {
    const auto model = tacita::model::load(model_path);
    const tacita::evaluator evaluator(model);
    tacita::verified_keys keys;
    const auto peer = accept_from(listener, life_line);
    int failed = 0;
    while (const auto asked = peer ? receive_frame(*peer) : std::nullopt) {
        if (asked->kind != kind::request) {
            throw std::runtime_error("the hospital sent something else than a request");
        }
        std::optional<tacita::bytes> answer;
        try {
            const auto request = tacita::request::from_bytes(asked->payload);
            const auto key = keys.admit(request);
            answer = evaluator.evaluate(request, key).to_bytes();
        } catch (const tacita::error &error) {
            complain("cloud: refused a request", error);
            failed = 1;
        }
        if (answer) {
            send_frame(*peer, kind::response, *answer);
        } else {
            send_frame(*peer, kind::refusal, {});
        }
    }
    return failed;
}

std::vector<double> load_values(const char *path) {
    std::ifstream file(path);
    std::vector<double> values;
    for (std::string word; file >> word;) {
        char *end;
        values.push_back(std::strtod(word.c_str(), &end));
        if (end != word.c_str() + word.size()) {
            // The word itself may be most of a value, and is not shown.
            const std::string place = std::string(path) + ": word " + std::to_string(values.size());
            throw std::runtime_error(place + " is not a number");
        }
    }
    if (!file.eof()) {
        throw std::runtime_error(std::string(path) + " cannot be read");
    }
    return values;
}

// One line a record: its class, the label of that, and all probabilities.
void print(const tacita::predictions &predictions, std::size_t first) {
    for (std::size_t record = 0; record < predictions.records(); record++) {
        std::printf("record %zu: class %zu, %s;", first + record, predictions.class_index(record),
                    predictions.label(record).c_str());
        for (const double probability : predictions.probabilities(record)) {
            std::printf(" %.4f", probability);
        }
        std::putchar('\n');
    }
}

void hospital(char **arguments, in_port_t port) {
    const auto spec = tacita::spec::load(arguments[0]);
    const auto pin = tacita::fingerprint::from_hex(arguments[1]);
    const auto key = tacita::secret_key::load(arguments[2]);
    const auto values = load_values(arguments[3]);
    const std::size_t features = spec.feature_count();
    if (values.empty() || values.size() % features != 0) {
        throw std::runtime_error(std::string(arguments[3]) + ": not a whole number of records");
    }

    // All is encrypted before the cloud hears anything, and nothing is decrypted before the connection is closed: that
    // a value is out of range, or that a response does not decrypt, would tell it something about the records.
    const tacita::encryptor encryptor(spec, pin, key);
    const std::size_t most = features * encryptor.records_per_request();
    std::vector<tacita::request> requests;
    for (tacita::view<double> rest = values; !rest.empty();) {
        const std::size_t taken = std::min(rest.size(), most);
        requests.push_back(encryptor.encrypt({rest.data(), taken}, taken / features));
        rest = rest.subspan(taken);
    }

    std::vector<tacita::response> responses;
    descriptor peer = connect_to(port);
    for (const auto &request : requests) {
        send_frame(peer, kind::request, request.to_bytes());
        const auto answer = receive_frame(peer);
        if (!answer) {
            throw std::runtime_error("the cloud hung up");
        }
        if (answer->kind != kind::response) {
            throw std::runtime_error("the cloud refused a request");
        }
        responses.push_back(tacita::response::from_bytes(answer->payload));
    }
    peer.close();

    const tacita::decryptor decryptor(spec, pin, key);
    std::size_t first = 0;
    for (std::size_t i = 0; i < requests.size(); i++) {
        const auto predictions = decryptor.decrypt(responses[i], requests[i]);
        print(predictions, first);
        first += predictions.records();
    }
}

// Whether the cloud's process ended well.
bool ended_well(pid_t child) {
    int status = 0;
    uninterrupted([&] { return waitpid(child, &status, 0); });
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 6) {
        std::fprintf(stderr, "usage: %s MODEL SPEC FINGERPRINT KEY RECORDS\n", argv[0]);
        return 2;
    }
    descriptor listener = listen_on_loopback();
    const in_port_t port = port_of(listener);
    // The system closes the hospital's end when its process ends, in whatever way: so the cloud does not wait for ever.
    int ends[2];
    descriptor::checked(pipe(ends));
    descriptor clouds_end(ends[0]), hospitals_end(ends[1]);

    // Before any call of the library. Its threads are not copied to the new process, only the locks that they happen to
    // hold; each process starts threads of its own later. And neither process has a copy of the other's secrets.
    const pid_t child = descriptor::checked(fork());
    if (child == 0) {
        hospitals_end.close();
        try {
            return cloud(argv[1], listener, clouds_end);
        } catch (const std::exception &error) {
            complain("cloud", error);
            return 1;
        }
    }
    // If the cloud's process ends, nobody else may keep up the hospital's hopes.
    listener.close();
    int failed = 0;
    try {
        hospital(argv + 2, port);
    } catch (const std::exception &error) {
        complain("hospital", error);
        failed = 1;
    }
    hospitals_end.close();
    return ended_well(child) ? failed : 1;
} catch (const std::exception &error) {
    complain("tcp", error);
    return 1;
}
