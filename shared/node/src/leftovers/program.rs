//! Programs by their numbers.

use kcilium_bpf::program_by_id;
use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::Program;

use crate::unavailable::unavailable;

/// A program whose number was just given by what it is attached to; nothing if it went meanwhile.
pub(super) fn program(id: u32) -> Result<Option<Program>, Unavailable> {
    let info =
        program_by_id(id).map_err(|error| unavailable(format!("BPF program {id}"), &error))?;
    Ok(info.map(|info| Program { id: info.id, name: info.name, maps: info.maps }))
}
