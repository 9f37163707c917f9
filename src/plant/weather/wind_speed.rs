//! Wind speed: a mean that wanders over hours and is distributed by Weibull, and turbulence.
//!
//! The turbulence is a sum of three Ornstein-Uhlenbeck processes whose spectrum follows Kaimal's
//! (IEC 61400-1, annex C: S(n)/σ² = 4/(1 + 6n)^(5/3) with n = f·L/v) within 9 % from n = 0.001 to 10.

use serde::{Deserialize, Serialize};

use super::process::{OrnsteinUhlenbeck, Share, Smoothed};
use crate::{
    maths::{erfc, log, log1p, pow},
    plant::{range::NumberInRange, wind::profile::Profile},
    random::{Draws, Source},
};

/// Time constants of the parts of turbulence in units of L/v, and their shares of the variance (a least
/// squares fit of the logarithm of the spectrum).
const EDDIES: [(f64, f64); 3] = [
    (2.785_412, 0.226_358),
    (0.501_440, 0.618_480),
    (0.056_043, 0.155_162),
];

/// The slowest wind that carries turbulence along, m/s: a calm does not freeze it.
const MIN_ADVECTION_MS: f64 = 0.5;

/// How the wind blows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindClimate {
    /// Shape of the Weibull distribution of the mean wind speed.
    pub weibull_shape: f64,
    /// Its scale at the reference height, m/s.
    pub weibull_scale_ms: f64,
    /// Height above ground for which the scale holds.
    pub reference_height_m: f64,
    /// Roughness length of the ground.
    pub roughness_m: f64,
    /// Time constant of the mean.
    pub time_constant_s: f64,
    /// Time constant that smooths it, so that a gust is turbulence's affair.
    pub smoothing_s: f64,
    /// Standard deviation of turbulence over the mean.
    pub turbulence_intensity: f64,
    /// Length scale L of turbulence.
    pub turbulence_length_m: f64,
    /// Distance over which the correlation of the mean falls to 1/e.
    pub correlation_length_km: f64,
}

impl Default for WindClimate {
    fn default() -> Self {
        Self {
            weibull_shape: 2.0,
            weibull_scale_ms: 8.5,
            reference_height_m: 40.0,
            roughness_m: 0.03,
            time_constant_s: 14_400.0,
            smoothing_s: 1_200.0,
            turbulence_intensity: 0.12,
            turbulence_length_m: 170.0,
            correlation_length_km: 100.0,
        }
    }
}

impl WindClimate {
    pub(super) fn ranges(&self) -> [NumberInRange; 9] {
        [
            ("wind.weibull_shape", self.weibull_shape, 0.5..=20.0),
            ("wind.weibull_scale_ms", self.weibull_scale_ms, 0.0..=50.0),
            (
                "wind.reference_height_m",
                self.reference_height_m,
                2.0..=500.0,
            ),
            ("wind.roughness_m", self.roughness_m, 1e-6..=1.5),
            ("wind.time_constant_s", self.time_constant_s, 1.0..=1e9),
            ("wind.smoothing_s", self.smoothing_s, 1.0..=1e9),
            (
                "wind.turbulence_intensity",
                self.turbulence_intensity,
                0.0..=1.0,
            ),
            (
                "wind.turbulence_length_m",
                self.turbulence_length_m,
                1.0..=1e4,
            ),
            (
                "wind.correlation_length_km",
                self.correlation_length_km,
                1e-3..=1e9,
            ),
        ]
    }
}

/// The mean wind over one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanWindState {
    normal: [f64; 2],
    /// Mean wind speed at the site's height.
    pub mean_ms: f64,
}

/// The wind over one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindState {
    /// The mean.
    pub mean: MeanWindState,
    eddies: [f64; 3],
    /// Wind speed at the site's height.
    pub wind_ms: f64,
}

/// The wind of a region, with what its parameters determine.
#[derive(Debug, Clone)]
pub(super) struct Wind {
    climate: WindClimate,
    mean: Smoothed,
}

/// How the wind over one site depends on the region's.
#[derive(Debug, Clone)]
pub(super) struct WindSite {
    source: Source,
    share: Share,
    /// Speed at the site's height over that at the reference height.
    height_factor: f64,
}

impl Wind {
    pub(super) fn new(climate: &WindClimate) -> Self {
        Self {
            mean: Smoothed::new(climate.time_constant_s, climate.smoothing_s),
            climate: climate.clone(),
        }
    }

    pub(super) fn site(&self, source: Source, distance_km: f64, height_m: f64) -> WindSite {
        let profile = Profile::Logarithmic {
            roughness_m: self.climate.roughness_m,
        };
        WindSite {
            source,
            share: Share::new(distance_km, self.climate.correlation_length_km),
            height_factor: profile.factor(height_m, self.climate.reference_height_m),
        }
    }

    /// A mean from the stationary distribution.
    pub(super) fn start_mean(
        &self,
        site: &WindSite,
        common: [f64; 2],
        draws: &mut Draws,
    ) -> MeanWindState {
        let normals = common.map(|common| site.share.mix(common, draws.normal()));
        let normal = self.mean.start(normals);
        MeanWindState {
            normal,
            mean_ms: self.mean_ms(site, normal),
        }
    }

