//! The one maths library of the plant.
//!
//! The standard library hands `sin`, `exp` and their like to whatever the platform brings, which may
//! differ in the last bit. Instances must agree to the last bit, so everything transcendental comes
//! from here; `clippy.toml` forbids the methods of `f64`. Addition to square root and `mul_add` are
//! exact by IEEE 754 and may be used as they are.

pub use libm::{
    acos, asin, atan, atan2, cos, cosh, erfc, exp, expm1, fmod, log, log1p, log10, pow, sin,
    sincos, sinh, tan, tanh,
};
