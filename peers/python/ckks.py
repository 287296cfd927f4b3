"""The same work under CKKS, whatever the library: encrypted records times a known matrix.

An engine has `name`, `ring`, `slots`, `parameters` (the rest of them, in words), `textbook` (whether to try the way of
textbooks too), and
    prepare(rotations)           makes the keys for these rotations; returns their bytes
    encrypt(values)              encodes and encrypts under the secret key, which is quicker than under the public one
    encode(values)               a plaintext of weights for a fresh ciphertext
    multiply(c, weights), add(c, d), rescale(c), rotate(c, step)
    decrypt(c)                   decrypts and decodes
    size(c)                      bytes as serialised
Responses are neither masked nor flooded with noise: CKKS answers less of the question than tacita does, which favours it.
"""

import json
import statistics
import sys
import time

from packing import cheapest, fold

LEVELS = 255.0  # pixels are scaled to 0..1
WEIGHTS = 127.0  # and weights to -1..1


# The same clocks as tacita-peers.
clock = time.process_time if "--cpu-time" in sys.argv else time.perf_counter


def timed(work):
    start = clock()
    result = work()
    return clock() - start, result


def median_time(work, repetitions):
    return statistics.median(timed(work)[0] for _ in range(repetitions))


def unit_costs(engine, repetitions):
    """Seconds for each unit operation; what a product costs includes its addition."""
    engine.prepare([1])
    values = [0.5] * engine.slots
    c, weights = engine.encrypt(values), engine.encode(values)
    product = engine.multiply(c, weights)
    low = engine.rescale(product)
    return {
        "encrypt": median_time(lambda: engine.encrypt(values), repetitions),
        "multiply": median_time(lambda: engine.add(product, engine.multiply(c, weights)), repetitions),
        "rescale": median_time(lambda: engine.rescale(product), repetitions),
        "rotate": median_time(lambda: engine.rotate(low, 1), repetitions),
        "decrypt": median_time(lambda: engine.decrypt(low), repetitions),
    }


class Packed:
    """The cheapest packing for so many records."""

    way = "packed"

    def __init__(self, engine, matrix, records, costs):
        self.engine = engine
        self.packing = cheapest(engine.slots, records, len(matrix), len(matrix[0]), costs)
        p = self.packing
        copies = f" in {p.copies} copies" if p.copies > 1 else ""
        self.variant = f"{p.ciphertexts} x {p.held} features{copies}, {p.groups} x {p.group} rows"
        self.keys = engine.prepare(p.rotations())
        self.weights = [[[engine.encode(values) for values in shift] for shift in shifts] for shifts in p.weights(matrix)]

    def pack(self, records):
        return list(self.packing.contents(records))

    def evaluate(self, request):
        return [self._evaluate(request, shifts) for shifts in self.weights]

    def _evaluate(self, request, shifts):
        engine, total = self.engine, None
        for t, weights in enumerate(shifts):
            products = map(engine.multiply, request, weights)
            product = next(products)
            for other in products:
                product = engine.add(product, other)
            product = engine.rescale(product)
            if t > 0:
                product = engine.rotate(product, t * self.packing.records)
            total = product if total is None else engine.add(total, product)
        step = self.packing.group * self.packing.records
        return fold(total, step, self.packing.layout()[1], engine.add, engine.rotate)

    def unpack(self, slots):
        return self.packing.answers(slots)


