//! The files of a model: what is written is read, and nothing else is.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tacita::encoding::{Feature, Features, Grid, Layout};
use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
use tacita::network::{Activation, Affine};
use tacita::{Error, Fingerprint};

/// Where the digits of the SHA-256 stand, as docs/formats.md has it.
const SPEC_DIGITS: std::ops::Range<usize> = 15..79;
const MODEL_DIGITS: std::ops::Range<usize> = 42..106;

/// A model with names that JSON must escape and numbers that need all their digits.
fn model(bits: u32) -> PrivateModel {
    let features = Features::new([
        Feature::new("β \"blood\" \\ sugar", Grid::new(0.1 + 0.2, 1.0 / 3.0, -7, 1000).unwrap()),
        Feature::run("pixel", 3, Grid::new(-0.0, 5e-9, 0, 255).unwrap()),
    ]);
    let weights = vec![0.7, -0.3, 0.11, 1e8, -5.5, 0.0, -2.2e7, 3e8];
    let affine = Affine::new(4, weights, vec![-1.0 / 7.0, 22.0]).unwrap();
    let labels = ["gesund", "kränk\u{1f321}"];
    let options = QuantiseOptions { bits };
    PrivateModel::compile(&affine, features.unwrap(), &labels, Activation::Sigmoid, "tést", options).unwrap().0
}

fn spec_text() -> String {
    model(8).spec().as_json().into()
}

/// The file with its SHA-256 put right.
fn resealed(bytes: &[u8], digits: std::ops::Range<usize>) -> Vec<u8> {
    let digest = Sha256::new().chain_update(&bytes[..digits.start]).chain_update(&bytes[digits.end..]).finalize();
    let digest = Fingerprint::from(<[u8; 32]>::from(digest)).to_string();
    [&bytes[..digits.start], digest.as_bytes(), &bytes[digits.end..]].concat()
}

fn read_resealed(text: &str) -> tacita::Result<PublicSpec> {
    PublicSpec::from_json(&resealed(text.as_bytes(), SPEC_DIGITS))
}

fn same_numbers(a: &PrivateModel, b: &PrivateModel) -> bool {
    a.spec().as_json() == b.spec().as_json()
        && a.bias() == b.bias()
        && a.slot_bias() == b.slot_bias()
        && (0..a.rows()).all(|row| a.weights_row(row) == b.weights_row(row))
}

#[test]
fn a_spec_is_read_back_to_the_last_bit() {
    let model = model(8);
    let spec = model.spec();
    let read = PublicSpec::from_json(spec.as_json().as_bytes()).unwrap();
    assert_eq!(read.as_json(), spec.as_json());
    assert_eq!(read.fingerprint(), spec.fingerprint());
    assert_eq!(read.features(), spec.features());
    assert!(read.labels().eq(["gesund", "kränk\u{1f321}"]));
    assert_eq!((read.model(), read.activation()), ("tést", Activation::Sigmoid));
    let numbers = |spec: &PublicSpec| (spec.scale().to_bits(), spec.logit_error().to_bits(), spec.slot_bits());
    assert_eq!(numbers(&read), numbers(spec));
    let spacings = |spec: &PublicSpec| spec.layouts().map(|layout| (layout, spec.spacing(layout))).collect::<Vec<_>>();
    assert_eq!(spacings(&read), spacings(spec));
    assert_eq!(spacings(&read).len(), 4, "records, and 2, 3 and 4 features together");
    assert_eq!(read.features().grid(0).offset().to_bits(), (0.1_f64 + 0.2).to_bits());
    assert_eq!(&spec.as_json()[SPEC_DIGITS], spec.fingerprint().to_string());
}

#[test]
fn numbers_of_any_size_are_read_back_to_the_last_bit() {
    let random = &mut SmallRng::seed_from_u64(1);
    let mut grid = || {
        let step = 2f64.powi(random.random_range(-1000..900)) * random.random_range(1.0..2.0);
        Grid::new(step * random.random_range(-1e9..1e9), step, 0, 1).unwrap()
    };
    let features = Features::new((0..3000).map(|i| Feature::new(&format!("f{i}"), grid()))).unwrap();
    let affine = Affine::new(3000, vec![0.0; 3000], vec![1.0]).unwrap();
    let options = QuantiseOptions::default();
    let (model, _) = PrivateModel::compile(&affine, features, &["y"], Activation::Identity, "wide", options).unwrap();
    let read = PublicSpec::from_json(model.spec().as_json().as_bytes()).unwrap();
    assert!(read.features() == model.spec().features());
}

