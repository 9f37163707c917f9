//! The way out to one client: straight into its websocket between two frames of the engine, or through
//! the engine's queue where the client polls.
//!
//! All that is delivered to a client passes [`Outbox::deliver`] and [`Outbox::send`], in that order. What
//! cannot go out at once waits in the [`Queue`]; as long as anything waits, one task (`client::drain`)
//! sees it out.
//!
//! Two writers share a websocket. The engine writes the CONNECT packet, pings, and what other instances
//! and services emit. A [`Follower`] sees these bytes pass, so that this way is only taken between whole
//! messages, and only when all that went through the engine's queue before has gone out: the CONNECT
//! packet, or, after a client has polled, the last message that was sent through the engine.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{net::TcpStream, sync::Notify, time::Instant};

use crate::{
    grid::{entity::EntityIndex, time::Timestamp},
    net::{
        connection::{self, shut_down},
        frames::{Follower, Marker},
    },
};

use super::{
    losses::Losses,
    members::Block,
    names::CONNECT_PACKET,
    packet::Frame,
    queue::{Bounds, Overflow, Queue},
    stay::{Sent, Stay},
};

/// The websocket of a client.
struct Line {
    stream: Arc<TcpStream>,
    follower: Follower,
    /// Whether the session began as a websocket, so that all of it has passed here.
    from_begin: bool,
}

/// How messages go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Not yet: the client has not joined.
    Closed,
    /// Through the engine's queue.
    Plain,
    /// Between the engine's frames.
    Direct,
    /// Not any more.
    Gone,
}

/// What messages that could not go out wait for.
pub(super) enum Wait {
    /// Nothing waits.
    Nothing,
    /// Room in the websocket.
    Room(Arc<TcpStream>),
    /// The engine, which must go on first.
    Engine(Arc<Notify>),
    /// Room in the engine's queue, which nobody tells of.
    EngineQueue,
    /// The time to tell what was lost.
    Telling,
}

