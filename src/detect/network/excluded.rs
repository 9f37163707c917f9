//! Sensors that are not to count, and what the others then say.

use super::algebra::dot;

/// A signature of which less than this share is left adds no direction: rounding would choose it.
const NEW_DIRECTION: f64 = 1e-3;
/// A sensor of whose signature less than this share is left is not judged: the excluded ones could explain
/// nearly all that it shows.
const JUDGEABLE: f64 = 0.2;

/// An orthonormal basis of signatures that are not to count.
#[derive(Debug, Default)]
pub(in crate::detect) struct Excluded {
    basis: Vec<Vec<f64>>,
}

impl Excluded {
    /// Adds a direction.
    pub(in crate::detect) fn add(&mut self, signature: &[f64]) {
        let mut rest = signature.to_vec();
        self.project(&mut rest);
        let length = dot(&rest, &rest).sqrt();
        if length > NEW_DIRECTION * dot(signature, signature).sqrt() {
            for value in &mut rest {
                *value /= length;
            }
            self.basis.push(rest);
        }
    }

    /// Takes the excluded directions out of a vector.
    pub(in crate::detect) fn project(&self, vector: &mut [f64]) {
        for direction in &self.basis {
            let share = dot(direction, vector);
            for (value, along) in vector.iter_mut().zip(direction) {
                *value -= share * along;
            }
        }
    }

    /// Whether no direction is excluded.
    fn is_empty(&self) -> bool {
        self.basis.is_empty()
    }
}

/// How the parity vector judges a sensor.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Normalised {
    /// Standard deviations of the parity vector along the sensor's signature.
    pub(in crate::detect) score: f64,
    /// How many of them one standard deviation of the sensor's noise makes.
    pub(in crate::detect) length: f64,
}

/// The normalised residual of a sensor. None where what is excluded leaves nothing of the signature.
pub(in crate::detect) fn normalised(
    vector: &[f64],
    signature: &[f64],
    excluded: &Excluded,
) -> Option<Normalised> {
    if excluded.is_empty() {
        let length = dot(signature, signature).sqrt();
        return (length > 0.0).then(|| Normalised {
            score: dot(vector, signature) / length,
            length,
        });
    }
    let before = dot(signature, signature).sqrt();
    let mut rest = signature.to_vec();
    excluded.project(&mut rest);
    let length = dot(&rest, &rest).sqrt();
    (length > JUDGEABLE * before).then(|| Normalised {
        score: dot(vector, &rest) / length,
        length,
    })
}
