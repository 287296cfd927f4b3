//! Quantised models against the affine maps they came from, and against plain arithmetic on big integers.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rug::Integer;
use rug::integer::Order;
use tacita::Error;
use tacita::encoding::{Feature, Features, Grid, Layout, OutOfRange, Packing};
use tacita::model::{PrivateModel, QuantisationReport, QuantiseOptions, choose_bits};
use tacita::network::{Activation, Affine};

fn compile(affine: &Affine, features: &Features, bits: u32) -> tacita::Result<(PrivateModel, QuantisationReport)> {
    let labels: Vec<String> = (0..affine.rows()).map(|row| format!("class {row}")).collect();
    let activation = if affine.rows() == 1 { Activation::Sigmoid } else { Activation::Softmax };
    PrivateModel::compile(affine, features.clone(), &labels, activation, "test", QuantiseOptions { bits })
}

fn one_by_one(grids: impl IntoIterator<Item = Grid>) -> Features {
    Features::new(grids.into_iter().enumerate().map(|(i, grid)| Feature::new(&format!("f{i}"), grid))).unwrap()
}

fn pixels(count: u32) -> Features {
    Features::new([Feature::run("pixel", count, Grid::new(0.0, 1.0, 0, 255).unwrap())]).unwrap()
}

/// A grid with an offset, a step and ends of any size that a model could have.
fn any_grid(random: &mut SmallRng) -> Grid {
    let step = 2f64.powi(random.random_range(-12..12)) * random.random_range(1.0..2.0);
    let offset = [0.0, random.random_range(-1e6..1e6)][random.random_range(0..2)];
    let width = random.random_range(0..20);
    let ends = [0; 2].map(|_| random.random_range(-1_i64 << width..=1_i64 << width));
    Grid::new(offset, step, ends[0].min(ends[1]), ends[0].max(ends[1])).unwrap()
}

/// Features on grids of their own, fewer than `most`.
fn any_features(random: &mut SmallRng, most: usize) -> Features {
    one_by_one((0..random.random_range(1..most)).map(|_| any_grid(random)))
}

/// Weights that matter on every grid: an output moves by about 1 over the range of a feature.
fn any_affine(random: &mut SmallRng, rows: usize, features: &Features) -> Affine {
    let mut weight = |grid: &Grid| {
        let size = 1.0 / (grid.step() * (grid.span() as f64 + 1.0));
        if random.random_bool(0.1) { 0.0 } else { size * random.random_range(-1.0..1.0) }
    };
    let weights = (0..rows).flat_map(|_| features.grids().map(&mut weight).collect::<Vec<_>>()).collect();
    Affine::new(features.len(), weights, (0..rows).map(|_| random.random_range(-1.0..1.0)).collect()).unwrap()
}

/// Ends of every grid, as the bits of `mask` choose them.
fn corner(features: &Features, mask: usize) -> Vec<i64> {
    features.grids().enumerate().map(|(i, g)| if mask >> i & 1 == 1 { g.greatest() } else { g.least() }).collect()
}

fn anywhere(features: &Features, random: &mut SmallRng) -> Vec<i64> {
    features.grids().map(|grid| random.random_range(grid.least()..=grid.greatest())).collect()
}

/// Largest difference between the logits of `integers` and the affine map at `record`.
fn difference(model: &PrivateModel, affine: &Affine, integers: &[i64], record: &[f64]) -> f64 {
    let logits = model.spec().logits(&model.evaluate(integers).unwrap());
    logits.iter().zip(affine.apply(record).unwrap()).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()))
}

#[test]
fn the_proved_error_is_reached_at_a_corner_and_nowhere_exceeded() {
    let random = &mut SmallRng::seed_from_u64(1);
    for _ in 0..300 {
        let features = any_features(random, 9);
        let rows = random.random_range(1..4);
        let affine = any_affine(random, rows, &features);
        let (model, report) = compile(&affine, &features, random.random_range(2..=16)).unwrap();
        let on_grid = |integers: &[i64]| difference(&model, &affine, integers, &features.decode(integers).unwrap());
        let most = (0..1 << features.len()).map(|mask| on_grid(&corner(&features, mask))).fold(0.0, f64::max);
        assert!(most <= report.logit_error, "{most:e} > {report:?}");
        // The bound counts rounding errors of double precision that need not occur.
        let rounding = 1e-13 * report.scale * 2f64.powi(report.output_bits as i32);
        assert!(report.logit_error - most <= 1e-3 * most + rounding, "{most:e} is far below {report:?}");
        for _ in 0..50 {
            assert!(on_grid(&anywhere(&features, random)) <= report.logit_error);
        }
        assert_eq!(model.spec().logit_error(), report.logit_error);
    }
}

