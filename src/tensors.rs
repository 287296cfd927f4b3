//! The safetensors container, read from bytes that nobody vouches for.
//!
//! Files are written by the `safetensors` crate. They are read here because its reader gathers the header in a tree of
//! JSON values, which takes many times the header's length, and of two tensors with one name silently keeps the last.
//! The format: the header's length (8 bytes, little endian), the header (a JSON object: name -> type, shape, place), the
//! tensors' bytes without gaps.

use safetensors::Dtype;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

use crate::error::{Error, Result};
use crate::json;

/// Most tensors in a file. Networks have two a layer.
const MAX_TENSORS: usize = 4096;
/// Most dimensions of a tensor, above what any of our files uses so that the reader can name a convolution's four.
const MAX_RANK: usize = 8;
/// Most bytes of a tensor's name.
const MAX_NAME: usize = 256;
/// Most entries of the metadata that are ours.
const MAX_METADATA: usize = 16;
/// Metadata under other keys is the writer's own business and is skipped.
const OURS: &str = "tacita.";

/// One tensor: a view into the file's bytes.
#[derive(Debug)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// Little endian, row-major, exactly as long as type and shape say.
    pub(crate) data: &'a [u8],
}

/// The tensors of a file, sorted by name, and those entries of its metadata whose key begins with `tacita.`.
#[derive(Debug)]
pub(crate) struct Tensors<'a> {
    tensors: Vec<Tensor<'a>>,
    metadata: Vec<(String, String)>,
}

impl<'a> Tensors<'a> {
    /// Reads a whole file; `what` names it in errors. Takes memory for the header only: at most about eight times the
    /// header's length.
    pub(crate) fn read(what: &'static str, bytes: &'a [u8]) -> Result<Self> {
        let malformed = |why: &str| Error::malformed(what, why);
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| malformed("shorter than 8 bytes"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let (header, mut data) = length
            .and_then(|length| rest.split_at_checked(length))
            .ok_or_else(|| malformed("its header is longer than the file: cut short, or not a safetensors file"))?;
        let header = std::str::from_utf8(header).map_err(|_| malformed("its header is not UTF-8"))?;
        let mut header: Header = json::read(header).map_err(|error| json::malformed(what, &error))?;

        header.tensors.sort_unstable_by_key(|(_, place)| place.data_offsets);
        let mut tensors = Vec::with_capacity(header.tensors.len());
        let mut at = 0;
        for (name, place) in header.tensors {
            let Place { dtype, shape: Shape(shape), data_offsets: (start, end) } = place;
            let bits = shape.iter().try_fold(dtype.bitsize(), |product, &dimension| product.checked_mul(dimension));
            let room = end.checked_sub(start).and_then(|bytes| bytes.checked_mul(8));
            if start != at || bits.is_none() || room != bits {
                return Err(malformed(&format!(
                    "the place of tensor {name:?} does not fit its type, shape and neighbours"
                )));
            }
            let (view, after) = data
                .split_at_checked(end - start)
                .ok_or_else(|| malformed("cut short: a tensor ends after the file"))?;
            (at, data) = (end, after);
            tensors.push(Tensor { name, dtype, shape, data: view });
        }
        if !data.is_empty() {
            return Err(malformed(&format!("{} bytes follow the last tensor", data.len())));
        }
        tensors.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(malformed(&format!("two tensors are named {:?}", pair[0].name)));
        }
        Ok(Self { tensors, metadata: header.metadata })
    }

    /// The tensors, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tensor<'a>> {
        self.tensors.iter()
    }

    /// The tensor of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Tensor<'a>> {
        let position = self.tensors.binary_search_by(|tensor| tensor.name.as_str().cmp(name)).ok()?;
        Some(&self.tensors[position])
    }

    /// The metadata under that key, which begins with `tacita.`.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Header {
    tensors: Vec<(String, Place)>,
    metadata: Vec<(String, String)>,
}

#[derive(serde::Deserialize)]
struct Place {
    dtype: Dtype,
    shape: Shape,
    data_offsets: (usize, usize),
}

struct Shape(Vec<usize>);