#[test]
fn hundreds_of_equal_features_take_one_line() {
    let features = Features::new([Feature::run("pixel", 784, Grid::new(0.0, 1.0, 0, 255).unwrap())]).unwrap();
    let affine = Affine::new(784, vec![0.5; 784], vec![0.0]).unwrap();
    let options = QuantiseOptions::default();
    let model = PrivateModel::compile(&affine, features, &["ink"], Activation::Identity, "ink", options).unwrap().0;
    let line = r#"    {"name":"pixel","count":784,"offset":0.0,"step":1.0,"least":0,"greatest":255}"#;
    assert!(model.spec().as_json().lines().any(|found| found == line), "{}", model.spec().as_json());
    assert!(model.spec().as_json().lines().count() < 20 + model.spec().layouts().count());
}

#[test]
fn a_model_is_read_back_whatever_the_width_of_its_weights() {
    for bits in [2, 8, 9, 16] {
        let model = model(bits);
        let bytes = model.to_bytes();
        assert_eq!(bytes, model.to_bytes(), "the same bytes each time");
        let read = PrivateModel::from_bytes(&bytes).unwrap();
        assert!(same_numbers(&model, &read), "{bits} bits");
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(read.evaluate(&[-7, 255, 0, 9]), model.evaluate(&[-7, 255, 0, 9]));
    }
}

#[test]
fn the_safetensors_crate_reads_a_model() {
    for (bits, dtype) in [(8, Dtype::I8), (9, Dtype::I16)] {
        let model = model(bits);
        let bytes = model.to_bytes();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), 3);
        let weights = file.tensor("weights").unwrap();
        assert_eq!((weights.dtype(), weights.shape()), (dtype, &[2, 4][..]));
        let bias = file.tensor("bias").unwrap();
        assert_eq!((bias.dtype(), bias.shape()), (Dtype::I64, &[2][..]));
        assert_eq!(bias.data()[..8], model.bias()[0].to_le_bytes());
        assert_eq!(file.tensor("spec").unwrap().data(), model.spec().as_json().as_bytes());
        let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header % 8, 0);
        let digits = std::str::from_utf8(&bytes[MODEL_DIGITS]).unwrap();
        assert_eq!(metadata.metadata().as_ref().unwrap()["tacita.sha256"], digits);
    }
}

#[test]
fn a_cut_or_padded_file_is_refused() {
    let (spec, model) = (spec_text().into_bytes(), model(8).to_bytes());
    for length in 0..spec.len() {
        assert!(PublicSpec::from_json(&spec[..length]).is_err(), "{length}");
    }
    for length in 0..model.len() {
        assert!(PrivateModel::from_bytes(&model[..length]).is_err(), "{length}");
    }
    for tail in [&b"\n"[..], b" ", b"\0", b"{}"] {
        assert_eq!(PublicSpec::from_json(&[&spec, tail].concat()).err(), Some(Error::Damaged { what: "spec" }));
        let found = PrivateModel::from_bytes(&[&model, tail].concat()).err();
        assert_eq!(found, Some(Error::Damaged { what: "private model" }));
        if tail != b"\n" && tail != b" " {
            assert!(PublicSpec::from_json(&resealed(&[&spec, tail].concat(), SPEC_DIGITS)).is_err());
        }
        let padded = resealed(&[&model, tail].concat(), MODEL_DIGITS);
        assert!(matches!(PrivateModel::from_bytes(&padded), Err(Error::Malformed { .. })));
    }
}

#[test]
fn a_changed_byte_is_noticed_anywhere() {
    let (spec, model) = (spec_text().into_bytes(), model(8).to_bytes());
    let each = |bytes: &[u8], digits: std::ops::Range<usize>, read: &dyn Fn(&[u8]) -> Option<Error>| {
        for at in 0..bytes.len() {
            for change in 1..=255 {
                let mut changed = bytes.to_vec();
                changed[at] ^= change;
                match read(&changed).unwrap_or_else(|| panic!("byte {at} changed by {change} is accepted")) {
                    Error::Damaged { .. } => {}
                    Error::Malformed { .. } => assert!(at < digits.start, "only the fixed beginning is read before"),
                    other => panic!("{other}"),
                }
            }
        }
    };
    each(&spec, SPEC_DIGITS, &|bytes| PublicSpec::from_json(bytes).err());
    each(&model, MODEL_DIGITS, &|bytes| PrivateModel::from_bytes(bytes).err());
}

