// quickstart MODEL VALUE...: one prediction, all three sides in one program. Built by
//   c++ -std=c++17 quickstart.cpp -ltacita -o quickstart
#include <cstdlib>
#include <exception>
#include <iostream>
#include <vector>

#include "tacita.hpp"

int main(int argc, char **argv) try {
    if (argc < 3) {
        std::cerr << "usage: " << argv[0] << " MODEL VALUE...\n";
        return 2;
    }
    std::vector<double> record;
    for (int i = 2; i < argc; i++) {
        char *end = nullptr;
        record.push_back(std::strtod(argv[i], &end));
        if (end == argv[i] || *end != 0) {
            std::cerr << "value " << i - 1 << " is not a number\n";
            return 2;
        }
    }

    // The cloud has the model. Its public spec goes to the hospital, the spec's fingerprint by another way.
    const auto model = tacita::model::load(argv[1]);
    const auto spec = model.spec();
    const auto pin = spec.fingerprint();

    // The hospital makes a key and encrypts.
    const auto secret = tacita::secret_key::generate(3072);
    const auto request = tacita::encryptor(spec, pin, secret).encrypt(record);

    // The cloud verifies the key, once, and evaluates.
    tacita::verified_keys keys;
    const auto key = keys.admit(request);
    const auto response = tacita::evaluator(model).evaluate(request, key);

    // The hospital decrypts.
    const auto predictions = tacita::decryptor(spec, pin, secret).decrypt(response, request);
    std::cout << predictions.label(0) << '\n';
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
