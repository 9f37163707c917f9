//! Wind speed and air temperature at hub height.

use crate::maths::{log, pow};

/// Lapse rate of the standard atmosphere, K/m.
const LAPSE_K_PER_M: f64 = 0.0065;

/// How the wind speed grows with height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// Logarithmic over ground of this roughness length in metres.
    Logarithmic {
        /// Roughness length in metres.
        roughness_m: f64,
    },
    /// Hellman's power law with this exponent.
    Hellman {
        /// Exponent, about 1/7 over open land.
        exponent: f64,
    },
}

impl Profile {
    /// Wind speed at `height_m` as a multiple of that at `reference_m`, both above ground.
    #[must_use]
    pub fn factor(&self, height_m: f64, reference_m: f64) -> f64 {
        match *self {
            Self::Logarithmic { roughness_m } => {
                log(height_m / roughness_m) / log(reference_m / roughness_m)
            }
            Self::Hellman { exponent } => pow(height_m / reference_m, exponent),
        }
    }
}

/// Air temperature at `height_m` from that at `reference_m`, in the same unit (kelvin or °C).
#[must_use]
pub fn temperature_at(temperature: f64, height_m: f64, reference_m: f64) -> f64 {
    temperature - LAPSE_K_PER_M * (height_m - reference_m)
}