#[test]
fn off_the_grid_the_error_has_its_own_bound() {
    let random = &mut SmallRng::seed_from_u64(2);
    let mut beyond_the_first = 0;
    for _ in 0..300 {
        let features = any_features(random, 20);
        let affine = any_affine(random, 2, &features);
        let (model, report) = compile(&affine, &features, 12).unwrap();
        let off_grid = |record: &[f64]| {
            let mut integers = vec![0; features.len()];
            features.encode(record, OutOfRange::Refuse, &mut integers).unwrap();
            difference(&model, &affine, &integers, record)
        };
        let real = |grid: &Grid, integer: i64, part: f64| grid.decode(integer) + part * grid.step();
        for _ in 0..100 {
            let near = |(grid, k): (&Grid, i64)| real(grid, k, random.random_range(-0.49..0.49));
            let integers: Vec<i64> = features.grids().map(Grid::greatest).collect();
            let record: Vec<f64> = features.grids().zip(integers).map(near).collect();
            assert!(off_grid(&record) <= report.logit_error_off_grid);
        }
        // From each corner half a step the way row 0 grows: that is what the second bound is for.
        for mask in 0..1 << features.len().min(8) {
            let push = |((grid, k), w): ((&Grid, i64), &f64)| real(grid, k, 0.49 * w.signum());
            let corner = features.grids().zip(corner(&features, mask)).zip(affine.row(0));
            let found = off_grid(&corner.map(push).collect::<Vec<_>>());
            assert!(found <= report.logit_error_off_grid);
            beyond_the_first += usize::from(found > report.logit_error);
        }
        let half_steps = |row: &[f64]| row.iter().zip(features.grids()).map(|(w, g)| w.abs() * g.step() / 2.0).sum();
        let added = (0..2).map(|row| half_steps(affine.row(row))).fold(0.0, f64::max);
        assert!(report.logit_error_off_grid <= (report.logit_error + added) * (1.0 + 1e-5));
    }
    assert!(beyond_the_first > 1000, "the first bound would have done but for {beyond_the_first} records");
}

#[test]
fn one_step_size_serves_all_rows_and_the_largest_weight_takes_all_its_bits() {
    let affine = Affine::new(2, vec![1.0, -0.5, 0.25, 0.0], vec![10.0, -3.0]).unwrap();
    for bits in 2..=16 {
        let (model, report) = compile(&affine, &pixels(2), bits).unwrap();
        let largest = (1 << (bits - 1)) - 1;
        assert_eq!(report.scale, 1.0 / f64::from(largest));
        assert_eq!(report.largest_weight, largest as u32);
        let expected = |w: f64| (w * f64::from(largest)).round_ties_even() as i32;
        assert_eq!([model.weights_row(0), model.weights_row(1)], [[largest, expected(-0.5)], [expected(0.25), 0]]);
        assert_eq!(model.bias(), [i64::from(largest) * 10, i64::from(largest) * -3]);
        assert_eq!((report.zero_weights, report.weights), (if bits == 2 { 3 } else { 1 }, 4));
    }
    for bits in [0, 1, 17, 32, u32::MAX] {
        assert!(matches!(compile(&affine, &pixels(2), bits), Err(Error::Argument(_))));
    }
}

