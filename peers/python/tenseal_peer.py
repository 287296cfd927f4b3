"""CKKS by TenSEAL (Microsoft SEAL). Reads the inputs that `tacita-peers --inputs` wrote, prints what it measured as JSON."""

import os
import tempfile
from importlib.metadata import version

import ckks
import tenseal
from tenseal import sealapi as seal


class Engine:
    """128 bits of security by SEAL's own table, depth 1, through TenSEAL's bindings to SEAL."""

    name = "tenseal"
    textbook = False

    def __init__(self, ring, bits, scale):
        parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
        parameters.set_poly_modulus_degree(ring)
        parameters.set_coeff_modulus(seal.CoeffModulus.Create(ring, bits))
        context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.TC128)
        assert context.parameters_set()
        self.generator = seal.KeyGenerator(context)
        self.encoder = seal.CKKSEncoder(context)
        self.encryptor = seal.Encryptor(context, self.generator.secret_key())
        self.evaluator = seal.Evaluator(context)
        self.decryptor = seal.Decryptor(context, self.generator.secret_key())
        self.ring, self.slots, self.scale = ring, ring // 2, scale
        self.parameters = f"moduli {' + '.join(map(str, bits))} bits"

    def prepare(self, rotations):
        self.keys = seal.GaloisKeys()
        # SEAL wants the automorphism of a rotation: x -> x^(3^step).
        self.generator.create_galois_keys([pow(3, step, 2 * self.ring) for step in rotations], self.keys)
        return self.size(self.keys)

    def encode(self, values):
        plaintext = seal.Plaintext()
        self.encoder.encode(values, self.scale, plaintext)
        return plaintext

    def encrypt(self, values):
        ciphertext = seal.Ciphertext()
        self.encryptor.encrypt_symmetric(self.encode(values), ciphertext)
        return ciphertext

    def multiply(self, c, weights):
        product = seal.Ciphertext()
        self.evaluator.multiply_plain(c, weights, product)
        return product

    def add(self, c, d):
        total = seal.Ciphertext()
        self.evaluator.add(c, d, total)
        return total

    def rescale(self, c):
        rescaled = seal.Ciphertext()
        self.evaluator.rescale_to_next(c, rescaled)
        return rescaled

    def rotate(self, c, step):
        rotated = seal.Ciphertext()
        self.evaluator.rotate_vector(c, step, self.keys, rotated)
        return rotated

    def decrypt(self, c):
        plaintext = seal.Plaintext()
        self.decryptor.decrypt(c, plaintext)
        return self.encoder.decode_double(plaintext)

    def size(self, c):
        with tempfile.NamedTemporaryFile() as file:
            c.save(file.name)
            return os.path.getsize(file.name)


class Vector:
    """TenSEAL's own vector and its own product with a matrix, as its tutorials have it: engine and way at once."""

    name = "tenseal"
    ring = 8192
    parameters = "moduli 50 + 40 + 60 bits"
    way = "mm"
    variant = "CKKSVector.mm"

    def __init__(self, matrix):
        self.engine = self
        self.context = tenseal.context(
            tenseal.SCHEME_TYPE.CKKS, self.ring, coeff_mod_bit_sizes=[50, 40, 60],
            encryption_type=tenseal.ENCRYPTION_TYPE.SYMMETRIC)
        self.context.global_scale = 2.0**40
        self.context.generate_galois_keys()
        self.keys = len(self.context.serialize(save_public_key=False, save_secret_key=False))
        self.matrix = [list(column) for column in zip(*matrix)]

    def pack(self, records):
        return records

    def encrypt(self, values):
        return tenseal.ckks_vector(self.context, values)

    def evaluate(self, request):
        return [c.mm(self.matrix) for c in request]

    def decrypt(self, c):
        return c.decrypt()

    def unpack(self, outputs):
        return outputs

    def size(self, c):
        return len(c.serialize())


if __name__ == "__main__":
    ckks.main("tenseal", version("tenseal"), [
        lambda: Engine(8192, [50, 40, 60], 2.0**40),
        lambda: Engine(4096, [39, 30, 40], 2.0**30),
    ], own=Vector)
