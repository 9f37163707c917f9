//! Load: a daily shape times slow random deviations.

use serde::{Deserialize, Serialize};

use crate::{maths::exp, random::Source};

/// Local time of the shape: fixed UTC+1, in seconds ahead of UTC.
const LOCAL_OFFSET_S: f64 = 3600.0;
/// How far the reactive power of a load strays from its constant power factor: standard deviation
/// as a fraction, held within three of them.
const REACTIVE_SIGMA: f64 = 0.0033;
/// The same over the standard deviation of the load: loads that stand still do so in both.
const REACTIVE_SHARE: f64 = 0.2;

/// Load on each full hour of local time over the load of the case, which is the evening peak: lowest
/// at 04:00, highest at 19:00, as a system of households, trade and industry has it on a work day.
const HOURLY: [f64; 24] = [
    0.700, 0.653, 0.622, 0.605, 0.600, 0.612, 0.668, 0.765, 0.845, 0.880, 0.893, 0.903, 0.905,
    0.892, 0.875, 0.868, 0.885, 0.935, 0.985, 1.000, 0.972, 0.910, 0.835, 0.763,
];

/// How loads stray from the daily shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadParameters {
    /// Whether loads follow the daily shape; otherwise they keep the values of the case.
    pub daily_shape: bool,
    /// Standard deviation as a fraction of the load.
    pub sigma: f64,
    /// Time constant of the deviations in s.
    pub tau_s: f64,
    /// Correlation between two buses, 0..1.
    pub correlation: f64,
    /// Exponent of active power over voltage (IEEE Task Force 1993: 1 is constant current).
    pub alpha_p: f64,
    /// Exponent of reactive power over voltage.
    pub alpha_q: f64,
}

impl Default for LoadParameters {
    fn default() -> Self {
        Self {
            daily_shape: true,
            sigma: 0.02,
            tau_s: 300.0,
            correlation: 0.3,
            alpha_p: 1.0,
            alpha_q: 1.8,
        }
    }
}

/// The load process of all buses with load: Ornstein-Uhlenbeck deviations (exact for a step of 1 s),
/// joined by straight lines.
#[derive(Debug, Clone)]
pub(super) struct LoadModel {
    parameters: LoadParameters,
    common: Source,
    own: Vec<Source>,
    decay: f64,
}

/// Where one load is: its deviation at the last and the next full second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Deviation {
    last: f64,
    next: f64,
    reactive: f64,
}

/// State of the load process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LoadState {
    deviations: Vec<Deviation>,
}

impl LoadModel {
    /// The process of loads with these names.
    pub(super) fn new(parameters: LoadParameters, seed: u64, names: &[String]) -> Self {
        let source = |name: &String| Source::new(seed, &format!("load/{name}"));
        Self {
            parameters,
            common: Source::new(seed, "load"),
            own: names.iter().map(source).collect(),
            decay: exp(-1.0 / parameters.tau_s.max(1e-3)),
        }
    }

    /// A state drawn from the stationary distribution.
    pub(super) fn start(&self) -> LoadState {
        let start = Deviation {
            last: 0.0,
            next: 0.0,
            reactive: 0.0,
        };
        let mut state = LoadState {
            deviations: vec![start; self.own.len()],
        };
        self.draw(&mut state, 0, 0.0);
        for deviation in &mut state.deviations {
            deviation.last = deviation.next;
        }
        state
    }

    /// Goes on to the next full second, which is number `second` of the run.
    pub(super) fn next_second(&self, state: &mut LoadState, second: u64) {
        self.draw(state, second, self.decay);
    }

    fn draw(&self, state: &mut LoadState, second: u64, decay: f64) {
        let LoadParameters {
            sigma, correlation, ..
        } = self.parameters;
        let spread = (1.0 - decay * decay).sqrt();
        let (shared, own) = (correlation.sqrt(), (1.0 - correlation).sqrt());
        let reactive_sigma = REACTIVE_SIGMA.min(REACTIVE_SHARE * sigma);
        let common = self.common.at(second).normal();
        for (deviation, source) in state.deviations.iter_mut().zip(&self.own) {
            let mut draws = source.at(second);
            let normal = shared * common + own * draws.normal();
            deviation.last = deviation.next;
            deviation.next = decay * deviation.last + sigma * spread * normal;
            let reactive = decay * deviation.reactive + reactive_sigma * spread * draws.normal();
            deviation.reactive = reactive.clamp(-3.0 * reactive_sigma, 3.0 * reactive_sigma);
        }
    }

