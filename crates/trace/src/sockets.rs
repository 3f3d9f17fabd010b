//! `--sockets`: what became of each socket.

use std::collections::HashMap;
use std::fmt::Write;

use abi::Call;
use decode::{Request, Stamp};

use crate::fds::Descriptions;
use crate::traffic::{Traffic, is_sendfile};

/// A socket, which is one thing under however many numbers.
#[derive(Debug)]
pub(crate) struct Socket {
    /// The thread that it was first seen in, and its number there.
    pub(crate) pid: i32,
    pub(crate) fd: i32,
    /// Its protocol as the kernel calls it: TCP.
    pub(crate) protocol: String,
    pub(crate) local: String,
    pub(crate) peer: String,
    pub(crate) traffic: Traffic,
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    pub(crate) first: Stamp,
    pub(crate) last: Stamp,
}

/// All sockets that calls were made on.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    by_inode: HashMap<u64, usize>,
    rows: Vec<Socket>,
}

impl Sockets {
    /// A call has returned, and its thread stands still.
    pub(crate) fn add(
        &mut self,
        tid: i32,
        at: Stamp,
        took: u64,
        request: &Request,
        descriptions: &Descriptions,
    ) {
        let call = request.asked.form.call;
        let outcome = request.outcome.as_ref();
        let failed = outcome.is_none_or(|outcome| outcome.error().is_some());
        let began =
            Stamp { wall: at.wall.saturating_sub(took), monotonic: at.monotonic.saturating_sub(took) };
        let made = match call {
            Some(Call::Socket | Call::Accept | Call::Accept4) if !failed => {
                outcome.map(|outcome| outcome.raw as i32)
            }
            _ => None,
        };
        if let Some(fd) = made {
            self.touch(tid, fd, at, at, descriptions);
        }
        if call == Some(Call::Socket) || call.is_none() && !is_sendfile(request) {
            return;
        }
        if call == Some(Call::Socketpair) {
            for fd in pair(request).into_iter().flatten() {
                self.touch(tid, fd, at, at, descriptions);
            }
            return;
        }
        let Some(fd) = request.arguments.first().map(|argument| argument.raw as i32) else { return };
        let Some(socket) = self.touch(tid, fd, began, at, descriptions) else { return };
        socket.calls += 1;
        socket.errors += u64::from(failed);
        socket.traffic.add(Traffic::of(request));
    }

    fn touch(
        &mut self,
        tid: i32,
        fd: i32,
        first: Stamp,
        last: Stamp,
        descriptions: &Descriptions,
    ) -> Option<&mut Socket> {
        let inode = descriptions.inode(tid, fd)?;
        let next = self.rows.len();
        let row = *self.by_inode.entry(inode).or_insert(next);
        if row == next {
            let (protocol, local, peer, traffic) =
                (String::new(), String::new(), String::new(), Traffic::default());
            self.rows.push(Socket {
                pid: tid,
                fd,
                protocol,
                local,
                peer,
                traffic,
                calls: 0,
                errors: 0,
                first,
                last,
            });
        }
        let socket = &mut self.rows[row];
        socket.last = last;
        if socket.local.is_empty() || socket.peer.is_empty() {
            let (protocol, local, peer) = descriptions.ends(tid, fd, inode);
            socket.protocol = protocol;
            // What it was connected to is remembered when it is no more.
            if !local.is_empty() {
                (socket.local, socket.peer) = (local, peer);
            }
        }
        Some(socket)
    }

    pub(crate) fn rows(&self) -> &[Socket] {
        &self.rows
    }

    /// The table.
    pub(crate) fn write(&self, out: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let mut rows = vec![
            ["pid", "fd", "type", "local", "peer", "bytes in", "bytes out", "seconds", "calls", "errors"]
                .map(str::to_owned),
        ];
        for socket in &self.rows {
            let lifetime = socket.last.monotonic.saturating_sub(socket.first.monotonic);
            rows.push([
                socket.pid.to_string(),
                socket.fd.to_string(),
                dash(&socket.protocol),
                dash(&socket.local),
                dash(&socket.peer),
                socket.traffic.received.to_string(),
                socket.traffic.sent.to_string(),
                format!("{:.6}", lifetime as f64 / 1e9),
                socket.calls.to_string(),
                socket.errors.to_string(),
            ]);
        }
        let mut widths = [0; 10];
        for row in &rows {
            widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
        }
        for row in &rows {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let space = if column == 0 { "" } else { " " };
                // Names to the left, numbers to the right.
                let _ = match column {
                    2..=4 => write!(out, "{space}{cell:width$}"),
                    _ => write!(out, "{space}{cell:>width$}"),
                };
            }
            out.push('\n');
        }
    }
}

/// The two descriptors of a socketpair.
fn pair(request: &Request) -> [Option<i32>; 2] {
    let value = request.arguments.last().and_then(|argument| argument.value.as_ref());
    match value {
        Some(decode::Value::Array { items, .. }) => [0, 1].map(|at| match items.get(at) {
            Some(decode::Value::Fd(fd, _)) => Some(*fd),
            _ => None,
        }),
        _ => [None, None],
    }
}
