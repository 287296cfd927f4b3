//! Paillier's cryptosystem (Paillier 1999) with g = n + 1: keys, key proof, encryption, decryption, operations on
//! ciphertexts.
//!
//! A plaintext m is a number modulo n, a ciphertext is (1 + m n) rho modulo n^2 for a random n-th residue rho, the nonce.
//! Products of ciphertexts decrypt to sums of plaintexts.
//!
//! ```
//! use tacita::paillier::{KeySize, Plaintext, SecretKey};
//!
//! let secret = SecretKey::generate(KeySize::Bits2048)?;
//! let public = secret.public_key();
//! let three = public.encrypt(&Plaintext::new(3, public)?)?;
//! let minus_five = public.encrypt(&Plaintext::new(-5, public)?)?;
//! let sum = public.add(&three, &public.mul_plain(&minus_five, &2.into())?)?;
//! assert_eq!(secret.decrypt(&sum)?.to_signed(public), -7);
//! # Ok::<(), tacita::Error>(())
//! ```

mod ciphertext;
mod encryption_key;
mod generate;
mod jwk;
mod keyfile;
mod linear_layer;
mod nonce;
mod nonce_pool;
mod operations;
mod plaintext;
mod proof;
mod public_key;
mod random_bases;
mod secret_key;
mod unverified;

pub use ciphertext::Ciphertext;
pub(crate) use encryption_key::EncryptionKey;
pub use generate::{KeySize, KeygenProgress};
pub(crate) use jwk::LIMIT as KEY_FILE_LIMIT;
pub use keyfile::is_encrypted;
pub use linear_layer::LinearLayer;
pub use nonce::{Nonce, NonceMethod};
pub use nonce_pool::{NoncePool, PoolStatistics};
pub use plaintext::Plaintext;
pub use proof::KeyProof;
pub use public_key::PublicKey;
pub use secret_key::SecretKey;
pub use unverified::UnverifiedPublicKey;
