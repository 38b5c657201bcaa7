//! Silence is not rest.

use thalweg_policies::contestant::Contestant;
use thalweg_policies::missing::wrong_scale_downs;

#[test]
fn thalweg_never_scales_down_on_missing_measurements() {
    let who = Contestant::Policy("thalweg".to_owned());
    let (runs, wrong) = wrong_scale_downs(&who, 0..24).expect("no invariant is broken");
    assert_eq!(runs, 24);
    assert!(wrong.is_empty(), "wrong scale-downs with seeds {wrong:?}");
}
