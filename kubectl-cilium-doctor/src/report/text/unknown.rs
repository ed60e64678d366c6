//! What is not known, each reason once, with the nodes it concerns and the rules it stops.

use kcilium_core::diagnosis::Diagnosis;

use super::{Text, screen::Rank};
use crate::report::unknown::reasons;

impl Text {
    pub(super) fn unknown(&mut self, diagnosis: &Diagnosis) {
        for (number, ((subject, why), reason)) in reasons(diagnosis).into_iter().enumerate() {
            self.piece(Rank::Unknown, ("unknown", "unknowns"));
            if number == 0 {
                self.heading("Not known, so not judged");
            }
            let on = reason.on(self.nodes, self.detail);
            let codes = reason.codes().join(", ");
            self.prose("  - ", "    ", &format!("{subject}{on}: {why} ({codes})"));
        }
    }
}
