import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { PackedPackage } from "./packed-package.js";

const installed = new PackedPackage();
after(() => installed[Symbol.dispose]());
const skip = lacksUserfaultfd();

/** Samples that are a part of a program: what the rest of it has. */
const surroundings: Readonly<Record<string, string>> = {
  "docs/semantics.md": 'import type { FileMap } from "dmmap";\ndeclare const map: FileMap;\n',
};

/** The samples of the documents, each as a file of the project: `samples/api-2.ts`. A first line `// name.ts` names it. */
function writeSamples(): string[] {
  const documents = ["README.md", ...readdirSync(installed.at("docs")).map((name) => `docs/${name}`)];
  return documents.flatMap((path) => {
    const text = readFileSync(installed.at(path), "utf8");
    assert.doesNotMatch(text, /```(js|typescript|javascript)$/m, `${path}: samples are ts, to be compiled`);
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, sample], index) => {
      const [, name = `${path.replace(/^docs\/|\.md$/g, "")}-${index}.ts`] = /^\/\/ (\S+\.ts)\n/.exec(sample) ?? [];
      // That of a test is for a checkout.
      const placed = sample.replaceAll('"../../src/', '"../node_modules/dmmap/dist/src/');
      installed.write(`samples/${name}`, `${surroundings[path] ?? ""}${placed}`);
      return `samples/${name}`;
    });
  });
}

const samples = writeSamples();

for (const [module, resolution] of [
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
]) {
  test(`samples of the documents compile, and the package's types: moduleResolution ${resolution}`, () => {
    assert.ok(samples.length >= 9, samples.join(", "));
    const { status, output } = installed.compile(samples, module, resolution, `built-${resolution}`);
    assert.equal(status, 0, output);
  });
}

/** Runs a sample as it was compiled. `change`: for what is there already, such as a port. */
function runSample(name: string, change = (text: string) => text): string {
  const compiled = `built-node16/samples/${name}`;
  installed.write(compiled, change(readFileSync(installed.folder.at(compiled), "utf8")));
  const { status, output } = installed.run(compiled);
  assert.equal(status, 0, output);
  return output;
}

/** The compiler's output is a folder deeper. */
function throughBuilt(text: string): string {
  return text.replaceAll('"../node_modules/', '"../../node_modules/');
}

test("samples run to their end", { skip }, async () => {
  await using home = await startHome({ folder: installed.folder.at("shared"), listen: "127.0.0.1:0" });
  runSample("README-0.js", (text) => text.replace("dmmap://127.0.0.1:7400", home.url));
  const ledger = readFileSync(installed.folder.at("shared/ledger.bin"));
  const counters = new Int32Array(ledger.buffer, ledger.byteOffset, 2048);
  assert.deepEqual([counters[7], counters[1024], counters[1025], ledger.length], [1, 1, 2, 64 * 1024 * 1024]);

  assert.match(runSample("api-2.js"), /^dmmap:\/\/127\.0\.0\.1:\d+\n$/);
  assert.match(
    runSample("api-3.js", (text) => text.replace("port: 7401", "port: 0")),
    /^http:\/\/127\.0\.0\.1:\d+\/\n$/,
  );
  assert.equal(runSample("mapping-0.js"), "1\n");
  runSample("contributing-0.js", throughBuilt);
});

test("a program of CommonJS has the library, too, where Node lets it", { skip: lacksRequireOfModules() }, () => {
  installed.write("program.cjs", 'console.log(typeof require("dmmap").connect);');
  assert.equal(installed.run("program.cjs").output.split("\n")[0], "function");
});

/** From Node 20.19 on, without a flag. */
function lacksRequireOfModules(): string | false {
  return (process.features as { require_module?: boolean }).require_module === true ? false : "no require of modules";
}

test("the package has its commands and what documents name, and no tests", () => {
  const { bin } = JSON.parse(readFileSync(installed.at("package.json"), "utf8")) as { bin: Record<string, string> };
  for (const path of Object.values(bin))
    assert.match(readFileSync(installed.at(path), "utf8"), /^#!\/usr\/bin\/env node\n/);
  assert.match(installed.run(installed.at(bin.dmmap), "--version").output, /^\d+\.\d+\.\d+\n$/);
  assert.match(installed.run(installed.at(bin.dmmap), "bench", "--list").output, /^idle home$/m);
  assert.match(installed.run(installed.at(bin["mount.dmmap"])).output, /expected dmmap:\/\/HOST:PORT and a folder/);
  for (const path of ["test", "dist/test", "dist/sim"]) assert.ok(!existsSync(installed.at(path)), path);
});
