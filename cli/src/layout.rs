//! The option `--layout`.

use std::str::FromStr;
use std::time::Instant;

use clap::Args;
use tacita::encoding::Layout;
use tacita::inference::Evaluator;
use tacita::model::PublicSpec;

use crate::console::{Console, time};
use crate::exit::{Exit, Failure};

/// Which values share a ciphertext.
#[derive(Debug, Args)]
pub(crate) struct LayoutArgument {
    /// How values share ciphertexts: `records`; `features:T` for T features of a record together; `features` for that with
    /// the fewest ciphertexts down, then up; or `auto`
    #[arg(long, default_value = "records", value_name = "LAYOUT")]
    layout: Choice,
}

#[derive(Debug, Clone)]
enum Choice {
    Given(Layout),
    /// Any features layout.
    Features,
    /// What is probably the quickest.
    Auto,
}

impl FromStr for Choice {
    type Err = tacita::Error;

    fn from_str(text: &str) -> tacita::Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "features" => Ok(Self::Features),
            _ => text.parse().map(Self::Given),
        }
    }
}

impl LayoutArgument {
    /// The layout for so many records. Of the features layouts, where none is named, the one with the fewest response
    /// ciphertexts, and of these the one with the fewest request ciphertexts: a response costs the most.
    pub(crate) fn choose(&self, spec: &PublicSpec, key_bits: u32, records: usize) -> Result<Layout, Failure> {
        match self.layout {
            Choice::Given(layout) => Ok(layout),
            Choice::Auto => Ok(spec.best_layout(key_bits, records)?),
            Choice::Features => features(spec, key_bits, records)
                .ok_or_else(|| Failure::new(Exit::Argument, "the spec has no features layout for such a key")),
        }
    }
}

/// Makes an evaluator ready for a layout, so that the time of an evaluation is not that of planning, and says so if the model
/// did not carry the plan.
pub(crate) fn prepare(console: &Console, evaluator: &Evaluator, layout: Layout) -> tacita::Result<()> {
    let (start, planned) = (Instant::now(), evaluator.is_planned(layout));
    evaluator.prepare(layout)?;
    if !planned {
        let took = time(start.elapsed());
        console.note(&format!("planned {layout} in {took}; `tacita compile --plan {layout}` stores the plan"));
    }
    Ok(())
}

/// See [`LayoutArgument::choose`].
pub(crate) fn features(spec: &PublicSpec, key_bits: u32, records: usize) -> Option<Layout> {
    let cost = |layout: &Layout| {
        let packing = spec.packing(*layout, key_bits).ok()?;
        let down = packing.response_ciphertexts(records, spec.labels().len());
        Some((down, packing.request_ciphertexts(records, spec.features().len())))
    };
    let layouts = spec.layouts().filter(|layout| *layout != Layout::Records && cost(layout).is_some());
    layouts.min_by_key(cost)
}
