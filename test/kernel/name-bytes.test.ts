import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeName, encodeName } from "../../src/kernel/name-bytes.js";

test("every name of bytes is a string that leads back to it, through JSON too", () => {
  const name = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(name, (bytes) => {
      const text = JSON.parse(JSON.stringify(decodeName(bytes)));
      assert.deepEqual(Buffer.from(encodeName(text) ?? []), Buffer.from(bytes));
    }),
  );
});

test("two strings never stand for the same bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }), (units) => {
      const text = String.fromCharCode(...units);
      const bytes = encodeName(text);
      if (bytes !== undefined) assert.equal(decodeName(bytes), text);
    }),
  );
  assert.equal(encodeName("\udcc3\udcbc"), undefined, "escaped, though it is good UTF-8");
  assert.equal(encodeName("\ud800"), undefined);
  assert.equal(encodeName("\udc41"), undefined, "an ASCII letter is never escaped");
});