/// What encrypted evaluation does, on plaintexts: slots in, one product a weight of the layout's matrix, bias and offsets,
/// coefficients side by side, and all masks at their largest; slots out.
fn evaluate_in_slots(model: &PrivateModel, packing: &Packing, records: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let (count, t) = (model.columns(), packing.together());
    let grids: Vec<Grid> = model.spec().features().grids().copied().collect();
    let matrix = packing.layout().matrix(count, model.weights());
    let mut answers = vec![vec![0; model.rows()]; records.len()];
    for batch in packing.batches(records.len()) {
        let batch_records = &records[batch.records()];
        let input = |grids: &[Grid], first: usize| {
            let content =
                |i: usize| batch_records.iter().map(move |record| (record[first + i] - grids[i].least()) as u64);
            let slots: Vec<u64> = (0..grids.len()).flat_map(content).collect();
            let mut limbs = vec![0; packing.limbs()];
            packing.pack(&slots, &mut limbs).unwrap();
            Integer::from_digits(&limbs, Order::Lsf)
        };
        let inputs: Vec<Integer> = grids.chunks(t).enumerate().map(|(g, grids)| input(grids, g * t)).collect();
        assert_eq!(inputs.len(), packing.columns(count));
        for part in batch.responses(model.rows()) {
            let coefficient = |row: usize| -> Integer {
                let weights = &matrix[row * inputs.len()..][..inputs.len()];
                weights.iter().zip(&inputs).fold(Integer::new(), |sum, (&w, m)| sum + Integer::from(m * w))
            };
            let above = |sum: Integer, row| (sum << batch.shift()) + coefficient(row);
            let mut response = part.coefficients().rev().fold(Integer::new(), above);
            let biases = part.rows().flat_map(|row| vec![model.slot_bias()[row]; batch.len()]);
            for (answer, bias) in biases.enumerate() {
                response += Integer::from(bias + packing.centre()) << part.place(answer);
            }
            for bit in part.junk() {
                response += Integer::from(1) << (bit + packing.spacing() - 9);
            }
            // Nothing is negative, not even junk, and all of it stays within its slots.
            let mut junk: Vec<u32> = part.junk().collect();
            for slot in (0..part.used_bits()).step_by(packing.spacing() as usize) {
                let content = Integer::from(&response >> slot).keep_bits(packing.spacing());
                let is_junk = junk.first() == Some(&slot);
                let bits = if is_junk { packing.spacing() - 8 } else { packing.slot_bits() };
                assert!(content.significant_bits() <= bits, "{packing:?}");
                if is_junk {
                    junk.remove(0);
                }
            }
            assert!(junk.is_empty());
            let used = part.used_bits();
            assert!(response >= 0 && response.significant_bits() <= used && used <= packing.key_bits() - 2);

            let modulus = (Integer::from(3) << (packing.key_bits() - 2)) + 1;
            for gap in part.gaps() {
                response += (gap.masks(&modulus) - 1) << gap.start;
            }
            assert!(response < modulus);
            let mut plaintext = vec![0; packing.limbs()];
            response.write_digits(&mut plaintext, Order::Lsf);
            let mut found = vec![0; part.answers()];
            part.unpack(&plaintext, &mut found).unwrap();
            for (row, row_answers) in part.rows().zip(found.chunks_exact(batch.len())) {
                batch.records().zip(row_answers).for_each(|(record, answer)| answers[record][row] = *answer);
            }
        }
    }
    answers
}

/// In all of the spec's layouts that fit the key.
fn slots_agree(model: &PrivateModel, key_bits: u32, records: &[Vec<i64>]) {
    let expected = evaluate_plainly(model, records);
    for packing in model.spec().layouts().filter_map(|layout| model.spec().packing(layout, key_bits).ok()) {
        assert!(evaluate_in_slots(model, &packing, records) == expected, "{packing:?}");
    }
}

fn evaluate_plainly(model: &PrivateModel, records: &[Vec<i64>]) -> Vec<Vec<i64>> {
    records.iter().map(|record| model.evaluate(record).unwrap()).collect()
}

#[test]
fn slots_compute_what_the_integer_model_computes() {
    let random = &mut SmallRng::seed_from_u64(3);
    for _ in 0..60 {
        let features = any_features(random, 9);
        let rows = random.random_range(1..12);
        let affine = any_affine(random, rows, &features);
        let (model, _) = compile(&affine, &features, random.random_range(2..=16)).unwrap();
        let key_bits = [512, 1000, 2048][random.random_range(0..3)];
        let k = model.spec().packing(Layout::Records, key_bits).unwrap().capacity();
        for count in [1, 2, k / 2, k, k + 1] {
            let corners = (0..1 << features.len()).map(|mask| corner(&features, mask));
            let mut records: Vec<_> = corners.take(count / 2).collect();
            records.resize_with(count, || anywhere(&features, random));
            slots_agree(&model, key_bits, &records);
        }
    }
}

