//! What the entries of a plant file have in common.

use std::collections::{HashMap, HashSet};

use super::{range, weather::Site};

/// An entry of a plant file: a unit with an id.
pub(super) trait Entry {
    /// How its id begins.
    const PREFIX: &'static str;

    /// Its id.
    fn id(&self) -> &str;

    /// What is wrong with its numbers, one sentence each.
    fn problems(&self) -> Vec<String>;
}

/// The buses of the case by their number.
pub(super) type BusesByNumber = HashMap<u32, usize>;

/// The bus that an entry names; a problem where the case has none.
pub(super) fn bus_of(
    id: &str,
    number: u32,
    buses: &BusesByNumber,
    problems: &mut Vec<String>,
) -> usize {
    buses.get(&number).copied().unwrap_or_else(|| {
        problems.push(format!("{id}: the case has no bus {number}"));
        0
    })
}

/// Checks the ids of a kind's entries; `seen` holds those before.
pub(super) fn check_ids<'a, E: Entry>(
    entries: &'a [E],
    seen: &mut HashSet<&'a str>,
    problems: &mut Vec<String>,
) {
    let prefix = E::PREFIX;
    for id in entries.iter().map(Entry::id) {
        let rest = id.strip_prefix(prefix).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if rest.is_empty() || rest.len() > 40 || !rest.chars().all(plain) {
            problems.push(format!(
                "{id:?}: give an id such as {prefix}001, of letters, digits, - and _"
            ));
        }
        if !seen.insert(id) {
            problems.push(format!("{id} stands there twice"));
        }
    }
}

/// Checks the numbers of a kind's entries.
pub(super) fn check_numbers<E: Entry>(entries: &[E], problems: &mut Vec<String>) {
    for entry in entries {
        problems.extend(range::named(entry.id(), entry.problems()));
    }
}

/// What is wrong with where a site is.
pub(super) fn site_problems(east_km: f64, north_km: f64) -> Vec<String> {
    range::problems([
        ("east_km", east_km, -1e4..=1e4),
        ("north_km", north_km, -1e4..=1e4),
    ])
}

/// The site of a unit, at this height above ground in m.
pub(super) fn site(id: &str, east_km: f64, north_km: f64, height_m: f64) -> Site {
    Site {
        id: id.to_owned(),
        east_km,
        north_km,
        height_m,
    }
}
