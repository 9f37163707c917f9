//! Density of air at hub height in kg/m³.

/// Fall of pressure with height near the ground, Pa/m.
const PRESSURE_GRADIENT_PA_PER_M: f64 = 100.0 / 8.0;
/// Density, temperature and pressure to which the barometric formula refers (Hau 2008, p. 560).
const REFERENCE_KG_M3: f64 = 1.225;
const REFERENCE_K: f64 = 288.15;
const REFERENCE_PA: f64 = 101_330.0;
/// Specific gas constant of dry air, J/(kg·K).
const DRY_AIR: f64 = 287.058;

/// Pressure `rise_m` above where it is `pressure_pa`.
#[must_use]
pub fn pressure_pa(pressure_pa: f64, rise_m: f64) -> f64 {
    pressure_pa - rise_m * PRESSURE_GRADIENT_PA_PER_M
}

/// The barometric formula.
#[must_use]
pub fn barometric_kg_m3(pressure_at_hub_pa: f64, temperature_k: f64) -> f64 {
    pressure_at_hub_pa * REFERENCE_KG_M3 * REFERENCE_K / (REFERENCE_PA * temperature_k)
}

/// The ideal gas.
#[must_use]
pub fn ideal_gas_kg_m3(pressure_at_hub_pa: f64, temperature_k: f64) -> f64 {
    pressure_at_hub_pa / (DRY_AIR * temperature_k)
}
