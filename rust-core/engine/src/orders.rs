//! Orders of an operator, left as a file beside the status file.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use thalweg_core::state::Order;

const FILE: &str = "order.json";
/// Where an order that cannot be read is put, so that nothing is lost and nothing is read twice.
const REFUSED: &str = "order.refused.json";

/// Takes the order that lies in a folder, if there is one.
pub fn take(folder: &Path) -> Option<Order> {
    let file = folder.join(FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "order not read");
            return None;
        }
    };
    match serde_json::from_str::<Order>(&text) {
        Ok(order) => {
            if let Err(error) = fs::remove_file(&file) {
                // It would be read, and carried out, again and again.
                tracing::warn!(file = %file.display(), %error, "order not taken");
                return None;
            }
            tracing::info!(?order, "order taken");
            Some(order)
        }
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "order refused");
            if let Err(error) = fs::rename(&file, folder.join(REFUSED)) {
                tracing::warn!(file = %file.display(), %error, "refused order not put aside");
            }
            None
        }
    }
}

/// Puts an order aside that nothing can come of: no topology is named so.
pub fn refuse(folder: &Path, order: &Order) {
    tracing::warn!(topology = order.topology, "order refused: no topology has this name or id");
    let kept = serde_json::to_vec(order).map(|bytes| fs::write(folder.join(REFUSED), bytes));
    if let Err(error) | Ok(Err(error)) =
        kept.map(|r| r.map_err(|e| e.to_string())).map_err(|e| e.to_string())
    {
        tracing::warn!(error, "refused order not put aside");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_taken_once_and_a_bad_one_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(take(folder.path()), None);
        let file = folder.path().join(FILE);
        fs::write(&file, r#"{"topology": "words", "counts": {"split": 4}}"#).unwrap();
        assert_eq!(take(folder.path()).unwrap().counts["split"], 4);
        assert_eq!(take(folder.path()), None);
        fs::write(&file, r#"{"topology": "words", "count": {"split": 4}}"#).unwrap();
        assert_eq!(take(folder.path()), None);
        assert!(folder.path().join(REFUSED).exists() && !file.exists());
    }

    #[test]
    fn a_refused_order_can_be_left_again() {
        let folder = tempfile::tempdir().unwrap();
        let order = Order { topology: "nobody".to_owned(), ..Order::default() };
        refuse(folder.path(), &order);
        fs::rename(folder.path().join(REFUSED), folder.path().join(FILE)).unwrap();
        assert_eq!(take(folder.path()), Some(order));
    }
}
