//! The heat sink: a two-stage Foster network over the ambient air, and derating when it gets hot.

use serde::{Deserialize, Serialize};

use crate::maths::exp;

/// The cooling of one converter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThermalParameters {
    /// Rise of each stage over the ambient at rated losses, K.
    pub rise_k: [f64; 2],
    /// Time constant of each stage, s.
    pub tau_s: [f64; 2],
    /// Heat-sink temperature from which the permitted current falls, °C.
    pub derating_from_c: f64,
    /// Temperature at which none is left, °C.
    pub derating_to_c: f64,
}

impl Default for ThermalParameters {
    fn default() -> Self {
        Self {
            rise_k: [18.0, 10.0],
            tau_s: [15.0, 240.0],
            derating_from_c: 90.0,
            derating_to_c: 110.0,
        }
    }
}

impl ThermalParameters {
    /// Permitted share of rated current at this heat-sink temperature.
    #[must_use]
    pub fn derating(&self, heat_sink_c: f64) -> f64 {
        ((self.derating_to_c - heat_sink_c) / (self.derating_to_c - self.derating_from_c))
            .clamp(0.0, 1.0)
    }
}

/// Temperature rise of the two stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ThermalState {
    rise_k: [f64; 2],
    ambient_c: f64,
}

impl ThermalState {
    /// Temperature of the heat sink, °C.
    #[must_use]
    pub fn heat_sink_c(&self) -> f64 {
        self.ambient_c + self.rise_k[0] + self.rise_k[1]
    }
}

/// The network with its exact step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HeatSink {
    resistance_k_per_w: [f64; 2],
    decay: [f64; 2],
}

impl HeatSink {
    pub(super) fn new(parameters: &ThermalParameters, rated_losses_w: f64, step_s: f64) -> Self {
        Self {
            resistance_k_per_w: parameters.rise_k.map(|rise| rise / rated_losses_w),
            decay: parameters.tau_s.map(|tau_s| exp(-step_s / tau_s)),
        }
    }

    /// One step with constant losses. `resistance_factor` is 1 with sound cooling, more without.
    pub(super) fn advance(
        &self,
        state: &mut ThermalState,
        losses_w: f64,
        resistance_factor: f64,
        ambient_c: f64,
    ) {
        let settled = self.settled(losses_w, resistance_factor, ambient_c);
        state.ambient_c = ambient_c;
        for stage in 0..2 {
            let end_k = settled.rise_k[stage];
            state.rise_k[stage] = end_k + (state.rise_k[stage] - end_k) * self.decay[stage];
        }
    }

    /// Where it comes to rest.
    pub(super) fn settled(
        &self,
        losses_w: f64,
        resistance_factor: f64,
        ambient_c: f64,
    ) -> ThermalState {
        ThermalState {
            rise_k: self
                .resistance_k_per_w
                .map(|resistance| resistance * resistance_factor * losses_w),
            ambient_c,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_exponentials() {
        let sink = HeatSink::new(&ThermalParameters::default(), 1800.0, 0.1);
        let mut state = sink.settled(0.0, 1.0, 20.0);
        for _ in 0..150 {
            sink.advance(&mut state, 1800.0, 1.0, 20.0);
        }
        // 20 + 18 (1 - e^-1) + 10 (1 - e^(-1/16))
        assert!((state.heat_sink_c() - 31.984_039_430_779_28).abs() < 1e-9);
        for _ in 0..100_000 {
            sink.advance(&mut state, 1800.0, 1.0, 20.0);
        }
        assert!((state.heat_sink_c() - 48.0).abs() < 1e-9);
        for _ in 0..100_000 {
            sink.advance(&mut state, 1800.0, 2.2, 30.0);
        }
        assert!((state.heat_sink_c() - (30.0 + 2.2 * 28.0)).abs() < 1e-9);
    }

    #[test]
    fn the_permitted_current_falls_between_90_and_110_degrees() {
        let thermal = ThermalParameters::default();
        for (heat_sink_c, permitted) in [
            (20.0, 1.0),
            (90.0, 1.0),
            (95.0, 0.75),
            (100.0, 0.5),
            (110.0, 0.0),
            (150.0, 0.0),
        ] {
            assert!((thermal.derating(heat_sink_c) - permitted).abs() < 1e-12);
        }
    }
}
