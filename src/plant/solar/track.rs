//! The sun's way between two hours.
//!
//! The series of the solar position are evaluated at full hours only and interpolated linearly between
//! them; the earth's rotation, which is what moves fast, is computed exactly. The error stays below
//! 0.00002 degree. The hours are those of Unix time, so that the result is a function of time alone: a
//! track that was restored, or that has come another way, says the same to the last bit.

use serde::{Deserialize, Serialize};

use super::position::{DELTA_T_S, Geocentric};

const NODE_S: f64 = 3600.0;

/// The sun's geocentric position, cheap to follow through time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SunTrack {
    hour: f64,
    from: Geocentric,
    to: Geocentric,
}

impl SunTrack {
    /// A track that holds the hour of `unix_s`.
    #[must_use]
    pub fn new(unix_s: f64) -> Self {
        let hour = (unix_s / NODE_S).floor();
        Self {
            hour,
            from: node(hour),
            to: node(hour + 1.0),
        }
    }

    /// The sun at `unix_s`; moves the track there.
    #[expect(clippy::float_cmp, reason = "hours are whole numbers")]
    pub fn at(&mut self, unix_s: f64) -> Geocentric {
        let hour = (unix_s / NODE_S).floor();
        if hour == self.hour + 1.0 {
            self.hour = hour;
            self.from = self.to;
            self.to = node(hour + 1.0);
        } else if hour != self.hour {
            *self = Self::new(unix_s);
        }
        let share = unix_s / NODE_S - hour;
        let between = |from: f64, to: f64| from + share * (to - from);
        let ascension = self.from.right_ascension_degree;
        // Once a year the right ascension passes from 360 to 0.
        let ascended = self.to.right_ascension_degree
            + if self.to.right_ascension_degree < ascension {
                360.0
            } else {
                0.0
            };
        Geocentric {
            right_ascension_degree: between(ascension, ascended),
            declination_degree: between(self.from.declination_degree, self.to.declination_degree),
            distance_au: between(self.from.distance_au, self.to.distance_au),
            equinoxes_degree: between(self.from.equinoxes_degree, self.to.equinoxes_degree),
        }
    }
}

fn node(hour: f64) -> Geocentric {
    Geocentric::at(hour * NODE_S, DELTA_T_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::solar::position::{Place, SunPosition};

    #[test]
    fn interpolation_is_exact_enough_all_the_year() {
        let place = Place::new(52.23, 21.01, 110.0);
        let mut track = SunTrack::new(0.0);
        let mut worst: f64 = 0.0;
        // A year in steps that are prime to an hour.
        for step in 0..6_000 {
            let unix_s = 1_767_225_600.0 + 5_261.0 * f64::from(step);
            let seen = |sun| SunPosition::seen_from(&place, &sun, unix_s, 0.0, 10.0);
            let exact = seen(Geocentric::at(unix_s, DELTA_T_S));
            let followed = seen(track.at(unix_s));
            let turned = (exact.azimuth_degree() - followed.azimuth_degree() + 180.0)
                .rem_euclid(360.0)
                - 180.0;
            worst = worst
                .max((exact.elevation_degree - followed.elevation_degree).abs())
                .max(turned.abs() * exact.sin_apparent_zenith);
        }
        assert!(worst < 2e-5, "{worst}");
    }

    #[test]
    fn the_way_there_does_not_matter() {
        let mut walked = SunTrack::new(1_782_000_000.0);
        for second in 0..8_000 {
            walked.at(1_782_000_000.0 + f64::from(second));
        }
        let mut jumped = SunTrack::new(1_900_000_000.0);
        assert_eq!(walked.at(1_782_008_000.0), jumped.at(1_782_008_000.0));
        assert_eq!(walked, jumped);
    }
}
