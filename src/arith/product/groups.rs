//! Chains over groups of rows or of columns, as programs.
//!
//! Over a group of rows, every column is a point: its weights in these rows. Columns of equal points share a bucket, and a
//! bucket is multiplied into the two buckets whose vectors are the parts of its own, down to the buckets of the unit
//! vectors, which are the rows' numerators and denominators. Over a group of columns, every row is a point, and the chain
//! is read the other way (the transposition principle): the products of the columns' powers that the rows want are made
//! from the columns and their inverses up.

use super::chain::Chain;
use super::program::Builder;

/// Buckets of the columns with these weights in a group of rows; returns numerators and denominators of the rows. `points`
/// are the columns, each with its weights.
pub(super) fn buckets(builder: &mut Builder, chain: &Chain, points: &[(u32, &[i32])]) -> Vec<[Option<u32>; 2]> {
    let index = chain.index();
    let mut factors = vec![Vec::new(); chain.vectors.len()];
    for &(column, point) in points {
        if point.iter().any(|&weight| weight != 0) {
            factors[index[point] as usize].push(column);
        }
    }
    // A vector stands behind its parts.
    for place in (0..chain.vectors.len()).rev() {
        let Some([left, right]) = chain.parts[place] else { continue };
        let Some(bucket) = builder.product(&factors[place]) else { continue };
        if left == right {
            let square = builder.mul(bucket, bucket);
            factors[left as usize].push(square);
        } else {
            factors[left as usize].push(bucket);
            factors[right as usize].push(bucket);
        }
    }
    let dimension = chain.vectors[0].len();
    let mut unit = |row: usize, sign: i32| {
        let mut vector = vec![0; dimension];
        vector[row] = sign;
        builder.product(&factors[index[vector.as_slice()] as usize])
    };
    (0..dimension).map(|row| [unit(row, 1), unit(row, -1)]).collect()
}

/// Tables of the products that the rows with these weights in a group of columns want: one value a point, `None` for a
/// point of zeros. `columns` are the columns and their inverses.
pub(super) fn tables(
    builder: &mut Builder,
    chain: &Chain,
    columns: &[[u32; 2]],
    points: &[&[i32]],
) -> Vec<Option<u32>> {
    let mut values: Vec<u32> = Vec::with_capacity(chain.vectors.len());
    for (vector, parts) in chain.vectors.iter().zip(&chain.parts) {
        let value = match parts {
            Some([left, right]) => builder.mul(values[*left as usize], values[*right as usize]),
            None => {
                let column = vector.iter().position(|&weight| weight != 0).expect("a unit vector is not zero");
                columns[column][usize::from(vector[column] < 0)]
            }
        };
        values.push(value);
    }
    let index = chain.index();
    points.iter().map(|&point| index.get(point).map(|&place| values[place as usize])).collect()
}
