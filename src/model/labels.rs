//! The names of a model's outputs.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

use crate::encoding::check_name;
use crate::error::{Error, Result};

/// Names in order, in one text: a list of one-letter names read from JSON takes a few bytes each, not a string each.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Labels {
    text: String,
    ends: Vec<u32>,
}

impl Labels {
    /// Most outputs of a model.
    pub(super) const MAX: usize = 1 << 16;

    pub(super) fn new(labels: &[impl AsRef<str>]) -> Result<Self> {
        let mut found = Self::default();
        labels.iter().try_for_each(|label| found.push(label.as_ref()))?;
        Ok(found)
    }

    fn push(&mut self, label: &str) -> Result<()> {
        check_name("label", label)?;
        if self.len() == Self::MAX {
            let (found, limit) = (Self::MAX as u64 + 1, Self::MAX as u64);
            return Err(Error::TooLarge { what: "number of outputs", found, limit });
        }
        self.text.push_str(label);
        self.ends.push(self.text.len() as u32);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| {
            let start = if index == 0 { 0 } else { self.ends[index - 1] };
            &self.text[start as usize..self.ends[index] as usize]
        })
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of labels")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Labels, A::Error> {
                let mut labels = Labels::default();
                while list.next_element_seed(Next(&mut labels))?.is_some() {}
                Ok(labels)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Appends one label.
struct Next<'a>(&'a mut Labels);

impl<'de> DeserializeSeed<'de> for Next<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Next<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label")
    }

    fn visit_str<E: serde::de::Error>(self, label: &str) -> Result<(), E> {
        self.0.push(label).map_err(E::custom)
    }
}
