import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Package {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

// npm keeps what it has installed, and so loses the packages of other machines from a lock file; npm ci refuses that.
test("the lock file names every package, those that only another machine installs, too", () => {
  const file = new URL("../../../package-lock.json", import.meta.url);
  const { packages }: { packages: Record<string, Package> } = JSON.parse(readFileSync(file, "utf8"));
  const missing = Object.entries(packages).flatMap(([path, wants]) =>
    Object.keys({ ...wants.dependencies, ...wants.devDependencies, ...wants.optionalDependencies })
      .filter((name) => packages[`${path}/node_modules/${name}`] === undefined)
      .filter((name) => packages[`node_modules/${name}`] === undefined)
      .map((name) => `${path || "dmmap"} wants ${name}`),
  );
  assert.deepEqual(missing, []);
});
