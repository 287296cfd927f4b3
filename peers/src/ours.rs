//! tacita itself, once for each engine.

use std::hint::black_box;

use tacita::Backend;
use tacita::encoding::Layout;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
use tacita::paillier::{Ciphertext, LinearLayer, NonceMethod, NoncePool, Plaintext, PublicKey, SecretKey};

use crate::contender::BATCH;
use crate::inputs::RECORDS;
use crate::{Contender, Inputs, Job, Work};

pub(crate) struct Tacita<'a> {
    inputs: &'a Inputs,
    engine: Backend,
    key: SecretKey,
    plaintexts: Vec<Plaintext>,
    layer: LinearLayer,
    /// One for each layout that the spec and the key permit.
    encryptors: Vec<(Layout, Encryptor)>,
    evaluator: Evaluator,
    /// Another, with a pool.
    pooled: Evaluator,
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
        let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?;
        let encryptors = spec.layouts().filter_map(|layout| Some((layout, encryptor.clone().layout(layout).ok()?)));
        let encryptors: Vec<_> = encryptors.collect();
        let evaluator = Evaluator::new(inputs.model.clone());
        let pooled = Evaluator::new(inputs.model.clone());
        for (layout, _) in &encryptors {
            evaluator.prepare(*layout)?;
            pooled.prepare(*layout)?;
        }
        let plaintexts = inputs.record().iter().map(|&x| Plaintext::new(x, key.public_key()));
        let plaintexts: Vec<_> = plaintexts.collect::<tacita::Result<_>>()?;
        // Builds the tables of nonces.
        key.encrypt(&plaintexts[0])?;
        key.public_key().encrypt(&plaintexts[0])?;
        Ok(Self {
            inputs,
            engine,
            layer: LinearLayer::new(inputs.record().len(), inputs.model.weights())?,
            encryptors,
            evaluator,
            pooled,
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
    fn whole(&self, encryptor: &Encryptor, evaluator: &Evaluator, records: usize) -> Option<[usize; 2]> {
        let request = encryptor.encrypt(&self.records[..records]).expect("the records are in range");
        let up = request.to_bytes();
        let received = Request::from_bytes(&up).expect("our own bytes");
        let down = evaluator.evaluate(&received, self.public()).expect("the request fits").to_bytes();
        let response = Response::from_bytes(&down).expect("our own bytes");
        let predictions = self.decryptor.decrypt(&response, request.header()).expect("the response fits");
        assert!(predictions.iter().map(|prediction| &prediction.outputs).eq(&self.inputs.answers[..records]));
        Some([up.len(), down.len()])
    }

    /// One record in each layout.
    fn wholes(&self) -> Vec<Work<'_>> {
        let whole = move |encryptor| move || self.whole(encryptor, &self.evaluator, 1);
        self.encryptors.iter().map(|(layout, by)| Work::with_bytes(1, whole(by)).in_way(layout)).collect()
    }

    /// The same with pools that were filled before.
    fn wholes_with_pools(&self) -> tacita::Result<Vec<Work<'_>>> {
        let features = self.inputs.record().len();
        let rows = self.inputs.answers[0].len();
        let ours = NoncePool::with_secret_key(&self.key, self.key.nonce_method(), features)?;
        let theirs = NoncePool::with_public_key(self.public(), NonceMethod::RandomBases, rows)?;
        self.pooled.set_pool(theirs.clone())?;
        let pools = [ours, theirs];
        // Full whenever a clock starts, so that nobody fills them while it runs for somebody else.
        let fill = |pools: &[NoncePool]| pools.iter().try_for_each(NoncePool::fill);
        fill(&pools)?;
        let work = |(layout, encryptor): &(Layout, Encryptor)| -> tacita::Result<_> {
            let encryptor = encryptor.clone().with_pool(pools[0].clone())?;
            let pools = pools.clone();
            Ok(Work::with_bytes(1, move || self.whole(&encryptor, &self.pooled, 1))
                .and_after(move || fill(&pools).expect("randomness"))
                .in_way(layout))
        };
        self.encryptors.iter().map(work).collect()
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

    fn works(&self, job: Job) -> Vec<Work<'_>> {
        let (plaintexts, ciphertexts) = (&self.plaintexts[..BATCH], &self.inputs.ciphertexts[..BATCH]);
        vec![match job {
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
            Job::Whole => return self.wholes(),
            Job::WholePool => return self.wholes_with_pools().expect("threads"),
            // The layout for many records.
            Job::WholeBatch => {
                let (layout, encryptor) = &self.encryptors[0];
                assert_eq!(*layout, Layout::Records);
                Work::with_bytes(RECORDS, || self.whole(encryptor, &self.evaluator, RECORDS))
            }
        }]
    }
}