#[test]
fn a_spec_that_makes_no_sense_is_refused_though_its_sha256_is_right() {
    let text = spec_text();
    assert!(read_resealed(&text).is_ok());
    let slot_bits = model(8).spec().slot_bits();
    let slots = format!("\"slot_bits\": {slot_bits}");
    let spacing = format!("\"spacing\":{}}}", model(8).spec().spacing(Layout::Features { together: 4 }).unwrap());
    let narrow = format!("\"spacing\":{}}}", slot_bits - 1);
    let scale = format!("\"scale\": {}", model(8).spec().scale());
    let error = format!("\"logit_error\": {}", model(8).spec().logit_error());
    let huge = format!("\"labels\": [\"{}\"]", "x".repeat(257));
    for (old, new) in [
        ("tacita-spec/1", "tacita-spec/2"),
        ("\"sigmoid\"", "\"relu\""),
        ("\"model\"", "\"modell\""),
        ("\"model\": \"tést\"", "\"model\": \"\""),
        ("\"model\": \"tést\"", "\"model\": \"\\u0007\""),
        ("\"model\": \"tést\"", "\"model\": \"a\",\n  \"model\": \"b\""),
        ("\"model\": \"tést\"", "\"model\": \"a\",\n  \"weights\": []"),
        ("\"count\":3", "\"count\":0"),
        ("\"count\":3", "\"count\":4294967295"),
        ("\"count\":3", "\"count\":1000000"),
        ("\"count\":3", "\"count\":-1"),
        ("\"count\":3", "\"count\":3,\"mean\":0.5"),
        ("\"least\":-7", "\"least\":1001"),
        ("\"least\":-7", "\"least\":-2147483649"),
        ("\"least\":-7", "\"least\":-7.5"),
        ("\"greatest\":1000", "\"greatest\":9223372036854775808"),
        ("\"step\":5e-9", "\"step\":0"),
        ("\"step\":5e-9", "\"step\":-1"),
        ("\"step\":5e-9", "\"step\":1e400"),
        ("\"step\":5e-9", "\"step\":NaN"),
        ("\"step\":5e-9", "\"step\":\"1\""),
        ("\"pixel\"", "\"β \\\"blood\\\" \\\\ sugar\",\"name\":\"pixel\""),
        ("{\"together\":2,", "{\"together\":1,"),
        ("{\"together\":2,", "{\"together\":0,"),
        ("{\"together\":2,", "{\"together\":3,"),
        ("{\"together\":2,", "{\"together\":5,"),
        ("{\"together\":2,", "{\"together\":-2,"),
        ("{\"together\":2,", "{\"rows\":1,\"together\":2,"),
        ("{\"together\":2,", "{"),
        ("\"together\":4,", "\"together\":4294967295,"),
        ("\"together\":4,", "\"together\":4294967296,"),
        ("\"together\":4,", "\"together\":227,"),
        (&spacing, &narrow),
        (&spacing, "\"spacing\":0}"),
        (&spacing, "\"spacing\":4294967295}"),
        (&spacing, "\"spacing\":585}"),
        ("\"features_layouts\": [", "\"features_layouts\": [2,"),
        ("\"features_layouts\"", "\"layouts\""),
        (&slots, "\"slot_bits\": 0"),
        (&slots, "\"slot_bits\": 9"),
        (&slots, "\"slot_bits\": 63"),
        (&slots, "\"slot_bits\": 4294967296"),
        (&scale, "\"scale\": 0"),
        (&scale, "\"scale\": -1.5"),
        (&scale, "\"scale\": 1e308"),
        (&scale, "\"scale\": null"),
        (&error, "\"logit_error\": -1e-9"),
        ("\"labels\": [", "\"labels\": [7,"),
        ("\"labels\": [", "\"labels\": [\"\","),
        ("[\"gesund\",\"kränk\u{1f321}\"]", "[]"),
        ("\"labels\": [\"gesund\",\"kränk\u{1f321}\"]", &huge),
    ] {
        assert!(text.contains(old), "{old}");
        let refused = read_resealed(&text.replacen(old, new, 1));
        assert!(matches!(refused, Err(Error::Malformed { .. })), "{new}: {refused:?}");
    }
    let latin = resealed(&spec_text().replacen('é', "\u{1}", 1).into_bytes(), SPEC_DIGITS);
    assert!(PublicSpec::from_json(&latin.iter().map(|b| if *b == 1 { 0xe9 } else { *b }).collect::<Vec<_>>()).is_err());
}

