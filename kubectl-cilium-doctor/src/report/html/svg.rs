//! The address map as inline SVG.

use maud::{Markup, html};

use super::address_map::{AddressMap, Collision, Use};

/// Pixels of a row.
const ROW: usize = 26;
/// Pixels of the column of labels.
const LABELS: usize = 250;
/// Pixels of the axis.
const AXIS: usize = 620;

/// Draws the map.
pub(super) fn draw(map: &AddressMap) -> Markup {
    let height = map.ranges.len() * ROW + ROW;
    let width = LABELS + AXIS;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } role="img"
            aria-label="Address ranges, those that collide in red, those that will in amber" {
            @for (row, range) in map.ranges.iter().enumerate() {
                @let (from, pieces) = map.span(range.prefix);
                @let x = LABELS + from * AXIS / map.pieces().max(1);
                @let end = LABELS + (from + pieces) * AXIS / map.pieces().max(1);
                @let class = match range.collision {
                    Collision::Now => "collides",
                    Collision::Latent => "latent",
                    Collision::None => class(range.purpose),
                };
                g class=(class) {
                    title { (range.prefix) " " (range.label) @match range.collision {
                        Collision::Now => " (collides)",
                        Collision::Latent => " (will collide)",
                        Collision::None => "",
                    } }
                    text x="0" y=(row * ROW + 17) { (range.prefix) " " tspan class="what" { (range.label) } }
                    rect x=(x) y=(row * ROW + 4) width=((end - x).max(3)) height=(ROW - 8) rx="3" {}
                }
            }
        }
    }
}

/// The class by which a bar gets its colour.
pub(super) fn class(purpose: Use) -> &'static str {
    match purpose {
        Use::Pool => "pool",
        Use::Pods => "pods",
        Use::Services => "services",
        Use::Lan => "lan",
        Use::Address => "address",
    }
}
