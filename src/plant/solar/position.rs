//! Where the sun stands: the solar position algorithm of NREL (Reda and Andreas 2004, Solar Energy 76,
//! 577-589, with the corrigendum of 2007).
//!
//! The algorithm falls into two parts. [`Geocentric::at`] holds the costly series and depends on time
//! alone; [`SunPosition::seen_from`] turns its result into the sky of one place with a few operations.
//! Angles count in degrees, azimuths from north over east.

use serde::{Deserialize, Serialize};

use super::terms::{LATITUDE, LONGITUDE, NUTATION, RADIUS, Term};
use crate::maths::{asin, atan, atan2, cos, sin, sincos, tan};

/// Terrestrial time minus universal time, in seconds: the value of 2026. A minute's error moves the
/// sun by less than 0.001 degree.
pub const DELTA_T_S: f64 = 69.2;

/// Elevation below which the sun's upper rim is below the horizon and refraction is not applied.
const RIM_ELEVATION_DEGREE: f64 = -(0.26667 + 0.5667);

const J2000_JULIAN_DAY: f64 = 2_451_545.0;

/// The sun as seen from the earth's centre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Geocentric {
    /// Right ascension, 0..360.
    pub right_ascension_degree: f64,
    /// Declination, -24..24.
    pub declination_degree: f64,
    /// Distance in astronomical units.
    pub distance_au: f64,
    /// Equation of the equinoxes: apparent less mean sidereal time.
    pub equinoxes_degree: f64,
}

impl Geocentric {
    /// The sun at `unix_s` seconds after the Unix epoch, where terrestrial time is `delta_t_s` ahead.
    #[must_use]
    pub fn at(unix_s: f64, delta_t_s: f64) -> Self {
        let century = (days_since_j2000(unix_s) + delta_t_s / 86_400.0) / 36_525.0;
        let millennium = century / 10.0;
        let distance_au = series(RADIUS, millennium);
        let longitude = (series(LONGITUDE, millennium).to_degrees() + 180.0).rem_euclid(360.0);
        let latitude = -series(LATITUDE, millennium);
        let (longitude_nutation, obliquity_nutation) = nutation(century);
        let obliquity = (mean_obliquity_degree(millennium) + obliquity_nutation).to_radians();
        let aberration = -20.4898 / (3600.0 * distance_au);
        let (sin_obliquity, cos_obliquity) = sincos(obliquity);
        let (sin_longitude, cos_longitude) =
            sincos((longitude + longitude_nutation + aberration).to_radians());
        let right_ascension = atan2(
            sin_longitude * cos_obliquity - tan(latitude) * sin_obliquity,
            cos_longitude,
        );
        let declination =
            asin(sin(latitude) * cos_obliquity + cos(latitude) * sin_obliquity * sin_longitude);
        Self {
            right_ascension_degree: right_ascension.to_degrees().rem_euclid(360.0),
            declination_degree: declination.to_degrees(),
            distance_au,
            equinoxes_degree: longitude_nutation * cos_obliquity,
        }
    }

    /// Greenwich hour angle of the sun at `unix_s`, westward.
    fn hour_angle_degree(&self, unix_s: f64) -> f64 {
        let days = days_since_j2000(unix_s);
        let century = days / 36_525.0;
        let sidereal = 280.460_618_37
            + 360.985_647_366_29 * days
            + century * century * (0.000_387_933 - century / 38_710_000.0);
        sidereal.rem_euclid(360.0) + self.equinoxes_degree - self.right_ascension_degree
    }
}

/// A place on earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    longitude_degree: f64,
    sin_latitude: f64,
    cos_latitude: f64,
    /// Distance from the earth's axis and from the equator's plane, in equatorial radii.
    axial: f64,
    polar: f64,
}

