// What Node makes of sockets: HTTP with kept connections, a cluster that shares a listening socket, datagrams,
// local sockets, a child with a channel. Prints nothing that changes from run to run.
const { once } = require('events');
const { createHash } = require('crypto');
const cluster = require('cluster');
const dgram = require('dgram');
const http = require('http');
const net = require('net');
const path = require('path');

const digest = (data) => createHash('sha256').update(data).digest('hex');

function ask(port, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent: ask.agent }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts).toString()));
    });
    request.on('error', reject);
    request.end(body);
  });
}
ask.agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

async function serve() {
  const server = http.createServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (part) => hash.update(part));
    request.on('end', () => response.end(hash.digest('hex')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function main() {
  const server = await serve();
  const bodies = Array.from({ length: 80 }, (_, i) => Buffer.alloc(1000 * i + 1, i));
  const answers = await Promise.all(bodies.map((body) => ask(server.address().port, body)));
  console.log('http:', answers.filter((answer, i) => answer === digest(bodies[i])).length, 'of', answers.length);
  ask.agent.destroy();
  server.close();

  const receiver = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const sender = dgram.createSocket('udp4');
  sender.send('a datagram', receiver.address().port, '127.0.0.1');
  console.log('dgram:', (await once(receiver, 'message'))[0].toString());
  sender.close();
  receiver.close();

  const local = net.createServer((socket) => socket.pipe(socket)).listen(path.join(__dirname, 'node.sock'));
  await once(local, 'listening');
  const socket = net.connect(path.join(__dirname, 'node.sock'));
  socket.end('a local socket');
  console.log('net:', (await once(socket, 'data'))[0].toString());
  local.close();

  const worker = cluster.fork();
  const [{ port }] = await once(worker, 'message');
  console.log('cluster:', (await ask(port, 'by a worker')) === digest('by a worker'));
  ask.agent.destroy();
  worker.send('end');
  console.log('the worker ended:', await once(worker, 'exit'));

  const refused = net.connect(1, '127.0.0.1');
  console.log('refused:', (await once(refused, 'error'))[0].code);
}

if (cluster.isPrimary) {
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
} else {
  serve().then((server) => process.send({ port: server.address().port }));
  process.on('message', () => process.exit(0));
}
