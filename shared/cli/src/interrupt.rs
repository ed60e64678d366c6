//! Ctrl-C and SIGTERM: once to stop in order, twice to stop at once.

use std::{
    future, io,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

use crate::{Exit, Failure};

/// Tells the work that runs of the next signal. Gone once used; and of no use when the work is
/// done, because nobody listens any more.
static WORK: Mutex<Option<oneshot::Sender<()>>> = Mutex::new(None);

/// Runs asynchronous work on this thread until it is done or interrupted; see [`or_interrupted`].
///
/// # Errors
/// When it was interrupted, or when the runtime cannot be made.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    runtime()?.block_on(or_interrupted(work))
}

/// Runs work until it is done, or until Ctrl-C or SIGTERM, which drop it where it stands.
///
/// What has to be cleaned up then is done by the caller, when this returns. From the first signal
/// on, and when the work is done, another signal ends the process at once. One call at a time.
///
/// # Errors
/// [`Exit::Interrupted`] when it was interrupted; [`Exit::CouldNotRun`] when the signals cannot
/// be listened to.
pub async fn or_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let signal = signalled()?;
    let work = pin!(work);
    tokio::select! {
        biased;
        () = signal => Err(Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted"))),
        output = work => Ok(output),
    }
}

/// Runs asynchronous work on this thread that deals with signals itself, step by step: by
/// [`or_interrupted`] where it may be dropped, and by [`signalled`] where it has to end in order. A
/// client lives in the runtime that it was made in, so all steps that use it belong in here.
///
/// # Errors
/// When the runtime cannot be made.
pub fn block_on_steps<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(runtime()?.block_on(work))
}

/// Comes to its end with the next signal. From then on, or once it is dropped, another signal ends
/// the process at once. One at a time.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn signalled() -> io::Result<impl Future<Output = ()>> {
    listen()?;
    let (sender, signal) = oneshot::channel();
    *lock(&WORK) = Some(sender);
    Ok(async move {
        // The sender is dropped where another call has taken its place: nothing will come then.
        if signal.await.is_err() {
            future::pending::<()>().await;
        }
    })
}

/// Starts the thread that listens to signals, and waits until it does.
///
/// It has a runtime of its own, because the caller's may be blocked in just what the user is
/// tired of waiting for.
fn listen() -> io::Result<()> {
    static LISTENING: Mutex<bool> = Mutex::new(false);
    let mut listening = lock(&LISTENING);
    if !*listening {
        let (sender, started) = mpsc::channel();
        thread::Builder::new().name("interrupt".into()).spawn(move || pass_signals_on(&sender))?;
        started.recv().map_err(io::Error::other)??;
        *listening = true;
    }
    Ok(())
}

fn pass_signals_on(started: &mpsc::Sender<io::Result<()>>) {
    let outcome = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let mut signals = Signals::listen()?;
            let _ = started.send(Ok(()));
            loop {
                signals.next().await;
                let work = lock(&WORK).take();
                if work.is_none_or(|work| work.send(()).is_err()) {
                    quit();
                }
            }
        })
    });
    let _ = started.send(outcome);
}

#[expect(clippy::exit, reason = "the second Ctrl-C means: now, whatever else is going on")]
fn quit() {
    std::process::exit(Exit::Interrupted.code().into());
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// No code panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_done_gives_its_output() {
        assert_eq!(block_on(async { 7 }).unwrap(), 7);
        assert_eq!(block_on(async { "again" }).unwrap(), "again");
    }
}
