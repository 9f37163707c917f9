//! Topic `solar`: the sun, the clear sky and a photovoltaic plant under it.

use serde::{Deserialize, Serialize};

use crate::plant::solar::{
    clear_sky::{Ineichen, absolute_airmass, extraterrestrial_w_m2, haurwitz_w_m2},
    irradiance::Plane,
    position::{Geocentric, Place, SunPosition},
    pv::{ac_power, cell_c, dc_power},
};

/// The cases asked for.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    cases: Vec<Case>,
}

/// One moment at one place, with the array there.
#[derive(Debug, Clone, Deserialize)]
struct Case {
    id: String,
    unix_s: f64,
    latitude_deg: f64,
    longitude_deg: f64,
    altitude_m: f64,
    pressure_pa: f64,
    temp_air_c: f64,
    wind_speed_ms: f64,
    linke_turbidity: f64,
    delta_t_s: f64,
    tilt_deg: f64,
    surface_azimuth_deg: f64,
    albedo: f64,
    pdc0_w: f64,
    gamma_pdc_per_c: f64,
    losses_frac: f64,
    pac0_w: f64,
}

/// The answers, in the order of the cases.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    cases: Vec<Answer>,
}

/// What the models say to a case.
#[derive(Debug, Clone, Serialize)]
struct Answer {
    id: String,
    zenith_deg: f64,
    apparent_zenith_deg: f64,
    azimuth_deg: f64,
    dni_extra_wm2: f64,
    /// Nothing at night.
    airmass_abs: Option<f64>,
    ghi_haurwitz_wm2: f64,
    ghi_wm2: f64,
    dni_wm2: f64,
    dhi_wm2: f64,
    aoi_deg: f64,
    poa_global_wm2: f64,
    temp_cell_c: f64,
    pdc_w: f64,
    pac_w: f64,
}

/// Answers all cases.
#[must_use]
pub fn run(input: &Input) -> Output {
    Output {
        cases: input.cases.iter().map(answer).collect(),
    }
}

fn answer(case: &Case) -> Answer {
    let sun = SunPosition::seen_from(
        &Place::new(case.latitude_deg, case.longitude_deg, case.altitude_m),
        &Geocentric::at(case.unix_s, case.delta_t_s),
        case.unix_s,
        case.pressure_pa,
        case.temp_air_c,
    );
    let extraterrestrial = extraterrestrial_w_m2(case.unix_s);
    let airmass = absolute_airmass(sun.apparent_zenith_degree(), case.pressure_pa);
    let sky = Ineichen::new(case.altitude_m).irradiance(
        sun.cos_apparent_zenith,
        airmass,
        case.linke_turbidity,
        extraterrestrial,
    );
    let plane = Plane::new(case.tilt_deg, case.surface_azimuth_deg);
    let poa = plane.irradiance_w_m2(&sun, &sky, extraterrestrial, case.albedo);
    let cell = cell_c(poa, case.temp_air_c, case.wind_speed_ms);
    let dc = dc_power(
        poa,
        cell,
        case.pdc0_w,
        case.gamma_pdc_per_c,
        case.losses_frac,
    );
    Answer {
        id: case.id.clone(),
        zenith_deg: sun.zenith_degree(),
        apparent_zenith_deg: sun.apparent_zenith_degree(),
        azimuth_deg: sun.azimuth_degree(),
        dni_extra_wm2: extraterrestrial,
        airmass_abs: airmass,
        ghi_haurwitz_wm2: haurwitz_w_m2(sun.cos_apparent_zenith),
        ghi_wm2: sky.ghi_w_m2,
        dni_wm2: sky.dni_w_m2,
        dhi_wm2: sky.dhi_w_m2,
        aoi_deg: plane.incidence_degree(&sun),
        poa_global_wm2: poa,
        temp_cell_c: cell,
        pdc_w: dc,
        pac_w: ac_power(dc, case.pac0_w),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::reference;

    #[test]
    fn the_reference_cases_hold() {
        reference::check("solar", run, 1e-5, 1e-6);
    }
}
