//! The working state of a solve: what is given and what is sought.

use super::network::Complex;
use crate::maths;

/// What is given and what is sought, by position.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Constant injection in p.u.
    pub(super) power: Vec<Complex>,
    /// Injections that follow the voltage; only those that are not zero.
    pub(super) dependent: Vec<(usize, Dependent)>,
    /// The exponents of the loads.
    pub(super) alpha: [f64; 2],
    /// 1 where the angle and the magnitude are free, else 0.
    pub(super) free: Vec<[f64; 2]>,
    /// Magnitudes in p.u.
    pub(super) vm: Vec<f64>,
    /// Angles in radians.
    pub(super) va: Vec<f64>,
    /// Voltages in p.u.
    pub(super) v: Vec<Complex>,
}

/// What a bus injects beyond constant power, in p.u.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dependent {
    /// Injected in proportion to V.
    pub(super) current: Complex,
    /// Drawn in proportion to (V/v0)^alpha.
    pub(super) load: Complex,
    /// The voltage at which `load` is drawn.
    pub(super) v0: f64,
    /// Admittance to earth.
    pub(super) fault: Complex,
}

impl Dependent {
    pub(super) const NONE: Self = Self {
        current: [0.0; 2],
        load: [0.0; 2],
        v0: 1.0,
        fault: [0.0; 2],
    };

    /// Whether there is anything.
    pub(super) fn acts(&self) -> bool {
        [self.current, self.load, self.fault]
            .as_flattened()
            .iter()
            .any(|part| *part != 0.0)
    }

    /// What it injects at the voltage `vm`, and the derivative of that with respect to ln V.
    pub(super) fn at(&self, vm: f64, alpha: [f64; 2]) -> [Complex; 2] {
        let ratio = vm / self.v0;
        let square = vm * vm;
        let part = |i: usize, fault: f64| {
            let current = self.current[i] * vm;
            let load = self.load[i] * raised(ratio, alpha[i]);
            let fault = fault * square;
            [
                current - load + fault,
                current - alpha[i] * load + 2.0 * fault,
            ]
        };
        let ([p, dp], [q, dq]) = (part(0, -self.fault[0]), part(1, self.fault[1]));
        [[p, q], [dp, dq]]
    }
}

#[expect(clippy::float_cmp, reason = "exponents that need no power")]
fn raised(ratio: f64, exponent: f64) -> f64 {
    match exponent {
        _ if exponent == 0.0 => 1.0,
        _ if exponent == 1.0 => ratio,
        _ if exponent == 2.0 => ratio * ratio,
        _ => maths::pow(ratio, exponent),
    }
}