impl Place {
    /// The place at a latitude (north positive), a longitude (east positive) and an altitude in metres.
    #[must_use]
    pub fn new(latitude_degree: f64, longitude_degree: f64, altitude_m: f64) -> Self {
        const FLATTENED: f64 = 0.996_647_19;
        const EQUATORIAL_RADIUS_M: f64 = 6_378_140.0;
        let (sin_latitude, cos_latitude) = sincos(latitude_degree.to_radians());
        let (sin_u, cos_u) = sincos(atan(FLATTENED * tan(latitude_degree.to_radians())));
        Self {
            longitude_degree,
            sin_latitude,
            cos_latitude,
            axial: cos_u + altitude_m / EQUATORIAL_RADIUS_M * cos_latitude,
            polar: FLATTENED * sin_u + altitude_m / EQUATORIAL_RADIUS_M * sin_latitude,
        }
    }
}

/// The sun in the sky of one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SunPosition {
    /// Elevation of the sun's centre without the atmosphere.
    pub elevation_degree: f64,
    /// Elevation with refraction: what is seen.
    pub apparent_elevation_degree: f64,
    /// Sine of the apparent elevation, which is the cosine of the apparent zenith angle.
    pub cos_apparent_zenith: f64,
    /// Cosine of the apparent elevation.
    pub sin_apparent_zenith: f64,
    /// North and east components of the sun's horizontal direction (length 1).
    pub north: f64,
    /// See [`north`](Self::north).
    pub east: f64,
}

impl SunPosition {
    /// The sun at `unix_s` seen from `place` through air of `pressure_pa` and `air_c`.
    #[must_use]
    pub fn seen_from(
        place: &Place,
        sun: &Geocentric,
        unix_s: f64,
        pressure_pa: f64,
        air_c: f64,
    ) -> Self {
        // Equation 40 in vectors: sun less observer, with x towards the meridian, y to the west and z
        // to the pole. The rotation by the parallax in right ascension needs no angle of its own.
        let parallax = sin((8.794 / (3600.0 * sun.distance_au)).to_radians());
        let (sin_hour, cos_hour) =
            sincos((sun.hour_angle_degree(unix_s) + place.longitude_degree).to_radians());
        let (sin_declination, cos_declination) = sincos(sun.declination_degree.to_radians());
        let x = cos_declination * cos_hour - parallax * place.axial;
        let west = cos_declination * sin_hour;
        let z = sin_declination - parallax * place.polar;
        let up = place.cos_latitude * x + place.sin_latitude * z;
        let south = place.sin_latitude * x - place.cos_latitude * z;
        let horizontal = (south * south + west * west).sqrt();
        let elevation_degree = atan2(up, horizontal).to_degrees();
        let apparent_elevation_degree =
            elevation_degree + refraction_degree(elevation_degree, pressure_pa, air_c);
        let (cos_apparent_zenith, sin_apparent_zenith) =
            sincos(apparent_elevation_degree.to_radians());
        // In the zenith every direction is as good as any other.
        let (north, east) = if horizontal > 0.0 {
            (-south / horizontal, -west / horizontal)
        } else {
            (1.0, 0.0)
        };
        Self {
            elevation_degree,
            apparent_elevation_degree,
            cos_apparent_zenith,
            sin_apparent_zenith,
            north,
            east,
        }
    }

    /// Zenith angle of the sun's centre without the atmosphere, 0..180.
    #[must_use]
    pub fn zenith_degree(&self) -> f64 {
        90.0 - self.elevation_degree
    }

    /// Zenith angle with refraction, 0..180.
    #[must_use]
    pub fn apparent_zenith_degree(&self) -> f64 {
        90.0 - self.apparent_elevation_degree
    }

    /// Azimuth from north over east, 0..360.
    #[must_use]
    pub fn azimuth_degree(&self) -> f64 {
        atan2(self.east, self.north).to_degrees().rem_euclid(360.0)
    }
}

fn days_since_j2000(unix_s: f64) -> f64 {
    // The epoch is 10957.5 days before noon of 1 January 2000. Subtracting it, and not a Julian day of
    // seven digits, keeps the precision.
    const _: () = assert!(J2000_JULIAN_DAY - 2_440_587.5 == 10_957.5);
    unix_s / 86_400.0 - 10_957.5
}

