//! A TCP proxy between an instance and Redis that can be cut.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) struct Cable {
    pub(crate) address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
}

impl Cable {
    /// A cable to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (whole, watched) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(carry(inner, target, watched.clone()));
            }
        });
        Self {
            address,
            whole: Arc::new(whole),
        }
    }

    /// Nothing gets through any more, and nobody is told.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

/// Carries bytes until the cable is cut; a connection that was cut stays silent until the cable is
/// whole again, and ends then.
async fn carry(mut inner: TcpStream, target: SocketAddr, mut whole: watch::Receiver<bool>) {
    if *whole.borrow_and_update()
        && let Ok(mut outer) = TcpStream::connect(target).await
    {
        tokio::select! {
            _ = copy_bidirectional(&mut inner, &mut outer) => return,
            _ = whole.wait_for(|whole| !whole) => {}
        }
    }
    let _ = whole.wait_for(|whole| *whole).await;
}
