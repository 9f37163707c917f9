//! Gaussian elimination with threshold pivoting: slow, for the rare matrix that the fixed order of
//! [`blocks`](super::blocks) cannot take.

use std::collections::BTreeSet;

use super::blocks::{Block, Pattern};

/// Takes the unknown on the diagonal as the pivot if it is at least this share of the largest.
const THRESHOLD: f64 = 0.1;

/// What is left of an equation: the unknown it gives, that one's coefficient, and the others.
type Step = (usize, f64, Vec<(usize, f64)>);

/// Replaces the right-hand side by the solution. False if the matrix is singular.
pub(super) fn solve(
    pattern: &Pattern,
    diagonal: &[Block],
    off_diagonal: &[Block],
    x: &mut [[f64; 2]],
) -> bool {
    let size = 2 * diagonal.len();
    let mut right: Vec<f64> = x.as_flattened().to_vec();
    // The step at which each unknown was eliminated, and the equation that is left of it.
    let mut step_of = vec![usize::MAX; size];
    let mut steps: Vec<Step> = Vec::with_capacity(size);
    let mut work = vec![0.0; size];
    for row in 0..size {
        let mut unknowns = scatter(pattern, diagonal, off_diagonal, row, &mut work);
        let known = |unknown: &usize| step_of[*unknown] != usize::MAX;
        let mut pending: BTreeSet<usize> = unknowns
            .iter()
            .filter(|u| known(u))
            .map(|&u| step_of[u])
            .collect();
        while let Some(step) = pending.pop_first() {
            let (pivot, value, rest) = &steps[step];
            let factor = std::mem::take(&mut work[*pivot]) / value;
            if factor == 0.0 {
                continue;
            }
            right[row] -= factor * right[step];
            for &(unknown, coefficient) in rest {
                work[unknown] -= factor * coefficient;
                unknowns.insert(unknown);
                if step_of[unknown] != usize::MAX {
                    pending.insert(step_of[unknown]);
                }
            }
        }
        let left: Vec<usize> = unknowns
            .into_iter()
            .filter(|&u| step_of[u] == usize::MAX)
            .collect();
        let Some(pivot) = choose(&left, &work, row) else {
            return false;
        };
        let rest = left.iter().filter(|&&u| u != pivot && work[u] != 0.0);
        let rest = rest.map(|&u| (u, work[u])).collect();
        steps.push((pivot, work[pivot], rest));
        step_of[pivot] = row;
        for unknown in left {
            work[unknown] = 0.0;
        }
    }
    let solution = x.as_flattened_mut();
    for (row, (pivot, value, rest)) in steps.iter().enumerate().rev() {
        let known: f64 = rest
            .iter()
            .map(|(u, coefficient)| coefficient * solution[*u])
            .sum();
        solution[*pivot] = (right[row] - known) / value;
    }
    solution.iter().all(|value| value.is_finite())
}

/// Puts a row of the matrix into `work`; the unknowns in it.
fn scatter(
    pattern: &Pattern,
    diagonal: &[Block],
    off_diagonal: &[Block],
    row: usize,
    work: &mut [f64],
) -> BTreeSet<usize> {
    let (bus, half) = (row / 2, row % 2);
    let range = pattern.row(bus);
    let columns = pattern.columns[range.clone()]
        .iter()
        .map(|&column| column as usize);
    let blocks = columns.zip(&off_diagonal[range]);
    let mut unknowns = BTreeSet::new();
    for (column, block) in blocks.chain([(bus, &diagonal[bus])]) {
        for (i, &value) in block[2 * half..2 * half + 2].iter().enumerate() {
            work[2 * column + i] = value;
            unknowns.insert(2 * column + i);
        }
    }
    unknowns
}

fn choose(unknowns: &[usize], work: &[f64], diagonal: usize) -> Option<usize> {
    let largest = *unknowns
        .iter()
        .max_by(|a, b| work[**a].abs().total_cmp(&work[**b].abs()))?;
    let size = work[largest].abs();
    if !(size > 0.0 && size.is_finite()) {
        return None;
    }
    let stay = unknowns.contains(&diagonal) && work[diagonal].abs() >= THRESHOLD * size;
    Some(if stay { diagonal } else { largest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_needs_another_pivot() {
        // [0 1; 1 0] on the diagonal of the first bus, and a first unknown that only the second bus fixes.
        let pattern = Pattern {
            start: vec![0, 1, 2],
            columns: vec![1, 0],
        };
        let diagonal = [[0.0, 1.0, 0.0, 2.0], [1.0, 3.0, 2.0, 1.0]];
        let off_diagonal = [[0.0, 0.0, 1.0, 1.0], [4.0, 0.0, 0.0, 5.0]];
        let expected = [[1.0, -2.0], [3.0, 0.5]];
        let mut x = [[-2.0, -4.0 + 3.5], [4.0 + 4.5, -10.0 + 6.5]];
        assert!(solve(&pattern, &diagonal, &off_diagonal, &mut x));
        for (found, wanted) in x.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((found - wanted).abs() < 1e-12, "{x:?}");
        }
    }

    #[test]
    fn a_singular_matrix_has_no_solution() {
        let pattern = Pattern {
            start: vec![0, 0],
            columns: vec![],
        };
        assert!(!solve(
            &pattern,
            &[[1.0, 2.0, 2.0, 4.0]],
            &[],
            &mut [[1.0, 1.0]]
        ));
    }
}