/// The way out to one client.
pub(super) struct Outbox {
    queue: Queue,
    way: Way,
    line: Option<Line>,
    /// Present while a task sees out what waits; it is told when the engine has gone on.
    draining: Option<Arc<Notify>>,
    /// When bytes or messages last went out while some waited.
    progress: Instant,
    losses: Losses,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            queue: Queue::default(),
            way: Way::Closed,
            line: None,
            draining: None,
            progress: Instant::now(),
            losses: Losses::default(),
        }
    }

    /// Whether the client has a websocket.
    pub(super) fn has_line(&self) -> bool {
        self.line.is_some()
    }

    /// The client's websocket, whose next bytes are the response that switches to it.
    pub(super) fn set_line(&mut self, stream: Arc<TcpStream>, from_begin: bool) {
        self.line = Some(Line {
            stream,
            follower: Follower::new(),
            from_begin,
        });
    }

    /// The client has left: what waits for it is of no use any more.
    pub(super) fn close(&mut self) {
        self.queue.clear();
        self.losses = Losses::default();
        // A connection that was cut off stays so. Who polls has none that could be.
        if self.way != Way::Gone || self.line.is_none() {
            self.way = Way::Closed;
        }
    }

    /// The client begins to join. With `direct` its websocket is written to from the CONNECT packet on.
    pub(super) fn begin(&mut self, direct: bool) {
        self.close();
        if let Some(line) = self.line.as_mut().filter(|line| direct && line.from_begin) {
            line.follower.look_out(Marker::Prefix(CONNECT_PACKET));
        }
    }

    /// The client has joined: its CONNECT packet is in the engine's queue.
    pub(super) fn open(&mut self, direct: bool) {
        let waits_for_packet = direct && self.line.as_ref().is_some_and(|line| line.from_begin);
        if self.way == Way::Closed && !waits_for_packet {
            self.way = Way::Plain;
        }
    }

    /// The websocket has ended.
    pub(super) fn end_line(&mut self) {
        let line = self.line.take();
        // One that was to take over a session that polls leaves it as it is.
        if line.is_some_and(|line| line.from_begin) || self.way == Way::Direct {
            self.give_up();
        }
    }

    /// Ends the client's connection. Where it has none of its own, it is put out of the namespace.
    pub(super) fn cut_off(&mut self, stay: Option<&dyn Stay>) {
        if let Some(line) = &self.line {
            shut_down(&line.stream);
        }
        if let Some(stay) = stay {
            stay.disconnect();
        }
        self.give_up();
    }

    fn give_up(&mut self) {
        self.way = Way::Gone;
        self.queue = Queue::default();
        if let Some(draining) = &self.draining {
            draining.notify_one();
        }
    }

    /// Counts samples that the client does not get.
    pub(super) fn losses(&mut self) -> &mut Losses {
        &mut self.losses
    }

    /// Delivers what a tick brings to the client's group, in one write if the client keeps up.
    pub(super) fn deliver(&mut self, block: &Block, bounds: &Bounds) -> Result<(), Overflow> {
        let mut written = 0;
        if let Some(line) = self.idle_line() {
            match line.stream.try_write(&block.wire) {
                Ok(bytes) if bytes == block.wire.len() => return Ok(()),
                Ok(bytes) => written = bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    self.give_up();
                    return Ok(());
                }
            }
        }
        for event in &block.events {
            let frame = &event.frame;
            let of_frame = written.min(frame.wire.len());
            written -= of_frame;
            if of_frame < frame.wire.len() {
                self.wait(frame.clone(), event.sampled, of_frame, bounds, block.now)?;
            }
        }
        Ok(())
    }

    /// Lets one message wait for the next [`flush`](Self::flush).
    pub(super) fn send(
        &mut self,
        frame: Frame,
        sampled: Option<EntityIndex>,
        bounds: &Bounds,
        now: Timestamp,
    ) -> Result<(), Overflow> {
        self.wait(frame, sampled, 0, bounds, now)
    }

    fn wait(
        &mut self,
        frame: Frame,
        sampled: Option<EntityIndex>,
        written: usize,
        bounds: &Bounds,
        now: Timestamp,
    ) -> Result<(), Overflow> {
        if self.way == Way::Gone {
            return Ok(());
        }
        let dropped = self.queue.push(frame, sampled, written, bounds)?;
        self.losses.were_slow(dropped, now);
        Ok(())
    }

    /// Tells the client what it has lost, if that is due.
    pub(super) fn tell_losses(&mut self, bounds: &Bounds, now: Timestamp) -> Result<(), Overflow> {
        match self.losses.due(now) {
            Some(frame) => self.wait(frame, None, 0, bounds, now),
            None => Ok(()),
        }
    }

    /// Whether there is something to tell the client of what it has lost.
    pub(super) fn has_untold_losses(&self) -> bool {
        self.way != Way::Gone && self.losses.are_untold()
    }

    /// The websocket, if it can be written to before anything else.
    fn idle_line(&self) -> Option<&Line> {
        let line = self.open_line();
        line.filter(|_| self.queue.is_empty())
    }

    /// The websocket, if messages that wait may be begun on it.
    fn open_line(&self) -> Option<&Line> {
        let line = self.line.as_ref()?;
        (self.way == Way::Direct && line.follower.at_boundary()).then_some(line)
    }

    /// Sends what waits, as far as it can be sent now. Returns what the rest waits for.
    pub(super) fn flush(&mut self, stay: Option<&dyn Stay>, direct: bool) -> Wait {
        if self.queue.is_empty() {
            return Wait::Nothing;
        }
        match (self.way, stay) {
            (Way::Gone, _) => Wait::Nothing,
            (Way::Plain, Some(stay)) => self.flush_plain(stay, direct),
            (Way::Direct | Way::Closed, _) => self.flush_direct(),
            (Way::Plain, None) => self.wait_for_engine(),
        }
    }

    fn flush_direct(&mut self) -> Wait {
        while !self.queue.is_empty() {
            let only_rest = self.open_line().is_none();
            if only_rest && !self.queue.is_inside_message() {
                return self.wait_for_engine();
            }
            let Some(line) = &self.line else {
                break;
            };
            match line.stream.try_write_vectored(&self.queue.parts(only_rest)) {
                Ok(bytes) => {
                    self.progress = Instant::now();
                    let losses = &mut self.losses;
                    self.queue.written(bytes, |frame| losses.went_out(frame));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Wait::Room(line.stream.clone());
                }
                Err(_) => self.give_up(),
            }
        }
        Wait::Nothing
    }

    fn flush_plain(&mut self, stay: &dyn Stay, direct: bool) -> Wait {
        while let Some(frame) = self.queue.first() {
            match stay.emit(frame) {
                Sent::Done => {
                    self.progress = Instant::now();
                    if let Some(line) = self.line.as_mut().filter(|_| direct) {
                        line.follower.look_out(Marker::Whole(frame.text()));
                    }
                    if let Some(frame) = self.queue.pop() {
                        self.losses.went_out(&frame);
                    }
                }
                Sent::Full => return Wait::EngineQueue,
                Sent::Gone => self.close(),
            }
        }
        Wait::Nothing
    }

    fn wait_for_engine(&self) -> Wait {
        self.draining.clone().map_or(Wait::Nothing, Wait::Engine)
    }

    /// Whether messages wait that no task sees out yet. From now on one does.
    pub(super) fn begin_draining(&mut self) -> bool {
        if self.queue.is_empty() || self.way == Way::Gone || self.draining.is_some() {
            return false;
        }
        self.draining = Some(Arc::default());
        self.progress = Instant::now();
        true
    }

    /// Nothing waits any more.
    pub(super) fn end_draining(&mut self) {
        self.draining = None;
    }

    /// When something last went out while messages waited.
    pub(super) fn progress(&self) -> Instant {
        self.progress
    }

    /// Writes for the engine, which goes ahead of what waits unless that has been written in part.
    pub(super) fn poll_write(
        &mut self,
        stream: &TcpStream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        while self.queue.is_inside_message() {
            match stream.try_write_vectored(&self.queue.parts(true)) {
                Ok(written) => {
                    self.progress = Instant::now();
                    self.queue.written(written, |_| ());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(stream.poll_write_ready(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let written = ready!(connection::poll_write(stream, cx, bytes))?;
        if let Some(line) = &mut self.line
            && line.follower.advance(&bytes[..written])
            && matches!(self.way, Way::Closed | Way::Plain)
        {
            self.way = Way::Direct;
        }
        if let Some(draining) = &self.draining {
            self.progress = Instant::now();
            draining.notify_one();
        }
        Poll::Ready(Ok(written))
    }
}
