//! What the algorithms ask of an engine: several independent residues modulo m^2, computed side by side.

use crate::secret::Limbs;

/// Most pairs of factored entries in a product.
pub(crate) const MOST_PAIRS: u32 = 800;

/// The longest windows of a shared table, in bits.
pub(crate) const LONGEST_WINDOW: u32 = 10;

/// An engine for residues modulo the square of an odd m, `WIDTH` of them at a time.
///
/// A residue x is a pair (a, b) with x = a + b m and a, b < 2m, in Montgomery form: the pair of x R, R a power of two that
/// the engine chooses. A product of pairs costs five half-size operations where generic arithmetic modulo m^2 takes eight,
/// and 1 + k m, the message factor of Paillier, is the pair (1, k).
///
/// The modulus is odd and at least 3. Slices that come in have one element a lane, at most `WIDTH`; lanes beyond them hold
/// something valid that nobody asks for. Lists that go out have `WIDTH` elements.
pub(crate) trait Lanes: Send + Sync {
    /// Residues in a bundle.
    const WIDTH: usize;
    /// The time in which a lane's share of one table entry is read by [`select`](Self::select), in products: what decides
    /// how long windows are.
    const READ: f64;
    /// Likewise for [`select_shared`](Self::select_shared).
    const READ_SHARED: f64;
    /// One residue, as it stands in lists. Where an engine has lanes of both widths, the narrow ones compute with it.
    type Single: Clone + Send + Sync;
    /// `WIDTH` residues.
    type Residues: Clone + Send + Sync;
    /// `WIDTH` numbers below m.
    type Scalars: Send;
    /// `WIDTH` products of factored entries in the making.
    type Product: Send;
    /// A list of bundles from which each lane picks an entry of its own.
    type Table: Send + Sync;
    /// A list of single residues from which every lane picks one.
    type SharedTable: Send + Sync;
    /// Working memory, one for each thread.
    type Scratch: Send;

    /// Working memory.
    fn scratch(&self) -> Self::Scratch;

    /// One in every lane.
    fn one(&self) -> Self::Residues;

    /// Numbers below m, one a lane, shorter ones as if filled up with zeros.
    fn scalars(&self, numbers: &[&[u64]]) -> Self::Scalars;

    /// Takes in numbers x < 4 m^2 cheaply, as the Montgomery form of x R^-2: for long products, which
    /// [`repair`](Self::repair) mends once.
    fn enter_raw(&self, numbers: &[&[u64]], scratch: &mut Self::Scratch) -> Self::Residues;

    /// The factor R^(2 weight), which turns a product of raw entries with exponents that sum up to `weight` into the
    /// product of the numbers. The time depends on the weight.
    fn repair(&self, weight: i64, scratch: &mut Self::Scratch) -> Self::Residues {
        let mut base = if weight >= 0 { self.r_squared() } else { self.r_inverse() };
        if weight < 0 {
            self.sqr(&mut base, scratch);
        }
        let mut power = self.one();
        let mut rest = weight.unsigned_abs();
        while rest > 0 {
            if rest & 1 == 1 {
                self.mul(&mut power, &base, scratch);
            }
            self.sqr(&mut base, scratch);
            rest >>= 1;
        }
        power
    }

    /// R^2 in every lane: its Montgomery form is R^3.
    fn r_squared(&self) -> Self::Residues;

    /// R^-1 in every lane: its Montgomery form is 1.
    fn r_inverse(&self) -> Self::Residues;

    /// Takes in numbers x < 2^(4 |m|), |m| the bits of m, a multiple of 32: a ciphertext modulo n^2 to the square of a prime.
    fn enter_long(&self, numbers: &[&[u64]], scratch: &mut Self::Scratch) -> Self::Residues;

    /// Takes in numbers x < 4 m^2.
    fn enter(&self, numbers: &[&[u64]], scratch: &mut Self::Scratch) -> Self::Residues;

    /// Gives out the unique pairs a, b < m of the residues' values.
    fn leave(&self, x: &Self::Residues, scratch: &mut Self::Scratch) -> Vec<Pair>;

    /// x *= y.
    fn mul(&self, x: &mut Self::Residues, y: &Self::Residues, scratch: &mut Self::Scratch);

    /// x *= x.
    fn sqr(&self, x: &mut Self::Residues, scratch: &mut Self::Scratch);

    /// x *= 1 + k m.
    fn mul_one_plus(&self, x: &mut Self::Residues, k: &Self::Scalars, scratch: &mut Self::Scratch);

    /// Rewrites x = a + b m as c (1 + f m), c = a and f = b/a mod m, with the help of x^-1. Only
    /// [`mul_factored`](Self::mul_factored) reads the result.
    fn factor(&self, x: &mut Self::Residues, inverse: &Self::Residues, scratch: &mut Self::Scratch);

    /// The empty product of factored entries.
    fn empty_product(&self) -> Self::Product;

    /// Multiplies two factored entries c (1 + f m) in: c takes four operations instead of five, and f is only added up.
    fn mul_factored(&self, product: &mut Self::Product, entries: [&Self::Residues; 2], scratch: &mut Self::Scratch);

    /// Multiplies 1 + k m into a product that has none yet: k joins the sum of the f.
    fn mul_one_plus_in(&self, product: &mut Self::Product, k: &Self::Scalars);

    /// The value of a product of at most [`MOST_PAIRS`] of entries.
    fn expand(&self, product: Self::Product, scratch: &mut Self::Scratch) -> Self::Residues;

    /// Lane i of the bundle becomes `singles[i]`.
    fn gather(&self, bundle: &mut Self::Residues, singles: &[&Self::Single]);

    /// A bundle of single residues.
    fn gathered(&self, singles: &[&Self::Single]) -> Self::Residues {
        let mut bundle = self.one();
        self.gather(&mut bundle, singles);
        bundle
    }

    /// The residues of a bundle, one by one.
    fn scatter(&self, x: &Self::Residues) -> Vec<Self::Single>;

    /// Tells the processor that a residue will be gathered soon.
    fn fetch(&self, _single: &Self::Single) {}

    /// The residues of the first lanes into singles that were made for the same modulus.
    fn scatter_to(&self, singles: &mut [Self::Single], x: &Self::Residues);

    /// A table of bundles.
    fn table(&self, entries: &[Self::Residues]) -> Self::Table;

    /// Lane i of `out` becomes lane i of entry `which[i]`. Every entry is read, so that no address depends on `which`.
    fn select(&self, out: &mut Self::Residues, table: &Self::Table, which: &[usize]);

    /// A table that the lanes share.
    fn shared_table(&self, entries: &[Self::Single]) -> Self::SharedTable;

    /// Each lane of the bundles `out`, counted through, becomes the entry that stands in `which` at its place. Every entry is
    /// read, so that no address depends on `which`.
    fn select_shared(&self, out: &mut [Self::Residues], table: &Self::SharedTable, which: &[usize]);
}

/// The number a + b m with a, b < m in plain form.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) a: Limbs,
    pub(crate) b: Limbs,
}