#[test]
fn another_version_is_refused_by_its_name() {
    let text = spec_text().replacen("tacita-spec/1\",", "tacita-spec/2\",\n  \"shape\": [],", 1);
    let error = read_resealed(&text).unwrap_err().to_string();
    assert!(error.contains("tacita-spec/2") && error.contains("tacita-spec/1"), "{error}");
}

#[test]
fn a_spec_may_be_laid_out_otherwise_and_then_has_another_fingerprint() {
    let text = spec_text();
    let compact = format!("{}{}", &text[..SPEC_DIGITS.end], text[SPEC_DIGITS.end..].replace("\n ", ""));
    let read = read_resealed(&compact).unwrap();
    assert_eq!(read.features(), model(8).spec().features());
    assert_ne!(read.fingerprint(), model(8).spec().fingerprint());
}

#[test]
fn hostile_text_does_not_flood_an_error() {
    let long = format!("\"model\": 1, \"{}\\n\"", "weights\\u001b[2J".repeat(10_000));
    let error = read_resealed(&spec_text().replacen("\"model\"", &long, 1)).unwrap_err().to_string();
    assert!(error.len() < 1000 && !error.contains(char::is_control), "{error}");
}

/// A model file with other header and tensors, its SHA-256 right.
fn rebuilt(change: impl Fn(String) -> String, data: &[u8]) -> Vec<u8> {
    let bytes = model(8).to_bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = change(String::from_utf8(bytes[8..8 + length].to_vec()).unwrap());
    resealed(&[&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat(), MODEL_DIGITS)
}

#[test]
fn a_model_whose_parts_do_not_fit_together_is_refused() {
    let bytes = model(8).to_bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let data = &bytes[8 + length..];
    assert_eq!(rebuilt(|header| header, data), bytes);
    for (old, new) in [
        ("tacita-model/1", "tacita-model/2"),
        ("tacita.format", "tacita.former"),
        ("[2,4]", "[4,2]"),
        ("[2,4]", "[8]"),
        ("[2,4]", "[2,4,1]"),
        ("\"I8\"", "\"U8\""),
        ("\"shape\":[2]", "\"shape\":[1,2]"),
        ("\"I64\"", "\"U64\""),
        ("\"U8\"", "\"I8\""),
        ("\"weights\"", "\"weight\""),
        ("\"spec\"", "\"bias\""),
    ] {
        let refused = PrivateModel::from_bytes(&rebuilt(|header| header.replacen(old, new, 1), data));
        assert!(matches!(refused, Err(Error::Malformed { .. })), "{new}: {refused:?}");
    }
    let extra = |header: String| {
        let end = data.len();
        header.trim_end().strip_suffix('}').unwrap().to_owned()
            + &format!(",\"more\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{end},{}]}}}}", end + 1)
    };
    let refused = PrivateModel::from_bytes(&rebuilt(extra, &[data, &[0]].concat()));
    assert!(matches!(refused, Err(Error::Malformed { .. })), "a fourth tensor: {refused:?}");

    let mut damaged = data.to_vec();
    *damaged.last_mut().unwrap() = b' ';
    let refused = PrivateModel::from_bytes(&rebuilt(|header| header, &damaged));
    assert!(matches!(refused, Err(Error::Damaged { what: "spec" })), "{refused:?}");
}

/// A model of the test's with plans for these layouts.
fn planned(bits: u32, layouts: &[Layout]) -> PrivateModel {
    let mut model = model(bits);
    layouts.iter().for_each(|&layout| model.plan(layout).unwrap());
    model
}

const TWO: Layout = Layout::Features { together: 2 };
const THREE: Layout = Layout::Features { together: 3 };

#[test]
fn plans_are_stored_with_their_model_and_read_back() {
    for (bits, layouts) in [(2, vec![Layout::Records]), (8, vec![Layout::Records, TWO]), (16, vec![THREE, TWO])] {
        let (model, planned) = (model(bits), planned(bits, &layouts));
        let bytes = planned.to_bytes();
        let read = PrivateModel::from_bytes(&bytes).unwrap();
        assert!(same_numbers(&model, &read), "{bits} bits");
        assert_eq!(read.to_bytes(), bytes);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), 3 + layouts.len());
        for layout in planned.spec().layouts() {
            assert_eq!(model.multiplications(layout), None);
            assert_eq!(planned.multiplications(layout).is_some(), layouts.contains(&layout));
            assert_eq!(read.multiplications(layout), planned.multiplications(layout));
            let name = if layout == Layout::Records { "plan".into() } else { format!("plan.{layout}") };
            let shape = |multiplications| vec![2 * layout.together() as usize + multiplications, 2];
            let found = file.tensor(&name).ok().map(|plan| (plan.dtype(), plan.shape().to_vec()));
            assert_eq!(found, read.multiplications(layout).map(|found| (Dtype::U16, shape(found))), "{name}");
        }
        let mut without = PrivateModel::from_bytes_without_plan(&bytes).unwrap();
        assert_eq!(without.to_bytes(), model.to_bytes());
        layouts.iter().rev().for_each(|&layout| without.plan(layout).unwrap());
        assert_eq!(without.to_bytes(), bytes, "the same plans each time, in whatever order they are found");
    }
}

