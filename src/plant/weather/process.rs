//! Stationary Gaussian processes in steps of one second, exact for any time constant.

use crate::maths::exp;

/// An Ornstein-Uhlenbeck process of mean 0 and variance 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OrnsteinUhlenbeck {
    keep: f64,
    kick: f64,
}

impl OrnsteinUhlenbeck {
    /// The process that forgets with `time_constant_s`.
    pub(super) fn new(time_constant_s: f64) -> Self {
        Self::with_rate(1.0 / time_constant_s.max(1e-3))
    }

    /// The process that forgets at `rate_per_s`.
    pub(super) fn with_rate(rate_per_s: f64) -> Self {
        let keep = exp(-rate_per_s);
        Self {
            keep,
            kick: (1.0 - keep * keep).sqrt(),
        }
    }

    /// The value one second later; `normal` is a fresh standard normal number.
    pub(super) fn step(&self, value: f64, normal: f64) -> f64 {
        self.keep * value + self.kick * normal
    }
}

/// A first-order low-pass of an [`OrnsteinUhlenbeck`] process, scaled to variance 1 again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Smoothed {
    driver: OrnsteinUhlenbeck,
    gain: f64,
    scale: f64,
    /// Correlation of the filter's value with its driver, both at one instant.
    correlation: f64,
}

impl Smoothed {
    pub(super) fn new(time_constant_s: f64, smoothing_s: f64) -> Self {
        let driver = OrnsteinUhlenbeck::new(time_constant_s);
        let (a, b) = (driver.keep, exp(-1.0 / smoothing_s.max(1e-3)));
        let gain = 1.0 - b;
        // y = b·y + gain·x with x of autocorrelation a^n, before x moves on: its variance, and its
        // covariance with the x of the same instant.
        let variance = gain * gain * (1.0 + a * b) / ((1.0 - b * b) * (1.0 - a * b));
        let covariance = gain * a / (1.0 - a * b);
        Self {
            driver,
            gain,
            scale: 1.0 / variance.sqrt(),
            correlation: covariance / variance.sqrt(),
        }
    }

    /// A pair (driver, filter) from the stationary distribution, by two standard normal numbers.
    pub(super) fn start(&self, [first, second]: [f64; 2]) -> [f64; 2] {
        let own = (1.0 - self.correlation * self.correlation).max(0.0).sqrt();
        [
            first,
            (self.correlation * first + own * second) / self.scale,
        ]
    }

    pub(super) fn step(&self, [driver, filter]: [f64; 2], normal: f64) -> [f64; 2] {
        [
            self.driver.step(driver, normal),
            filter + self.gain * (driver - filter),
        ]
    }

    /// The smoothed value, standard normal.
    pub(super) fn value(&self, [_, filter]: [f64; 2]) -> f64 {
        self.scale * filter
    }
}

/// How much of a site's weather is the region's: the correlation of two sites is the product of their
/// shares, which falls exponentially with the distance when each is its distance from the middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    pub(super) common: f64,
    own: f64,
}

impl Share {
    pub(super) fn new(distance_km: f64, correlation_length_km: f64) -> Self {
        let common = exp(-distance_km / correlation_length_km.max(1e-6));
        Self {
            common,
            own: (1.0 - common * common).sqrt(),
        }
    }

    /// A standard normal number of a site from the region's and its own.
    pub(super) fn mix(&self, common: f64, own: f64) -> f64 {
        self.common * common + self.own * own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Source;

    #[test]
    fn a_smoothed_process_is_standard_normal_from_its_start_on() {
        let process = Smoothed::new(40.0, 10.0);
        let source = Source::new(1, "test");
        let mut draws = source.at(0);
        let (mut at_start, mut later) = (0.0, 0.0);
        for run in 0..4_000 {
            let mut pair = process.start([draws.normal(), draws.normal()]);
            at_start += process.value(pair) * process.value(pair);
            for second in 0..30 {
                draws = source.at(run * 100 + second);
                pair = process.step(pair, draws.normal());
            }
            later += process.value(pair) * process.value(pair);
        }
        assert!((at_start / 4_000.0 - 1.0).abs() < 0.08, "{at_start}");
        assert!((later / 4_000.0 - 1.0).abs() < 0.08, "{later}");
    }
}
