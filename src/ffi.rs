//! tacita: predictions on encrypted records. The C API.
//!
//! Conventions, valid for every function unless it says otherwise:
//!
//! - A type `tacita_x` is opaque. The functions that make one give out a handle, which is yours: free it once, with
//!   `tacita_x_free`, which accepts NULL. Handles depend on nothing they were made from, which may be freed before them.
//! - Almost every function returns a `tacita_status`, which is 0 for success. `tacita_status_text` puts it into words,
//!   and `tacita_last_error_detail` says which argument, feature or file it was. Neither ever shows a value of a record
//!   or a part of a secret key. Every function that returns a status may return TACITA_STATUS_BUG, also where its own
//!   list of codes does not say so: it stands for a mistake in this library. Nothing is ever thrown through C.
//! - Arguments are borrowed for the time of the call, and what is kept of them is copied. Results go to the arguments
//!   whose names end in `out`, which come last; they are written on success only. No pointer may be NULL, not even one
//!   to an empty array; one that is not aligned as its type wants is an ARGUMENT that makes no sense. What a handle pointer points to must be a live handle of this library; if it is one of another type,
//!   the call fails with TACITA_STATUS_WRONG_HANDLE. Arrays have exactly the length that is passed or named.
//! - Text is UTF-8; text that goes in or out as `char *` ends with NUL.
//! - Handles do not change once they are made, but for `tacita_records` and `tacita_verified_keys`, whose calls wait for
//!   each other, and for what fills itself: an evaluator's plans and pools, a pool's nonces. So any number of threads may use
//!   the same handle at the same time, as each function says again. Only a handle that is being freed must not be in use by
//!   another call.
//! - A process that runs out of memory is ended.

// Every pointer that crosses this boundary is under the contract above, so the functions do not repeat it as "Safety".
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod bytes;
mod decryptor;
mod encryptor;
mod evaluator;
mod fingerprint;
mod guard;
mod handle;
mod library;
mod model;
mod nonce_pool;
mod plan;
mod pointers;
mod predictions;
mod progress;
mod public_key;
mod records;
mod request;
mod response;
mod secret_key;
mod spec;
mod status;
#[cfg(feature = "ffi-test-panic")]
mod test_panic;
mod verified_keys;

pub use bytes::*;
pub use decryptor::*;
pub use encryptor::*;
pub use evaluator::*;
pub use fingerprint::*;
pub use library::*;
pub use model::*;
pub use nonce_pool::*;
pub use plan::*;
pub use predictions::*;
pub use progress::*;
pub use public_key::*;
pub use records::*;
pub use request::*;
pub use response::*;
pub use secret_key::*;
pub use spec::*;
pub use status::*;
#[cfg(feature = "ffi-test-panic")]
pub use test_panic::*;
pub use verified_keys::*;
