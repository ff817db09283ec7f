import assert from "node:assert/strict";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until, within } from "../support/until.js";
import { Proxy } from "./proxy.js";

const skip = lacksUserfaultfd();

for (const isOpenElsewhere of [false, true]) {
  const where = isOpenElsewhere ? "another node has it open, too" : "nobody else has it open";
  test(`a close whose answer is lost is a close, and the file can be opened again: ${where}`, { skip }, async () => {
    await using home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
    await using proxy = await Proxy.start(() => home.port);
    await using other = await connect(home.url);
    await using volume = await connect(proxy.url);
    const file = await volume.open("file", { create: true, size: 4096 });
    await file.write(0, Uint8Array.of(1));
    const there = isOpenElsewhere ? await other.open("file") : undefined;
    proxy.deafAfter = /"op":"close"/;
    const closed = file.close();
    await until("the home has closed it", async () => {
      const { files } = await other.status();
      return !files.some(({ nodes }) => nodes > (isOpenElsewhere ? 1 : 0));
    });
    proxy.cut();
    await within("the close", closed);
    const again = await within("the open", volume.open("file"));
    assert.deepEqual([...(await within("the read", again.read(0, 1)))], [1]);
    await again.close();
    await there?.close();
  });
}
