import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  type SocketAddress,
  socketAddressBytesMax,
} from "../../src/kernel/socket-address.js";

function roundTrip(address: SocketAddress): SocketAddress {
  const data = new DataView(new ArrayBuffer(socketAddressBytesMax));
  const length = encodeSocketAddress(address, data);
  assert.equal(length, address.family === 4 ? 16 : 28);
  return decodeSocketAddress(data);
}

function hostAfter(host: string): string {
  return roundTrip({ host, port: 1, family: 6 }).host;
}

test("IPv4: the family in host order, the port in network order", () => {
  const data = new DataView(new ArrayBuffer(socketAddressBytesMax));
  assert.equal(encodeSocketAddress({ host: "127.0.0.1", port: 7400, family: 4 }, data), 16);
  assert.deepEqual([...new Uint8Array(data.buffer, 0, 8)], [2, 0, 0x1c, 0xe8, 127, 0, 0, 1]);
});

test("IPv6 comes back in its short form", () => {
  assert.equal(hostAfter("::"), "::");
  assert.equal(hostAfter("::1"), "::1");
  assert.equal(hostAfter("0:0:0:0:0:0:0:1"), "::1");
  assert.equal(hostAfter("FE80::"), "fe80::");
  assert.equal(hostAfter("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  assert.equal(hostAfter("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  assert.equal(hostAfter("::ffff:127.0.0.1"), "::ffff:7f00:1");
  assert.equal(hostAfter("fe80::1%2"), "fe80::1%2");
});

test("any address survives a round trip", () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  fc.assert(
    fc.property(fc.ipV4(), port, (host, number) => {
      const address: SocketAddress = { host, port: number, family: 4 };
      assert.deepEqual(roundTrip(address), address);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), port, (host, number) => {
      const once = roundTrip({ host, port: number, family: 6 });
      assert.deepEqual(once.host, new URL(`http://[${host}]`).hostname.slice(1, -1));
      assert.deepEqual(roundTrip(once), once);
    }),
  );
});

test("a name, the other family's address or a bad port is the caller's mistake", () => {
  const data = new DataView(new ArrayBuffer(socketAddressBytesMax));
  for (const [host, family] of [
    ["localhost", 4],
    ["", 4],
    ["127.1", 4],
    ["::1", 4],
    ["127.0.0.1", 6],
    ["1::2::3", 6],
    ["fe80::1%eth0", 6],
  ] as const) {
    assert.throws(() => encodeSocketAddress({ host, port: 1, family }, data), TypeError, host);
  }
  for (const port of [-1, 65_536, 1.5, Number.NaN]) {
    assert.throws(() => encodeSocketAddress({ host: "127.0.0.1", port, family: 4 }, data), RangeError);
  }
});