#[test]
fn nothing_overflows_at_either_end_of_every_feature() {
    for count in [1, 2, 784, 5000] {
        let features = pixels(count);
        let d = count as usize;
        // Rows that are extreme at the same corner, at the opposite one, nowhere, and where pixels alternate.
        let weights = [vec![1.0; d], vec![-1.0; d], vec![0.0; d], (0..d).map(|i| [1.0, -1.0][i % 2]).collect()];
        let affine = Affine::new(d, weights.concat(), vec![0.1, 0.0, -0.25, -0.1]).unwrap();
        for bits in [2, 8, 16] {
            let (model, report) = compile(&affine, &features, bits).unwrap();
            let alternating = (0..d).map(|i| [255, 0][i % 2]).collect();
            let records = [vec![0; d], vec![255; d], alternating];
            let expected = evaluate_plainly(&model, &records);
            slots_agree(&model, 3072, &records);
            let most = expected.iter().flatten().map(|y| y.unsigned_abs()).max().unwrap();
            assert_eq!(u64::BITS - most.leading_zeros(), report.output_bits, "row 0 is largest at the greatest corner");
            assert_eq!(report.slot_bits, report.output_bits + 1);
        }
    }
}

#[test]
fn the_widest_slots_hold_the_widest_answers() {
    let grid = Grid::new(0.0, 1.0, -Grid::MAX_INTEGER, Grid::MAX_INTEGER).unwrap();
    let model = |count: u32| {
        let features = Features::new([Feature::run("f", count, grid)]).unwrap();
        let d = features.len();
        compile(&Affine::new(d, vec![1.0; d], vec![0.0]).unwrap(), &features, 16)
    };
    let (widest, report) = model(1 << 15).unwrap();
    assert_eq!((report.output_bits, report.slot_bits), (61, 62));
    let records = [-Grid::MAX_INTEGER, Grid::MAX_INTEGER].map(|end| vec![end; 1 << 15]);
    let expected = evaluate_plainly(&widest, &records);
    assert_eq!(expected, [[-32767 << 46], [32767 << 46]]);
    slots_agree(&widest, 2048, &records);
    assert!(matches!(model(1 << 16), Err(Error::Model(_))), "63 bits");
}

#[test]
fn weights_that_are_all_zero_leave_the_bias() {
    let affine = Affine::new(3, vec![0.0; 6], vec![0.75, -1.5]).unwrap();
    let (model, report) = compile(&affine, &pixels(3), 8).unwrap();
    assert_eq!((report.zero_weights, report.largest_weight, model.bias()), (6, 0, &[1 << 29, -1 << 30][..]));
    assert!(difference(&model, &affine, &[0, 100, 255], &[0.0, 100.0, 255.0]) <= report.logit_error);
    assert!(report.logit_error < 1e-13, "{report:?}");

    let nothing = Affine::new(3, vec![0.0; 6], vec![0.0; 2]).unwrap();
    let (model, report) = compile(&nothing, &pixels(3), 8).unwrap();
    assert_eq!((report.output_bits, report.slot_bits, report.scale), (0, 8, 1.0));
    slots_agree(&model, 512, &[vec![0, 1, 2], vec![255; 3]]);
}

#[test]
fn maps_that_no_step_size_serves_are_refused() {
    for (weight, bias) in [(1e-30, 1.0), (1e-320, 0.0), (0.0, 1e-310), (1e300, 0.0), (1.0, 1e300)] {
        let affine = Affine::new(1, vec![weight], vec![bias]).unwrap();
        let grid = Grid::new(1e10, 1e10, 0, 10).unwrap();
        let refused = compile(&affine, &one_by_one([grid]), 8);
        assert!(matches!(refused, Err(Error::Model(_))), "{weight:e} {bias:e}: {refused:?}");
    }
}

#[test]
fn a_bound_that_overflows_is_no_bound() {
    // The last two weights round to 0, and what that costs is infinite with either sign.
    let grid = |least, greatest| Grid::new(0.0, 1.0, least, greatest).unwrap();
    let far = grid(Grid::MAX_INTEGER, Grid::MAX_INTEGER);
    let affine = Affine::new(3, vec![127e300, 0.4e300, -0.4e300], vec![0.0]).unwrap();
    let refused = compile(&affine, &one_by_one([grid(0, 1), far, far]), 8);
    assert!(matches!(refused, Err(Error::Model(_))), "{refused:?}");
}

