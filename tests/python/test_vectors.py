"""Recomputes the known-answer vectors with Python's integers and hashes, from docs/formats.md and docs/messages.cddl.

Nothing here calls tacita. `cargo test --test python` runs it; by hand: python tests/python/test_vectors.py
"""

import base64
import hashlib
import json
import math
import re
import struct
import unittest
from fractions import Fraction
from pathlib import Path

import pycddl

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "vectors"
VECTORS = json.loads((FOLDER / "tacita-v1.json").read_text())
assert VECTORS["format"] == "tacita-vectors/1"
KEY = VECTORS["keys"][0]
BITS = 2048
SIZE = BITS // 8


def number(text):
    return int(text, 16)


def be(value, size=SIZE):
    return value.to_bytes(size, "big")


def from_be(data):
    return int.from_bytes(data, "big")


def base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


P, Q, N = (number(KEY[name]) for name in "pqn")
SQUARE = N * N


def hash_to_number(label, n, index):
    """Z(label, i)."""
    j = 0
    while True:
        text = b"tacita/v1/" + label + b"\0" + be(n) + be(index, 4) + be(j, 4)
        value = from_be(hashlib.shake_256(text).digest(SIZE))
        if 1 < value < n:
            assert math.gcd(value, n) == 1
            return value
        j += 1


def decrypt(ciphertext):
    """L(c^lambda mod n^2) / lambda mod n, as Paillier's paper has it."""
    order = math.lcm(P - 1, Q - 1)
    return (pow(ciphertext, order, SQUARE) - 1) // N * pow(order, -1, N) % N


def numbers_of(data):
    assert len(data) % (2 * SIZE) == 0
    return [from_be(data[at : at + 2 * SIZE]) for at in range(0, len(data), 2 * SIZE)]


def read_cbor(data, at=0):
    """The item at a byte, in deterministic form, and where the next one is."""
    kind, short = data[at] >> 5, data[at] & 31
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(short, 0)
    argument = from_be(data[at + 1 : at + 1 + width]) if width else short
    assert short < 28 and (not width or argument >= (24 if width == 1 else 1 << 4 * width)), "not the shortest head"
    at += 1 + width
    if kind == 0:
        return argument, at
    if kind in (2, 3):
        assert at + argument <= len(data), "cut"
        item = data[at : at + argument]
        return (item if kind == 2 else item.decode()), at + argument
    if kind in (4, 5):
        items = []
        for _ in range(argument * (kind - 3)):
            item, at = read_cbor(data, at)
            items.append(item)
        if kind == 4:
            return items, at
        assert len(set(items[::2])) == argument, "a member is repeated"
        return dict(zip(items[::2], items[1::2])), at
    assert (kind, short) in ((7, 20), (7, 21)), "an item that no message has"
    return short == 21, at


def whole_cbor(data):
    item, end = read_cbor(data)
    assert end == len(data), "bytes behind the item"
    return item


def envelope(kind, version, digest, content):
    """A message from its parts, right or wrong."""
    heads = b"\x84" + bytes([0x60 + len(kind)]), bytes([version, 0x58, len(digest)]), b"\x59" + be(len(content), 2)
    return heads[0] + kind + heads[1] + digest + heads[2] + content


def read_message(data):
    kind, version, digest, content = whole_cbor(data)
    assert version == 1 and digest == hashlib.sha256(content).digest()
    return kind, whole_cbor(content)


