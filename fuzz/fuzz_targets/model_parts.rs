//! A private model whose header fits its tensors, whatever these say: 3 bytes for rows, columns and type, then what
//! follows the SHA-256 of a spec, a zero byte, and the numbers, which are repeated as needed.
#![no_main]

use tacita_fuzz::{MODEL_PREFIX, SPEC_PREFIX, read_model, sealed};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&[rows, columns, kind], rest)) = bytes.split_first_chunk() else { return };
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    let (width, dtype) = if kind % 2 == 0 { (1, "I8") } else { (2, "I16") };
    let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
    let spec = sealed(SPEC_PREFIX.as_bytes(), &rest[..end]);
    let numbers = rest.get(end + 1..).filter(|numbers| !numbers.is_empty()).unwrap_or(&[0]);
    let (bias, weights) = (8 * rows, 8 * rows + rows * columns * width);
    let header = format!(
        "\",\"tacita.format\":\"tacita-model/1\"}},\
         \"bias\":{{\"dtype\":\"I64\",\"shape\":[{rows}],\"data_offsets\":[0,{bias}]}},\
         \"weights\":{{\"dtype\":\"{dtype}\",\"shape\":[{rows},{columns}],\"data_offsets\":[{bias},{weights}]}},\
         \"spec\":{{\"dtype\":\"U8\",\"shape\":[{}],\"data_offsets\":[{weights},{}]}}}}",
        spec.len(),
        weights + spec.len(),
    );
    let length = ((MODEL_PREFIX.len() + tacita_fuzz::DIGITS + header.len()) as u64).to_le_bytes();
    let data: Vec<u8> = numbers.iter().copied().cycle().take(weights).collect();
    read_model(&sealed(&[&length, MODEL_PREFIX.as_bytes()].concat(), &[header.as_bytes(), &data, &spec].concat()));
});
