//! A disk that is full, filled by others, or closed.

use std::{
    fs::{self, File},
    io::Write,
};

use corral_contract::ErrorCode;
use corral_core::transfers::Why;

use super::{MB, Place, order, transfers};
use crate::small_disk::SmallDisk;

// criterion: 11.4
#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_read_only_disk_says_so_before_a_byte_is_fetched() {
    let Some(disk) = SmallDisk::mount() else { return };
    let place = Place::new(9, 8 * MB).await;
    let staging = disk.place().join("staging");
    let order = || order(&place.registry.host(), &place.digest(), place.content.size, &staging);
    let full = transfers().join(order()).whole().await.expect_err("it has three megabytes");
    assert_eq!((full.why, full.error.code), (Why::Full, ErrorCode::DiskFull));
    disk.remount("ro");
    let closed = transfers().join(order()).whole().await.expect_err("nobody may write");
    assert_eq!((closed.why, closed.error.code), (Why::Final, ErrorCode::StorePermission));
    disk.remount("rw");
    assert_eq!(place.registry.sent(&place.content.digest), 0);
}

// criterion: 11.4
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_others_fill_in_the_middle_has_room_for_what_was_begun() {
    let Some(disk) = SmallDisk::mount() else { return };
    let place = Place::new(14, 2 * MB).await;
    place.registry.rate(Some(200_000));
    let staging = disk.place().join("staging");
    let order = order(&place.registry.host(), &place.digest(), place.content.size, &staging);
    let share = transfers().join(order);
    let mut standing = share.standing();
    standing.wait_for(|standing| standing.done > 0).await.expect("it goes on");
    let mut others = File::create(disk.place().join("others")).expect("a file");
    let full = loop {
        if let Err(error) = others.write_all(&[1; 4096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    place.registry.rate(None);
    let whole = share.whole().await.expect("its room was set aside");
    whole.publish(&disk.place().join("blob")).expect("a rename needs none");
    assert_eq!(fs::read(disk.place().join("blob")).expect("it is there").len() as u64, 2 * MB);
}