#[test]
fn a_layout_that_the_spec_does_not_list_is_not_planned() {
    for together in [0, 1, 5, u32::MAX] {
        let refused = model(8).plan(Layout::Features { together });
        assert!(matches!(refused, Err(Error::Argument(_))), "{together}");
    }
}

#[test]
fn a_plan_of_other_weights_is_refused_and_can_be_left_out() {
    let text = model(8).spec().as_json().len();
    // The last plan of the file, behind one row's end, and the number of its rows.
    for (layouts, rows) in [(vec![Layout::Records], 2), (vec![Layout::Records, TWO], 4), (vec![THREE], 6)] {
        let planned = planned(8, &layouts);
        let last = layouts.last().copied().unwrap();
        let planned_bytes = planned.to_bytes();
        let weights = planned_bytes.len() - text - 8;
        let plan = weights - 4 * (rows + planned.multiplications(last).unwrap());
        for (position, why) in [(weights + 7, "a weight"), (plan, "the end of a row"), (weights - 1, "a step")] {
            let mut bytes = planned_bytes.clone();
            bytes[position] ^= 1;
            let bytes = resealed(&bytes, MODEL_DIGITS);
            let refused = PrivateModel::from_bytes(&bytes);
            assert!(matches!(&refused, Err(Error::Model(why)) if why.contains("plan")), "{why}: {refused:?}");
            let mut without = PrivateModel::from_bytes_without_plan(&bytes).unwrap();
            assert_eq!(without.multiplications(last), None);
            without.plan(last).unwrap();
            assert!(without.multiplications(last).is_some());
        }
    }
}

