//! Encrypted inference against the plain integer model.

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{KEY, OTHER_KEY, compile, random_model};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use tacita::encoding::{Feature, Features, Grid, Layout, OutOfRange};
use tacita::inference::{Decryptor, Encryptor, Evaluator, Prediction, Request, Response};
use tacita::model::{PrivateModel, QuantiseOptions};
use tacita::network::{Activation, Affine};
use tacita::paillier::{NonceMethod, NoncePool, SecretKey, UnverifiedPublicKey};
use tacita::{Error, Fingerprint};

/// All the way: encrypt, through bytes, evaluate, through bytes, decrypt.
fn predict(model: &PrivateModel, key: &SecretKey, layout: Layout, records: &[Vec<f64>]) -> Vec<Prediction> {
    let spec = model.spec().clone();
    let pin = spec.fingerprint();
    let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone()).unwrap().layout(layout).unwrap();
    let request = encryptor.encrypt(records).unwrap();
    let received = Request::from_bytes(&request.to_bytes()).unwrap();
    let evaluator = Evaluator::new(model.clone());
    let verified = received.public_key().unwrap().clone().verify().unwrap();
    let response = evaluator.evaluate(&received, &verified).unwrap();
    let response = Response::from_bytes(&response.to_bytes()).unwrap();
    assert_eq!(response.header(), request.header());
    assert_eq!(response.header().layout(), layout);
    let packing = spec.packing(layout, key.public_key().bits()).unwrap();
    let lengths = [
        packing.request_ciphertexts(records.len(), model.columns()),
        packing.response_ciphertexts(records.len(), model.rows()),
    ];
    let lengths = lengths.map(|count| count as usize * key.public_key().ciphertext_bytes());
    assert_eq!([request.ciphertext_bytes(), response.ciphertext_bytes()], lengths);
    let decryptor = Decryptor::new(spec, pin, key.clone()).unwrap();
    decryptor.decrypt(&response, request.header()).unwrap()
}

/// The encrypted outputs must be the integer model's, exactly.
fn agrees(model: &PrivateModel, records: &[Vec<f64>]) {
    agrees_in(Layout::Records, model, records);
}

