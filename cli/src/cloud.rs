//! The service of `tacita demo`: it is made from the private model and is given request bytes, and nothing else.

use tacita::OnProgress;
use tacita::encoding::Layout;
use tacita::inference::{Evaluator, Request, VerifiedKeys};
use tacita::model::PrivateModel;

use crate::console::Console;
use crate::layout::prepare;

/// A service with a private model.
pub(crate) struct Cloud {
    evaluator: Evaluator,
    keys: VerifiedKeys,
}

impl Cloud {
    /// From the file of a private model.
    pub(crate) fn new(model: &[u8]) -> tacita::Result<Self> {
        let evaluator = Evaluator::new(PrivateModel::from_bytes(model)?);
        Ok(Self { evaluator, keys: VerifiedKeys::new() })
    }

    /// Makes it ready for requests in a layout.
    pub(crate) fn prepare(&self, console: &Console, layout: Layout) -> tacita::Result<()> {
        prepare(console, &self.evaluator, layout)
    }

    /// Request bytes to response bytes; checks the proof of a key that it sees for the first time.
    pub(crate) fn answer(&mut self, request: &[u8], progress: OnProgress) -> tacita::Result<Vec<u8>> {
        let request = Request::from_bytes(request)?;
        let key = self.keys.admit(&request)?;
        Ok(self.evaluator.evaluate_with_progress(&request, &key, progress)?.to_bytes())
    }

    /// Multiplications of ciphertexts that a batch of records takes.
    pub(crate) fn multiplications(&self, layout: Layout) -> tacita::Result<usize> {
        self.evaluator.multiplications(layout)
    }
}
