import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { Epoll, Ready } from "../../src/kernel/epoll.js";
import { Errno } from "../../src/kernel/errno.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import {
  acceptTcp,
  closeSocket,
  connectError,
  connectTcp,
  listenTcp,
  localAddress,
  peerAddress,
  receive,
  type SocketAddress,
  shutdownSending,
  transmit,
} from "../../src/kernel/socket.js";

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
const waitMicros = 5e6;
const chunkBytes = 65_536;
const output = new NativeBuffer(chunkBytes);
const input = new NativeBuffer(chunkBytes);
const anyPort: SocketAddress = { host: "127.0.0.1", port: 0, family: 4 };

/** Both ends of a connection over loopback. */
class Pair {
  readonly listener: number;
  readonly client: number;
  readonly server: number;
  readonly epoll = new Epoll();

  constructor(address: SocketAddress) {
    this.listener = listenTcp(address);
    this.client = connectTcp(localAddress(this.listener));
    this.epoll.add(this.client, Ready.out, 0);
    this.await(this.client, Ready.out);
    assert.equal(connectError(this.client), 0);
    this.epoll.add(this.listener, Ready.in, 1);
    this.await(this.listener, Ready.in);
    this.server = acceptTcp(this.listener);
    assert.ok(this.server > 0);
    this.epoll.add(this.server, Ready.in, 2);
  }

  await(fd: number, events: number): void {
    this.epoll.modify(fd, events, fd);
    for (;;) {
      const count = this.epoll.wait(waitMicros);
      assert.ok(count > 0, `descriptor ${fd} was not ready for ${events} in time`);
      for (let index = 0; index < count; index++) {
        if (this.epoll.token(index) === fd) return this.epoll.modify(fd, 0, fd);
      }
    }
  }

  [Symbol.dispose](): void {
    for (const fd of [this.listener, this.client, this.server]) closeSocket(fd);
    this.epoll.close();
  }
}

for (const address of [anyPort, { host: "::1", port: 0, family: 6 } as const]) {
  const skip = address.family === 6 && !hasIPv6 ? "no IPv6 loopback here" : false;
  test(`bytes go both ways over IPv${address.family}, and both ends know their addresses`, { skip }, () => {
    using pair = new Pair(address);
    assert.deepEqual(peerAddress(pair.client), localAddress(pair.server));
    assert.deepEqual(peerAddress(pair.server), localAddress(pair.client));
    assert.equal(localAddress(pair.server).host, address.host);
    for (const [from, to] of [
      [pair.client, pair.server],
      [pair.server, pair.client],
    ]) {
      output.bytes.set([1, 2, 3], 0);
      assert.equal(receive(to, input.address, chunkBytes), -Errno.EAGAIN);
      assert.equal(transmit(from, output.address, 3, false), 3);
      pair.await(to, Ready.in);
      assert.equal(receive(to, input.address, chunkBytes), 3);
      assert.deepEqual([...input.bytes.subarray(0, 3)], [1, 2, 3]);
    }
  });
}

test("a port in use is EADDRINUSE, and nothing is left open", () => {
  const listener = listenTcp(anyPort);
  assert.throws(() => listenTcp(localAddress(listener)), { name: "SystemError", code: "EADDRINUSE", syscall: "bind" });
  closeSocket(listener);
});

test("an address of another machine cannot be listened on", () => {
  assert.throws(() => listenTcp({ ...anyPort, host: "192.0.2.1" }), { code: "EADDRNOTAVAIL" });
});

test("nobody listens: the connection is refused", () => {
  const listener = listenTcp(anyPort);
  const address = localAddress(listener);
  closeSocket(listener);
  const client = connectTcp(address);
  const epoll = new Epoll();
  epoll.add(client, Ready.out, 0);
  assert.equal(epoll.wait(waitMicros), 1);
  assert.ok((epoll.events(0) & Ready.error) !== 0);
  assert.equal(connectError(client), Errno.ECONNREFUSED);
  closeSocket(client);
  epoll.close();
});

test("nobody waits to be accepted: EAGAIN", () => {
  const listener = listenTcp(anyPort);
  assert.equal(acceptTcp(listener), -Errno.EAGAIN);
  closeSocket(listener);
});

test("a full buffer takes a part, then says EAGAIN, then takes more once the other end has read", () => {
  using pair = new Pair(anyPort);
  let sentBytes = 0;
  for (let count = 0; count >= 0; sentBytes += Math.max(0, count)) {
    count = transmit(pair.client, output.address, chunkBytes, false);
    if (count < 0) assert.equal(count, -Errno.EAGAIN);
  }
  let receivedBytes = 0;
  while (receivedBytes < sentBytes) {
    pair.await(pair.server, Ready.in);
    receivedBytes += receive(pair.server, input.address, chunkBytes);
  }
  assert.equal(receivedBytes, sentBytes);
  pair.await(pair.client, Ready.out);
  assert.ok(transmit(pair.client, output.address, chunkBytes, false) > 0);
});

test("half close: the end of the stream one way, bytes the other", () => {
  using pair = new Pair(anyPort);
  output.bytes[0] = 42;
  transmit(pair.client, output.address, 1, true);
  shutdownSending(pair.client);
  pair.await(pair.server, Ready.in);
  assert.equal(receive(pair.server, input.address, 1), 1, "what `more` held back goes out with the end");
  pair.await(pair.server, Ready.in);
  assert.equal(receive(pair.server, input.address, 1), 0);
  assert.equal(transmit(pair.server, output.address, 1, false), 1);
  pair.await(pair.client, Ready.in);
  assert.equal(receive(pair.client, input.address, 1), 1);
  assert.equal(transmit(pair.client, output.address, 1, false), -Errno.EPIPE);
});

test("a peer that went away with bytes unread is a reset, not a signal", () => {
  using pair = new Pair(anyPort);
  const stranger = connectTcp(localAddress(pair.listener));
  pair.await(pair.listener, Ready.in);
  const accepted = acceptTcp(pair.listener);
  pair.epoll.add(stranger, 0, stranger);
  transmit(accepted, output.address, 1, false);
  pair.await(stranger, Ready.in);
  closeSocket(stranger);
  pair.epoll.add(accepted, Ready.in, accepted);
  pair.await(accepted, Ready.in);
  assert.equal(receive(accepted, input.address, 1), -Errno.ECONNRESET);
  assert.equal(transmit(accepted, output.address, 1, false), -Errno.EPIPE);
  closeSocket(accepted);
});
