//! Keys as JSON Web Keys, in the form of python-paillier, with the key proof as one member more.
//!
//! Public: `{"kty":"DAJ","alg":"PAI-GN1","key_ops":["encrypt"],"n","kid","short_nonces","proof"}`; secret:
//! `{"kty":"DAJ","key_ops":["decrypt"],"p","q","pub","kid"}`. Integers are big-endian, as short as possible, in base64url
//! without padding; the proof is fixed-width. Members that are not known are ignored (RFC 7517, section 4).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rug::Integer;
use rug::integer::Order;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::proof::KeyProof;
use super::{PublicKey, SecretKey, UnverifiedPublicKey};
use crate::error::{Error, KeyFault, Result};
use crate::json;
use crate::secret::WipedInteger;

/// Longest key file that is read. The longest of ours, a secret key of 4096 bits, has 9 kB.
pub(crate) const LIMIT: usize = 64 * 1024;

const TYPE: &str = "DAJ";
const ALGORITHM: &str = "PAI-GN1";

/// What a key is for. A byte each, so that a list of them takes no more memory than its text.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Encrypt,
    Decrypt,
    #[serde(other)]
    Other,
}

#[derive(Serialize, Deserialize)]
struct PublicJwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow)]
    alg: Cow<'a, str>,
    key_ops: Vec<Operation>,
    #[serde(borrow)]
    n: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    kid: Option<Cow<'a, str>>,
    #[serde(default)]
    short_nonces: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    proof: Option<Cow<'a, str>>,
}

/// The factors are borrowed from the text, so that no unwiped copy is made.
#[derive(Serialize, Deserialize)]
struct SecretJwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    key_ops: Vec<Operation>,
    p: &'a str,
    q: &'a str,
    #[serde(borrow, rename = "pub")]
    public: PublicJwk<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    kid: Option<Cow<'a, str>>,
}

impl PublicJwk<'_> {
    fn read(&self) -> Result<UnverifiedPublicKey> {
        if self.kty != TYPE || self.alg != ALGORITHM || !self.key_ops.contains(&Operation::Encrypt) {
            return Err(public(r#"it is not of "kty" DAJ, "alg" PAI-GN1 with "encrypt" among its "key_ops""#));
        }
        let key = UnverifiedPublicKey::from_bytes(&decode(&self.n).map_err(public)?, self.short_nonces)?;
        let proof = self.proof.as_deref().map(|proof| -> Result<_> {
            let bytes = URL_SAFE_NO_PAD.decode(proof).map_err(|_| public("the proof is not base64url"))?;
            KeyProof::from_bytes(&bytes, key.bits())
        });
        Ok(UnverifiedPublicKey { proof: proof.transpose()?, ..key })
    }

    fn write(n: &Integer, short_nonces: bool, proof: Option<&KeyProof>, kid: String) -> PublicJwk<'static> {
        PublicJwk {
            kty: TYPE.into(),
            alg: ALGORITHM.into(),
            key_ops: vec![Operation::Encrypt],
            n: encode(n).into(),
            kid: Some(kid.into()),
            short_nonces,
            proof: proof.map(|proof| URL_SAFE_NO_PAD.encode(proof.as_bytes()).into()),
        }
    }
}

impl UnverifiedPublicKey {
    /// Reads a public key file: JSON of at most 64 kB.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Malformed`]; [`KeyFault::Size`] for another length than 2048, 3072 or 4096 bits.
    pub fn from_json(text: &str) -> Result<Self> {
        check_length("public key", text)?;
        let jwk: PublicJwk = json::read(text).map_err(|error| public(&located(&error)))?;
        jwk.read()
    }

    /// Writes a public key file.
    pub fn to_json(&self) -> String {
        to_json(&PublicJwk::write(&self.n, self.short_nonces, self.proof.as_ref(), self.fingerprint().to_string()))
    }
}

impl PublicKey {
    /// Writes a public key file, with the proof where the key has one; see [`SecretKey::proof`].
    pub fn to_json(&self) -> String {
        to_json(&PublicJwk::write(self.modulus(), self.short_nonces(), self.proof(), self.fingerprint().to_string()))
    }
}