#[test]
fn parts_of_different_sizes_are_refused() {
    let affine = Affine::new(2, vec![1.0; 4], vec![0.0; 2]).unwrap();
    let compile = |features, labels: &[&str], name| {
        PrivateModel::compile(&affine, features, labels, Activation::Softmax, name, QuantiseOptions::default())
    };
    assert!(matches!(compile(pixels(3), &["a", "b"], "m"), Err(Error::Count { expected: 2, found: 3, .. })));
    assert!(matches!(compile(pixels(2), &["a"], "m"), Err(Error::Count { expected: 2, found: 1, .. })));
    assert!(matches!(compile(pixels(2), &["a", ""], "m"), Err(Error::Argument(_))));
    assert!(matches!(compile(pixels(2), &["a", "b"], "m\n"), Err(Error::Argument(_))));
    let single = Affine::new(2, vec![1.0; 2], vec![0.0]).unwrap();
    let options = QuantiseOptions::default();
    let refused = PrivateModel::compile(&single, pixels(2), &["a"], Activation::Softmax, "m", options);
    assert!(matches!(refused, Err(Error::Model(why)) if why.contains("single output")));
    let (model, _) = compile(pixels(2), &["a", "b"], "m").unwrap();
    assert!(matches!(model.evaluate(&[0; 3]), Err(Error::Count { expected: 2, found: 3, .. })));
    assert!(matches!(model.evaluate(&[0, 256]), Err(Error::Range { feature, .. }) if feature == "pixel_1"));
}

#[test]
fn calibration_takes_the_fewest_bits_that_agree_often_enough() {
    let random = &mut SmallRng::seed_from_u64(4);
    let features = pixels(20);
    let affine = any_affine(random, 5, &features);
    let records: Vec<_> = (0..400).map(|_| features.decode(&anywhere(&features, random)).unwrap()).collect();
    let agreement = |bits| {
        let (model, _) = compile(&affine, &features, bits).unwrap();
        let agrees = |record: &&Vec<f64>| {
            let mut integers = vec![0; 20];
            features.encode(record, OutOfRange::Refuse, &mut integers).unwrap();
            let logits = model.spec().logits(&model.evaluate(&integers).unwrap());
            Activation::Softmax.class(&logits) == Activation::Softmax.class(&affine.apply(record).unwrap())
        };
        records.iter().filter(agrees).count() as f64 / records.len() as f64
    };
    let agreements: Vec<f64> = (2..=8).map(agreement).collect();
    assert!(agreements[0] < 0.9 && agreements[6] > 0.97, "{agreements:?}");
    let set = || records.iter().map(Vec::as_slice);
    let choose = |least| choose_bits(&affine, &features, Activation::Softmax, set(), least);
    for least in [0.0, 0.5, agreements[0], 0.9, 0.95, agreements[6]] {
        let chosen = choose(least).unwrap();
        let expected = agreements.iter().position(|&agreement| agreement >= least).unwrap();
        assert_eq!((chosen.bits, chosen.records), (expected as u32 + 2, 400));
        assert_eq!(chosen.agreement, agreements[expected]);
    }
    assert!(matches!(choose(1.1), Err(Error::Argument(_))));
    assert!(matches!(choose(f64::NAN), Err(Error::Argument(_))));
    let none = choose_bits(&affine, &features, Activation::Softmax, [], 0.5);
    assert!(matches!(none, Err(Error::Argument(_))));
    let outside = choose_bits(&affine, &features, Activation::Softmax, [&[256.0; 20][..]], 0.5);
    assert!(matches!(outside, Err(Error::Range { .. })));
}

#[test]
fn a_single_output_is_calibrated_by_its_sign() {
    // With 2 bits the second weight rounds to 0 and two records of four change sign.
    let affine = Affine::new(2, vec![1.0, -0.4], vec![0.0]).unwrap();
    let features = one_by_one([Grid::new(0.0, 1.0, 0, 1).unwrap(), Grid::new(0.0, 1.0, 0, 10).unwrap()]);
    let records = [[1.0, 0.0], [0.0, 1.0], [1.0, 5.0], [1.0, 10.0]];
    let choose = |activation, least| {
        choose_bits(&affine, &features, activation, records.iter().map(|record| &record[..]), least)
    };
    let chosen = [0.0, 1.0].map(|least| choose(Activation::Sigmoid, least).unwrap());
    assert_eq!(chosen.map(|chosen| (chosen.bits, chosen.agreement)), [(2, 0.5), (3, 1.0)]);
    assert!(matches!(choose(Activation::Identity, 0.5), Err(Error::Argument(_))));
    // Half a step of 8 bits is 1/254.
    let faint = Affine::new(2, vec![1.0, 0.001], vec![0.0]).unwrap();
    let undecided = choose_bits(&faint, &features, Activation::Sigmoid, [&[0.0, 1.0][..]], 1.0);
    assert!(matches!(undecided, Err(Error::Model(_))));
}
