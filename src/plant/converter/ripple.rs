//! Switching ripple of the current and the distortion it makes.
//!
//! Sources: Holmes and Lipo 2003 (rms ripple of space-vector modulation). `M = 2 v_t/Vdc` is the
//! modulation index, with `v_t` the peak phase voltage at the terminals.

use std::f64::consts::PI;

use super::parameters::Topology;

/// Low-order harmonics of dead time and grid background, as a fraction of rated current.
const LOW_ORDER_FRACTION: f64 = 0.006;
/// The distortion is referred to at least this fraction of rated current.
const REFERENCE_FLOOR: f64 = 0.05;
/// Ripple factor k of a three-level bridge by modulation index.
const THREE_LEVEL_FACTOR: [(f64, f64); 9] = [
    (0.4, 0.0112),
    (0.5, 0.0106),
    (0.6, 0.0095),
    (0.7, 0.0090),
    (0.8, 0.0092),
    (0.9, 0.0092),
    (1.0, 0.0094),
    (1.1, 0.0104),
    (1.15, 0.0116),
];
/// 2/√3: the end of the linear range of space-vector modulation.
const LARGEST_MODULATION: f64 = 1.154_700_538_379_251_5;

/// Ripple of a bridge with `dc_v` behind an inductance, A rms.
#[must_use]
pub fn ripple_rms_a(
    topology: Topology,
    modulation: f64,
    dc_v: f64,
    l_h: f64,
    switching_hz: f64,
) -> f64 {
    let factor = match topology {
        Topology::TwoLevel => two_level_factor(modulation),
        Topology::Npc => three_level_factor(modulation),
    };
    factor * dc_v / (l_h * switching_hz)
}

/// Ripple of a buck converter's inductor current in continuous conduction, A peak to peak.
#[must_use]
pub fn buck_ripple_a(input_v: f64, output_v: f64, duty: f64, l_h: f64, switching_hz: f64) -> f64 {
    (input_v - output_v) * duty / (l_h * switching_hz)
}

/// Total harmonic distortion of an AC current in percent: ripple and low-order harmonics against the
/// fundamental. `current_a` and `rated_a` are peak values, `ripple_rms_a` is rms.
#[must_use]
pub fn thd_percent(ripple_rms_a: f64, current_a: f64, rated_a: f64) -> f64 {
    let rated_rms_a = rated_a * std::f64::consts::FRAC_1_SQRT_2;
    let low_order_a = LOW_ORDER_FRACTION * rated_rms_a;
    let fundamental_a =
        (current_a * std::f64::consts::FRAC_1_SQRT_2).max(REFERENCE_FLOOR * rated_rms_a);
    100.0 * (ripple_rms_a * ripple_rms_a + low_order_a * low_order_a).sqrt() / fundamental_a
}

/// Ripple of a DC current in percent of its mean: rms of the triangle of `ripple_a` peak to peak.
#[must_use]
pub fn dc_ripple_percent(ripple_a: f64, current_a: f64, rated_a: f64) -> f64 {
    let rms_a = ripple_a / 12.0_f64.sqrt();
    100.0 * rms_a / current_a.abs().max(REFERENCE_FLOOR * rated_a)
}

/// 0.0419 √(1.5 M² - (4√3/π) M³ + (27/16 - 81√3/(64π)) M⁴).
fn two_level_factor(modulation: f64) -> f64 {
    let root_3 = 3.0_f64.sqrt();
    let m = modulation.clamp(0.0, LARGEST_MODULATION);
    let polynomial =
        1.5 - m * (4.0 * root_3 / PI - m * (27.0 / 16.0 - 81.0 * root_3 / (64.0 * PI)));
    0.0419 * m * polynomial.max(0.0).sqrt()
}

fn three_level_factor(modulation: f64) -> f64 {
    let [first, ..] = THREE_LEVEL_FACTOR;
    if modulation <= first.0 {
        return first.1;
    }
    THREE_LEVEL_FACTOR
        .windows(2)
        .find(|pair| modulation <= pair[1].0)
        .map_or(THREE_LEVEL_FACTOR[8].1, |pair| {
            let share = (modulation - pair[0].0) / (pair[1].0 - pair[0].0);
            pair[0].1 + share * (pair[1].1 - pair[0].1)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATED_A: f64 = 204.124_145;
    const NPC_RATED_A: f64 = 295.827;

    // NumPy 2.4.6, the formulas written out.
    #[test]
    fn distortion_of_the_two_level_bridge() {
        for (terminal_v, dc_v, current_a, ripple_a, percent) in [
            (
                326.598_632,
                750.0,
                RATED_A,
                3.144_690_323_498_849,
                2.259_813_505_917_313,
            ),
            (
                200.0,
                750.0,
                20.0,
                2.608_005_257_563_590_4,
                19.431_535_479_440_36,
            ),
            (
                320.0,
                700.0,
                1.0,
                2.991_109_314_361_527,
                43.148_268_917_210_77,
            ),
        ] {
            let modulation = 2.0 * terminal_v / dc_v;
            let found = ripple_rms_a(Topology::TwoLevel, modulation, dc_v, 0.5e-3, 10e3);
            assert!((found - ripple_a).abs() < 1e-12 * ripple_a, "{found}");
            let thd = thd_percent(found, current_a, RATED_A);
            assert!((thd - percent).abs() < 1e-12 * percent, "{thd}");
        }
    }

    #[test]
    fn distortion_of_the_three_level_bridge() {
        for (terminal_v, current_a, ripple_a, percent) in [
            (
                563.382_64,
                NPC_RATED_A,
                2.319_485_533_333_333_7,
                1.260_764_050_010_145_4,
            ),
            (300.0, 100.0, 2.65, 4.146_744_518_467_952),
        ] {
            let found = ripple_rms_a(Topology::Npc, terminal_v / 600.0, 1200.0, 0.6e-3, 8e3);
            assert!((found - ripple_a).abs() < 1e-12 * ripple_a, "{found}");
            let thd = thd_percent(found, current_a, NPC_RATED_A);
            assert!((thd - percent).abs() < 1e-12 * percent, "{thd}");
        }
    }

    #[test]
    fn modulation_outside_the_formulas_keeps_to_their_ends() {
        for topology in [Topology::TwoLevel, Topology::Npc] {
            let ripple = |modulation| ripple_rms_a(topology, modulation, 750.0, 0.5e-3, 10e3);
            assert!(ripple(0.0).is_finite() && ripple(0.0) >= 0.0);
            let (at_end, beyond) = (ripple(LARGEST_MODULATION), ripple(5.0));
            assert!((at_end - beyond).abs() < 1e-12);
        }
    }

    #[test]
    fn a_triangle_has_its_rms() {
        // 9.375 A peak to peak at 125 A: 100 · 9.375/√12/125.
        let ripple_a = buck_ripple_a(750.0, 375.0, 0.5, 1e-3, 20e3);
        assert!((ripple_a - 9.375).abs() < 1e-12);
        assert!((dc_ripple_percent(ripple_a, 125.0, 125.0) - 2.165_063_509_461_097).abs() < 1e-12);
    }
}