class Diagonals:
    """The way of textbooks (Halevi, Shoup 2014; Juvekar and others 2018): rows and columns padded to powers of two, as many
    records in a ciphertext as fit, rotated once for each diagonal, and a sum by rotations at the end. A single record
    stands in the ciphertext as often as it fits."""

    way = "diagonals"

    def __init__(self, engine, matrix):
        self.engine = engine
        self.answers = len(matrix)
        self.rows, self.columns = (1 << (n - 1).bit_length() for n in (len(matrix), len(matrix[0])))
        # Features begin behind one row's width, so that no rotation brings in a neighbour.
        self.empty = self.rows
        assert self.empty + len(matrix[0]) <= self.columns <= engine.slots
        self.held = engine.slots // self.columns
        self.variant = f"{self.rows} diagonals, {self.held} records a ciphertext"
        sums = [self.rows << i for i in range((self.columns // self.rows).bit_length() - 1)]
        self.keys = engine.prepare(sorted({*range(1, self.rows), *sums}))

        def weight(row, feature):
            return matrix[row][feature] if row < len(matrix) and 0 <= feature < len(matrix[0]) else 0.0

        self.weights = [
            engine.encode([weight(i % self.rows, i + t - self.empty) for i in range(self.columns)] * self.held)
            for t in range(self.rows)
        ]

    def pack(self, records):
        behind = self.columns - self.empty - len(records[0])
        padded = [[0.0] * self.empty + list(record) + [0.0] * behind for record in records]
        if len(records) == 1:
            return [padded[0] * self.held]
        # The last ciphertext is filled up with its first record.
        chunks = [padded[i:i + self.held] for i in range(0, len(padded), self.held)]
        chunks[-1] += [chunks[-1][0]] * (self.held - len(chunks[-1]))
        return [sum(chunk, []) for chunk in chunks]

    def evaluate(self, request):
        return [self._evaluate(c) for c in request]

    def _evaluate(self, c):
        engine = self.engine
        total = engine.multiply(c, self.weights[0])
        for t in range(1, self.rows):
            total = engine.add(total, engine.multiply(engine.rotate(c, t), self.weights[t]))
        total = engine.rescale(total)
        return fold(total, self.rows, self.columns // self.rows, engine.add, engine.rotate)

    def unpack(self, slots):
        return [values[start:start + self.answers] for values in slots for start in range(0, len(values), self.columns)]


def run(way, inputs, records, repetitions):
    """Times one way of doing the whole job, and says how far its answers are from the exact ones.

    What is timed is the library: to bring values into slots and out of them, a matter of Python's loops, is left out."""
    engine = way.engine
    integers = inputs["records"][:records]
    packed = way.pack([[x / LEVELS for x in record] for record in integers])
    exact = [[sum(w * x for w, x in zip(row, record)) for row in inputs["weights"]] for record in integers]
    rounds = []
    for _ in range(repetitions + 1):
        encrypt, request = timed(lambda: [engine.encrypt(values) for values in packed])
        evaluate, response = timed(lambda: way.evaluate(request))
        decrypt, slots = timed(lambda: [engine.decrypt(c) for c in response])
        rounds.append((encrypt, evaluate, decrypt))
    # The first round warmed everything up.
    medians = [statistics.median(seconds) for seconds in zip(*rounds[1:])]
    outputs = [[y * LEVELS * WEIGHTS for y in output] for output in way.unpack(slots)[:records]]

    largest = max(abs(y) for output in exact for y in output)
    error = max(abs(y - z) for output, other in zip(exact, outputs) for y, z in zip(output, other)) / largest
    # An answer that is wrong must not be timed as if it were one.
    if error > 0.01:
        raise ArithmeticError(f"{engine.name}, {way.variant}: the answers are off by {error:.1%} of the largest")
    bias = inputs["bias"]

    def argmax(output):
        return max(range(len(bias)), key=lambda j: output[j] + bias[j])

    return {
        "job": "whole" if records == 1 else "whole_batch",
        "way": f"{way.way}, ring {engine.ring}",
        "variant": f"{engine.parameters}; {way.variant}",
        "records": records,
        "ns": 1e9 * sum(medians) / records,
        "ms": dict(zip(("encrypt", "evaluate", "decrypt"), (1e3 * seconds for seconds in medians))),
        "bytes": {"request": sum(map(engine.size, request)), "response": sum(map(engine.size, response)), "keys": way.keys},
        "error": error,
        "classes_agree": sum(argmax(y) == argmax(z) for y, z in zip(exact, outputs)) / records,
    }


def main(name, version, engines, own=None):
    """usage: <script> INPUTS [--quick] [--cpu-time]: prints one JSON object. `own` is the library's own way with one record."""
    with open(sys.argv[1], encoding="utf-8") as file:
        inputs = json.load(file)
    quick = "--quick" in sys.argv[2:]
    matrix = [[w / WEIGHTS for w in row] for row in inputs["weights"]]
    jobs = []

    def measure(way, records, repetitions):
        job = run(way, inputs, records, repetitions)
        jobs.append(job)
        print(f"{name}: {job['job']}, {job['way']}: {job['ns'] / 1e6:.2f} ms a record", file=sys.stderr)

    for make_engine in engines:
        engine = make_engine()
        costs = unit_costs(engine, 3 if quick else 20)
        for records, repetitions in ((1, 5 if quick else 25), (inputs["batch"], 1 if quick else 3)):
            measure(Packed(engine, matrix, records, costs), records, repetitions)
            if engine.textbook:
                measure(Diagonals(engine, matrix), records, repetitions)
    if own:
        measure(own(matrix), 1, 1 if quick else 3)
    json.dump({"rival": name, "version": version, "jobs": jobs}, sys.stdout, indent=1)
    print()
