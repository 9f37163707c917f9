//! From the sky to the plane of the array: Hay and Davies 1980, and the diffuse share of Erbs, Klein and
//! Duffie 1982 under clouds.

use super::{clear_sky::Irradiance, position::SunPosition};
use crate::maths::{acos, sincos};

/// How the array stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    sin_tilt: f64,
    cos_tilt: f64,
    north: f64,
    east: f64,
}

impl Plane {
    /// A plane tilted from the horizontal towards an azimuth (from north over east).
    #[must_use]
    pub fn new(tilt_degree: f64, azimuth_degree: f64) -> Self {
        let (sin_tilt, cos_tilt) = sincos(tilt_degree.to_radians());
        let (east, north) = sincos(azimuth_degree.to_radians());
        Self {
            sin_tilt,
            cos_tilt,
            north,
            east,
        }
    }

    /// Cosine of the angle of incidence; negative with the sun behind the plane.
    #[must_use]
    pub fn cos_incidence(&self, sun: &SunPosition) -> f64 {
        let towards = self.north * sun.north + self.east * sun.east;
        (self.cos_tilt * sun.cos_apparent_zenith
            + self.sin_tilt * sun.sin_apparent_zenith * towards)
            .clamp(-1.0, 1.0)
    }

    /// Angle of incidence, 0..180 degrees.
    #[must_use]
    pub fn incidence_degree(&self, sun: &SunPosition) -> f64 {
        acos(self.cos_incidence(sun)).to_degrees()
    }

    /// Irradiance in the plane, W/m²: beam, sky (circumsolar and isotropic part by Hay and Davies) and
    /// ground (isotropic, of reflectance `albedo`).
    #[must_use]
    pub fn irradiance_w_m2(
        &self,
        sun: &SunPosition,
        sky: &Irradiance,
        extraterrestrial_w_m2: f64,
        albedo: f64,
    ) -> f64 {
        let cos_incidence = self.cos_incidence(sun).max(0.0);
        let anisotropy = sky.dni_w_m2 / extraterrestrial_w_m2;
        let projection = cos_incidence / sun.cos_apparent_zenith.max(0.01745);
        let beam = sky.dni_w_m2 * cos_incidence;
        let isotropic = sky.dhi_w_m2 * (1.0 - anisotropy) * 0.5 * (1.0 + self.cos_tilt);
        let circumsolar = sky.dhi_w_m2 * anisotropy * projection;
        let ground = sky.ghi_w_m2 * albedo * 0.5 * (1.0 - self.cos_tilt);
        beam + isotropic.max(0.0) + circumsolar.max(0.0) + ground
    }
}

/// Diffuse share of global horizontal irradiance at a clearness index of 0..1 (Erbs et al. 1982).
#[must_use]
pub fn erbs_diffuse_share(clearness: f64) -> f64 {
    if clearness <= 0.22 {
        1.0 - 0.09 * clearness
    } else if clearness <= 0.8 {
        0.9511
            + clearness
                * (-0.1604 + clearness * (4.388 + clearness * (-16.638 + clearness * 12.336)))
    } else {
        0.165
    }
}

/// The clear sky behind clouds that leave the share `clear_sky_index` of its global irradiance.
///
/// Erbs describes an average clear sky, Ineichen that of the day. Both agree at an index of 1 here: the
/// beam's share is the clear sky's times the ratio of Erbs' beam shares, and it never exceeds the clear
/// sky's, so that what reflection from clouds adds is diffuse.
#[must_use]
pub fn under_clouds(
    clear: &Irradiance,
    clear_sky_index: f64,
    cos_apparent_zenith: f64,
    extraterrestrial_w_m2: f64,
) -> Irradiance {
    let beam = |index: f64| {
        // The bound on the cosine keeps the clearness index meaningful near the horizon.
        let clearness =
            index * clear.ghi_w_m2 / (extraterrestrial_w_m2 * cos_apparent_zenith.max(0.065));
        1.0 - erbs_diffuse_share(clearness.clamp(0.0, 1.0))
    };
    let clear_beam = beam(1.0);
    if clear_beam <= 0.0 {
        return Irradiance::default();
    }
    let ghi = clear_sky_index * clear.ghi_w_m2;
    let dni = clear.dni_w_m2 * (clear_sky_index * beam(clear_sky_index) / clear_beam).min(1.0);
    Irradiance {
        ghi_w_m2: ghi,
        dni_w_m2: dni,
        dhi_w_m2: (ghi - dni * cos_apparent_zenith).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: Irradiance = Irradiance {
        ghi_w_m2: 800.0,
        dni_w_m2: 850.0,
        dhi_w_m2: 800.0 - 850.0 * 0.8,
    };

    /// Values of `pvlib.irradiance.erbs`, pvlib 0.16.1.
    #[test]
    fn erbs_agrees_with_the_reference() {
        for (clearness, share) in [
            (0.1, 0.991),
            (0.3, 0.948_595_6),
            (0.5, 0.659_15),
            (0.7, 0.243_979_6),
            (0.9, 0.165),
        ] {
            let found = erbs_diffuse_share(clearness);
            assert!((found - share).abs() < 1e-6, "{clearness}: {found}");
        }
    }

    #[test]
    fn clouds_turn_beam_into_diffuse_light_and_a_clear_sky_stays_as_it_is() {
        let seen = |index| under_clouds(&CLEAR, index, 0.8, 1366.1);
        assert!((seen(1.0).dni_w_m2 - CLEAR.dni_w_m2).abs() < 1e-9);
        assert!((seen(1.0).dhi_w_m2 - CLEAR.dhi_w_m2).abs() < 1e-9);
        let overcast = seen(0.25);
        assert!((overcast.ghi_w_m2 - 200.0).abs() < 1e-9);
        assert!(overcast.dhi_w_m2 > 0.95 * overcast.ghi_w_m2);
        let enhanced = seen(1.1);
        assert!(enhanced.dni_w_m2 <= CLEAR.dni_w_m2 && enhanced.ghi_w_m2 > CLEAR.ghi_w_m2);
    }
}
