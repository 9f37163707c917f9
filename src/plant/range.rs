//! Checks of parameters that come from outside.

use std::ops::RangeInclusive;

/// A number's name, its value and the range it has to be in.
pub(super) type NumberInRange = (&'static str, f64, RangeInclusive<f64>);

/// One sentence for each number that is outside its range.
pub(super) fn problems(numbers: impl IntoIterator<Item = NumberInRange>) -> Vec<String> {
    numbers
        .into_iter()
        .filter(|(_, value, range)| !range.contains(value))
        .map(|(name, value, range)| {
            format!(
                "{name} must be from {} to {}, not {value}",
                range.start(),
                range.end()
            )
        })
        .collect()
}

/// The problems of a part, each with its name.
pub(super) fn named(name: &str, problems: Vec<String>) -> impl Iterator<Item = String> {
    let problems = problems.into_iter();
    problems.map(move |problem| format!("{name}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::problems;

    #[test]
    fn what_is_outside_is_told_and_no_number_is_outside() {
        let found = problems([
            ("tilt_degree", 200.0, 0.0..=180.0),
            ("albedo", 1.0, 0.0..=1.0),
            ("losses", f64::NAN, 0.0..=1.0),
        ]);
        let expected = [
            "tilt_degree must be from 0 to 180, not 200",
            "losses must be from 0 to 1, not NaN",
        ];
        assert_eq!(found, expected);
    }
}
