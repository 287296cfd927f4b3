"""python-paillier with gmpy2. Reads the inputs that `tacita-peers --inputs` wrote, prints what it measured as JSON."""

import json
import statistics
import sys
import time
from functools import reduce
from importlib.metadata import version
from operator import add

import gmpy2
import phe
import phe.util

# The same clocks as tacita-peers.
clock = time.process_time if "--cpu-time" in sys.argv else time.perf_counter


def median_ns(work, repetitions):
    seconds = []
    for _ in range(repetitions):
        start = clock()
        work()
        seconds.append(clock() - start)
    return 1e9 * statistics.median(seconds)


def linear_layer(weights, x):
    # Zero weights are left out, which phe does not do by itself.
    return [reduce(add, (c * w for c, w in zip(x, row) if w)) for row in weights]


def main():
    """usage: phe_peer.py INPUTS [--quick] [--cpu-time]: prints one JSON object.

    --quick leaves out the whole job, which takes half a minute."""
    with open(sys.argv[1], encoding="utf-8") as file:
        inputs = json.load(file)
    quick = "--quick" in sys.argv[2:]
    if not phe.util.HAVE_GMP:
        raise ImportError("phe runs without gmpy2")
    p, q = int(inputs["p"], 16), int(inputs["q"], 16)
    public = phe.PaillierPublicKey(p * q)
    secret = phe.PaillierPrivateKey(public, p, q)
    matrix, weights, bias, record = inputs["matrix"], inputs["weights"], inputs["bias"], inputs["records"][0]

    x = [phe.EncryptedNumber(public, int(c, 16)) for c in inputs["ciphertexts"]]
    y = linear_layer(matrix, x)
    assert [secret.decrypt(c) for c in y] == [sum(w * v for w, v in zip(row, record)) for row in matrix]
    jobs = {
        "encrypt_public": median_ns(lambda: public.encrypt(record[0]), 3 if quick else 15),
        "decrypt_one": median_ns(lambda: secret.decrypt(x[0]), 3 if quick else 15),
        "linear_layer": median_ns(lambda: linear_layer(matrix, x), 1 if quick else 3),
    }
    # It has neither a quicker encryption for the holder of the key nor a quicker way with many ciphertexts.
    jobs["encrypt_secret"], jobs["decrypt_batch"] = jobs["encrypt_public"], jobs["decrypt_one"]
    if not quick:
        exact = [sum(w * v for w, v in zip(row, record)) + b for row, b in zip(weights, bias)]

        def whole():
            y = linear_layer(weights, [public.encrypt(value) for value in record])
            y = [c + b for c, b in zip(y, bias)]
            for c in y:
                c.obfuscate()
            assert [secret.decrypt(c) for c in y] == exact
        jobs["whole"] = median_ns(whole, 1)
    for job, ns in jobs.items():
        print(f"phe: {job}: {ns / 1e6:.2f} ms", file=sys.stderr)
    json.dump({
        "rival": "phe",
        "version": f"{version('phe')} with gmpy2 {version('gmpy2')}, {gmpy2.mp_version()}",
        "jobs": [{"job": job, "ns": ns} for job, ns in jobs.items()],
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