def read_safetensors(data):
    """Metadata, and shape and flat numbers of every tensor."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    types = {"F32": "f", "F64": "d", "I8": "b", "I64": "q", "U8": "B"}
    tensors = {}
    for name, place in header.items():
        start, end = place["data_offsets"]
        count = math.prod(place["shape"])
        values = struct.unpack(f"<{count}{types[place['dtype']]}", data[8 + length :][start:end])
        tensors[name] = (place["shape"], values)
    return metadata, tensors


def is_prime(candidate):
    """Miller-Rabin to a few bases; the candidates were not made to deceive it."""
    twos = ((candidate - 1) & -(candidate - 1)).bit_length() - 1
    for base in (2, 3, 5, 7):
        power = pow(base, candidate >> twos, candidate)
        if power in (1, candidate - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % candidate
            if power == candidate - 1:
                break
        else:
            return False
    return True


class Keys(unittest.TestCase):
    def test_primes_follow_from_their_labels(self):
        small = math.prod(n for n in range(3, 2000, 2) if all(n % d for d in range(3, n, 2)))
        for key in VECTORS["keys"]:
            for factor in "pq":
                label = f"tacita vectors/{key['name']} {factor}".encode()
                candidate = from_be(hashlib.shake_256(label).digest(SIZE // 2)) | 3 << BITS // 2 - 2
                candidate += (key["residue_mod_4"] - candidate) % 4
                while math.gcd(candidate, small) > 1 or not is_prime(candidate):
                    candidate += 4
                self.assertEqual(candidate, number(key[factor]))

    def test_moduli_fingerprints_and_declarations(self):
        for key in VECTORS["keys"]:
            p, q, n = (number(key[name]) for name in "pqn")
            self.assertEqual((p * q, n.bit_length()), (n, BITS))
            self.assertEqual(hashlib.sha256(be(n)).hexdigest(), key["fingerprint"])
            self.assertEqual(p % 4 == q % 4 == 3 and math.gcd(p - 1, q - 1) == 2, key["short_nonces"])

    def test_key_files(self):
        for key in VECTORS["keys"]:
            secret, public = json.loads(key["secret_jwk"]), json.loads(key["public_jwk"])
            self.assertEqual(secret["pub"], public)
            self.assertEqual([public[name] for name in ("kty", "alg", "key_ops")], ["DAJ", "PAI-GN1", ["encrypt"]])
            self.assertEqual([secret[name] for name in ("kty", "key_ops")], ["DAJ", ["decrypt"]])
            self.assertNotIn("alg", secret)
            self.assertEqual({secret["kid"], public["kid"]}, {key["fingerprint"]})
            self.assertEqual(public["short_nonces"], key["short_nonces"])
            self.assertEqual(base64url(public["n"]), be(number(key["n"])))
            for name in "pq":
                self.assertEqual(base64url(secret[name]), be(number(key[name]), SIZE // 2))
            self.assertEqual(base64url(public["proof"]), b"".join(be(number(root)) for root in key["proof"]))

    def test_key_proofs(self):
        for key in VECTORS["keys"]:
            n, roots = number(key["n"]), [number(root) for root in key["proof"]]
            self.assertEqual((len(roots), n % 2), (11, 1))
            self.assertTrue(all(n % factor for factor in range(3, 6368, 2)))
            self.assertFalse(is_prime(n))
            for index, root in enumerate(roots):
                self.assertTrue(1 < root < n)
                self.assertEqual(pow(root, n, n), hash_to_number(b"key-proof", n, index))

    def test_nonce_bases(self):
        for key in VECTORS["keys"]:
            n = number(key["n"])
            if not key["short_nonces"]:
                self.assertIsNone(key["nonce_base"])
                continue
            h = n - hash_to_number(b"nonce-base", n, 0) ** 2 % n
            self.assertEqual(pow(h, n, n * n), number(key["nonce_base"]))


class Ciphertexts(unittest.TestCase):
    def test_nonces(self):
        base = number(KEY["nonce_base"])
        for nonce in VECTORS["nonces"]:
            rho = number(nonce["rho"])
            if nonce["method"] == "power":
                self.assertEqual(rho, pow(number(nonce["r"]), N, SQUARE))
            elif nonce["method"] == "public base":
                self.assertLessEqual(number(nonce["a"]).bit_length(), BITS // 2)
                self.assertEqual(rho, pow(base, number(nonce["a"]), SQUARE))
            else:
                self.assertEqual(nonce["method"], "secret base")
                for factor, exponent in ((P, number(nonce["a"])), (Q, number(nonce["b"]))):
                    self.assertLess(exponent, factor - 1)
                    self.assertEqual(rho % factor**2, pow(base, exponent, factor**2))

    def test_encryptions_and_decryptions(self):
        for vector in VECTORS["encryptions"]:
            plaintext, ciphertext = number(vector["plaintext"]), number(vector["ciphertext"])
            rho = number(VECTORS["nonces"][vector["nonce"]]["rho"])
            self.assertEqual(ciphertext, (1 + plaintext * N) * rho % SQUARE)
            self.assertEqual(decrypt(ciphertext), plaintext % N)

    def test_operations(self):
        seen = set()
        for vector in VECTORS["operations"]:
            x, y = VECTORS["encryptions"][vector["x"]], vector["y"]
            c, m = number(x["ciphertext"]), number(x["plaintext"])
            if vector["operation"] == "add":
                y = VECTORS["encryptions"][y]
                result, plaintext = c * number(y["ciphertext"]), m + number(y["plaintext"])
            elif vector["operation"] == "add plain":
                result, plaintext = c * (1 + number(y) * N), m + number(y)
            else:
                self.assertEqual(vector["operation"], "multiply plain")
                result, plaintext = pow(c, number(y), SQUARE), m * number(y)
            self.assertEqual(number(vector["result"]), result % SQUARE)
            self.assertEqual(number(vector["plaintext"]), plaintext % N)
            seen.add(vector["operation"])
        self.assertEqual(len(seen), 3)


class Model(unittest.TestCase):
    def setUp(self):
        self.spec = json.loads(VECTORS["model"]["spec"])
        self.grids = [f for f in self.spec["features"] for _ in range(f.get("count", 1))]
        self.weights, self.bias = VECTORS["model"]["weights"], VECTORS["model"]["bias"]

    def test_digests_in_the_files(self):
        spec, model = VECTORS["model"]["spec"].encode(), base64.b64decode(VECTORS["model"]["file"])
        for data, at in ((spec, 15), (model, 42)):
            self.assertEqual(hashlib.sha256(data[:at] + data[at + 64 :]).hexdigest().encode(), data[at : at + 64])
        self.assertEqual(VECTORS["model"]["spec_fingerprint"].encode(), spec[15:79])

    def test_the_model_file_holds_the_integers_and_the_spec(self):
        metadata, tensors = read_safetensors(base64.b64decode(VECTORS["model"]["file"]))
        self.assertEqual(metadata["tacita.format"], "tacita-model/1")
        rows, columns = len(self.bias), len(self.grids)
        self.assertEqual(tensors["bias"], ([rows], tuple(self.bias)))
        self.assertEqual(tensors["weights"], ([rows, columns], tuple(w for row in self.weights for w in row)))
        self.assertEqual(bytes(tensors["spec"][1]).decode(), VECTORS["model"]["spec"])

    def network(self):
        """The network as one affine map, exactly."""
        metadata, tensors = read_safetensors(base64.b64decode(VECTORS["model"]["network"]))
        self.assertEqual(metadata, {"tacita.activation": self.spec["activation"]})
        exact = {name: [Fraction(value) for value in values] for name, (_, values) in tensors.items()}
        columns = len(self.grids)
        mean, deviation = (exact[name] for name in ("input.mean", "input.deviation"))
        matrix = [[Fraction(i == j) / deviation[i] for j in range(columns)] for i in range(columns)]
        constant = [-mean[i] / deviation[i] for i in range(columns)]
        for layer in ("layers.0", "layers.1"):
            (rows, width), _ = tensors[f"{layer}.weight"]
            weight = [exact[f"{layer}.weight"][row * width :][:width] for row in range(rows)]
            matrix = [[sum(w * m[j] for w, m in zip(row, matrix)) for j in range(columns)] for row in weight]
            bias = exact[f"{layer}.bias"]
            constant = [b + sum(w * c for w, c in zip(row, constant)) for row, b in zip(weight, bias)]
        return matrix, constant

    def test_integers_are_the_network_rounded(self):
        matrix, constant = self.network()
        steps = [[w * Fraction(g["step"]) for w, g in zip(row, self.grids)] for row in matrix]
        offsets = [Fraction(g["offset"]) for g in self.grids]
        constant = [c + sum(w * offset for w, offset in zip(row, offsets)) for row, c in zip(matrix, constant)]
        scale = Fraction(self.spec["scale"])
        self.assertAlmostEqual(scale * 127 / max(abs(w) for row in steps for w in row), 1, delta=1e-12)
        half = Fraction(1, 2) + Fraction(1, 10**9)
        for row, exact, bias, c in zip(self.weights, steps, self.bias, constant):
            self.assertTrue(all(abs(w - e / scale) <= half for w, e in zip(row, exact)))
            self.assertLessEqual(abs(bias - c / scale), half)

    def test_the_error_bound_holds_for_every_record(self):
        matrix, constant = self.network()
        for record in VECTORS["records"]:
            values = [Fraction(g["offset"]) + Fraction(g["step"]) * i for g, i in zip(self.grids, record["integers"])]
            for logit, row, c in zip(record["logits"], matrix, constant):
                exact = c + sum(w * v for w, v in zip(row, values))
                self.assertLessEqual(abs(Fraction(logit) - exact), Fraction(self.spec["logit_error"]))

    def test_slots_are_as_wide_as_they_must_be(self):
        ends = lambda w, g: sorted((w * g["least"], w * g["greatest"]))
        extremes = [
            abs(bias + sum(ends(w, g)[side] for w, g in zip(row, self.grids)))
            for row, bias in zip(self.weights, self.bias)
            for side in (0, 1)
        ]
        spans = [g["greatest"] - g["least"] for g in self.grids]
        self.assertEqual(self.spec["slot_bits"], max(max(extremes).bit_length() + 1, max(spans).bit_length()))
        at_least = [b + sum(w * g["least"] for w, g in zip(row, self.grids)) for row, b in zip(self.weights, self.bias)]
        self.assertEqual(at_least, VECTORS["model"]["slot_bias"])

    def test_features_layouts_have_the_space_they_need(self):
        spans = [g["greatest"] - g["least"] for g in self.grids]
        for layout in self.spec["features_layouts"]:
            t, largest = layout["together"], 0
            groups = range(0, len(spans), t)
            weight = lambda row, i: row[i] if 0 <= i < len(row) else 0
            # Between the answers of neighbouring rows: the upper one's weights from place t - 1 - r on meet features 0 to r,
            # the lower one's from place 0 on meet features r + 1 on.
            nothing = [0] * len(spans)
            rows = [nothing, *self.weights, nothing]
            for lower, upper in zip(rows, rows[1:]):
                for r in range(t - 1):
                    terms = [
                        (weight(upper, g + i + t - 1 - r) if i <= r else weight(lower, g + i - 1 - r)) * spans[g + i]
                        for g in groups
                        for i in range(t)
                        if g + i < len(spans)
                    ]
                    largest = max(largest, sum(x for x in terms if x > 0), -sum(x for x in terms if x < 0))
            self.assertEqual(layout["spacing"], max(self.spec["slot_bits"], largest.bit_length() + 1 + 8))

    def test_records(self):
        for record in VECTORS["records"]:
            # Python rounds ties to even, too.
            integers = [round((v - g["offset"]) / g["step"]) for v, g in zip(record["values"], self.grids)]
            self.assertEqual(integers, record["integers"])
            self.assertTrue(all(g["least"] <= i <= g["greatest"] for i, g in zip(integers, self.grids)))
            outputs = [b + sum(w * i for w, i in zip(row, integers)) for row, b in zip(self.weights, self.bias)]
            self.assertEqual(outputs, record["outputs"])
            logits = [self.spec["scale"] * y for y in outputs]
            self.assertEqual(logits, record["logits"])
            powers = [math.exp(y - max(logits)) for y in logits]
            for found, power in zip(record["probabilities"], powers):
                self.assertAlmostEqual(found, power / sum(powers), delta=1e-11)
            self.assertEqual(record["class"], logits.index(max(logits)))


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.spec = json.loads(VECTORS["model"]["spec"])
        cls.slot = cls.spec["slot_bits"]
        cls.grids = [f for f in cls.spec["features"] for _ in range(f.get("count", 1))]
        cls.records = VECTORS["records"]
        capacity = (BITS - 2) // cls.slot
        cls.batches = [cls.records[at : at + capacity] for at in range(0, len(cls.records), capacity)]
        cls.capacity = capacity
        kinds = ("request", "response", "features_request", "features_response")
        cls.bytes = {kind: base64.b64decode(VECTORS[kind]["bytes"]) for kind in kinds}
        cls.content = {kind: read_message(data)[1] for kind, data in cls.bytes.items()}

    def test_headers(self):
        for kind, data in self.bytes.items():
            found, content = read_message(data)
            self.assertEqual(found, f"tacita.{kind.removeprefix('features_')}")
            facts = VECTORS[kind.replace("response", "request")]
            self.assertEqual(content["id"].hex(), facts["id"])
            self.assertEqual(content["key"].hex(), KEY["fingerprint"])
            self.assertEqual(content["spec"].hex(), VECTORS["model"]["spec_fingerprint"])
            self.assertEqual([content["records"], content["together"]], [facts["records"], facts["together"]])
            key = ["public_key"] if found == "tacita.request" else []
            self.assertEqual(list(content), ["id", "key", "spec", "records", "together", *key, "ciphertexts"])
        self.assertEqual(self.content["request"]["records"], len(self.records))
        self.assertEqual(self.content["request"]["together"], 1)
        self.assertEqual(self.content["features_request"]["together"], 3)

    def test_the_request_carries_the_key(self):
        proof = b"".join(be(number(root)) for root in KEY["proof"])
        expected = {"n": be(N), "short_nonces": True, "proof": proof}
        self.assertEqual(list(self.content["request"]["public_key"].items()), list(expected.items()))

    def test_slots_of_the_request(self):
        self.assertEqual([len(batch) for batch in self.batches], [self.capacity, 1])
        expected = [
            sum(record["integers"][i] - grid["least"] << place * self.slot for place, record in enumerate(batch))
            for batch in self.batches
            for i, grid in enumerate(self.grids)
        ]
        ciphertexts = numbers_of(self.content["request"]["ciphertexts"])
        self.assertTrue(all(0 < c < SQUARE and math.gcd(c, N) == 1 for c in ciphertexts))
        self.assertEqual([decrypt(ciphertext) for ciphertext in ciphertexts], expected)

    def test_slots_and_masks_of_the_response(self):
        plaintexts = [decrypt(ciphertext) for ciphertext in numbers_of(self.content["response"]["ciphertexts"])]
        self.assertEqual(plaintexts, [number(text) for text in VECTORS["response"]["plaintexts"]])
        left = iter(plaintexts)
        for batch in self.batches:
            rows, together = len(self.spec["labels"]), self.capacity // len(batch)
            for first in range(0, rows, together):
                part = range(first, min(first + together, rows))
                answers = [record["outputs"][row] for row in part for record in batch]
                slots = sum(y + (1 << self.slot - 1) << place * self.slot for place, y in enumerate(answers))
                plaintext, used = next(left), len(answers) * self.slot
                self.assertEqual(plaintext % (1 << used), slots)
                self.assertLess(plaintext >> used, N >> used)
                # A mask that leaves the top 40 bits free is none.
                self.assertGreater(plaintext >> used, N >> used + 40)
        self.assertEqual(list(left), [])

    def test_features_layout(self):
        """Request and response in a features layout, by the formulas of docs/formats.md."""
        t = self.content["features_request"]["together"]
        spacing = next(e["spacing"] for e in self.spec["features_layouts"] if e["together"] == t)
        records = self.records[: self.content["features_request"]["records"]]
        weights = VECTORS["model"]["weights"]
        slots = (BITS - 2) // spacing
        capacity = slots // (2 * t - 1)
        self.assertEqual(len(records), capacity + 1)
        sent = iter([decrypt(c) for c in numbers_of(self.content["features_request"]["ciphertexts"])])
        received = [decrypt(c) for c in numbers_of(self.content["features_response"]["ciphertexts"])]
        self.assertEqual(received, [number(text) for text in VECTORS["features_response"]["plaintexts"]])
        received = iter(received)
        for batch in (records[:capacity], records[capacity:]):
            k, groups = len(batch), range(0, len(self.grids), t)
            inputs = [next(sent) for _ in groups]
            for first, plaintext in zip(groups, inputs):
                grids = enumerate(self.grids[first : first + t])
                values = (
                    (record["integers"][first + i] - grid["least"], i * k + p)
                    for i, grid in grids
                    for p, record in enumerate(batch)
                )
                self.assertEqual(plaintext, sum(value << slot * spacing for value, slot in values))
            together = (slots // k + 1) // t - 1
            for first_row in range(0, len(weights), together):
                rows = weights[first_row : first_row + together]
                biases = VECTORS["model"]["slot_bias"][first_row : first_row + together]
                # What a service computes, before it adds anything.
                response = sum(
                    plaintext * weight << (j * t + t - 1 - i) * k * spacing
                    for first, plaintext in zip(groups, inputs)
                    for j, row in enumerate(rows)
                    for i, weight in enumerate(row[first : first + t])
                )
                place = lambda j, p: ((j * t + t - 1) * k + p) * spacing
                answers = [(j, p) for j in range(len(rows)) for p in range(k)]
                response += sum(biases[j] + (1 << self.slot - 1) << place(j, p) for j, p in answers)
                used = ((len(rows) + 1) * t - 1) * k * spacing
                junk = [bit for bit in range(0, used, spacing) if bit not in {place(*answer) for answer in answers}]
                response += sum(1 << bit + spacing - 9 for bit in junk)
                found = next(received)
                masks = found - response
                ends = [place(*answer) for answer in answers] + [None]
                start = 0
                for end in ends:
                    below = used if end is None else end
                    room = N >> start if end is None else 1 << end - start
                    count = room - (1 << below - 8 - start if below - spacing in junk else 0)
                    if end != start:
                        mask = (masks if end is None else masks % (1 << end)) >> start
                        self.assertLess(mask, count)
                        # A mask that leaves the top 40 bits free is none; a gap without junk is narrow.
                        self.assertTrue(below - spacing not in junk or mask > count >> 40)
                        masks -= mask << start
                    start = end + self.slot if end is not None else None
                self.assertEqual(masks, 0)
                for j, p in answers:
                    answer = (found >> place(j, p)) % (1 << self.slot) - (1 << self.slot - 1)
                    self.assertEqual(answer, batch[p]["outputs"][first_row + j])
        self.assertEqual([list(sent), list(received)], [[], []])


class Grammar(unittest.TestCase):
    """docs/messages.cddl, in the eyes of a checker that knows nothing else of tacita."""

    def setUp(self):
        text = (ROOT / "docs" / "messages.cddl").read_text()
        # pycddl 0.6.4 applies `.cbor` to every item of an array, so content is checked by itself.
        outer, count = re.subn(r"bytes \.cbor [a-z-]+", "bytes", text)
        self.assertEqual(count, 2)
        self.outer = pycddl.Schema(outer)
        self.inner = {kind: pycddl.Schema(f"start = {kind}-content\n{text}") for kind in ("request", "response")}
        self.messages = {kind: base64.b64decode(VECTORS[kind]["bytes"]) for kind in self.inner}
        self.others = {kind: base64.b64decode(VECTORS[f"features_{kind}"]["bytes"]) for kind in self.inner}

    def test_the_messages_conform(self):
        for kind, message in [*self.messages.items(), *self.others.items()]:
            self.outer.validate_cbor(message)
            self.inner[kind].validate_cbor(whole_cbor(message)[3])

    def test_the_grammar_tells_messages_apart_from_others(self):
        for kind, message in self.messages.items():
            content = whole_cbor(message)[3]
            self.inner[kind].validate_cbor(content)
            header = b"\x62id\x50" + whole_cbor(content)["id"]
            key = b"\x63key\x58\x20" + whole_cbor(content)["key"]
            self.assertEqual((content.count(header), content.count(key)), (1, 1))
            changed = {
                "no id": bytes([content[0] - 1]) + content[1:].replace(header, b""),
                "short id": content.replace(header, header.replace(b"\x50", b"\x4f", 1)[:-1]),
                "id is text": content.replace(header, b"\x62id\x60"),
                "one more": bytes([content[0] + 1]) + content[1:].replace(header, header + b"\x61x\0"),
                "no records": content.replace(b"\x67records\x18\x80", b"\x67records\0"),
                "nothing together": content.replace(b"\x68together\x01", b"\x68together\0"),
                "together is text": content.replace(b"\x68together\x01", b"\x68together\x60"),
                "long key": content.replace(key, key.replace(b"\x58\x20", b"\x58\x21", 1) + b"\0"),
            }
            for name, bad in changed.items():
                self.assertNotEqual(bad, content, name)
                whole_cbor(bad)
                with self.assertRaises(pycddl.ValidationError, msg=f"{kind}: {name}"):
                    self.inner[kind].validate_cbor(bad)
            name, digest = f"tacita.{kind}".encode(), hashlib.sha256(content).digest()
            self.assertEqual(envelope(name, 1, digest, content), message)
            for bad in (
                envelope(name[:-1], 1, digest, content),
                envelope(name, 2, digest, content),
                envelope(name, 1, digest[1:], content),
                envelope(name, 1, digest, content)[:-1],
            ):
                with self.assertRaises(pycddl.ValidationError, msg=kind):
                    self.outer.validate_cbor(bad)
        with self.assertRaises(pycddl.ValidationError):
            self.inner["response"].validate_cbor(whole_cbor(self.messages["request"])[3])


if __name__ == "__main__":
    unittest.main()
