//! A case: the data of a network in MATPOWER's terms (Zimmerman et al. 2011, appendix B).

use std::collections::HashMap;

/// A network with its loads and schedules. Loads count positive when consuming, generators when
/// producing; [`from_json`](Case::from_json) and [`from_matpower`](Case::from_matpower) read one.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name; may be empty.
    pub name: String,
    /// What one per unit of power is, in MVA; above 0.
    pub base_mva: f64,
    /// Its buses, in any order, with any numbers.
    pub buses: Vec<Bus>,
    /// Its generators; several at one bus add up.
    pub generators: Vec<Generator>,
    /// Its lines and transformers.
    pub branches: Vec<Branch>,
}

/// What is given at a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusType {
    /// Type 1: P and Q are given.
    Pq,
    /// Type 2: P and the voltage are given, as long as a generator there is in service.
    Pv,
    /// Type 3: voltage and angle are given.
    Slack,
    /// Type 4: connected to nothing.
    Isolated,
}

/// A bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Bus {
    /// Its number, above 0 and unique.
    pub number: u32,
    /// What is given here.
    pub bus_type: BusType,
    /// Active load in MW.
    pub pd_mw: f64,
    /// Reactive load in MVAR.
    pub qd_mvar: f64,
    /// Shunt conductance: MW drawn at 1 p.u.
    pub gs_mw: f64,
    /// Shunt susceptance: MVAR injected at 1 p.u.
    pub bs_mvar: f64,
    /// Voltage to start from in p.u.
    pub vm_pu: f64,
    /// Angle to start from in degrees; at a slack bus the one that is held.
    pub va_degree: f64,
    /// Nominal voltage in kV.
    pub base_kv: f64,
    /// Upper voltage limit in p.u.; information only.
    pub vmax_pu: f64,
    /// Lower voltage limit in p.u.; information only.
    pub vmin_pu: f64,
}

/// A generator.
#[derive(Debug, Clone, PartialEq)]
pub struct Generator {
    /// The number of its bus.
    pub bus: u32,
    /// Active power in MW.
    pub pg_mw: f64,
    /// Reactive power in MVAR; counts only where its bus holds no voltage.
    pub qg_mvar: f64,
    /// Upper reactive limit in MVAR; not enforced.
    pub qmax_mvar: f64,
    /// Lower reactive limit in MVAR; not enforced.
    pub qmin_mvar: f64,
    /// Voltage it holds in p.u.; the last one in service at a bus counts.
    pub vg_pu: f64,
    /// Rating in MVA.
    pub mbase_mva: f64,
    /// Whether it runs.
    pub in_service: bool,
    /// Upper active limit in MW; not enforced.
    pub pmax_mw: f64,
    /// Lower active limit in MW; not enforced.
    pub pmin_mw: f64,
}

/// A line or transformer: a pi model with an ideal transformer at its from end.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The number of the bus it starts at.
    pub from: u32,
    /// The number of the bus it ends at.
    pub to: u32,
    /// Series resistance in p.u.
    pub r_pu: f64,
    /// Series reactance in p.u.
    pub x_pu: f64,
    /// Total charging susceptance in p.u.
    pub b_pu: f64,
    /// Long-term rating in MVA, 0 if unlimited.
    pub rate_a_mva: f64,
    /// Turns ratio, from to to; 0 means 1.
    pub ratio: f64,
    /// Phase shift in degrees; positive delays the to end.
    pub shift_degree: f64,
    /// Whether it carries current.
    pub in_service: bool,
}

impl Case {
    /// What the generators in service are scheduled to feed into each bus, in the order of the buses:
    /// MW and MVAR.
    #[must_use]
    pub fn generation(&self) -> Vec<[f64; 2]> {
        let numbers = self.buses.iter().enumerate();
        let index: HashMap<u32, usize> = numbers.map(|(i, bus)| (bus.number, i)).collect();
        let mut total = vec![[0.0; 2]; self.buses.len()];
        for generator in self
            .generators
            .iter()
            .filter(|generator| generator.in_service)
        {
            if let Some(&bus) = index.get(&generator.bus) {
                total[bus][0] += generator.pg_mw;
                total[bus][1] += generator.qg_mvar;
            }
        }
        total
    }
}
