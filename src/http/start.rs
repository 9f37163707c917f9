//! The bodies of start and of the change of speed: what they may say, and what is wrong with them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use utoipa::ToSchema;

use crate::grid::{
    command::{Start, StartMode},
    run::{MAX_DISTURBANCES, MAX_NOISE, MAX_SEED, MAX_SPEED},
    time::Timestamp,
};

use super::{body::is_object, error::ApiError, json};

/// Settings of a run. All are optional; what is missing comes from the settings of the server.
#[derive(Debug, Default, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"seed": 42, "simulatedStart": "2026-06-21T10:00:00Z"}))]
pub(super) struct StartBody {
    /// Seed of all random numbers; equal seeds give equal values. Drawn if neither given nor set.
    #[schema(value_type = u64, required = false, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    seed: Option<u64>,
    /// Simulated seconds per second. The periods on the wire stay.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 100)]
    speed: Option<u32>,
    /// Simulated time at the start, 1970 to 2100; UTC if without an offset. The present if missing.
    #[schema(value_type = String, required = false, format = DateTime)]
    simulated_start: Option<Timestamp>,
    /// Factor on measurement noise.
    #[schema(value_type = f64, required = false, minimum = 0, maximum = 10)]
    noise: Option<f64>,
    /// Random disturbances per simulated hour.
    #[schema(value_type = f64, required = false, minimum = 0, maximum = 3600)]
    disturbances: Option<f64>,
}

/// A change of the run.
#[derive(Debug, PartialEq, ToSchema)]
#[schema(example = json!({"speed": 10}))]
pub(super) struct PatchBody {
    /// Simulated seconds per second.
    #[schema(minimum = 1, maximum = 100)]
    pub(super) speed: u32,
}

impl StartBody {
    /// Reads a body. One that is not a JSON object says nothing.
    pub(super) fn read(body: &[u8], highest_speed: u32) -> Result<Self, ApiError> {
        let Some(mut fields) = Fields::of(body)? else {
            return Ok(Self::default());
        };
        let read = Self {
            seed: fields.take("seed", seed),
            speed: fields.take("speed", |value| speed(value, highest_speed)),
            simulated_start: fields.take("simulatedStart", instant),
            noise: fields.take("noise", |value| number(value, MAX_NOISE)),
            disturbances: fields.take("disturbances", |value| number(value, MAX_DISTURBANCES)),
        };
        fields.finish(read)
    }

    /// The start it asks for, on top of `start`, which holds the settings of the server.
    pub(super) fn over(self, start: &Start) -> Start {
        let mode = if self == Self::default() {
            start.mode
        } else {
            StartMode::WithSettings
        };
        Start {
            mode,
            seed: self.seed.unwrap_or(start.seed),
            speed: self.speed.unwrap_or(start.speed),
            simulated_start: self.simulated_start.or(start.simulated_start),
            noise: self.noise.unwrap_or(start.noise),
            disturbances: self.disturbances.unwrap_or(start.disturbances),
        }
    }
}

impl PatchBody {
    /// Reads a body, which must be an object with a speed and nothing else.
    pub(super) fn read(body: &[u8], highest_speed: u32) -> Result<Self, ApiError> {
        let wanted = || vec!["send a JSON object such as {\"speed\": 10}".to_owned()];
        let mut fields = Fields::of(body)?.ok_or_else(|| ApiError::BadRequest(wanted()))?;
        let missing = !fields.given.contains_key("speed");
        let speed = fields.take("speed", |value| speed(value, highest_speed));
        if missing {
            fields.problems.push("speed is missing".into());
        }
        let unknown: Vec<_> = fields
            .given
            .keys()
            .map(|key| format!("{key} cannot be changed"))
            .collect();
        fields.problems.extend(unknown);
        let speed = fields.finish(speed)?;
        speed
            .map(|speed| Self { speed })
            .ok_or_else(|| ApiError::BadRequest(wanted()))
    }
}

/// The keys of an object, taken out one by one, and what is wrong with them.
struct Fields<'a> {
    given: json::Fields<'a>,
    problems: Vec<String>,
}

impl<'a> Fields<'a> {
    /// `None` if the body is no JSON object.
    fn of(body: &'a [u8]) -> Result<Option<Self>, ApiError> {
        if let Ok(given) = serde_json::from_slice(body) {
            return Ok(Some(Self {
                given,
                problems: Vec::new(),
            }));
        }
        // Its values must not be lost because of its keys.
        if is_object(body) {
            return Err(ApiError::BadRequest(vec![json::bad_key(body)]));
        }
        Ok(None)
    }

    fn take<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.given.remove(key)?;
        match read(value.get()) {
            Ok(read) => Some(read),
            Err(wanted) => {
                self.problems.push(format!("{key} must be {wanted}"));
                None
            }
        }
    }

    fn finish<T>(self, read: T) -> Result<T, ApiError> {
        if self.problems.is_empty() {
            Ok(read)
        } else {
            Err(ApiError::BadRequest(self.problems))
        }
    }
}

/// A whole number in JavaScript's sense: `1`, `1.0` and `1e0` are the same.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and in range"
)]
fn whole(json: &str, min: u64, max: u64) -> Result<u64, String> {
    if let Ok(exact) = json.parse::<u64>() {
        return if (min..=max).contains(&exact) {
            Ok(exact)
        } else {
            Err(whole_wanted(min, max))
        };
    }
    let number: Option<f64> = serde_json::from_str(json).ok();
    number
        .filter(|number| number.fract() == 0.0 && *number >= min as f64 && *number <= max as f64)
        .map(|number| number as u64)
        .ok_or_else(|| whole_wanted(min, max))
}

