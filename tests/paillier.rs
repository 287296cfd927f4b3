//! The cryptosystem against plain integer arithmetic.

use rug::Integer;
use tacita::paillier::{
    Ciphertext, KeyProof, KeySize, NonceMethod, Plaintext, PublicKey, SecretKey, UnverifiedPublicKey,
};
use tacita::{Error, KeyFault};

const METHODS: [NonceMethod; 4] =
    [NonceMethod::Power, NonceMethod::PublicBase, NonceMethod::SecretBase, NonceMethod::RandomBases];

/// Numbers at the edges of what a plaintext can be.
fn plaintexts(key: &PublicKey) -> Vec<Integer> {
    let n = key.modulus();
    let half = Integer::from(n / 2);
    [Integer::new(), 1.into(), (-1).into(), half.clone(), -half, Integer::from(n - 1), 123_456_789.into()].into()
}

/// L(c^lambda mod n^2) / lambda mod n: decryption as Paillier's paper has it, without any shortcut.
fn plain_decryption(p: &Integer, q: &Integer, ciphertext: &Ciphertext) -> Integer {
    let n = Integer::from(p * q);
    let lambda = Integer::from(p - 1).lcm(&Integer::from(q - 1));
    let power = ciphertext.to_integer().pow_mod(&lambda, &n.clone().square()).unwrap();
    (power - 1u32) / &n * lambda.invert(&n).unwrap() % n
}

fn primes() -> (Integer, Integer) {
    // 1024 bits each, both 3 mod 4, found from these starts by GMP.
    let prime = |start: u32| {
        let mut prime = ((Integer::from(3) << 1022u32) + (Integer::from(start) << 900u32)).next_prime();
        while prime.mod_u(4) != 3 {
            prime = prime.next_prime();
        }
        prime
    };
    (prime(7), prime(1 << 30))
}

#[test]
fn every_nonce_method_decrypts_alike_by_crt_and_by_the_book() {
    let (p, q) = primes();
    let secret = SecretKey::from_primes(p.clone(), q.clone()).unwrap();
    let public = secret.public_key();
    for method in METHODS {
        for (value, nonce) in plaintexts(public).into_iter().zip(secret.nonces(method, 7).unwrap()) {
            let plaintext = Plaintext::new(value.clone(), public).unwrap();
            let ciphertext = public.encrypt_with(&plaintext, nonce).unwrap();
            let expected = value.modulo(public.modulus());
            assert_eq!(secret.decrypt(&ciphertext).unwrap().to_integer(), expected, "{method:?}");
            assert_eq!(plain_decryption(&p, &q, &ciphertext), expected, "{method:?}");
        }
    }
}

#[test]
fn nonces_are_residues_of_order_phi_and_differ() {
    let (p, q) = primes();
    let secret = SecretKey::from_primes(p.clone(), q.clone()).unwrap();
    let public = secret.public_key();
    let zero = Plaintext::new(0, public).unwrap();
    let phi = Integer::from(&p - 1) * Integer::from(&q - 1);
    let square = public.modulus().clone().square();
    let mut seen = Vec::new();
    for method in METHODS {
        for nonce in secret.nonces(method, 3).unwrap() {
            let number = public.encrypt_with(&zero, nonce).unwrap().to_integer();
            assert_eq!(
                number.clone().pow_mod(&phi, &square).unwrap(),
                1,
                "an n-th residue has an order that divides phi"
            );
            assert!(!seen.contains(&number));
            seen.push(number);
        }
    }
}

#[test]
fn methods_that_a_key_does_not_permit_are_refused() {
    // p = 1 mod 4.
    let (p, q) = primes();
    let p = (1..).map(|i| (p.clone() + 4 * i as u32).next_prime()).find(|p| p.mod_u(4) == 1).unwrap();
    let unfit = SecretKey::from_primes(p, q.clone()).unwrap();
    let fit = SecretKey::generate_insecure_for_tests(256).unwrap();
    let refused = |result: Result<Vec<_>, Error>| matches!(result, Err(Error::Argument(_)));
    for method in [NonceMethod::PublicBase, NonceMethod::SecretBase] {
        assert!(refused(unfit.nonces(method, 1)));
        assert!(refused(unfit.public_key().nonces(method, 1)));
        assert_eq!(refused(fit.public_key().nonces(method, 1)), method == NonceMethod::SecretBase);
        assert!(fit.nonces(method, 1).is_ok());
    }
    assert_eq!(unfit.nonce_method(), NonceMethod::Power);
    assert_eq!(unfit.nonces(NonceMethod::Power, 2).unwrap().len(), 2);
}

