//! Where each tile of a picture lies: areas as large as their values, as square as can be.

/// A place in percent of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places for values, the largest first; `ratio` is the width of the picture over its height.
/// Values of nothing get no place.
pub(super) fn places(values: &[u64], ratio: f64) -> Vec<Place> {
    let whole: f64 = values.iter().map(|value| *value as f64).sum();
    let mut places = Vec::with_capacity(values.len());
    let mut free = Place { left: 0.0, top: 0.0, width: 100.0 * ratio, height: 100.0 };
    let area = free.width * free.height;
    let sizes: Vec<f64> = values
        .iter()
        .filter(|value| **value > 0)
        .map(|value| *value as f64 / whole.max(1.0) * area)
        .collect();
    let mut rest = sizes.as_slice();
    while !rest.is_empty() {
        let side = free.width.min(free.height);
        let mut take = 1;
        while take < rest.len() && worst(&rest[..=take], side) <= worst(&rest[..take], side) {
            take += 1;
        }
        lay(&rest[..take], &mut free, &mut places);
        rest = &rest[take..];
    }
    for place in &mut places {
        place.left /= ratio;
        place.width /= ratio;
    }
    places
}

/// How far from a square the worst of a row would be.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let thick = sum / side;
    row.iter()
        .map(|area| {
            let long = area / thick;
            (long / thick).max(thick / long)
        })
        .fold(0.0, f64::max)
}

/// Lays a row along the shorter side and takes its strip away from what is free.
fn lay(row: &[f64], free: &mut Place, places: &mut Vec<Place>) {
    let sum: f64 = row.iter().sum();
    let upright = free.width >= free.height;
    let side = if upright { free.height } else { free.width };
    let thick = sum / side;
    let mut along = 0.0;
    for area in row {
        let long = area / thick;
        places.push(if upright {
            Place { left: free.left, top: free.top + along, width: thick, height: long }
        } else {
            Place { left: free.left + along, top: free.top, width: long, height: thick }
        });
        along += long;
    }
    if upright {
        free.left += thick;
        free.width -= thick;
    } else {
        free.top += thick;
        free.height -= thick;
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn tiles_fill_the_picture_in_proportion_and_lie_beside_each_other() {
        let values = [60, 20, 10, 5, 5];
        let places = places(&values, 4.0);
        for (value, place) in values.iter().zip(&places) {
            let area = place.width * place.height;
            assert!((area - f64::from(*value as u32) * 100.0).abs() < 0.01, "{value}: {place:?}");
            assert!(place.left > -0.01 && place.left + place.width < 100.01, "{place:?}");
            assert!(place.top > -0.01 && place.top + place.height < 100.01, "{place:?}");
        }
        for (index, one) in places.iter().enumerate() {
            for other in &places[index + 1..] {
                let beside = one.left + one.width <= other.left + 0.01
                    || other.left + other.width <= one.left + 0.01
                    || one.top + one.height <= other.top + 0.01
                    || other.top + other.height <= one.top + 0.01;
                assert!(beside, "{one:?} {other:?}");
            }
        }
        assert!(super::places(&[0, 0], 4.0).is_empty());
    }
}
