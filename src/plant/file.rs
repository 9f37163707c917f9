//! A plant file: a case, and the units and converters around it, in TOML.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::Path,
};

use serde::Deserialize;
use thiserror::Error;

use crate::powerflow::{Case, CaseErrors};

use super::{
    converter::entry::ConverterEntry, frequency::FrequencyParameters, load::LoadParameters,
    solar::unit::SolarEntry, weather::WeatherParameters, wind::unit::WindEntry,
};

/// Case and plant file of the default plant.
const DEFAULT_CASE: &str = include_str!("default/case.json");
const DEFAULT_PLANT: &str = include_str!("default/plant.toml");
/// The largest file that is read, in bytes: some three times the largest public case.
const MAX_BYTES: u64 = 64 << 20;

/// Why a plant cannot be built.
#[derive(Debug, Error)]
pub enum PlantError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file is too large.
    #[error("{path} is larger than {} MB", MAX_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: String,
    },
    /// It is not known what kind of file it is.
    #[error("{path} ends neither in .json, .m nor .toml: give a case or a plant file")]
    UnknownKind {
        /// The file.
        path: String,
    },
    /// The case is wrong.
    #[error("{path}: {problems}")]
    Case {
        /// The file.
        path: String,
        /// All that is wrong with it.
        problems: CaseErrors,
    },
    /// The plant file is wrong.
    #[error("{path}: {problems}")]
    Plant {
        /// The file.
        path: String,
        /// All that is wrong with it.
        problems: Problems,
    },
}

/// What is wrong with a plant file, each with its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// A plant file as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlantFile {
    pub(super) case: Option<String>,
    pub(super) fleet: Option<f64>,
    pub(super) load: LoadParameters,
    pub(super) frequency: FrequencyParameters,
    pub(super) weather: WeatherParameters,
    pub(super) solar: Vec<SolarEntry>,
    pub(super) wind: Vec<WindEntry>,
    pub(super) converter: Vec<ConverterEntry>,
}

/// What a path gives: a case, and the plant around it.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The file that says what units there are, for messages.
    pub(super) path: String,
    pub(super) case: Case,
    pub(super) plant: PlantFile,
    /// All that was read, to tell one plant from another.
    pub(super) texts: Vec<Vec<u8>>,
}

/// The default plant.
pub(super) fn embedded() -> Result<Loaded, PlantError> {
    let path = "the default plant".to_owned();
    let plant = parse_plant(&path, DEFAULT_PLANT)?;
    let case = parse_json(&path, DEFAULT_CASE)?;
    Ok(Loaded {
        path,
        case,
        plant,
        texts: vec![DEFAULT_PLANT.into(), DEFAULT_CASE.into()],
    })
}

/// Reads a case (`.json`, `.m`), which then stands alone, or a plant file (`.toml`).
pub(super) fn load(path: &Path) -> Result<Loaded, PlantError> {
    let shown = path.display().to_string();
    let text = read(path)?;
    if !has_extension(path, "toml") {
        let case = parse_case(path, &text)?;
        return Ok(Loaded {
            path: shown,
            case,
            plant: PlantFile::default(),
            texts: vec![text],
        });
    }
    let plant = parse_plant(&shown, utf8(path, &text)?)?;
    let Some(case_path) = &plant.case else {
        return Err(PlantError::Plant {
            path: shown,
            problems: Problems(vec!["case is missing: name the file of the network".into()]),
        });
    };
    let case_path = path.parent().unwrap_or(Path::new("")).join(case_path);
    let case_text = read(&case_path)?;
    Ok(Loaded {
        path: shown,
        case: parse_case(&case_path, &case_text)?,
        plant,
        texts: vec![text, case_text],
    })
}

/// Reads a case (`.json`, `.m`) as a plant would.
///
/// # Errors
/// The file cannot be read, or is no case that can be used.
pub fn read_case(path: &Path) -> Result<Case, PlantError> {
    parse_case(path, &read(path)?)
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// The file, whose length is not believed: a pipe has none.
fn read(path: &Path) -> Result<Vec<u8>, PlantError> {
    let mut text = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text))
        .map_err(unreadable(path))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(PlantError::TooLarge {
            path: path.display().to_string(),
        });
    }
    Ok(text)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> PlantError {
    move |source| PlantError::Unreadable {
        path: path.display().to_string(),
        source,
    }
}

/// The text behind a byte order mark, which some editors write.
fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, PlantError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| unreadable(path)(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn parse_case(path: &Path, text: &[u8]) -> Result<Case, PlantError> {
    let shown = path.display().to_string();
    let case = if has_extension(path, "json") {
        return parse_json(&shown, utf8(path, text)?);
    } else if has_extension(path, "m") {
        Case::from_matpower(text)
    } else {
        return Err(PlantError::UnknownKind { path: shown });
    };
    case.map_err(|problems| PlantError::Case {
        path: shown,
        problems,
    })
}

fn parse_json(path: &str, text: &str) -> Result<Case, PlantError> {
    Case::from_json(text).map_err(|problems| PlantError::Case {
        path: path.into(),
        problems,
    })
}

fn parse_plant(path: &str, text: &str) -> Result<PlantFile, PlantError> {
    toml::from_str(text).map_err(|error| PlantError::Plant {
        path: path.into(),
        problems: Problems(vec![error.to_string().trim().to_owned()]),
    })
}
