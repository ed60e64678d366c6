//! Runs that end in the middle, and are taken up again.

use std::os::unix::process::ExitStatusExt as _;

use crate::dirty::{Dirty, run};

#[test]
fn a_run_that_was_killed_is_taken_up_with_its_backup() {
    let Some(dirty) = Dirty::new("killed") else { return };
    let before = dirty.dump();
    let mut command = dirty.clean(&["--yes"]);
    dirty.instead_of_iptables(
        &mut command,
        "case \"$*\" in *-X*) kill -9 $PPID;; esac\nexec $REAL \"$@\"",
    );
    let status = command.output().unwrap().status;
    assert_eq!(status.signal(), Some(9));
    let first = dirty.backups();
    assert_eq!(first.len(), 1);
    assert_ne!(dirty.dump(), before);

    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains(&format!("Backup: /var/lib/kcilium/{}", first[0])), "{out}");
    assert_eq!(dirty.backups(), first);

    // It has what the first run took, too.
    let backup = format!("/var/lib/kcilium/{}", first[0]);
    let (code, out, err) = run(&mut dirty.command(&["undo", &backup, "--local", "--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let after = dirty.dump();
    assert!(
        after["kernel"].contains("-A PREROUTING -m comment --comment \"cilium-feeder"),
        "{after:?}"
    );
    assert!(after["kernel"].contains("fwmark 0x200/0xf00 lookup 2004"), "{after:?}");

    // That run came to its end: what begins now is saved anew.
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(dirty.backups().len(), 2);
}

#[test]
fn an_interrupt_lets_the_step_in_hand_end() {
    let Some(dirty) = Dirty::new("interrupted") else { return };
    let mut command = dirty.clean(&["--yes"]);
    // Long enough for the signal to be noticed before the step ends.
    dirty.instead_of_iptables(
        &mut command,
        "case \"$*\" in *-D*) kill -2 $PPID; sleep 1;; esac\nexec $REAL \"$@\"",
    );
    let (code, out, err) = run(&mut command);
    assert_eq!(code, Some(130), "{out}{err}");
    assert!(err.contains("the step in hand was finished, and no other begun"), "{err}");
    assert!(err.contains("run the same command again"), "{err}");
    let kernel = dirty.dump()["kernel"].clone();
    assert!(!kernel.contains("cilium-feeder"), "{kernel}");
    assert!(kernel.contains("CILIUM_PRE_mangle"), "{kernel}");
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(dirty.backups().len(), 1);
}

#[test]
fn two_runs_do_not_meet() {
    let Some(dirty) = Dirty::new("locked") else { return };
    let directory = dirty.root().join("var/lib/kcilium");
    std::fs::create_dir_all(&directory).unwrap();
    dirty.shell(&format!("chmod 700 {}", directory.display())).unwrap();
    let before = dirty.dump();
    let lock = std::fs::File::create(directory.join(".lock")).unwrap();
    lock.lock().unwrap();
    let (code, _, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("another run cleans this host"), "{err}");
    assert_eq!(dirty.dump(), before);
}
