//! tacita itself, once for each engine.

use std::hint::black_box;

use tacita::Backend;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
use tacita::paillier::{Ciphertext, LinearLayer, NonceMethod, Plaintext, PublicKey, SecretKey};

use crate::contender::BATCH;
use crate::inputs::RECORDS;
use crate::{Contender, Inputs, Job, Work};

pub(crate) struct Tacita<'a> {
    inputs: &'a Inputs,
    engine: Backend,
    key: SecretKey,
    plaintexts: Vec<Plaintext>,
    layer: LinearLayer,
    encryptor: Encryptor,
    evaluator: Evaluator,
    decryptor: Decryptor,
    records: Vec<Vec<f64>>,
}

impl<'a> Tacita<'a> {
    /// One for each engine that this machine has, or for the one that the environment asks for.
    pub(crate) fn each_engine(inputs: &'a Inputs) -> tacita::Result<Vec<Self>> {
        let engines = match std::env::var_os(Backend::VARIABLE) {
            Some(_) => vec![Backend::selected()?],
            None => Backend::available().collect(),
        };
        engines.into_iter().map(|engine| Self::new(inputs, engine)).collect()
    }

    fn new(inputs: &'a Inputs, engine: Backend) -> tacita::Result<Self> {
        let key = inputs.key.on(engine)?;
        let spec = inputs.model.spec().clone();
        let pin = spec.fingerprint();
        let plaintexts = inputs.record().iter().map(|&x| Plaintext::new(x, key.public_key()));
        let plaintexts: Vec<_> = plaintexts.collect::<tacita::Result<_>>()?;
        // Builds the tables of nonces.
        key.encrypt(&plaintexts[0])?;
        key.public_key().encrypt(&plaintexts[0])?;
        Ok(Self {
            inputs,
            engine,
            layer: LinearLayer::new(inputs.record().len(), inputs.model.weights())?,
            encryptor: Encryptor::with_secret_key(spec.clone(), pin, key.clone())?,
            evaluator: Evaluator::new(inputs.model.clone()),
            decryptor: Decryptor::new(spec, pin, key.clone())?,
            records: inputs.records.iter().map(|record| record.iter().map(|&x| x as f64).collect()).collect(),
            key,
            plaintexts,
        })
    }

    fn public(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn layer(&self) -> Vec<Ciphertext> {
        self.layer.apply(self.public(), black_box(&self.inputs.ciphertexts)).expect("as many ciphertexts as columns")
    }

    fn check_layer(&self) {
        let sums = self.key.decrypt_batch(&self.layer()).expect("a sound machine");
        let bias = self.inputs.model.bias();
        let found = sums.iter().zip(bias).map(|(sum, bias)| sum.to_signed(self.public()) + bias);
        assert!(found.eq(self.inputs.answers[0].iter().copied()));
    }

    /// Both sides, with the bytes between them; returns the lengths of those.
    fn whole(&self, records: usize) -> Option<[usize; 2]> {
        let request = self.encryptor.encrypt(&self.records[..records]).expect("the records are in range");
        let up = request.to_bytes();
        let received = Request::from_bytes(&up).expect("our own bytes");
        let down = self.evaluator.evaluate(&received, self.public()).expect("the request fits").to_bytes();
        let response = Response::from_bytes(&down).expect("our own bytes");
        let predictions = self.decryptor.decrypt(&response, request.header()).expect("the response fits");
        assert!(predictions.iter().map(|prediction| &prediction.outputs).eq(&self.inputs.answers[..records]));
        Some([up.len(), down.len()])
    }
}

impl Contender for Tacita<'_> {
    fn name(&self) -> &'static str {
        "tacita"
    }

    fn version(&self) -> String {
        crate::contender::locked_version("tacita")
    }

    fn engine(&self) -> Option<&'static str> {
        Some(self.engine.name())
    }

    fn work(&self, job: Job) -> Option<Work<'_>> {
        let (plaintexts, ciphertexts) = (&self.plaintexts[..BATCH], &self.inputs.ciphertexts[..BATCH]);
        Some(match job {
            Job::EncryptSecret => Work::new(BATCH, || self.key.encrypt_batch(plaintexts).expect("randomness")),
            Job::EncryptPublic => Work::new(BATCH, || self.public().encrypt_batch(plaintexts).expect("randomness")),
            Job::DecryptBatch => Work::new(BATCH, || {
                let found = self.key.decrypt_batch(black_box(ciphertexts)).expect("a sound machine");
                assert!(found.iter().zip(self.inputs.record()).all(|(m, x)| m.to_integer() == *x));
            }),
            Job::DecryptOne => Work::new(1, || {
                let found = self.key.decrypt(black_box(&ciphertexts[0])).expect("a sound machine");
                assert_eq!(found.to_integer(), self.inputs.record()[0]);
            }),
            Job::NthPower => Work::new(BATCH, || self.public().nonces(NonceMethod::Power, BATCH).expect("randomness")),
            Job::LinearLayer => {
                self.check_layer();
                Work::new(1, || self.layer())
            }
            Job::Whole => Work::with_bytes(1, || self.whole(1)),
            Job::WholeBatch => Work::with_bytes(RECORDS, || self.whole(RECORDS)),
        })
    }
}
