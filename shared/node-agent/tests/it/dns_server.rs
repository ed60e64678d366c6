//! A DNS server that answers as the first label of the name says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::thread;

use netlab::Namespace;

use crate::agent::inside;

/// Serves at an address over UDP and TCP.
pub(crate) fn serve(namespace: &Namespace, address: &'static str) {
    let (ready, is_ready) = std::sync::mpsc::channel();
    inside(namespace, move || {
        let udp = UdpSocket::bind((address, 53)).unwrap();
        let tcp = TcpListener::bind((address, 53)).unwrap();
        ready.send(()).unwrap();
        thread::spawn(move || over_tcp(&tcp));
        let mut buffer = [0; 512];
        loop {
            let (length, sender) = udp.recv_from(&mut buffer).unwrap();
            if let Some(reply) = reply(&buffer[..length], true) {
                udp.send_to(&reply, sender).unwrap();
            }
        }
    });
    is_ready.recv().unwrap();
}

fn over_tcp(listener: &TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut question = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut question).unwrap();
        if let Some(reply) = reply(&question, false) {
            let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length[..], &reply].concat()).unwrap();
        }
    }
}

/// A header, the question, and for good names the address 10.9.0.9.
fn reply(question: &[u8], is_datagram: bool) -> Option<Vec<u8>> {
    let label = &question[13..13 + usize::from(question[12])];
    let asks_for_v6 = question[question.len() - 3] == 28;
    let mut reply = question.to_vec();
    reply[2] |= 0x80;
    let rcode = match label {
        b"silent" => return None,
        b"nowhere" => 3,
        b"broken" => 2,
        b"refused" => 5,
        b"garbage" => return Some(b"HTTP/1.1 400 Bad Request".to_vec()),
        _ => 0,
    };
    reply[3] = rcode;
    if label == b"garbled" {
        // It claims records that it does not hold.
        reply[7] = 9;
    } else if label == b"large" && is_datagram {
        reply[2] |= 2;
    } else if rcode == 0 && label != b"empty" && !asks_for_v6 {
        reply[7] = 1;
        // A pointer to the name, type A, class IN, a time, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 0, 9]);
    }
    Some(reply)
}
