use bytes::Bytes;

use super::*;

const SIZE: u64 = 100;

fn chunk(offset: u64, pieces: &[&[u8]]) -> Chunk {
    Chunk { offset, pieces: pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect() }
}

/// The file and the board after these chunks came, in this order, to a blob of which a part is
/// claimed.
fn after(claimed: Range<u64>, chunks: Vec<Chunk>) -> (Vec<u8>, Vec<Range<u64>>, Vec<Claim>) {
    let folder = tempfile::tempdir().expect("a folder");
    let digest = [3; 32];
    let (staged, _) = Staged::open(folder.path(), &digest, SIZE).expect("files");
    let mut board = Board::new(SIZE);
    board.claim(claimed);
    let ground = Ground::new(board);
    let (sender, receiver) = mpsc::channel(chunks.len().max(1));
    for chunk in chunks {
        sender.try_send(chunk).expect("room");
    }
    drop(sender);
    let staged = write(ground.clone(), staged, receiver).expect("a thread").join().expect("done");
    let mut bytes = vec![0; SIZE as usize];
    read_at(&staged.data, &mut bytes, 0).expect("read");
    drop(staged);
    let missing = ground.board().missing(0..SIZE);
    let (_, claims) = Staged::open(folder.path(), &digest, SIZE).expect("files");
    (bytes, missing, claims)
}

// criterion: 2.5
#[test]
fn nothing_is_written_over_what_is_there_or_claimed() {
    let first = chunk(20, &[&[1; 5], &[2; 15]]);
    let over = chunk(0, &[&[9; 33], &[8; 67]]);
    let (bytes, missing, claims) = after(60..80, vec![first, over]);
    assert_eq!(bytes[..20], [9; 20]);
    assert_eq!((&bytes[20..25], &bytes[25..40]), (&[1; 5][..], &[2; 15][..]));
    assert_eq!(bytes[40..60], [8; 20]);
    assert_eq!(bytes[60..80], [0; 20], "what is claimed is proved, not written");
    assert_eq!(bytes[80..], [8; 20]);
    assert_eq!(missing, []);
    // Each claim is about the bytes that were really written.
    for claim in claims {
        let range = claim.range();
        let part = &bytes[range.start as usize..range.end as usize];
        assert_eq!(claim.sum, crc32c::crc32c(part), "{range:?}");
    }
}