    /// Wind from the stationary distribution.
    pub(super) fn start(&self, site: &WindSite, common: [f64; 2], draws: &mut Draws) -> WindState {
        let mean = self.start_mean(site, common, draws);
        let eddies = [draws.normal(), draws.normal(), draws.normal()];
        WindState {
            wind_ms: self.wind_ms(mean.mean_ms, &eddies),
            mean,
            eddies,
        }
    }

    /// One second of the mean alone.
    pub(super) fn step_mean(
        &self,
        site: &WindSite,
        state: &mut MeanWindState,
        common: f64,
        step: u64,
    ) {
        self.advance_mean(site, state, common, site.source.at(step).normal());
    }

    /// One second.
    pub(super) fn step(&self, site: &WindSite, state: &mut WindState, common: f64, step: u64) {
        let mut draws = site.source.at(step);
        self.advance_mean(site, &mut state.mean, common, draws.normal());
        let carried = state.mean.mean_ms.max(MIN_ADVECTION_MS) / self.climate.turbulence_length_m;
        for (eddy, (time, _)) in state.eddies.iter_mut().zip(EDDIES) {
            *eddy = OrnsteinUhlenbeck::with_rate(carried / time).step(*eddy, draws.normal());
        }
        state.wind_ms = self.wind_ms(state.mean.mean_ms, &state.eddies);
    }

    fn advance_mean(&self, site: &WindSite, state: &mut MeanWindState, common: f64, own: f64) {
        state.normal = self.mean.step(state.normal, site.share.mix(common, own));
        state.mean_ms = self.mean_ms(site, state.normal);
    }

    fn mean_ms(&self, site: &WindSite, normal: [f64; 2]) -> f64 {
        let climate = &self.climate;
        let exceeded = hazard(self.mean.value(normal));
        let spread = if climate.weibull_shape.to_bits() == 2.0_f64.to_bits() {
            exceeded.sqrt()
        } else {
            pow(exceeded, 1.0 / climate.weibull_shape)
        };
        climate.weibull_scale_ms * spread * site.height_factor
    }

    fn wind_ms(&self, mean_ms: f64, eddies: &[f64; 3]) -> f64 {
        let turbulence: f64 = eddies
            .iter()
            .zip(EDDIES)
            .map(|(eddy, (_, variance))| variance.sqrt() * eddy)
            .sum();
        mean_ms * (1.0 + self.climate.turbulence_intensity * turbulence).max(0.0)
    }
}

/// -ln of the chance that a standard normal number exceeds `z`.
fn hazard(z: f64) -> f64 {
    let scaled = z * std::f64::consts::FRAC_1_SQRT_2;
    if z < 0.0 {
        -log1p(-0.5 * erfc(-scaled))
    } else {
        -log(0.5 * erfc(scaled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.norm.logsf` 1.17.1.
    const TAIL: [(f64, f64); 5] = [
        (-8.0, 6.220_960_574_271_742e-16),
        (-1.0, 0.172_753_779_023_449_9),
        (0.0, std::f64::consts::LN_2),
        (1.0, 1.841_021_645_009_263_4),
        (6.0, 20.736_768_949_974_71),
    ];

    #[test]
    fn the_tail_of_the_normal_distribution_is_exact() {
        for (z, expected) in TAIL {
            assert!(
                (hazard(z) / expected - 1.0).abs() < 1e-12,
                "{z}: {}",
                hazard(z)
            );
        }
    }

    #[test]
    fn the_spectrum_of_turbulence_is_kaimals() {
        let variance: f64 = EDDIES.iter().map(|(_, variance)| variance).sum();
        assert!((variance - 1.0).abs() < 1e-5);
        for decade in -30..=10 {
            let n = pow(10.0, f64::from(decade) / 10.0);
            let kaimal = 4.0 / pow(1.0 + 6.0 * n, 5.0 / 3.0);
            let ours: f64 = EDDIES
                .iter()
                .map(|(time, variance)| {
                    let turned = std::f64::consts::TAU * n * time;
                    4.0 * variance * time / (1.0 + turned * turned)
                })
                .sum();
            assert!((ours / kaimal - 1.0).abs() < 0.09, "{n}: {ours} {kaimal}");
        }
    }

    #[test]
    fn mean_and_turbulence_are_those_asked_for() {
        let wind = Wind::new(&WindClimate::default());
        let region = Source::new(5, "wind");
        let site = wind.site(Source::new(5, "wind/a"), 0.0, 40.0);
        let (mut sum, mut squares, mut above) = (0.0, 0.0, 0.0);
        for run in 0..20_000_u64 {
            let mut draws = region.at(run);
            let common = [draws.normal(), draws.normal()];
            let mut state = wind.start(&site, common, &mut site.source.at(run));
            wind.step(&site, &mut state, draws.normal(), 1_000_000 + run);
            let turbulence = state.wind_ms / state.mean.mean_ms - 1.0;
            sum += state.mean.mean_ms;
            squares += turbulence * turbulence;
            above += f64::from(u8::from(state.mean.mean_ms > 17.0));
        }
        // Weibull of shape 2: mean 8.5·Γ(1.5), and e^-4 of the time above twice the scale.
        assert!((sum / 20_000.0 - 7.5329).abs() < 0.1, "{sum}");
        assert!((above / 20_000.0 - 0.0183).abs() < 0.003, "{above}");
        assert!((squares / 20_000.0).sqrt() - 0.12 < 0.003, "{squares}");
        assert!((squares / 20_000.0).sqrt() > 0.117, "{squares}");
    }
}
