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
    /// One moment at one place each.
    pub cases: Vec<Case>,
}

/// One moment at one place, with the array there.
#[derive(Debug, Clone, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of the interface and carry their units"
)]
pub struct Case {
    pub id: String,
    pub unix_s: f64,
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    pub altitude_m: f64,
    pub pressure_pa: f64,
    pub temp_air_c: f64,
    pub wind_speed_ms: f64,
    pub linke_turbidity: f64,
    pub delta_t_s: f64,
    pub tilt_deg: f64,
    pub surface_azimuth_deg: f64,
    pub albedo: f64,
    pub pdc0_w: f64,
    pub gamma_pdc_per_c: f64,
    pub losses_frac: f64,
    pub pac0_w: f64,
}

/// The answers, in the order of the cases.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    /// One answer a case.
    pub cases: Vec<Answer>,
}

/// What the models say to a case.
#[derive(Debug, Clone, Serialize)]
#[expect(
    missing_docs,
    reason = "the names are those of the interface and carry their units"
)]
pub struct Answer {
    pub id: String,
    pub zenith_deg: f64,
    pub apparent_zenith_deg: f64,
    pub azimuth_deg: f64,
    pub dni_extra_wm2: f64,
    /// Nothing at night.
    pub airmass_abs: Option<f64>,
    pub ghi_haurwitz_wm2: f64,
    pub ghi_wm2: f64,
    pub dni_wm2: f64,
    pub dhi_wm2: f64,
    pub aoi_deg: f64,
    pub poa_global_wm2: f64,
    pub temp_cell_c: f64,
    pub pdc_w: f64,
    pub pac_w: f64,
}

/// Answers all cases.
#[must_use]
pub fn run(input: Input) -> Output {
    Output {
        cases: input.cases.into_iter().map(answer).collect(),
    }
}

fn answer(case: Case) -> Answer {
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
        id: case.id,
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