impl SecretKey {
    /// Reads a secret key file: JSON of at most 64 kB.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Malformed`]; [`KeyFault`] if factors and public part do not make a key.
    pub fn from_json(text: &str) -> Result<Self> {
        check_length("secret key", text)?;
        let jwk: SecretJwk = json::read(text).map_err(|error| secret(&located(&error)))?;
        if jwk.kty != TYPE || !jwk.key_ops.contains(&Operation::Decrypt) {
            return Err(secret(r#"it is not of "kty" DAJ with "decrypt" among its "key_ops""#));
        }
        let (p, q) = (factor(jwk.p)?, factor(jwk.q)?);
        let public = jwk.public.read()?;
        if Integer::from(&p.0 * &q.0) != public.n {
            return Err(KeyFault::Parts.into());
        }
        let key = Self::from_primes_with_proof(p, q, public.proof)?;
        if let Some(proof) = key.public_key().proof() {
            // A damaged proof would be noticed by everybody but its owner.
            proof.check_product(key.public_key().modulus())?;
        }
        Ok(key)
    }

    /// Writes a secret key file, wiped when dropped. It holds the public part with its proof.
    ///
    /// # Errors
    /// As [`proof`](Self::proof).
    pub fn to_json(&self) -> Result<Zeroizing<String>> {
        let public = self.public_key();
        let kid = public.fingerprint().to_string();
        let (p, q) = self.primes();
        let (p, q) = (Zeroizing::new(encode(&p)), Zeroizing::new(encode(&q)));
        let jwk = SecretJwk {
            kty: TYPE.into(),
            key_ops: vec![Operation::Decrypt],
            p: &p,
            q: &q,
            public: PublicJwk::write(public.modulus(), public.short_nonces(), Some(self.proof()?), kid.clone()),
            kid: Some(kid.into()),
        };
        // Room for all of it from the start: growth would leave copies behind.
        let mut bytes = Vec::with_capacity(LIMIT);
        serde_json::to_writer_pretty(&mut bytes, &jwk).expect("strings and booleans are always JSON");
        bytes.push(b'\n');
        Ok(Zeroizing::new(String::from_utf8(bytes).expect("JSON is UTF-8")))
    }
}

fn public(why: &str) -> Error {
    Error::malformed("public key", why)
}

fn secret(why: &str) -> Error {
    Error::malformed("secret key", why)
}

fn check_length(what: &'static str, text: &str) -> Result<()> {
    if text.len() <= LIMIT {
        return Ok(());
    }
    Err(Error::TooLarge { what, found: text.len() as u64, limit: LIMIT as u64 })
}

/// Where the JSON is wrong, without the text that serde_json quotes: it may be a piece of a secret key.
fn located(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "a member is missing or of another type than it should be",
        _ => "it is not JSON",
    };
    format!("{kind} (line {}, column {})", error.line(), error.column())
}

fn to_json(jwk: &impl Serialize) -> String {
    serde_json::to_string_pretty(jwk).expect("strings and booleans are always JSON") + "\n"
}

fn encode(value: &Integer) -> String {
    URL_SAFE_NO_PAD.encode(Zeroizing::new(value.to_digits::<u8>(Order::Msf)))
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    // Room of our own, which is overwritten where the text turns out to be none of this, too.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length =
        URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| "an integer is not base64url without padding")?;
    bytes.truncate(length);
    Ok(bytes)
}

/// A secret factor: half as long as the longest modulus at most.
fn factor(text: &str) -> Result<WipedInteger> {
    let bytes = decode(text).map_err(secret)?;
    if bytes.first() == Some(&0) {
        return Err(secret("an integer has leading zeros"));
    }
    if bytes.len() > 4096 / 2 / 8 {
        return Err(KeyFault::Factors.into());
    }
    Ok(WipedInteger(Integer::from_digits(&bytes, Order::Msf)))
}
