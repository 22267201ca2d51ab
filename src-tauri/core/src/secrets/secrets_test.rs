use std::sync::Mutex as StdMutex;

use super::*;
use crate::db::MIGRATIONS;

/// A keychain in memory that can be locked.
#[derive(Default)]
struct Played {
    kept: StdMutex<Option<Vec<u8>>>,
    locked: StdMutex<bool>,
}

impl Played {
    fn lock(&self, locked: bool) {
        *self.locked.lock().expect("not poisoned") = locked;
    }

    fn check(&self) -> std::result::Result<(), Refused> {
        let locked = *self.locked.lock().expect("not poisoned");
        if locked { Err(Refused("locked".to_owned())) } else { Ok(()) }
    }
}

impl Keychain for Played {
    fn read(&self) -> std::result::Result<Option<Vec<u8>>, Refused> {
        self.check()?;
        Ok(self.kept.lock().expect("not poisoned").clone())
    }

    fn write(&self, secret: &[u8]) -> std::result::Result<(), Refused> {
        self.check()?;
        *self.kept.lock().expect("not poisoned") = Some(secret.to_vec());
        Ok(())
    }

    fn probe(&self, _: &[u8]) -> std::result::Result<(), Refused> {
        self.check()
    }
}

async fn database() -> Db {
    let db = Db::in_memory().await.expect("a database");
    MIGRATIONS.run(db.writer()).await.expect("the schema");
    db
}

#[tokio::test]
async fn a_secret_opens_again_for_its_purpose_only() {
    let (db, folder) = (database().await, tempfile::tempdir().expect("a folder"));
    let chain = Arc::new(Played::default());
    let secrets = Secrets::new(db.clone(), Some(chain.clone()), folder.path());
    assert_eq!(
        secrets.fact().await,
        SecretsFact::default(),
        "nothing is asked before it is needed"
    );
    let sealed = secrets.seal("registry:a", "hunter2").await.expect("sealed");
    assert!(is_sealed(&sealed) && !sealed.contains("hunter2"));
    assert_ne!(sealed, secrets.seal("registry:a", "hunter2").await.expect("sealed"));
    assert_eq!(secrets.open("registry:a", &sealed).await.as_deref(), Ok("hunter2"));
    let moved = secrets.open("registry:b", &sealed).await.expect_err("it was for another");
    assert_eq!(moved.code, ErrorCode::SecretsLocked);
    assert_eq!(secrets.fact().await.place, Some(SecretPlace::Keychain));
    assert!(!folder.path().join(FILE).exists(), "no copy of the key lies about");

    // The next start: the key is where it was; while the keychain is locked it is not made anew.
    chain.lock(true);
    let next = Secrets::new(db.clone(), Some(chain.clone()), folder.path());
    let refused = next.open("registry:a", &sealed).await.expect_err("locked");
    assert_eq!(refused.code, ErrorCode::SecretsLocked);
    assert!(next.seal("registry:a", "x").await.is_err());
    assert!(next.fact().await.problem.is_some());
    chain.lock(false);
    assert_eq!(next.open("registry:a", &sealed).await.as_deref(), Ok("hunter2"));
    assert_eq!(next.fact().await.problem, None);
}

#[tokio::test]
async fn without_a_keychain_the_key_is_a_file_for_its_owner_alone() {
    let (db, folder) = (database().await, tempfile::tempdir().expect("a folder"));
    let chain = Arc::new(Played::default());
    chain.lock(true);
    let secrets = Secrets::new(db.clone(), Some(chain.clone()), folder.path());
    let sealed = secrets.seal("p", "秘密").await.expect("sealed");
    assert_eq!(secrets.fact().await.place, Some(SecretPlace::File));
    let file = folder.path().join(FILE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // A keychain that works later does not make the file forgotten.
    chain.lock(false);
    let next = Secrets::new(db.clone(), Some(chain), folder.path());
    assert_eq!(next.open("p", &sealed).await.as_deref(), Ok("秘密"));
    std::fs::remove_file(&file).expect("removed");
    let lost = Secrets::new(db, None, folder.path());
    assert_eq!(lost.open("p", &sealed).await.expect_err("gone").code, ErrorCode::SecretsLocked);
    let anew = lost.seal("p", "again").await.expect("what comes now is kept");
    assert_eq!(lost.open("p", &anew).await.as_deref(), Ok("again"));
}
