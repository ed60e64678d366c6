//! A spinner on standard error, for work that takes its time.

use std::{
    borrow::Cow,
    io,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::OutputFormat;

/// How long work may take before anything is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(120);

/// Whether a spinner may be shown at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Where standard error is a terminal, and not `TERM=dumb`.
    OnTerminal,
    /// Nowhere.
    Never,
}

impl From<OutputFormat> for Visibility {
    /// Formats that programs read come without a spinner.
    fn from(format: OutputFormat) -> Self {
        if format.is_for_machines() { Self::Never } else { Self::OnTerminal }
    }
}

/// A spinner with a message, which appears when the work takes longer than a second, and is
/// wiped away when it is finished or dropped.
///
/// It needs no clean-up that a panic must not skip: it does not hide the cursor, nor change the
/// terminal's mode.
#[derive(Debug)]
pub struct Spinner {
    bar: ProgressBar,
    appearance: Option<Appearance>,
}

/// The thread that waits for the patience to end. Dropping the sender wakes it up at once.
#[derive(Debug)]
struct Appearance {
    work_goes_on: Sender<()>,
    thread: JoinHandle<()>,
}

impl Spinner {
    /// Whether one would be seen: standard error is a terminal that can wipe it away.
    pub fn is_possible() -> bool {
        !ProgressDrawTarget::stderr().is_hidden()
    }

    /// Starts waiting. The message says what is being done: "reading nodes".
    pub fn start(message: impl Into<Cow<'static, str>>, visibility: Visibility) -> Self {
        let target = match visibility {
            Visibility::OnTerminal => ProgressDrawTarget::stderr(),
            Visibility::Never => ProgressDrawTarget::hidden(),
        };
        Self::appearing_after(PATIENCE, message.into(), target)
    }

    fn appearing_after(
        patience: Duration,
        message: Cow<'static, str>,
        target: ProgressDrawTarget,
    ) -> Self {
        // Plain ASCII: not every console has the usual Braille pictures.
        let style = ProgressStyle::default_spinner().tick_chars(r"|/-\ ");
        let bar = ProgressBar::hidden().with_style(style).with_message(message);
        let appearance = if target.is_hidden() {
            None
        } else {
            Appearance::after(patience, bar.clone(), target).ok()
        };
        Self { bar, appearance }
    }

    /// Says what is being done now.
    pub fn set_message(&self, message: impl Into<Cow<'static, str>>) {
        self.bar.set_message(message);
    }

    /// Wipes the spinner away while `print` writes to the terminal.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Wipes the spinner away. Dropping it does the same.
    pub fn finish(self) {}
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(Appearance { work_goes_on, thread }) = self.appearance.take() {
            drop(work_goes_on);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

impl Appearance {
    fn after(patience: Duration, bar: ProgressBar, target: ProgressDrawTarget) -> io::Result<Self> {
        let (work_goes_on, work_ended) = mpsc::channel();
        let thread = thread::Builder::new().name("spinner".into()).spawn(move || {
            if work_ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                bar.set_draw_target(target);
                bar.enable_steady_tick(TICK);
            }
        })?;
        Ok(Self { work_goes_on, thread })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// Notes what is written, and tells of every write.
    #[derive(Clone, Debug)]
    struct Screen {
        written: Arc<Mutex<String>>,
        news: Sender<()>,
    }

    impl Screen {
        fn note(&self, text: &str) {
            self.written.lock().unwrap().push_str(text);
            let _ = self.news.send(());
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.note("<cleared>");
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen() -> (Screen, mpsc::Receiver<()>) {
        let (news, receiver) = mpsc::channel();
        (Screen { written: Arc::default(), news }, receiver)
    }

    fn spinner(patience: Duration, screen: &Screen) -> Spinner {
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        Spinner::appearing_after(patience, "reading nodes".into(), target)
    }

    #[test]
    fn work_within_the_patience_shows_nothing() {
        let (screen, _news) = screen();
        let spinner = spinner(Duration::MAX, &screen);
        spinner.set_message("reading pods");
        assert_eq!(spinner.suspend(|| 1), 1);
        spinner.finish();
        assert_eq!(*screen.written.lock().unwrap(), "");
    }

    #[test]
    fn longer_work_shows_the_message_and_wipes_it_away() {
        let (screen, news) = screen();
        let spinner = spinner(Duration::ZERO, &screen);
        while !screen.written.lock().unwrap().contains("reading nodes") {
            news.recv().unwrap();
        }
        drop(spinner);
        let written = screen.written.lock().unwrap().clone();
        let after_the_message = written.rsplit("reading nodes").next().unwrap();
        assert!(after_the_message.contains("<cleared>"), "{written:?}");
    }

    #[test]
    fn hidden_spinners_start_no_thread() {
        assert!(Spinner::start("x", Visibility::Never).appearance.is_none());
    }

    #[test]
    fn programs_see_no_spinner() {
        assert_eq!(Visibility::from(OutputFormat::Json), Visibility::Never);
        assert_eq!(Visibility::from(OutputFormat::Text), Visibility::OnTerminal);
    }
}
