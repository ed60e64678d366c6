//! What of a report fits on a screen.

use std::collections::BTreeMap;

/// Lines that a report has by default: what a terminal shows without scrolling.
pub(super) const LINES: usize = 40;

/// How much a piece of the report matters, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// It is told whatever the room.
    Always,
    /// How to mend the first cause.
    Mend,
    /// Why the first cause is believed.
    Why,
    /// What is broken, and not by a cause.
    Trouble,
    /// The same of other causes.
    OtherCause,
    /// How to mend what is broken.
    MendTrouble,
    /// What will bite.
    Warning,
    /// What else speaks for a cause.
    Evidence,
    /// How to mend what will bite.
    MendWarning,
    /// What could not be judged.
    Unknown,
    /// What belongs to a cause, and is not needed to mend it.
    Background,
    /// What would be.
    Prediction,
    /// What is good to know.
    Remark,
}

/// What a piece is, for the line that says what was left out: one of them, and several.
pub(super) type Noun = (&'static str, &'static str);

/// Whether a piece can be told alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It can.
    Alone,
    /// It says nothing without the piece before it.
    WithPrevious,
    /// It is a heading, and says nothing without one of the pieces of its kind that follow.
    OverNext,
}

/// Lines that stand or fall together, each with its line feed.
pub(super) struct Piece {
    pub(super) rank: Rank,
    pub(super) noun: Noun,
    pub(super) stands: Stands,
    pub(super) text: Vec<u8>,
}

impl Piece {
    pub(super) fn lines(&self) -> usize {
        self.text.split(|byte| *byte == b'\n').count() - 1
    }
}

/// Takes away what does not fit into so many lines: of pieces in the order of the report, those that
/// matter least. Of a kind the first ones stay, without gaps. Says what was taken.
pub(super) fn fit(pieces: &mut Vec<Piece>, mut room: usize) -> String {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|place| pieces[*place].rank);
    let mut left_out: BTreeMap<Noun, usize> = BTreeMap::new();
    let mut stays = vec![true; pieces.len()];
    for place in order {
        let piece = &pieces[place];
        let is_lost = piece.stands == Stands::WithPrevious && place > 0 && !stays[place - 1];
        match room.checked_sub(piece.lines()) {
            _ if piece.rank == Rank::Always => room = room.saturating_sub(piece.lines()),
            Some(rest) if !is_lost && !left_out.contains_key(&piece.noun) => room = rest,
            _ if piece.text.is_empty() => {}
            _ if piece.stands == Stands::OverNext => stays[place] = false,
            _ => {
                stays[place] = false;
                *left_out.entry(piece.noun).or_default() += 1;
            }
        }
    }
    for place in 0..pieces.len() {
        let noun = pieces[place].noun;
        let mut below = (place + 1..pieces.len()).take_while(|next| pieces[*next].noun == noun);
        if pieces[place].stands == Stands::OverNext && !below.any(|next| stays[next]) {
            stays[place] = false;
        }
    }
    let mut stays = stays.into_iter();
    pieces.retain(|_| stays.next().unwrap_or(true));
    let told = |((one, several), count): (Noun, usize)| {
        format!("{count} {}", if count == 1 { one } else { several })
    };
    left_out.into_iter().map(told).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINDING: Noun = ("finding", "findings");
    const REMEDY: Noun = ("remedy", "remedies");

    fn piece(rank: Rank, noun: Noun, stands: Stands, lines: usize) -> Piece {
        Piece { rank, noun, stands, text: b"x\n".repeat(lines) }
    }

    fn fitted(pieces: &[(Rank, Noun, usize)], room: usize) -> (Vec<Rank>, String) {
        let piece = |&(rank, noun, lines): &(Rank, Noun, usize)| {
            let stands = if noun == REMEDY { Stands::WithPrevious } else { Stands::Alone };
            piece(rank, noun, stands, lines)
        };
        let mut pieces: Vec<Piece> = pieces.iter().map(piece).collect();
        let left_out = fit(&mut pieces, room);
        (pieces.iter().map(|piece| piece.rank).collect(), left_out)
    }

    #[test]
    fn what_matters_least_goes_first_and_the_order_stays() {
        let report = [
            (Rank::Unknown, ("reason", "reasons"), 2),
            (Rank::Always, ("head", "heads"), 3),
            (Rank::Remark, FINDING, 2),
            (Rank::Trouble, FINDING, 4),
        ];
        assert_eq!(fitted(&report, 11).1, "");
        let (left, said) = fitted(&report, 10);
        assert_eq!(left, [Rank::Unknown, Rank::Always, Rank::Trouble]);
        assert_eq!(said, "1 finding");
        let (left, said) = fitted(&report, 1);
        assert_eq!(left, [Rank::Always]);
        assert_eq!(said, "2 findings, 1 reason");
    }

    #[test]
    fn there_is_no_heading_over_nothing() {
        let heading = piece(Rank::Why, FINDING, Stands::OverNext, 2);
        let below = piece(Rank::Why, FINDING, Stands::Alone, 3);
        let other = piece(Rank::Always, REMEDY, Stands::Alone, 1);
        let mut pieces = vec![heading, below, other];
        assert_eq!(fit(&mut pieces, 4), "1 finding");
        assert_eq!(pieces.len(), 1);
    }

    #[test]
    fn there_are_no_gaps_and_no_remedies_of_what_is_not_told() {
        let report = [
            (Rank::Trouble, FINDING, 3),
            (Rank::MendTrouble, REMEDY, 1),
            (Rank::Warning, FINDING, 4),
            (Rank::MendWarning, REMEDY, 1),
            (Rank::Remark, FINDING, 1),
        ];
        let (left, said) = fitted(&report, 6);
        assert_eq!(left, [Rank::Trouble, Rank::MendTrouble]);
        assert_eq!(said, "2 findings, 1 remedy");
    }
}
