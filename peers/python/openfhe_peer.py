"""CKKS by OpenFHE. Reads the inputs that `tacita-peers --inputs` wrote, prints what it measured as JSON."""

from importlib.metadata import version

import ckks
import openfhe as fhe


class Engine:
    """128 bits of security by the Homomorphic Encryption Standard, depth 1; OpenFHE finds the ring for it."""

    name = "openfhe"

    def __init__(self, first, scale, technique, digits=None):
        parameters = fhe.CCParamsCKKSRNS()
        parameters.SetSecurityLevel(fhe.SecurityLevel.HEStd_128_classic)
        parameters.SetMultiplicativeDepth(1)
        parameters.SetFirstModSize(first)
        parameters.SetScalingModSize(scale)
        parameters.SetScalingTechnique(fhe.ScalingTechnique.FIXEDMANUAL)
        parameters.SetKeySwitchTechnique(technique)
        if digits is not None:
            parameters.SetDigitSize(digits)
        self.context = fhe.GenCryptoContext(parameters)
        for feature in (fhe.PKESchemeFeature.PKE, fhe.PKESchemeFeature.KEYSWITCH, fhe.PKESchemeFeature.LEVELEDSHE):
            self.context.Enable(feature)
        self.ring = self.context.GetRingDimension()
        self.slots = self.ring // 2
        self.parameters = f"moduli {first} + {scale} bits, {technique.name} key switching"
        self.textbook = digits is None
        self.key = self.context.KeyGen().secretKey

    def prepare(self, rotations):
        self.context.ClearEvalAutomorphismKeys()
        self.context.EvalRotateKeyGen(self.key, rotations)
        return len(fhe.SerializeEvalAutomorphismKeyString(fhe.BINARY))

    def encode(self, values):
        return self.context.MakeCKKSPackedPlaintext(values)

    def encrypt(self, values):
        return self.context.Encrypt(self.key, self.context.MakeCKKSPackedPlaintext(values))

    def multiply(self, c, weights):
        return self.context.EvalMult(c, weights)

    def add(self, c, d):
        return self.context.EvalAdd(c, d)

    def rescale(self, c):
        return self.context.Rescale(c)

    def rotate(self, c, step):
        return self.context.EvalRotate(c, step)

    def decrypt(self, c):
        return self.context.Decrypt(c, self.key).GetRealPackedValue()

    def size(self, c):
        return len(fhe.Serialize(c, fhe.BINARY))


if __name__ == "__main__":
    ckks.main("openfhe", version("openfhe"), [
        # Its usual key switching wants a further modulus of 60 bits, and with that a ring of 8192.
        lambda: Engine(50, 40, fhe.KeySwitchTechnique.HYBRID),
        # The older one does without, so that half the ring is enough; 20 bits a digit leave the answers right to 0.1 %.
        lambda: Engine(60, 45, fhe.KeySwitchTechnique.BV, 20),
    ])