struct Metadata;

impl<'de> serde::Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;
        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header::default();
                let mut metadata = None;
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        if metadata.replace(map.next_value_seed(Metadata)?).is_some() {
                            return Err(serde::de::Error::duplicate_field("__metadata__"));
                        }
                    } else if header.tensors.len() == MAX_TENSORS {
                        return Err(serde::de::Error::custom(format_args!("more than {MAX_TENSORS} tensors")));
                    } else if name.len() > MAX_NAME {
                        return Err(serde::de::Error::custom(format_args!("a name is longer than {MAX_NAME} bytes")));
                    } else {
                        header.tensors.push((name, map.next_value()?));
                    }
                }
                header.metadata = metadata.unwrap_or_default();
                Ok(header)
            }
        }
        deserializer.deserialize_map(HeaderVisitor)
    }
}

impl<'de> DeserializeSeed<'de> for Metadata {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Metadata {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut ours: Vec<(String, String)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if !key.starts_with(OURS) {
                map.next_value::<IgnoredAny>()?;
            } else if ours.len() == MAX_METADATA || ours.iter().any(|(found, _)| *found == key) {
                return Err(serde::de::Error::custom("a metadata key is repeated, or there are too many"));
            } else {
                ours.push((key, map.next_value()?));
            }
        }
        Ok(ours)
    }
}

