//! Matrix products on one thread, by the crate `gemm`; callers cut their work and run the parts in
//! parallel, so that the parts do not depend on the number of threads.

use gemm::Parallelism;

/// A matrix in memory: its first element and the distances between its rows and its columns.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    row: usize,
    column: usize,
}

impl<'a> Matrix<'a> {
    pub(super) fn new(values: &'a [f32], row: usize, column: usize) -> Self {
        Self {
            values,
            row,
            column,
        }
    }

    /// The matrix from this row and column on.
    pub(super) fn from(&self, row: usize, column: usize) -> Self {
        let start = (row * self.row + column * self.column).min(self.values.len());
        Self {
            values: &self.values[start..],
            ..*self
        }
    }

    /// Whether `rows` by `columns` elements are inside.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows * columns == 0
            || (rows - 1) * self.row + (columns - 1) * self.column < self.values.len()
    }
}

/// `y = a · b` or, with `add`, `y += a · b`, for `y (m, n)` with rows `row` apart.
///
/// # Safety
/// The elements of `y` must be inside an allocation, nobody else may use them now, and they must
/// be initialised where `add` reads them.
pub(super) unsafe fn multiply_at(
    [m, n, k]: [usize; 3],
    (y, row): (*mut f32, usize),
    add: bool,
    a: Matrix<'_>,
    b: Matrix<'_>,
) {
    if m * n == 0 {
        return;
    }
    assert!(a.holds(m, k) && b.holds(k, n));
    // SAFETY: `a` and `b` lie inside their slices by the assertion, `y` by the caller's promise.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            y,
            1,
            row as isize,
            add,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `multiply_at` for rows that follow each other.
pub(super) fn multiply(sizes: [usize; 3], y: &mut [f32], add: bool, a: Matrix<'_>, b: Matrix<'_>) {
    assert!(sizes[0] * sizes[1] <= y.len());
    // SAFETY: the rows fit into the slice, which is initialised and borrowed exclusively.
    unsafe { multiply_at(sizes, (y.as_mut_ptr(), sizes[1]), add, a, b) };
}