/// A polynomial in time whose coefficients are sums of periodic terms (equation 9).
fn series(powers: &[&[Term]], millennium: f64) -> f64 {
    let sum = |terms: &[Term]| -> f64 {
        terms
            .iter()
            .map(|[amplitude, phase, rate]| amplitude * cos(phase + rate * millennium))
            .sum()
    };
    powers
        .iter()
        .rev()
        .fold(0.0, |value, terms| value * millennium + sum(terms))
        / 1e8
}

/// Nutation in longitude and in obliquity, in degrees (equations 15 to 23).
fn nutation(century: f64) -> (f64, f64) {
    let cubic = |a: f64, b: f64, c: f64, d: f64| a + century * (b + century * (c + century / d));
    let arguments = [
        cubic(297.850_36, 445_267.111_48, -0.001_914_2, 189_474.0),
        cubic(357.527_72, 35_999.050_34, -0.000_160_3, -300_000.0),
        cubic(134.962_98, 477_198.867_398, 0.008_697_2, 56_250.0),
        cubic(93.271_91, 483_202.017_538, -0.003_682_5, 327_270.0),
        cubic(125.044_52, -1_934.136_261, 0.002_070_8, 450_000.0),
    ];
    let (mut longitude, mut obliquity) = (0.0, 0.0);
    for (multiples, [a, b, c, d]) in NUTATION {
        let argument: f64 = multiples
            .iter()
            .zip(&arguments)
            .map(|(multiple, argument)| f64::from(*multiple) * argument)
            .sum();
        let (sin, cos) = sincos(argument.rem_euclid(360.0).to_radians());
        longitude += (a + b * century) * sin;
        obliquity += (c + d * century) * cos;
    }
    (longitude / 36e6, obliquity / 36e6)
}

/// Obliquity of the ecliptic without nutation (equation 24).
fn mean_obliquity_degree(millennium: f64) -> f64 {
    const SECONDS_OF_ARC: [f64; 11] = [
        84381.448, -4680.93, -1.55, 1999.25, -51.38, -249.67, -39.05, 7.12, 27.87, 5.79, 2.45,
    ];
    let u = millennium / 10.0;
    SECONDS_OF_ARC
        .iter()
        .rev()
        .fold(0.0, |value, coefficient| value * u + coefficient)
        / 3600.0
}

/// How much the atmosphere lifts the sun (equation 42).
fn refraction_degree(elevation_degree: f64, pressure_pa: f64, air_c: f64) -> f64 {
    if elevation_degree < RIM_ELEVATION_DEGREE {
        return 0.0;
    }
    let argument = elevation_degree + 10.3 / (elevation_degree + 5.11);
    pressure_pa / 101_000.0 * (283.0 / (273.0 + air_c)) * 1.02 / (60.0 * tan(argument.to_radians()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Reda and Andreas 2004, table A5.1: 17 October 2003, 12:30:30 at UTC-7.
    #[test]
    fn the_published_example_holds() {
        let unix_s = 1_066_419_030.0;
        let sun = Geocentric::at(unix_s, 67.0);
        let place = Place::new(39.742_476, -105.178_6, 1830.14);
        let position = SunPosition::seen_from(&place, &sun, unix_s, 82_000.0, 11.0);
        assert!((sun.right_ascension_degree - 202.227_408).abs() < 1e-5);
        assert!((sun.declination_degree + 9.314_34).abs() < 1e-5);
        assert!((sun.distance_au - 0.996_542_297).abs() < 1e-9);
        assert!((position.apparent_zenith_degree() - 50.111_62).abs() < 1e-5);
        assert!((position.azimuth_degree() - 194.340_24).abs() < 1e-5);
    }

    #[test]
    fn the_poles_have_a_sky_too() {
        for latitude in [-90.0, 90.0] {
            for hour in 0..24 {
                let unix_s = 1_782_000_000.0 + 3600.0 * f64::from(hour);
                let sun = Geocentric::at(unix_s, DELTA_T_S);
                let place = Place::new(latitude, 0.0, 2800.0);
                let position = SunPosition::seen_from(&place, &sun, unix_s, 70_000.0, -30.0);
                let expected = sun.declination_degree * latitude.signum();
                assert!((position.elevation_degree - expected).abs() < 0.003);
            }
        }
    }
}
