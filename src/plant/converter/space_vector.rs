//! Space vectors: a three-phase quantity in the rotating dq frame, written as the complex number d + jq.
//!
//! The transform is amplitude invariant (the length is the peak phase value) and the d axis lies on
//! the grid voltage. As complex numbers the coupled equations of the two axes become one equation.

use std::ops::{Add, Mul, Neg, Sub};

use serde::{Deserialize, Serialize};

/// d + jq.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SpaceVector {
    /// Component on the grid voltage.
    pub d: f64,
    /// Component 90 degrees ahead of it.
    pub q: f64,
}

impl SpaceVector {
    /// The null vector.
    pub const ZERO: Self = Self::new(0.0, 0.0);

    /// d + jq.
    #[must_use]
    pub const fn new(d: f64, q: f64) -> Self {
        Self { d, q }
    }

    /// Square of the length.
    #[must_use]
    pub fn length_squared(self) -> f64 {
        self.d * self.d + self.q * self.q
    }

    /// Length: the peak phase value.
    #[must_use]
    pub fn length(self) -> f64 {
        self.length_squared().sqrt()
    }

    /// Stretched by `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self::new(factor * self.d, factor * self.q)
    }

    /// 1/(d + jq).
    #[must_use]
    pub fn reciprocal(self) -> Self {
        Self::new(self.d, -self.q).scaled(1.0 / self.length_squared())
    }
}

impl Add for SpaceVector {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.d + other.d, self.q + other.q)
    }
}

impl Sub for SpaceVector {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.d - other.d, self.q - other.q)
    }
}

impl Neg for SpaceVector {
    type Output = Self;

    fn neg(self) -> Self {
        Self::new(-self.d, -self.q)
    }
}

/// The complex product.
impl Mul for SpaceVector {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::new(
            self.d * other.d - self.q * other.q,
            self.d * other.q + self.q * other.d,
        )
    }
}