#[test]
fn operations_on_ciphertexts_agree_with_integers() {
    for bits in [256, 384, 512] {
        let secret = SecretKey::generate_insecure_for_tests(bits).unwrap();
        let public = secret.public_key();
        let n = public.modulus();
        let values = plaintexts(public);
        let encrypted: Vec<_> = values
            .iter()
            .map(|value| secret.encrypt(&Plaintext::new(value.clone(), public).unwrap()).unwrap())
            .collect();
        let decrypted = |ciphertext: &Ciphertext| secret.decrypt(ciphertext).unwrap().to_integer();
        for (x, c) in values.iter().zip(&encrypted) {
            assert_eq!(decrypted(&public.rerandomise(c).unwrap()), x.clone().modulo(n));
            assert_ne!(public.rerandomise(c).unwrap(), *c);
            for (y, d) in values.iter().zip(&encrypted) {
                let sum = Integer::from(x + y).modulo(n);
                let plain = Plaintext::new(y.clone(), public).unwrap();
                assert_eq!(decrypted(&public.add(c, d).unwrap()), sum);
                assert_eq!(decrypted(&public.add_plain(c, &plain).unwrap()), sum);
                assert_eq!(decrypted(&public.mul_plain(c, y).unwrap()), Integer::from(x * y).modulo(n), "{x} * {y}");
            }
        }
        let batch = secret.decrypt_batch_verified(&public.add_batch(&encrypted, &encrypted).unwrap()).unwrap();
        for (x, twice) in values.iter().zip(batch) {
            assert_eq!(twice.to_integer(), Integer::from(x * 2).modulo(n));
        }
    }
}

#[test]
fn things_of_two_keys_do_not_mix() {
    let [one, other] = [256, 256].map(|bits| SecretKey::generate_insecure_for_tests(bits).unwrap());
    let plaintext = Plaintext::new(1, one.public_key()).unwrap();
    let ciphertext = one.encrypt(&plaintext).unwrap();
    let mismatch =
        Error::KeyMismatch { expected: other.public_key().fingerprint(), found: one.public_key().fingerprint() };
    assert_eq!(other.decrypt(&ciphertext).unwrap_err(), mismatch);
    assert_eq!(other.public_key().add(&ciphertext, &ciphertext).unwrap_err(), mismatch);
    assert_eq!(other.public_key().rerandomise(&ciphertext).unwrap_err(), mismatch);
    let nonce = one.nonces(NonceMethod::Power, 1).unwrap().remove(0);
    assert_eq!(other.public_key().encrypt_with(&plaintext, nonce).unwrap_err(), mismatch);
    let long = SecretKey::generate_insecure_for_tests(512).unwrap();
    assert!(matches!(long.encrypt(&plaintext), Err(Error::Argument(_))));
}

#[test]
fn plaintexts_beyond_n_are_refused() {
    let secret = SecretKey::generate_insecure_for_tests(256).unwrap();
    let public = secret.public_key();
    let n = public.modulus();
    assert!(Plaintext::new(n.clone(), public).is_err());
    assert!(Plaintext::new(-Integer::from(n / 2) - 1u32, public).is_err());
    assert!(Plaintext::new(Integer::from(n - 1), public).is_ok());
    assert_eq!(format!("{:?}", Plaintext::new(98_765, public).unwrap()).matches("98765").count(), 0);
}

#[test]
fn ciphertexts_from_outside_must_be_units_below_n_squared() {
    let (p, q) = primes();
    let secret = SecretKey::from_primes(p.clone(), q).unwrap();
    let public = secret.public_key();
    let square = public.modulus().clone().square();
    let good = secret.encrypt(&Plaintext::new(5, public).unwrap()).unwrap();
    assert_eq!(public.ciphertexts_from_bytes(&good.to_bytes()).unwrap(), std::slice::from_ref(&good));
    let width = public.ciphertext_bytes();
    let bytes = |value: &Integer| {
        let mut bytes = vec![0; width];
        value.write_digits(&mut bytes, rug::integer::Order::Msf);
        bytes
    };
    let bad = [Integer::new(), square.clone(), Integer::from(&square + 1), p.clone(), Integer::from(&square - &p)];
    for bad in &bad {
        let list = [good.to_bytes(), bytes(bad), good.to_bytes()].concat();
        let error = public.ciphertexts_from_bytes(&list).unwrap_err();
        assert!(matches!(error, Error::Ciphertext { index: 1, .. }), "{error}");
        assert!(public.ciphertext(bad).is_err());
    }
    assert!(matches!(public.ciphertexts_from_bytes(&good.to_bytes()[1..]), Err(Error::Malformed { .. })));
    assert!(public.ciphertexts_from_bytes(&[]).unwrap().is_empty());
}

#[test]
fn generated_keys_have_the_promised_form() {
    let secret = SecretKey::generate(KeySize::Bits2048).unwrap();
    let public = secret.public_key();
    assert_eq!(public.bits(), 2048);
    assert!(public.short_nonces());
    secret.proof().unwrap();
    let copy = UnverifiedPublicKey::from_json(&public.to_json()).unwrap().verify().unwrap();
    assert_eq!(copy, *public);
    assert_eq!(copy.proof(), public.proof());
}

