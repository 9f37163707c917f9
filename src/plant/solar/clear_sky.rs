//! Irradiance under a cloudless sky: Ineichen and Perez 2002 with Linke turbidity, and Haurwitz 1945.

use std::f64::consts::TAU;

use crate::maths::{cos, exp, pow, sincos};

/// Irradiance on the ground in W/m².
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Irradiance {
    /// Global horizontal.
    pub ghi_w_m2: f64,
    /// Direct normal.
    pub dni_w_m2: f64,
    /// Diffuse horizontal.
    pub dhi_w_m2: f64,
}

/// Irradiance outside the atmosphere, W/m² (Spencer 1971, solar constant 1366.1), the same all day of
/// the UTC calendar.
#[must_use]
pub fn extraterrestrial_w_m2(unix_s: f64) -> f64 {
    let angle = TAU / 365.0 * day_of_year(unix_s);
    let (sin_angle, cos_angle) = sincos(angle);
    let (sin_double, cos_double) = sincos(2.0 * angle);
    1366.1
        * (1.00011
            + 0.034_221 * cos_angle
            + 0.00128 * sin_angle
            + 0.000_719 * cos_double
            + 0.000_077 * sin_double)
}

/// Whole days since 1 January, UTC: 0..365.
fn day_of_year(unix_s: f64) -> f64 {
    // Days since 1 March of year 0; a year that begins in March ends in its leap day (Hinnant 2013).
    let day = (unix_s / 86_400.0).floor() + 719_468.0;
    let of_era = day.rem_euclid(146_097.0);
    let year = ((of_era - (of_era / 1460.0).floor() + (of_era / 36_524.0).floor()
        - (of_era / 146_096.0).floor())
        / 365.0)
        .floor();
    let since_march = of_era - (365.0 * year + (year / 4.0).floor() - (year / 100.0).floor());
    if since_march >= 306.0 {
        return since_march - 306.0;
    }
    let is_leap = year % 4.0 == 0.0 && (year % 100.0 != 0.0 || year == 0.0);
    since_march + if is_leap { 60.0 } else { 59.0 }
}

/// Air mass relative to that overhead at sea level (Kasten and Young 1989) times pressure over
/// 101325 Pa; nothing when the sun is below the horizon.
#[must_use]
pub fn absolute_airmass(apparent_zenith_degree: f64, pressure_pa: f64) -> Option<f64> {
    (apparent_zenith_degree <= 90.0).then(|| {
        let elevation = 90.0 - apparent_zenith_degree;
        let relative = 1.0
            / (cos(apparent_zenith_degree.to_radians())
                + 0.50572 * pow(6.07995 + elevation, -1.6364));
        relative * pressure_pa / 101_325.0
    })
}

/// Pressure of the standard atmosphere at an altitude, Pa.
#[must_use]
pub fn standard_pressure_pa(altitude_m: f64) -> f64 {
    100.0
        * pow(
            (44_331.514 - altitude_m).max(0.0) / 11_880.516,
            1.0 / 0.190_263_2,
        )
}

/// Global horizontal irradiance from the cosine of the apparent zenith angle alone, W/m² (Haurwitz 1945).
#[must_use]
pub fn haurwitz_w_m2(cos_apparent_zenith: f64) -> f64 {
    if cos_apparent_zenith > 0.0 {
        1098.0 * cos_apparent_zenith * exp(-0.059 / cos_apparent_zenith)
    } else {
        0.0
    }
}

/// The model of Ineichen and Perez (2002, Solar Energy 73, 151-157) at one altitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ineichen {
    fh1: f64,
    fh2: f64,
    cg1: f64,
    cg2: f64,
}

impl Ineichen {
    /// The model at `altitude_m`.
    #[must_use]
    pub fn new(altitude_m: f64) -> Self {
        Self {
            fh1: exp(-altitude_m / 8000.0),
            fh2: exp(-altitude_m / 1250.0),
            cg1: 5.09e-5 * altitude_m + 0.868,
            cg2: 3.92e-5 * altitude_m + 0.0387,
        }
    }

    /// Irradiance for a cosine of the apparent zenith angle, an absolute air mass, a Linke turbidity
    /// and the irradiance outside the atmosphere. Without an air mass it is night: all zero.
    #[must_use]
    pub fn irradiance(
        &self,
        cos_apparent_zenith: f64,
        airmass: Option<f64>,
        linke_turbidity: f64,
        extraterrestrial_w_m2: f64,
    ) -> Irradiance {
        let Some(airmass) = airmass.filter(|_| cos_apparent_zenith > 0.0) else {
            return Irradiance::default();
        };
        let haze = linke_turbidity - 1.0;
        let ghi = self.cg1
            * extraterrestrial_w_m2
            * cos_apparent_zenith
            * exp(-self.cg2 * airmass * (self.fh1 + self.fh2 * haze));
        let beam = extraterrestrial_w_m2 * (0.664 + 0.163 / self.fh1) * exp(-0.09 * airmass * haze);
        let beam_share = 1.0 - (0.1 - 0.2 * exp(-linke_turbidity)) / (0.1 + 0.882 / self.fh1);
        let dni = beam.min(ghi * (beam_share.max(0.0) / cos_apparent_zenith).min(1e20));
        Irradiance {
            ghi_w_m2: ghi,
            dni_w_m2: dni,
            dhi_w_m2: ghi - dni * cos_apparent_zenith,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike};

    use super::*;

    #[test]
    fn the_day_of_the_year_agrees_with_the_calendar() {
        for day in -1000..60_000_i64 {
            let date = DateTime::from_timestamp(86_400 * day + 86_399, 0).unwrap();
            let expected = f64::from(date.ordinal0());
            let found = day_of_year(86_400.0 * day as f64 + 86_399.0);
            assert!((found - expected).abs() < 0.5, "{date}: {found}");
        }
    }

    #[test]
    fn night_is_dark() {
        assert_eq!(absolute_airmass(90.01, 101_325.0), None);
        let sky = Ineichen::new(110.0);
        assert_eq!(
            sky.irradiance(-0.1, None, 3.0, 1366.1),
            Irradiance::default()
        );
        assert!(haurwitz_w_m2(-0.1).abs() < 1e-300);
    }
}