impl<'de> serde::Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShapeVisitor;
        impl<'de> Visitor<'de> for ShapeVisitor {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_RANK} dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(dimension) = list.next_element()? {
                    if shape.len() == MAX_RANK {
                        return Err(serde::de::Error::invalid_length(MAX_RANK + 1, &self));
                    }
                    shape.push(dimension);
                }
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(ShapeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn tensor(name: &str, dtype: &str, shape: &str, start: u64, end: u64) -> String {
        format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}")
    }

    fn why_refused(bytes: &[u8]) -> String {
        match Tensors::read("file", bytes) {
            Err(Error::Malformed { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tensors_come_out_by_name_whatever_their_order_in_the_file() {
        let header = [
            "{\"__metadata__\":{\"format\":\"pt\",\"tacita.activation\":\"softmax\",\"other\":[1,{}]}".into(),
            tensor("z", "U8", "[2,1]", 1, 3),
            tensor("a", "F32", "[]", 3, 7),
            tensor("m", "I8", "[1]", 0, 1) + "}  ",
        ];
        let bytes = file(&header.join(","), &[9, 1, 2, 0, 0, 0, 64]);
        let tensors = Tensors::read("file", &bytes).unwrap();
        let found: Vec<_> = tensors.iter().map(|t| (t.name.as_str(), t.dtype, t.shape.as_slice(), t.data)).collect();
        let expected: [(&str, Dtype, &[usize], &[u8]); 3] =
            [("a", Dtype::F32, &[], &[0, 0, 0, 64]), ("m", Dtype::I8, &[1], &[9]), ("z", Dtype::U8, &[2, 1], &[1, 2])];
        assert_eq!(found, expected);
        assert_eq!(tensors.get("m").unwrap().data, [9]);
        assert!(tensors.get("n").is_none());
        assert_eq!(tensors.metadata("tacita.activation"), Some("softmax"));
        assert_eq!(tensors.metadata("format"), None);
    }

    #[test]
    fn what_the_safetensors_crate_writes_is_read_back() {
        let data: Vec<u8> = (0..24).collect();
        let view = |shape| safetensors::tensor::TensorView::new(Dtype::F32, shape, &data).unwrap();
        let bytes = safetensors::serialize([("b", view(vec![2, 3])), ("a", view(vec![6]))], None).unwrap();
        let tensors = Tensors::read("file", &bytes).unwrap();
        assert!(tensors.iter().map(|t| (t.name.as_str(), t.data)).eq([("a", &data[..]), ("b", &data[..])]));
    }

    #[test]
    fn a_cut_or_padded_file_is_refused() {
        let bytes = file(&format!("{{{}}}", tensor("a", "U8", "[4]", 0, 4)), &[1, 2, 3, 4]);
        for length in 0..bytes.len() {
            why_refused(&bytes[..length]);
        }
        assert_eq!(why_refused(&[&bytes[..], &[0]].concat()), "1 bytes follow the last tensor");
    }

    #[test]
    fn a_header_length_that_lies_is_refused() {
        for length in [3, 100, u64::from(u32::MAX), u64::MAX - 7, u64::MAX] {
            let mut bytes = file("{}", &[]);
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            assert!(why_refused(&bytes).contains("longer than the file"), "{length}");
        }
    }

    #[test]
    fn places_that_do_not_fit_are_refused() {
        let huge = (u64::MAX / 2).to_string();
        let cases = [
            tensor("a", "U8", "[3]", 0, 4),
            tensor("a", "U8", "[4]", 4, 0),
            tensor("a", "F32", "[4]", 0, 4),
            tensor("a", "U8", "[3]", 1, 4),
            tensor("a", "U8", &format!("[{huge},{huge}]"), 0, 4),
            tensor("a", "F64", &format!("[{huge}]"), 0, 4),
            tensor("a", "F4", "[7]", 0, 4),
            tensor("a", "U8", "[2]", 0, 2) + "," + &tensor("b", "U8", "[2]", 1, 3),
            tensor("a", "U8", "[1]", 0, 1) + "," + &tensor("b", "U8", "[2]", 2, 4),
            tensor("a", "U8", "[4]", 0, 4) + "," + &tensor("b", "U8", "[4]", 0, 4),
        ];
        for header in cases {
            let why = why_refused(&file(&format!("{{{header}}}"), &[0; 4]));
            assert!(why.contains("does not fit"), "{header}: {why}");
        }
        let why =
            why_refused(&file(&format!("{{{}}}", tensor("a", "U8", &format!("[{huge}]"), 0, u64::MAX / 2)), &[0]));
        assert!(why.contains("does not fit"), "{why}");
    }

    #[test]
    fn two_tensors_of_one_name_are_refused() {
        let twice = tensor("a", "U8", "[1]", 0, 1) + "," + &tensor("a", "U8", "[1]", 1, 2);
        assert_eq!(why_refused(&file(&format!("{{{twice}}}"), &[0; 2])), "two tensors are named \"a\"");
    }

    #[test]
    fn headers_that_are_not_lists_of_tensors_are_refused() {
        let many = (0..=MAX_TENSORS).map(|i| tensor(&i.to_string(), "U8", "[0]", 0, 0)).collect::<Vec<_>>().join(",");
        let metadata = (0..=MAX_METADATA).map(|i| format!("\"tacita.{i}\":\"\"")).collect::<Vec<_>>().join(",");
        let cases = [
            (String::new(), "EOF"),
            ("[]".into(), "object of tensors"),
            ("{} {}".into(), "trailing"),
            ("{\"a\":1}".into(), "invalid type"),
            (format!("{{{}}}", tensor("a", "F31", "[1]", 0, 1)), "unknown variant"),
            (format!("{{{}}}", tensor("a", "U8", "[-1]", 0, 1)), "invalid value"),
            (format!("{{{}}}", tensor("a", "U8", "[1e3]", 0, 1)), "invalid type"),
            (format!("{{{}}}", tensor("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1)), "at most 8 dimensions"),
            (format!("{{{}}}", tensor(&"n".repeat(257), "U8", "[1]", 0, 1)), "longer than 256"),
            (format!("{{{many}}}"), "more than 4096"),
            (format!("{{\"__metadata__\":{{{metadata}}}}}"), "too many"),
            ("{\"__metadata__\":{\"tacita.a\":\"\",\"tacita.a\":\"\"}}".into(), "repeated"),
            ("{\"__metadata__\":{},\"__metadata__\":{}}".into(), "duplicate"),
            ("{\"__metadata__\":{\"tacita.a\":1}}".into(), "expected a string"),
            ("[".repeat(10_000), "object of tensors"),
        ];
        for (header, part) in cases {
            let why = why_refused(&file(&header, &[0]));
            assert!(why.contains(part), "{why:?} does not say {part:?}");
        }
    }
}
