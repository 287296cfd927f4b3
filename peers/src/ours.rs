//! tacita itself, once for each engine.

use std::cell::OnceCell;
use std::hint::black_box;
use std::rc::Rc;

use tacita::Backend;
use tacita::encoding::Layout;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response};
use tacita::measure::{self, Kernel};
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
    /// The same for all engines.
    cloud: Rc<OnceCell<Cloud>>,
    decryptor: Decryptor,
    records: Vec<Vec<f64>>,
}

/// Evaluators and pools, made when first wanted: plans for all layouts take their time.
struct Cloud {
    evaluator: Evaluator,
    pooled: Evaluator,
    /// Of the encrypting side, then of the pooled evaluator.
    pools: [NoncePool; 2],
}

impl<'a> Tacita<'a> {
    /// One for each engine that this machine has, or for the one that the environment asks for.
    pub(crate) fn each_engine(inputs: &'a Inputs) -> tacita::Result<Vec<Self>> {
        let engines = match std::env::var_os(Backend::VARIABLE) {
            Some(_) => vec![Backend::selected()?],
            None => Backend::available().collect(),
        };
        let cloud = Rc::default();
        engines.into_iter().map(|engine| Self::new(inputs, engine, Rc::clone(&cloud))).collect()
    }

    fn new(inputs: &'a Inputs, engine: Backend, cloud: Rc<OnceCell<Cloud>>) -> tacita::Result<Self> {
        let key = inputs.key.on(engine)?;
        let spec = inputs.model.spec().clone();
        let pin = spec.fingerprint();
        let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone())?;
        let encryptors = spec.layouts().filter_map(|layout| Some((layout, encryptor.clone().layout(layout).ok()?)));
        let encryptors: Vec<_> = encryptors.collect();
        let plaintexts = inputs.record().iter().map(|&x| Plaintext::new(x, key.public_key()));
        let plaintexts: Vec<_> = plaintexts.collect::<tacita::Result<_>>()?;
        // Builds the tables of nonces.
        key.encrypt(&plaintexts[0])?;
        key.public_key().encrypt(&plaintexts[0])?;
        Ok(Self {
            inputs,
            engine,
            layer: LinearLayer::new(inputs.record().len(), &inputs.matrix)?,
            encryptors,
            cloud,
            decryptor: Decryptor::new(spec, pin, key.clone())?,
            records: inputs.records.iter().map(|record| record.iter().map(|&x| x as f64).collect()).collect(),
            key,
            plaintexts,
        })
    }

    fn public(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn cloud(&self) -> &Cloud {
        self.cloud.get_or_init(|| self.new_cloud().expect("randomness and threads"))
    }

    fn new_cloud(&self) -> tacita::Result<Cloud> {
        let evaluator = || -> tacita::Result<_> {
            let evaluator = Evaluator::new(self.inputs.model.clone());
            self.encryptors.iter().try_for_each(|(layout, _)| evaluator.prepare(*layout))?;
            Ok(evaluator)
        };
        let (features, rows) = (self.inputs.record().len(), self.inputs.answers[0].len());
        let key = &self.inputs.key;
        let pools = [
            NoncePool::with_secret_key(key, key.nonce_method(), features)?,
            NoncePool::with_public_key(key.public_key(), NonceMethod::RandomBases, rows)?,
        ];
        let pooled = evaluator()?;
        pooled.set_pool(pools[1].clone())?;
        Ok(Cloud { evaluator: evaluator()?, pooled, pools })
    }

    fn layer(&self) -> Vec<Ciphertext> {
        self.layer.apply(self.public(), black_box(&self.inputs.ciphertexts)).expect("as many ciphertexts as columns")
    }

    fn check_layer(&self) {
        let sums = self.key.decrypt_batch(&self.layer()).expect("a sound machine");
        assert!(sums.iter().map(|sum| sum.to_signed(self.public())).eq(self.inputs.sums()));
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
        let evaluator = &self.cloud().evaluator;
        let whole = move |encryptor| move || self.whole(encryptor, evaluator, 1);
        self.encryptors.iter().map(|(layout, by)| Work::with_bytes(1, whole(by)).in_way(layout)).collect()
    }

    /// The same with pools that were filled before.
    fn wholes_with_pools(&self) -> Vec<Work<'_>> {
        let Cloud { pooled, pools, .. } = self.cloud();
        // Full whenever a clock starts, so that nobody fills them while it runs for somebody else.
        let fill = move || pools.iter().for_each(|pool| pool.fill().expect("randomness"));
        fill();
        let work = |(layout, encryptor): &(Layout, Encryptor)| {
            let encryptor = encryptor.clone().with_pool(pools[0].clone()).expect("the same key");
            Work::with_bytes(1, move || self.whole(&encryptor, pooled, 1)).and_after(fill).in_way(layout)
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
        let (record, ciphertexts) = (&self.plaintexts, &self.inputs.ciphertexts[..BATCH]);
        let kernel = |kernel| {
            let seconds =
                move || measure::kernel(self.engine, kernel, self.public().bits()).expect("the engine is there");
            Work::clocked(self.engine.lanes(), seconds)
        };
        vec![match job {
            Job::Product => kernel(Kernel::Product),
            Job::Square => kernel(Kernel::Square),
            Job::EncryptSecret => Work::new(record.len(), || self.key.encrypt_batch(record).expect("randomness")),
            Job::EncryptPublic => Work::new(record.len(), || self.public().encrypt_batch(record).expect("randomness")),
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
            Job::WholePool => return self.wholes_with_pools(),
            // The layout for many records.
            Job::WholeBatch => {
                let (layout, encryptor) = &self.encryptors[0];
                assert_eq!(*layout, Layout::Records);
                let evaluator = &self.cloud().evaluator;
                Work::with_bytes(RECORDS, move || self.whole(encryptor, evaluator, RECORDS))
            }
        }]
    }
}