#[test]
fn a_cancelled_search_is_an_error() {
    let cancelled = SecretKey::generate_with_progress(KeySize::Bits4096, &|progress| {
        assert!(progress.candidates >= 1 && progress.primes <= 2);
        std::ops::ControlFlow::Break(())
    });
    assert_eq!(cancelled.unwrap_err(), Error::Cancelled);
}

#[test]
fn unfit_moduli_and_proofs_each_have_their_own_error() {
    let (p, q) = primes();
    let secret = SecretKey::from_primes(p.clone(), q.clone()).unwrap();
    let n = secret.public_key().modulus().clone();
    let proof = secret.proof().unwrap().clone();
    let verify = |n: Integer, proof| UnverifiedPublicKey::new(n, true, proof).and_then(UnverifiedPublicKey::verify);
    let fault = |result: Result<PublicKey, Error>| match result.unwrap_err() {
        Error::Key(fault) => fault,
        error => panic!("{error}"),
    };
    assert!(verify(n.clone(), Some(proof.clone())).is_ok());
    assert_eq!(fault(verify(n.clone(), None)), KeyFault::MissingProof);
    assert_eq!(fault(verify(Integer::from(&n + 1), Some(proof.clone()))), KeyFault::Even);
    let shorter = Integer::from(&n >> 1u32);
    assert_eq!(
        fault(verify(shorter.clone(), Some(proof.clone()))),
        KeyFault::Size { bits: shorter.significant_bits() }
    );
    assert_eq!(fault(verify(-n.clone(), Some(proof.clone()))), KeyFault::Size { bits: 2048 });
    let with_factor = (Integer::from(3) << 2046u32) / 6367u32 * 6367u32;
    let with_factor = if with_factor.is_even() { with_factor + 6367u32 } else { with_factor };
    let least = (3..=6367u32).step_by(2).find(|&factor| with_factor.is_divisible_u(factor)).unwrap();
    assert_eq!(fault(verify(with_factor, Some(proof.clone()))), KeyFault::SmallFactor { factor: least });
    let prime = (Integer::from(3) << 2046u32).next_prime();
    assert_eq!(fault(verify(prime, Some(proof.clone()))), KeyFault::Prime);
    let other = SecretKey::from_primes(p.clone(), Integer::from(&q + 1).next_prime()).unwrap();
    let others = other.proof().unwrap().clone();
    assert_eq!(fault(verify(n.clone(), Some(others))), KeyFault::WrongProof);
    for place in [0, 255, 256, 11 * 256 - 1] {
        let mut bytes = proof.as_bytes().to_vec();
        bytes[place] ^= 1;
        let changed = KeyProof::from_bytes(&bytes, 2048).unwrap();
        assert_eq!(fault(verify(n.clone(), Some(changed))), KeyFault::WrongProof);
    }
    assert!(KeyProof::from_bytes(&proof.as_bytes()[1..], 2048).is_err());
}

#[test]
fn key_files_come_back_as_they_were() {
    let (p, q) = primes();
    let secret = SecretKey::from_primes(p, q).unwrap();
    let text = secret.to_json().unwrap();
    let back = SecretKey::from_json(&text).unwrap();
    assert_eq!(back.public_key(), secret.public_key());
    assert_eq!(*back.to_json().unwrap(), *text);
    let ciphertext = secret.encrypt(&Plaintext::new(-77, secret.public_key()).unwrap()).unwrap();
    assert_eq!(back.decrypt(&ciphertext).unwrap().to_signed(back.public_key()), -77);
}

#[test]
fn key_files_that_are_wrong_are_refused_without_showing_them() {
    let (p, q) = primes();
    let secret = SecretKey::from_primes(p, q).unwrap();
    let text = secret.to_json().unwrap();
    let refused = |text: &str| SecretKey::from_json(text).unwrap_err();
    for cut in [0, 1, 100, text.len() / 2, text.len() - 3] {
        let error = refused(&text[..cut]);
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        assert!(error.to_string().len() < 200, "an error does not quote the file");
    }
    assert!(matches!(refused(&format!("{}x", *text)), Error::Malformed { .. }));
    assert!(matches!(refused(&text.replace("DAJ", "RSA")), Error::Malformed { .. }));
    assert!(matches!(refused(&" ".repeat(70_000)), Error::TooLarge { .. }));
    let other = SecretKey::generate(KeySize::Bits2048).unwrap().to_json().unwrap();
    let member = |text: &str, name: &str| {
        let start = text.find(&format!("\"{name}\": \"")).unwrap() + name.len() + 5;
        text[start..start + text[start..].find('"').unwrap()].to_owned()
    };
    assert_eq!(refused(&text.replace(&member(&text, "p"), &member(&other, "p"))), Error::Key(KeyFault::Parts));
    assert!(UnverifiedPublicKey::from_json(&text).is_err(), "a secret key file is no public key file");
}
