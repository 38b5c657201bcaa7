//! Reading of answers. What is missing, or something else than is looked for, is nothing.

use serde_json::Value;

/// A text; empty where there is none.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A finite number, which Flink writes as a text where it is a metric's value. Not a number is nothing.
pub fn number(value: &Value, field: &str) -> Option<f64> {
    let found = value.get(field)?;
    let number = match found {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A finite number of at least 0: Flink writes -1 for what is unknown.
pub fn amount(value: &Value, field: &str) -> Option<f64> {
    number(value, field).filter(|number| *number >= 0.0)
}

/// A whole number of at least 0.
pub fn whole(value: &Value, field: &str) -> Option<u64> {
    value.get(field).and_then(Value::as_u64)
}

/// A whole number of at least 0 that counts things of a cluster.
pub fn count(value: &Value, field: &str) -> Option<u32> {
    whole(value, field).and_then(|count| u32::try_from(count).ok())
}

/// The elements of a list.
pub fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// The elements of an answer that is a list itself.
pub fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The nearest whole number of at least 0; casts saturate.
pub fn rounded(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_or_no_number_is_nothing_and_never_zero() {
        let answer = json!({ "a": 3, "b": "4.5", "c": "NaN", "d": null, "e": -1, "f": "many" });
        let read = |field| number(&answer, field);
        assert_eq!([read("a"), read("b"), read("e")], [Some(3.0), Some(4.5), Some(-1.0)]);
        assert_eq!(["c", "d", "f", "g"].map(read), [None; 4]);
        assert_eq!(
            (amount(&answer, "e"), whole(&answer, "e"), text(&answer, "a")),
            (None, None, "")
        );
    }
}