fn agrees_in(layout: Layout, model: &PrivateModel, records: &[Vec<f64>]) {
    let features = model.spec().features();
    let predictions = predict(model, &KEY, layout, records);
    assert_eq!(predictions.len(), records.len());
    for (record, prediction) in records.iter().zip(predictions) {
        let mut integers = vec![0; features.len()];
        features.encode(record, OutOfRange::Refuse, &mut integers).unwrap();
        assert_eq!(prediction.outputs, model.evaluate(&integers).unwrap());
        assert_eq!(prediction.logits, model.spec().logits(&prediction.outputs));
        assert_eq!(prediction.class, model.spec().activation().class(&prediction.logits));
        assert!(prediction.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}

fn random_records(count: usize, columns: usize, grid: &Grid, seed: u64) -> Vec<Vec<f64>> {
    let random = &mut SmallRng::seed_from_u64(seed);
    let mut value = || grid.decode(random.random_range(grid.least()..=grid.greatest()));
    (0..count).map(|_| (0..columns).map(|_| value()).collect()).collect()
}

fn pixels() -> Grid {
    Grid::new(0.0, 1.0, 0, 255).unwrap()
}

#[test]
fn one_record_a_full_batch_and_one_more_agree_with_the_integer_model() {
    let model = random_model(3, 8, pixels(), 1);
    let capacity = model.spec().packing(Layout::Records, 2048).unwrap().capacity();
    for count in [1, 2, capacity / 2, capacity - 1, capacity, capacity + 1] {
        agrees(&model, &random_records(count, 8, &pixels(), count as u64));
    }
}

#[test]
fn grids_with_offset_step_and_negative_integers_agree() {
    for grid in [
        Grid::new(-3.5, 0.25, -7, 12).unwrap(),
        Grid::new(1e6, 1e-3, -40_000, -39_000).unwrap(),
        Grid::new(0.0, 1.0, -(1 << 31), 1 << 31).unwrap(),
        Grid::new(5.0, 1.0, 3, 3).unwrap(),
    ] {
        let model = random_model(4, 5, grid, 2);
        agrees(&model, &random_records(3, 5, &grid, 3));
    }
}

#[test]
fn both_ends_of_every_feature_do_not_overflow() {
    for (rows, columns) in [(1, 1), (2, 3), (10, 40)] {
        let model = random_model(rows, columns, pixels(), 4);
        let mut records = Vec::new();
        for row in 0..rows {
            // The corners of the box at which this row is largest and least.
            let corner = |sign: i32| {
                let end = |&weight: &i32| if weight * sign > 0 { 255.0 } else { 0.0 };
                model.weights_row(row).iter().map(end).collect::<Vec<f64>>()
            };
            records.extend([corner(1), corner(-1)]);
        }
        records.extend([vec![0.0; columns], vec![255.0; columns]]);
        agrees(&model, &records);
    }
}

#[test]
fn a_row_of_zeros_and_a_model_of_zeros_work() {
    let with_zero_row = Affine::new(3, vec![0.0, 0.0, 0.0, 1.0, -1.0, 0.5], vec![2.0, -1.0]).unwrap();
    let zero = Affine::new(3, vec![0.0; 6], vec![0.0; 2]).unwrap();
    for affine in [with_zero_row, zero] {
        agrees(&compile(affine, pixels()), &random_records(4, 3, &pixels(), 5));
    }
}

#[test]
fn one_feature_and_five_thousand_features_work() {
    agrees(&random_model(1, 1, pixels(), 6), &random_records(2, 1, &pixels(), 6));
    agrees(&random_model(2, 5000, pixels(), 7), &random_records(1, 5000, &pixels(), 7));
}

/// Both ends of every feature in every combination that matters to one row, and the corners of the whole box.
fn extreme_records(model: &PrivateModel) -> Vec<Vec<f64>> {
    let grids: Vec<&Grid> = model.spec().features().grids().collect();
    let ends = |greatest: &dyn Fn(usize) -> bool| -> Vec<f64> {
        let end = |(i, grid): (usize, &&Grid)| grid.decode(if greatest(i) { grid.greatest() } else { grid.least() });
        grids.iter().enumerate().map(end).collect()
    };
    let rows = (0..model.rows()).map(|row| model.weights_row(row));
    let of_rows = rows.flat_map(|row| [ends(&|i| row[i] > 0), ends(&|i| row[i] < 0)]);
    // Shifted by one feature: where junk is large.
    let rows = (0..model.rows()).map(|row| model.weights_row(row));
    let shifted = rows.map(|row| ends(&|i| row[(i + 1) % row.len()] > 0));
    of_rows.chain(shifted).chain([ends(&|_| false), ends(&|_| true)]).collect()
}

#[test]
fn every_layout_agrees_at_every_extreme_and_for_more_records_than_share_ciphertexts() {
    let model = random_model(5, 23, pixels(), 20);
    let layouts: Vec<Layout> = model.spec().layouts().collect();
    assert!(layouts.len() > 5 && layouts.contains(&Layout::Features { together: 2 }), "{layouts:?}");
    for layout in layouts {
        agrees_in(layout, &model, &extreme_records(&model)[3..5]);
        let capacity = model.spec().packing(layout, 2048).unwrap().capacity();
        if layout != Layout::Records {
            agrees_in(layout, &model, &random_records(capacity + 1, 23, &pixels(), 21));
        }
    }
    agrees_in(Layout::Features { together: 4 }, &model, &extreme_records(&model));
}

/// Small keys, which only this side of the wire knows.
fn agrees_under_a_small_key(model: &PrivateModel, bits: u32) -> usize {
    let key = SecretKey::generate_insecure_for_tests(bits).unwrap();
    let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
    let evaluator = Evaluator::new(model.clone());
    let decryptor = Decryptor::new(spec.clone(), pin, key.clone()).unwrap();
    let all = extreme_records(model);
    let mut tried = 0;
    for layout in spec.layouts() {
        if spec.packing(layout, bits).is_err() {
            continue;
        }
        tried += usize::from(layout != Layout::Records);
        let encryptor = Encryptor::with_secret_key(spec.clone(), pin, key.clone()).unwrap().layout(layout).unwrap();
        for count in [1, 2, 5] {
            let records: Vec<_> = all.iter().cycle().skip(count).take(count).cloned().collect();
            let request = encryptor.encrypt(&records).unwrap();
            let response = evaluator.evaluate(&request, key.public_key()).unwrap();
            for (record, prediction) in records.iter().zip(decryptor.decrypt(&response, request.header()).unwrap()) {
                let mut integers = vec![0; record.len()];
                spec.features().encode(record, OutOfRange::Refuse, &mut integers).unwrap();
                assert_eq!(prediction.outputs, model.evaluate(&integers).unwrap(), "{layout} at {bits} bits");
            }
        }
    }
    tried
}

#[test]
fn every_layout_of_models_with_features_of_all_sizes_agrees() {
    let random = &mut SmallRng::seed_from_u64(22);
    let mut tried = 0;
    for round in 0..12 {
        let runs = (0..random.random_range(1..7)).map(|run| {
            let width = random.random_range(0..28);
            let ends = [0; 2].map(|_| random.random_range(-1_i64 << width..=1_i64 << width));
            let step = 2f64.powi(random.random_range(-8..8));
            let grid = Grid::new(step * 3.0, step, ends[0].min(ends[1]), ends[0].max(ends[1])).unwrap();
            Feature::run(&format!("f{run}"), random.random_range(1..5), grid)
        });
        let features = Features::new(runs.collect::<Vec<_>>()).unwrap();
        let (rows, columns) = (random.random_range(1..6), features.len());
        let weight = |(grid, row): (&Grid, usize)| {
            // Features matter alike, but for the first row, which is of zeros now and then.
            let size = if round % 3 == 0 && row == 0 { 0.0 } else { 1.0 / (grid.step() * (grid.span() as f64 + 1.0)) };
            size * random.random_range(-1.0..1.0)
        };
        let weights = (0..rows).flat_map(|row| features.grids().map(move |grid| (grid, row))).map(weight).collect();
        let bias = (0..rows).map(|row| row as f64 - 1.5).collect();
        let affine = Affine::new(columns, weights, bias).unwrap();
        let labels: Vec<String> = (0..rows).map(|row| row.to_string()).collect();
        let options = QuantiseOptions { bits: [4, 8, 6][round % 3] };
        let activation = Activation::Identity;
        let model = PrivateModel::compile(&affine, features, &labels, activation, "any", options).unwrap().0;
        tried += agrees_under_a_small_key(&model, [512, 768, 1024][round % 3]);
    }
    assert!(tried > 30, "{tried} features layouts");
}

#[test]
fn a_layout_with_more_together_than_there_are_features_agrees() {
    // Such a layout can stand in a spec that somebody else wrote.
    let model = random_model(2, 3, pixels(), 23);
    let text = model.spec().as_json().to_owned();
    let at = text.find("\"features_layouts\"").unwrap();
    let spacing = model.spec().spacing(Layout::Features { together: 3 }).unwrap();
    let other = text[..at].to_owned()
        + &format!(
            "\"features_layouts\": [{{\"together\":5,\"spacing\":{spacing}}}, {{\"together\":7,\"spacing\":40}}]\n}}\n"
        );
    let model = with_spec(&model, &other);
    assert_eq!(model.spec().layouts().skip(1).map(Layout::together).collect::<Vec<_>>(), [5, 7]);
    agrees_in(Layout::Features { together: 5 }, &model, &extreme_records(&model));
    agrees_in(Layout::Features { together: 7 }, &model, &extreme_records(&model)[..2]);
}

/// The model with another spec, put together as docs/formats.md says.
fn with_spec(model: &PrivateModel, spec: &str) -> PrivateModel {
    let sealed = |mut bytes: Vec<u8>, at: usize| {
        let digest = Sha256::new().chain_update(&bytes[..at]).chain_update(&bytes[at + 64..]).finalize();
        bytes[at..at + 64].copy_from_slice(Fingerprint::from(<[u8; 32]>::from(digest)).to_string().as_bytes());
        bytes
    };
    let spec = sealed(spec.as_bytes().to_vec(), 15);
    let (bias, weights) = (8 * model.rows(), model.weights().len());
    let ends = [bias, bias + weights, bias + weights + spec.len()];
    let header = format!(
        r#"{{"__metadata__":{{"tacita.sha256":"{}","tacita.format":"tacita-model/1"}},"bias":{{"dtype":"I64","shape":[{rows}],"data_offsets":[0,{}]}},"weights":{{"dtype":"I8","shape":[{rows},{}],"data_offsets":[{},{}]}},"spec":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}}"#,
        "0".repeat(64),
        ends[0],
        model.columns(),
        ends[0],
        ends[1],
        spec.len(),
        ends[1],
        ends[2],
        rows = model.rows(),
    );
    let numbers = model.bias().iter().flat_map(|bias| bias.to_le_bytes());
    let numbers: Vec<u8> = numbers.chain(model.weights().iter().map(|&weight| weight as u8)).collect();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &numbers, &spec].concat();
    PrivateModel::from_bytes(&sealed(file, 42)).unwrap()
}

#[test]
fn a_layout_that_the_spec_does_not_list_is_refused() {
    let model = random_model(2, 3, pixels(), 24);
    let spec = model.spec().clone();
    let encryptor = || Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    for together in [0, 1, 4, u32::MAX] {
        let refused = encryptor().layout(Layout::Features { together });
        assert!(matches!(refused, Err(Error::Argument(_))), "{together}");
        let evaluator = Evaluator::new(model.clone());
        assert!(matches!(evaluator.prepare(Layout::Features { together }), Err(Error::Argument(_))));
    }
    assert!(encryptor().layout(Layout::Features { together: 3 }).is_ok());
}

#[test]
fn an_evaluator_has_the_plans_that_its_model_carries() {
    let mut model = random_model(2, 6, pixels(), 25);
    let [two, three] = [2, 3].map(|together| Layout::Features { together });
    model.plan(two).unwrap();
    let model = PrivateModel::from_bytes(&model.to_bytes()).unwrap();
    let evaluator = Evaluator::new(model.clone());
    assert_eq!([Layout::Records, two, three].map(|layout| evaluator.is_planned(layout)), [true, true, false]);
    assert_eq!(Some(evaluator.multiplications(two).unwrap()), model.multiplications(two));
    let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
    let encryptor = Encryptor::with_secret_key(spec.clone(), pin, KEY.clone()).unwrap().layout(two).unwrap();
    let record: Vec<f64> = random_records(1, 6, &pixels(), 25).remove(0);
    let request = encryptor.encrypt(&[&record]).unwrap();
    let response = evaluator.evaluate(&request, KEY.public_key()).unwrap();
    let predictions = Decryptor::new(spec, pin, KEY.clone()).unwrap().decrypt(&response, request.header()).unwrap();
    let integers: Vec<_> = record.iter().map(|&value| value as i64).collect();
    assert_eq!(predictions[0].outputs, model.evaluate(&integers).unwrap());
    evaluator.prepare(three).unwrap();
    assert!(evaluator.is_planned(three));
}

#[test]
fn the_public_key_encrypts_as_well_as_the_secret_one() {
    let model = random_model(2, 6, pixels(), 8);
    let spec = model.spec().clone();
    let pin = spec.fingerprint();
    let encryptor = Encryptor::with_public_key(spec.clone(), pin, KEY.public_key().clone()).unwrap();
    let records = random_records(2, 6, &pixels(), 8);
    let request = encryptor.encrypt(&records).unwrap();
    let response = Evaluator::new(model.clone()).evaluate(&request, KEY.public_key()).unwrap();
    let predictions = Decryptor::new(spec, pin, KEY.clone()).unwrap().decrypt(&response, request.header()).unwrap();
    for (record, prediction) in records.iter().zip(predictions) {
        let integers: Vec<_> = record.iter().map(|&value| value as i64).collect();
        assert_eq!(prediction.outputs, model.evaluate(&integers).unwrap());
    }
}

#[test]
fn every_nonce_method_and_pools_give_the_same_answers() {
    let model = random_model(2, 6, pixels(), 15);
    let spec = model.spec().clone();
    let pin = spec.fingerprint();
    let (public, count) = (KEY.public_key(), 6);
    let records = random_records(2, 6, &pixels(), 15);
    let encryptor = || Encryptor::with_public_key(spec.clone(), pin, public.clone()).unwrap();
    assert!(matches!(encryptor().nonce_method(NonceMethod::SecretBase), Err(Error::Argument(_))));
    let pool = NoncePool::with_secret_key(&KEY, NonceMethod::SecretBase, count).unwrap();
    pool.fill().unwrap();
    let others = NoncePool::with_public_key(OTHER_KEY.public_key(), NonceMethod::Power, 1).unwrap();
    assert!(matches!(encryptor().with_pool(others), Err(Error::KeyMismatch { .. })));
    // Nobody who asks for one method gets another, whichever comes first.
    let by_power = encryptor().nonce_method(NonceMethod::Power).unwrap();
    assert!(matches!(by_power.with_pool(pool.clone()), Err(Error::Argument(_))));
    let from_pool = encryptor().with_pool(pool.clone()).unwrap();
    assert!(matches!(from_pool.nonce_method(NonceMethod::Power), Err(Error::Argument(_))));
    let undeclared = public.to_json().replace(r#""short_nonces": true"#, r#""short_nonces": false"#);
    let undeclared = UnverifiedPublicKey::from_json(&undeclared).unwrap().verify().unwrap();
    let undeclared = Encryptor::with_public_key(spec.clone(), pin, undeclared).unwrap();
    let short = NoncePool::with_public_key(public, NonceMethod::PublicBase, 1).unwrap();
    assert!(matches!(undeclared.with_pool(short), Err(Error::Argument(_))));
    let mut requests = vec![encryptor().with_pool(pool.clone()).unwrap().encrypt(&records).unwrap()];
    assert_eq!((pool.statistics().hits, pool.statistics().misses), (count as u64, 0));
    for method in [NonceMethod::Power, NonceMethod::PublicBase, NonceMethod::RandomBases] {
        requests.push(encryptor().nonce_method(method).unwrap().encrypt(&records).unwrap());
    }

    let evaluator = Evaluator::new(model.clone());
    let decryptor = Decryptor::new(spec, pin, KEY.clone()).unwrap();
    let check = |request: &Request| {
        let response = evaluator.evaluate(request, public).unwrap();
        for (record, prediction) in records.iter().zip(decryptor.decrypt(&response, request.header()).unwrap()) {
            let integers: Vec<_> = record.iter().map(|&value| value as i64).collect();
            assert_eq!(prediction.outputs, model.evaluate(&integers).unwrap());
        }
        response.to_bytes()
    };
    requests.iter().for_each(|request| drop(check(request)));
    assert!(evaluator.pool(public.fingerprint()).is_none(), "no request makes a pool");
    for method in [NonceMethod::Power, NonceMethod::RandomBases] {
        let pool = NoncePool::with_public_key(public, method, 2).unwrap();
        pool.fill().unwrap();
        evaluator.set_pool(pool).unwrap();
        let responses = [0, 1, 2].map(|_| check(&requests[0]));
        assert!(responses[0] != responses[1] && responses[1] != responses[2] && responses[0] != responses[2]);
        let statistics = evaluator.pool(public.fingerprint()).unwrap().statistics();
        assert_eq!(statistics.hits + statistics.misses, 3);
        assert!(statistics.hits >= 2);
    }
    assert!(evaluator.remove_pool(public.fingerprint()).is_some());
    assert!(evaluator.pool(public.fingerprint()).is_none());
    requests.iter().for_each(|request| drop(check(request)));
}

#[test]
fn a_pool_that_runs_dry_leaves_the_answers_right_in_every_layout() {
    let model = random_model(10, 16, pixels(), 17);
    let (spec, public) = (model.spec().clone(), KEY.public_key());
    let records = random_records(1, 16, &pixels(), 17);
    let integers: Vec<_> = records[0].iter().map(|&value| value as i64).collect();
    let outputs = model.evaluate(&integers).unwrap();
    let evaluator = Evaluator::new(model);
    let pool = NoncePool::with_public_key(public, NonceMethod::Power, 2).unwrap();
    evaluator.set_pool(pool.clone()).unwrap();
    let mut responses = 0;
    for layout in spec.layouts() {
        let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
        let request = encryptor.layout(layout).unwrap().encrypt(&records).unwrap();
        pool.fill().unwrap();
        for _ in 0..4 {
            let response = evaluator.evaluate(&request, public).unwrap();
            let decryptor = Decryptor::new(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
            assert_eq!(decryptor.decrypt(&response, request.header()).unwrap()[0].outputs, outputs, "{layout}");
            responses += response.ciphertext_bytes() / public.ciphertext_bytes();
            let statistics = pool.statistics();
            assert_eq!(statistics.hits + statistics.misses, responses as u64);
        }
    }
    assert!(pool.statistics().hits > 0);
}

#[test]
fn an_evaluator_takes_pools_of_perfect_masks_only_and_only_so_many() {
    let evaluator = Evaluator::new(random_model(1, 1, pixels(), 16));
    let keys: Vec<_> =
        (0..=Evaluator::MAX_POOLS).map(|_| SecretKey::generate_insecure_for_tests(256).unwrap()).collect();
    let pool = |key: &SecretKey, method| NoncePool::with_secret_key(key, method, 1).unwrap();
    for method in [NonceMethod::PublicBase, NonceMethod::SecretBase] {
        assert!(matches!(evaluator.set_pool(pool(&keys[0], method)), Err(Error::Argument(_))));
    }
    let (last, first) = keys.split_last().unwrap();
    first.iter().for_each(|key| evaluator.set_pool(pool(key, NonceMethod::Power)).unwrap());
    let full = evaluator.set_pool(pool(last, NonceMethod::Power)).unwrap_err();
    assert!(matches!(full, Error::TooLarge { found: 65, limit: 64, .. }), "{full}");
    evaluator.set_pool(pool(&first[5], NonceMethod::RandomBases)).unwrap();
    assert_eq!(
        evaluator.pool(first[5].public_key().fingerprint()).unwrap().method(),
        NonceMethod::RandomBases,
        "a key's pool can be replaced"
    );
    evaluator.remove_pool(first[0].public_key().fingerprint()).unwrap();
    evaluator.set_pool(pool(last, NonceMethod::Power)).unwrap();
}

#[test]
fn values_out_of_range_are_refused_unshown_or_clamped_on_request() {
    let model = random_model(2, 3, pixels(), 9);
    let spec = model.spec().clone();
    let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    for bad in [256.0, -0.75, 98_765.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = encryptor.encrypt(&[[1.0, bad, 3.0]]).unwrap_err();
        assert!(matches!(&error, Error::Range { feature, .. } if feature == "x_1"), "{error}");
        assert!(!format!("{error} {error:?}").contains("98765"));
    }
    assert!(matches!(encryptor.encrypt(&[[1.0, 2.0]]), Err(Error::Count { expected: 3, found: 2, .. })));
    assert!(matches!(encryptor.encrypt::<[f64; 3]>(&[]), Err(Error::Argument(_))));
    let clamping = encryptor.out_of_range(OutOfRange::Clamp);
    assert!(clamping.encrypt(&[[1.0, 98_765.0, -3.0]]).is_ok());
}

#[test]
fn a_spec_that_is_not_the_pinned_one_is_refused() {
    let [one, other] = [10, 11].map(|seed| random_model(2, 3, pixels(), seed).spec().clone());
    let pin = other.fingerprint();
    let expected = Error::SpecMismatch { expected: pin, found: one.fingerprint() };
    assert_eq!(Encryptor::with_secret_key(one.clone(), pin, KEY.clone()).unwrap_err(), expected);
    assert_eq!(Decryptor::new(one, pin, KEY.clone()).unwrap_err(), expected);
}

#[test]
fn requests_and_responses_of_other_models_keys_and_requests_are_refused() {
    let [model, other_model] = [12, 13].map(|seed| random_model(2, 3, pixels(), seed));
    let encryptor = |model: &PrivateModel, key: &SecretKey| {
        Encryptor::with_secret_key(model.spec().clone(), model.spec().fingerprint(), key.clone()).unwrap()
    };
    let evaluator = Evaluator::new(model.clone());
    let record = [[1.0, 2.0, 3.0]];
    let request = encryptor(&model, &KEY).encrypt(&record).unwrap();
    let other_request = encryptor(&model, &KEY).encrypt(&record).unwrap();
    assert_ne!(request.header().id(), other_request.header().id());

    let for_other_model = encryptor(&other_model, &KEY).encrypt(&record).unwrap();
    let (expected, found) = (model.spec().fingerprint(), other_model.spec().fingerprint());
    let mismatch = Error::SpecMismatch { expected, found };
    assert_eq!(evaluator.evaluate(&for_other_model, KEY.public_key()).unwrap_err(), mismatch);
    let key_mismatch =
        Error::KeyMismatch { expected: OTHER_KEY.public_key().fingerprint(), found: KEY.public_key().fingerprint() };
    assert_eq!(evaluator.evaluate(&request, OTHER_KEY.public_key()).unwrap_err(), key_mismatch);
    let greedy = encryptor(&model, &KEY).encrypt(&[record[0]; 3]).unwrap();
    let modest = Evaluator::new(model.clone()).max_records(2);
    assert!(matches!(modest.evaluate(&greedy, KEY.public_key()), Err(Error::TooLarge { found: 3, limit: 2, .. })));

    let response = evaluator.evaluate(&request, KEY.public_key()).unwrap();
    let decryptor = |model: &PrivateModel, key: &SecretKey| {
        Decryptor::new(model.spec().clone(), model.spec().fingerprint(), key.clone()).unwrap()
    };
    assert!(decryptor(&model, &KEY).decrypt(&response, request.header()).is_ok());
    let refused = decryptor(&model, &KEY).decrypt(&response, other_request.header());
    assert_eq!(refused.unwrap_err(), Error::RequestMismatch);
    let refused = decryptor(&model, &OTHER_KEY).decrypt(&response, request.header());
    assert_eq!(refused.unwrap_err(), key_mismatch);
    let refused = decryptor(&other_model, &KEY).decrypt(&response, request.header());
    assert_eq!(refused.unwrap_err(), Error::SpecMismatch { expected: found, found: expected });
}

#[test]
fn progress_is_told_as_work_goes_on_and_breaking_cancels() {
    let model = random_model(2, 3, pixels(), 14);
    let spec = model.spec().clone();
    let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    let records = vec![[1.0; 3]; encryptor.capacity() + 1];
    let mut seen = Vec::new();
    let mut watch = |progress: tacita::Progress| {
        seen.push((progress.done, progress.total));
        std::ops::ControlFlow::Continue(())
    };
    let request = encryptor.encrypt_with_progress(&records, &mut watch).unwrap();
    Evaluator::new(model.clone()).evaluate_with_progress(&request, KEY.public_key(), &mut watch).unwrap();
    // Ciphertexts first, then batches.
    assert_eq!(seen, [(3, 6), (6, 6), (1, 2), (2, 2)]);
    let mut stop = |_| std::ops::ControlFlow::Break(());
    assert_eq!(encryptor.encrypt_with_progress(&records, &mut stop).unwrap_err(), Error::Cancelled);
    let cancelled = Evaluator::new(model).evaluate_with_progress(&request, KEY.public_key(), &mut stop);
    assert_eq!(cancelled.unwrap_err(), Error::Cancelled);
}

#[test]
fn progress_is_told_within_a_long_record() {
    const FEATURES: usize = 257;
    let model = random_model(1, FEATURES, pixels(), 15);
    let spec = model.spec().clone();
    let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    let encryptor = encryptor.nonce_method(NonceMethod::Power).unwrap();
    let record = random_records(1, FEATURES, &pixels(), 16);
    let mut seen = Vec::new();
    let mut watch = |progress: tacita::Progress| {
        seen.push((progress.done, progress.total));
        std::ops::ControlFlow::Continue(())
    };
    let request = encryptor.encrypt_with_progress(&record, &mut watch).unwrap();
    assert_eq!(seen, [(129, FEATURES), (FEATURES, FEATURES)]);
    let decryptor = Decryptor::new(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    let response = Evaluator::new(model.clone()).evaluate(&request, KEY.public_key()).unwrap();
    let predictions = decryptor.decrypt(&response, request.header()).unwrap();
    let integers: Vec<i64> = record[0].iter().map(|&value| value as i64).collect();
    assert_eq!(predictions[0].outputs, model.evaluate(&integers).unwrap());
}
