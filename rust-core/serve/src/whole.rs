//! Whole numbers of a body. Programs that know no others write them with a point (`4.0`), and in a JSON schema that is an
//! integer too.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// From here on not each whole number can be told from the next by a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number of a kind.
struct Whole<T>(T);

struct Reading<T>(PhantomData<T>);

impl<T: TryFrom<i64> + TryFrom<u64>> Visitor<'_> for Reading<T> {
    type Value = Whole<T>;

    fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(words, "{}", std::any::type_name::<T>())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(Unexpected::Signed(number), &self);
        T::try_from(number).map(Whole).map_err(|_| wrong())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(Unexpected::Unsigned(number), &self);
        T::try_from(number).map(Whole).map_err(|_| wrong())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.fract() == 0.0 && number.abs() < EXACT {
            return self.visit_i64(number as i64);
        }
        Err(E::invalid_type(Unexpected::Float(number), &self))
    }
}

impl<'de, T: TryFrom<i64> + TryFrom<u64>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading(PhantomData))
    }
}

/// Reads a number by each name.
pub fn by_name<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, u32>, D::Error> {
    let read = BTreeMap::<String, Whole<u32>>::deserialize(from)?;
    Ok(read.into_iter().map(|(name, Whole(number))| (name, number)).collect())
}

/// Reads a number, or none.
pub fn or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<Whole<i64>>::deserialize(from)?.map(|Whole(number)| number))
}
