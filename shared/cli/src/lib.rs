//! Printing, exit codes, colour, tables, progress and snapshot files for every plugin.