fn whole_wanted(min: u64, max: u64) -> String {
    format!("a whole number from {min} to {max}")
}

fn seed(json: &str) -> Result<u64, String> {
    whole(json, 0, MAX_SEED)
}

fn speed(json: &str, highest: u32) -> Result<u32, String> {
    let speed = whole(json, 1, MAX_SPEED.into())?;
    match u32::try_from(speed) {
        Ok(speed) if speed <= highest => Ok(speed),
        _ => Err(format!(
            "at most {highest}: this server is not fast enough for more"
        )),
    }
}

fn number(json: &str, max: f64) -> Result<f64, String> {
    let number: Option<f64> = serde_json::from_str(json).ok();
    number
        .filter(|number| (0.0..=max).contains(number))
        .ok_or_else(|| format!("a number from 0 to {max}"))
}

fn instant(json: &str) -> Result<Timestamp, String> {
    let text: Option<String> = serde_json::from_str(json).ok();
    text.and_then(|text| parse_instant(&text))
        .filter(|time| (Timestamp::from_unix_ms(0)..end_of_2100()).contains(time))
        .ok_or_else(|| "an ISO 8601 time from 1970 to 2100, such as 2026-06-21T10:00:00Z".into())
}

fn end_of_2100() -> Timestamp {
    Timestamp::from_unix_ms(4_133_980_800_000)
}

/// Reads an ISO 8601 time; UTC if without an offset.
pub(super) fn parse_instant(text: &str) -> Option<Timestamp> {
    let utc = |time: NaiveDateTime| Utc.from_utc_datetime(&time);
    let time = DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .or_else(|_| text.parse().map(utc))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map(utc))
        .or_else(|_| {
            DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z").map(|time| time.with_timezone(&Utc))
        })
        .or_else(|_| text.parse::<NaiveDate>().map(|day| utc(day.into())))
        .ok()?;
    Some(Timestamp::from_unix_ms(time.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(body: &str) -> Vec<String> {
        match StartBody::read(body.as_bytes(), 100) {
            Err(ApiError::BadRequest(problems)) => problems,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn whatever_is_no_object_says_nothing() {
        for body in [
            "",
            "seed=1",
            "[1]",
            "{bad",
            "null",
            r#"{"other": {"seed": "x"}}"#,
        ] {
            assert_eq!(
                StartBody::read(body.as_bytes(), 100),
                Ok(StartBody::default()),
                "{body}"
            );
        }
    }

    #[test]
    fn keys_that_are_no_text_do_not_hide_the_values() {
        let found = problems(r#"{"speed": 500, "\ud800": 1}"#);
        assert!(found[0].contains("\\ud800, half of one"), "{found:?}");
        assert!(PatchBody::read(br#"{"speed": 5, "\ud800": 1}"#, 100).is_err());
    }

    #[test]
    fn all_settings_are_read() {
        let body = r#"{"seed": 9007199254740991, "speed": 1e2, "noise": 0, "disturbances": 3600,
            "simulatedStart": "2026-06-21T12:00:00+02:00"}"#;
        let read = StartBody::read(body.as_bytes(), 100).unwrap();
        assert_eq!((read.seed, read.speed), (Some(MAX_SEED), Some(100)));
        assert_eq!((read.noise, read.disturbances), (Some(0.0), Some(3600.0)));
        assert_eq!(
            read.simulated_start.unwrap().to_string(),
            "2026-06-21T10:00:00.000Z"
        );
    }

    #[test]
    fn all_problems_are_named() {
        let body = r#"{"seed": -1, "speed": 1.5, "noise": "1", "disturbances": null, "simulatedStart": 5}"#;
        let problems = problems(body);
        for key in ["seed", "speed", "noise", "disturbances", "simulatedStart"] {
            assert!(
                problems.iter().any(|problem| problem.starts_with(key)),
                "{key}: {problems:?}"
            );
        }
        assert!(
            problems
                .iter()
                .any(|problem| problem == "seed must be a whole number from 0 to 9007199254740991")
        );
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        for text in [
            "2026-06-21T10:00:00",
            "2026-06-21T10:00",
            "2026-06-21T10:00:00.000Z",
            "2026-06-21T12:00+02:00",
        ] {
            assert_eq!(
                parse_instant(text).unwrap().to_string(),
                "2026-06-21T10:00:00.000Z",
                "{text}"
            );
        }
        assert_eq!(
            parse_instant("2026-06-21").unwrap().to_string(),
            "2026-06-21T00:00:00.000Z"
        );
        for bad in [
            "1969-12-31T23:59:59Z",
            "2101-01-01T00:00:00Z",
            "tomorrow",
            "",
        ] {
            assert!(instant(&format!("{bad:?}")).is_err(), "{bad}");
        }
        assert!(instant("\"2100-12-31T23:59:59Z\"").is_ok());
    }

    #[test]
    fn a_speed_beyond_the_machine_is_refused_with_the_highest() {
        let Err(ApiError::BadRequest(problems)) = StartBody::read(br#"{"speed": 9}"#, 8) else {
            panic!()
        };
        assert!(problems[0].contains("at most 8"), "{problems:?}");
    }

    #[test]
    fn a_change_is_a_speed_and_nothing_else() {
        assert_eq!(
            PatchBody::read(br#"{"speed": 7}"#, 100),
            Ok(PatchBody { speed: 7 })
        );
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"speed": 0}"#,
            r#"{"speed": 101}"#,
            r#"{"speed": 2, "seed": 1}"#,
        ] {
            assert!(PatchBody::read(bad.as_bytes(), 100).is_err(), "{bad}");
        }
    }
}