    /// The shape at a time, over the load of the case.
    pub(super) fn shape(&self, unix_s: f64) -> f64 {
        if self.parameters.daily_shape {
            daily_shape(unix_s)
        } else {
            1.0
        }
    }
}

impl LoadState {
    /// Factors on active and on reactive power of load `at`, a `fraction` of a second after the last
    /// full one.
    pub(super) fn factors(&self, at: usize, fraction: f64) -> (f64, f64) {
        let Some(Deviation {
            last,
            next,
            reactive,
        }) = self.deviations.get(at)
        else {
            return (1.0, 1.0);
        };
        let active = (1.0 + last + (next - last) * fraction).max(0.0);
        (active, active * (1.0 + reactive))
    }
}

/// The daily shape at a time: cubic through the hourly values (Catmull and Rom 1974).
fn daily_shape(unix_s: f64) -> f64 {
    let hours = ((unix_s + LOCAL_OFFSET_S) / 3600.0).rem_euclid(24.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0..24"
    )]
    let hour = hours as usize;
    let t = hours - hour as f64;
    let at = |offset: usize| HOURLY[(hour + offset) % 24];
    let (p0, p1, p2, p3) = (at(23), at(0), at(1), at(2));
    let slope1 = 0.5 * (p2 - p0);
    let slope2 = 0.5 * (p3 - p1);
    let (a, b) = (
        2.0 * (p1 - p2) + slope1 + slope2,
        3.0 * (p2 - p1) - 2.0 * slope1 - slope2,
    );
    ((a * t + b) * t + slope1) * t + p1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 04:00 in UTC+1 on 1 January 1970.
    const FOUR: f64 = 3.0 * 3600.0;

    #[test]
    fn the_shape_is_lowest_at_four_and_highest_at_nineteen() {
        let day: Vec<_> = (0..24 * 60)
            .map(|minute| daily_shape(FOUR + 60.0 * f64::from(minute)))
            .collect();
        assert!((day[0] - 0.6).abs() < 1e-12);
        assert!((day[15 * 60] - 1.0).abs() < 1e-12);
        assert!(day.iter().all(|shape| (0.599..1.002).contains(shape)));
        let jump = day.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(jump.fold(0.0, f64::max) < 0.003, "the shape is smooth");
    }

    #[test]
    fn deviations_have_the_given_spread_and_correlation() {
        let names = ["a".to_owned(), "b".to_owned()];
        let parameters = LoadParameters {
            tau_s: 5.0,
            ..LoadParameters::default()
        };
        let model = LoadModel::new(parameters, 7, &names);
        let mut state = model.start();
        let (mut squares, mut products, count) = (0.0, 0.0, 40_000_u32);
        for second in 1..=u64::from(count) {
            model.next_second(&mut state, second);
            let (a, b) = (state.factors(0, 0.0).0 - 1.0, state.factors(1, 0.0).0 - 1.0);
            squares += a * a;
            products += a * b;
        }
        let variance = squares / f64::from(count);
        assert!((variance.sqrt() - 0.02).abs() < 0.001, "{variance}");
        let correlation = products / f64::from(count) / variance;
        assert!((correlation - 0.3).abs() < 0.06, "{correlation}");
    }

    #[test]
    fn values_between_seconds_lie_on_a_line() {
        let model = LoadModel::new(LoadParameters::default(), 1, &["a".to_owned()]);
        let mut state = model.start();
        model.next_second(&mut state, 1);
        let (start, middle, end) = (
            state.factors(0, 0.0).0,
            state.factors(0, 0.5).0,
            state.factors(0, 1.0).0,
        );
        assert!((middle - 0.5 * (start + end)).abs() < 1e-15);
    }
}
