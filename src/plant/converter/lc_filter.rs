//! The filter of a buck converter with its load: inductor, capacitor, resistance.
//!
//! `L di/dt = v_s - vo - R i;  C dvo/dt = i - vo/Rload`, with the mean voltage `v_s = d Vin` at the switch.

use serde::{Deserialize, Serialize};

use crate::plant::discrete::ExactStep;

/// Inductor, capacitor and load.
#[derive(Debug, Clone, PartialEq)]
pub struct LcFilter {
    l_h: f64,
    step: ExactStep<2>,
}

/// Inductor current and capacitor voltage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LcState {
    /// Inductor current, A.
    pub inductor_a: f64,
    /// Capacitor voltage, V.
    pub output_v: f64,
}

impl LcFilter {
    /// A filter with its control period. `load_siemens` is 1/Rload, 0 without a load.
    #[must_use]
    pub fn new(l_h: f64, c_f: f64, r_ohm: f64, load_siemens: f64, sample_s: f64) -> Self {
        let system = [[-r_ohm / l_h, -1.0 / l_h], [1.0 / c_f, -load_siemens / c_f]];
        Self {
            l_h,
            step: ExactStep::new(&system, sample_s),
        }
    }

    /// The state a period later with `switch_v` (d Vin) before the inductor.
    #[must_use]
    pub fn advance(&self, state: LcState, switch_v: f64) -> LcState {
        let [inductor_a, output_v] = self.step.advance(
            &[state.inductor_a, state.output_v],
            &[switch_v / self.l_h, 0.0],
        );
        LcState {
            inductor_a,
            output_v,
        }
    }
}
