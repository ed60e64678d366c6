//! What answers in the health endpoint of each node: an HTTP server on port 4240 that knows `/hello`.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 4240))?;
    for stream in listener.incoming().flatten() {
        // Some say nothing, and go.
        thread::spawn(move || answer(&stream));
    }
    Ok(())
}

/// Answers a request that has come in whole.
fn answer(mut stream: &TcpStream) -> io::Result<()> {
    let lines = BufReader::new(stream).lines();
    let head = lines.take_while(|line| line.as_ref().map_or(true, |line| !line.is_empty()));
    let head = head.collect::<io::Result<Vec<String>>>()?;
    let Some(request) = head.first() else { return Ok(()) };
    let status = if request.starts_with("GET /hello ") { "200 OK" } else { "404 Not Found" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
