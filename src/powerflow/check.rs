//! Looks for what a power flow cannot live with.

use std::collections::{HashMap, HashSet};

use super::{
    case::{BusType, Case},
    problem::{CaseErrors, Fault, Place, Problems, Table},
};

const POSITIVE: &str = "a number above 0";

impl Case {
    /// Looks for everything that a power flow cannot live with.
    ///
    /// # Errors
    /// All problems found.
    pub fn check(&self) -> Result<(), CaseErrors> {
        let mut found = Problems::default();
        if !(self.base_mva.is_finite() && self.base_mva > 0.0) {
            found.number(Place::Field("baseMVA"), self.base_mva, POSITIVE);
        }
        self.check_buses(&mut found);
        let numbers: HashSet<u32> = self.buses.iter().map(|bus| bus.number).collect();
        self.check_generators(&numbers, &mut found);
        self.check_branches(&numbers, &mut found);
        found.into_result(())
    }

    fn check_buses(&self, found: &mut Problems) {
        let mut rows = HashMap::new();
        for (i, bus) in self.buses.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Bus,
                row: i + 1,
                column,
            };
            if bus.number == 0 {
                found.number(at(1), 0.0, "a whole number above 0");
            } else if let Some(row) = rows.insert(bus.number, i + 1) {
                found.push(at(1), Fault::DuplicateBus(bus.number, row));
            }
            let values = [
                (3, bus.pd_mw),
                (4, bus.qd_mvar),
                (5, bus.gs_mw),
                (6, bus.bs_mvar),
                (9, bus.va_degree),
                (10, bus.base_kv),
            ];
            found.finite(at, &values);
            if bus.bus_type != BusType::Isolated && !(bus.vm_pu.is_finite() && bus.vm_pu > 0.0) {
                found.number(at(8), bus.vm_pu, POSITIVE);
            }
        }
        if !self.buses.iter().any(|bus| bus.bus_type == BusType::Slack) {
            found.push(Place::Case, Fault::NoSlack);
        }
    }

    fn check_generators(&self, buses: &HashSet<u32>, found: &mut Problems) {
        for (i, generator) in self.generators.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Gen,
                row: i + 1,
                column,
            };
            if !buses.contains(&generator.bus) {
                found.push(at(1), Fault::UnknownBus(generator.bus));
            }
            found.finite(at, &[(2, generator.pg_mw), (3, generator.qg_mvar)]);
            let vg_pu = generator.vg_pu;
            if !vg_pu.is_finite() || (generator.in_service && vg_pu <= 0.0) {
                found.number(at(6), vg_pu, POSITIVE);
            }
        }
    }

    fn check_branches(&self, buses: &HashSet<u32>, found: &mut Problems) {
        for (i, branch) in self.branches.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Branch,
                row: i + 1,
                column,
            };
            for (column, bus) in [(1, branch.from), (2, branch.to)] {
                if !buses.contains(&bus) {
                    found.push(at(column), Fault::UnknownBus(bus));
                }
            }
            if branch.from == branch.to {
                found.push(at(0), Fault::Loop(branch.from));
            }
            let values = [
                (3, branch.r_pu),
                (4, branch.x_pu),
                (5, branch.b_pu),
                (9, branch.ratio),
                (10, branch.shift_degree),
            ];
            found.finite(at, &values);
            if branch.rate_a_mva.is_nan() {
                found.number(at(6), branch.rate_a_mva, "a number");
            }
            if branch.in_service && branch.r_pu == 0.0 && branch.x_pu == 0.0 {
                found.push(at(0), Fault::NoImpedance(branch.from, branch.to));
            }
        }
    }
}