#[test]
fn plans_of_unknown_kinds_or_layouts_are_refused() {
    let planned = planned(8, &[Layout::Records, TWO]).to_bytes();
    let length = u64::from_le_bytes(planned[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(planned[8..8 + length].to_vec()).unwrap();
    let two = header.find("\"plan.features:2\"").unwrap();
    for (from, old, new) in [
        (0, "U16", "I16"),
        (0, "U16", "F16"),
        (two, "U16", "I16"),
        (0, "\"plan\"", "\"more\""),
        (two, "plan.features:2", "plan.features:5"),
        (two, "plan.features:2", "plan.features:1"),
        (two, "plan.features:2", "plan.feature:02"),
        (two, "plan.features:2", "plan.records:10"),
    ] {
        let changed = header[..from].to_string() + &header[from..].replacen(old, new, 1);
        assert_ne!(changed, header);
        let bytes = [&planned[..8], changed.as_bytes(), &planned[8 + length..]].concat();
        let refused = PrivateModel::from_bytes(&resealed(&bytes, MODEL_DIGITS));
        assert!(matches!(refused, Err(Error::Malformed { .. })), "{new}: {refused:?}");
    }
    // Under the name of another layout that the spec lists it is not a plan of that layout's weights.
    let changed = header.replacen("plan.features:2", "plan.features:3", 1);
    let bytes = [&planned[..8], changed.as_bytes(), &planned[8 + length..]].concat();
    let refused = PrivateModel::from_bytes(&resealed(&bytes, MODEL_DIGITS));
    assert!(matches!(&refused, Err(Error::Model(why)) if why.contains("plan")), "{refused:?}");
}

#[test]
fn a_model_that_could_overflow_its_slots_is_refused() {
    let bytes = model(8).to_bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let data = &bytes[8 + length..];
    let slot_bits = model(8).spec().slot_bits();
    let capacity = (1_i64 << (slot_bits - 1)) - 1;
    // Row 0 with its bias moved: as far as the slots allow, and one further.
    let integers = model(8);
    let ends = integers.spec().features().grids().zip(integers.weights_row(0));
    let sum = ends.map(|(grid, &w)| i64::from(w) * if w > 0 { grid.greatest() } else { grid.least() }).sum::<i64>();
    for (bias, fits) in [(capacity - sum, true), (capacity - sum + 1, false), (i64::MAX, false), (i64::MIN, false)] {
        let mut changed = data.to_vec();
        changed[..8].copy_from_slice(&bias.to_le_bytes());
        let read = PrivateModel::from_bytes(&rebuilt(|header| header, &changed));
        match read {
            Ok(model) => assert!(fits && model.bias()[0] == bias),
            Err(error) => assert!(!fits && matches!(error, Error::Model(_)), "{error}"),
        }
    }
}

#[test]
fn a_model_whose_junk_could_overflow_is_refused() {
    let bytes = model(8).to_bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let data = &bytes[8 + length..];
    let spec_at = data.len() - model(8).spec().as_json().len();
    for layout in model(8).spec().layouts().skip(1) {
        let spacing = model(8).spec().spacing(layout).unwrap();
        let entry = |spacing| format!("{{\"together\":{},\"spacing\":{spacing}}}", layout.together());
        for (other, fits) in [(spacing, true), (spacing + 1, true), (spacing - 1, false)] {
            let text = spec_text().replacen(&entry(spacing), &entry(other), 1);
            let spec = resealed(text.as_bytes(), SPEC_DIGITS);
            assert_eq!(spec.len(), data.len() - spec_at);
            let read = PrivateModel::from_bytes(&rebuilt(|header| header, &[&data[..spec_at], &spec].concat()));
            match read {
                Ok(model) => assert!(fits && model.spec().spacing(layout) == Some(other)),
                Err(error) => assert!(!fits && matches!(error, Error::Model(_)), "{layout}, {other}: {error}"),
            }
        }
    }
}

#[test]
fn oversized_files_are_refused_unread() {
    let large = vec![b' '; PublicSpec::MAX_BYTES + 1];
    assert!(matches!(PublicSpec::from_json(&large), Err(Error::TooLarge { what: "spec", .. })));
}

#[test]
fn debug_shows_no_weight() {
    let model = model(8);
    let shown = format!("{model:?}");
    let expected = format!("PrivateModel(2 x 4, PublicSpec(\"tést\", {}))", model.spec().fingerprint());
    assert_eq!(shown, expected);
}

#[test]
fn the_schema_has_the_members_that_are_written() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../docs/spec.schema.json")).unwrap();
    let spec: serde_json::Value = serde_json::from_str(&spec_text()).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&schema["properties"]), keys(&spec));
    assert_eq!(keys(&schema["$defs"]["feature"]["properties"]), keys(&spec["features"][1]));
    assert_eq!(schema["required"].as_array().unwrap().len(), keys(&spec).len());
    assert_eq!(schema["properties"]["format"]["const"], spec["format"]);
    assert_eq!(keys(&schema["$defs"]["features_layout"]["properties"]), keys(&spec["features_layouts"][0]));
}

#[test]
fn python_checks_and_writes_a_spec_as_the_documentation_says() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        assert!(matches!(std::env::var("CI").as_deref(), Err(_) | Ok("" | "0" | "false")), "there is no python3");
        eprintln!("SKIPPED: there is no python3 to run the lines of docs/formats.md");
        return;
    }
    let blocks = include_str!("../docs/formats.md").split("```python\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|block| block.split("```").next().unwrap()).collect();
    let [check, write] = blocks[..] else { panic!("{} blocks", blocks.len()) };
    let script =
        format!("{check}import json\nspec = json.loads(raw)\ndel spec['sha256']\nspec['model'] = 'new'\n{write}");

    let folder = std::env::temp_dir().join(format!("tacita-formats-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("spec.json"), spec_text()).unwrap();
    let output = std::process::Command::new("python3").args(["-c", &script]).current_dir(&folder).output().unwrap();
    let written = std::fs::read(folder.join("spec.json")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = PublicSpec::from_json(&written).unwrap();
    assert_eq!((read.model(), read.features()), ("new", model(8).spec().features()));
}
