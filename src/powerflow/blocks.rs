//! Sparse LU factors of a matrix of 2x2 blocks with a symmetric pattern: analysed once, then
//! refactorised in place. There is no pivoting beyond the block on the diagonal; the one who solves
//! looks at the residual.

use super::ordering;

/// A 2x2 block by rows.
pub(super) type Block = [f64; 4];

/// The identity.
pub(super) const IDENTITY: Block = [1.0, 0.0, 0.0, 1.0];

/// The pattern of a square matrix of blocks: for each row its columns off the diagonal. It must be
/// symmetric.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// Where each row starts in `columns`; one more than there are rows.
    pub(super) start: Vec<usize>,
    /// The columns, row by row.
    pub(super) columns: Vec<u32>,
}

impl Pattern {
    pub(super) fn row(&self, row: usize) -> std::ops::Range<usize> {
        self.start[row]..self.start[row + 1]
    }
}

/// L (unit diagonal), U and the inverses of U's diagonal blocks, in one row after another:
/// A = L·U, rows in the order of the matrix.
#[derive(Debug, Clone)]
pub(super) struct Factors {
    rows: Vec<Row>,
    columns: Vec<u32>,
    blocks: Vec<Block>,
    inverse: Vec<Block>,
    work: Vec<Block>,
}

/// A row's part of the columns and blocks.
#[derive(Debug, Clone, Copy)]
struct Row {
    lower: u32,
    upper: u32,
    end: u32,
}

impl Factors {
    /// Finds where the factors of a matrix with this pattern are not zero. The values are void until
    /// the first factorisation.
    pub(super) fn analyse(pattern: &Pattern) -> Self {
        let size = pattern.start.len() - 1;
        let neighbours: Vec<Vec<usize>> = (0..size)
            .map(|row| {
                let columns = &pattern.columns[pattern.row(row)];
                columns.iter().map(|&c| c as usize).collect()
            })
            .collect();
        let upper = ordering::eliminate(&neighbours, &(0..size).collect::<Vec<_>>());
        let mut lower: Vec<Vec<usize>> = vec![Vec::new(); size];
        for (k, columns) in upper.iter().enumerate() {
            for &column in columns {
                lower[column].push(k);
            }
        }
        let mut columns = Vec::new();
        let mut rows = Vec::with_capacity(size);
        for (lower, upper) in lower.iter().zip(&upper) {
            let start = columns.len();
            columns.extend(lower.iter().chain(upper).map(|&c| index(c)));
            rows.push(Row {
                lower: index(start),
                upper: index(start + lower.len()),
                end: index(columns.len()),
            });
        }
        Self {
            rows,
            blocks: vec![[0.0; 4]; columns.len()],
            columns,
            inverse: vec![IDENTITY; size],
            work: vec![[0.0; 4]; size],
        }
    }

    /// Factorises a matrix of the analysed pattern. False if a diagonal block is singular.
    pub(super) fn factorise(
        &mut self,
        pattern: &Pattern,
        diagonal: &[Block],
        off_diagonal: &[Block],
    ) -> bool {
        let work = &mut self.work[..];
        for (i, row) in self.rows.iter().enumerate() {
            let (lower, upper, end) = (row.lower as usize, row.upper as usize, row.end as usize);
            for &column in &self.columns[lower..end] {
                work[column as usize] = [0.0; 4];
            }
            work[i] = diagonal[i];
            let range = pattern.row(i);
            for (&column, block) in pattern.columns[range.clone()]
                .iter()
                .zip(&off_diagonal[range])
            {
                work[column as usize] = *block;
            }
            for &k in &self.columns[lower..upper] {
                let k = k as usize;
                let factor = multiply(&work[k], &self.inverse[k]);
                work[k] = factor;
                let above = self.rows[k].upper as usize..self.rows[k].end as usize;
                let blocks = &self.blocks[above.clone()];
                for (&column, block) in self.columns[above].iter().zip(blocks) {
                    subtract_product(&mut work[column as usize], &factor, block);
                }
            }
            let Some(inverse) = invert(&work[i]) else {
                return false;
            };
            self.inverse[i] = inverse;
            let columns = &self.columns[lower..end];
            for (block, &column) in self.blocks[lower..end].iter_mut().zip(columns) {
                *block = work[column as usize];
            }
        }
        true
    }

    /// Replaces the right-hand side by the solution.
    pub(super) fn solve(&self, x: &mut [[f64; 2]]) {
        for (i, row) in self.rows.iter().enumerate() {
            let range = row.lower as usize..row.upper as usize;
            x[i] = self.reduced(x, i, range);
        }
        for (i, row) in self.rows.iter().enumerate().rev() {
            let range = row.upper as usize..row.end as usize;
            let [a, b] = self.reduced(x, i, range);
            let inverse = &self.inverse[i];
            x[i] = [
                inverse[0] * a + inverse[1] * b,
                inverse[2] * a + inverse[3] * b,
            ];
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop")]
    fn reduced(&self, x: &[[f64; 2]], i: usize, range: std::ops::Range<usize>) -> [f64; 2] {
        let [mut a, mut b] = x[i];
        let columns = &self.columns[range.clone()];
        for (block, &column) in self.blocks[range].iter().zip(columns) {
            let [p, q] = x[column as usize];
            a -= block[0] * p + block[1] * q;
            b -= block[2] * p + block[3] * q;
        }
        [a, b]
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a matrix with more than 4 thousand million blocks does not fit into memory"
)]
fn index(i: usize) -> u32 {
    i as u32
}

#[inline]
fn multiply(a: &Block, b: &Block) -> Block {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    ]
}

#[inline]
fn subtract_product(target: &mut Block, a: &Block, b: &Block) {
    let product = multiply(a, b);
    for (t, p) in target.iter_mut().zip(product) {
        *t -= p;
    }
}

/// The inverse, unless the block is singular to working precision or not finite.
#[inline]
fn invert(a: &Block) -> Option<Block> {
    let (main, side) = (a[0] * a[3], a[1] * a[2]);
    let determinant = main - side;
    if determinant.abs() > 1e-14 * (main.abs() + side.abs()) && determinant.is_finite() {
        let scale = 1.0 / determinant;
        Some([a[3] * scale, -a[1] * scale, -a[2] * scale, a[0] * scale])
    } else {
        None
    }
}
