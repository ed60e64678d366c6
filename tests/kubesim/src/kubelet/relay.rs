//! Bytes between a client and a kubelet, and what faults make of them.

use std::future::pending;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, copy, copy_bidirectional, split};

use crate::fault::Kind;

/// Copies both ways until either side ends, or a fault befalls what the kubelet sends.
pub(super) async fn relay<C, K>(mut client: C, mut kubelet: K, fault: Option<Kind>)
where
    C: AsyncRead + AsyncWrite + Unpin,
    K: AsyncRead + AsyncWrite + Unpin,
{
    let (bytes, stalls) = match fault {
        Some(Kind::Cut(bytes)) => (bytes, false),
        Some(Kind::Stall(bytes)) => (bytes, true),
        _ => {
            // An end without a goodbye is the other side's to notice.
            let _ = copy_bidirectional(&mut client, &mut kubelet).await;
            return;
        }
    };
    let (mut from_client, mut to_client) = split(client);
    let (from_kubelet, mut to_kubelet) = split(kubelet);
    let answer = async {
        let mut head = from_kubelet.take(bytes as u64);
        let _ = copy(&mut head, &mut to_client).await;
        if stalls {
            pending::<()>().await;
        }
    };
    let request = async {
        let _ = copy(&mut from_client, &mut to_kubelet).await;
        // A client that stops writing, but for one that is gone, still reads.
        if !stalls {
            pending::<()>().await;
        }
    };
    tokio::select! {
        () = answer => {}
        () = request => {}
    }
}
