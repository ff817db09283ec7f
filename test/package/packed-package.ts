import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** A project of somebody's own that has installed what `npm pack` packs; other packages are those of the checkout. */
export class PackedPackage implements Disposable {
  readonly folder: TemporaryFolder = temporaryFolder();

  constructor() {
    const { folder } = this;
    const [{ filename }] = JSON.parse(
      execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder.path], {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    ) as [{ filename: string }];
    const modules = folder.at("node_modules");
    mkdirSync(join(modules, "dmmap"), { recursive: true });
    execFileSync("tar", ["-xzf", folder.at(filename), "-C", join(modules, "dmmap"), "--strip-components=1"]);
    for (const name of readdirSync(join(root, "node_modules"))) {
      if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
    writeFileSync(folder.at("package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
  }

  /** Of the package, as it was installed. */
  at(path: string): string {
    return this.folder.at("node_modules/dmmap", path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.folder.at(path)), { recursive: true });
    writeFileSync(this.folder.at(path), text);
  }

  run(script: string, ...args: readonly string[]): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      cwd: this.folder.path,
      encoding: "utf8",
      timeout: 60_000,
    });
    return { status, output: stdout + stderr };
  }

  /** Compiles files of the project as strictly as TypeScript does by itself, with the package's own types checked as well. */
  compile(files: readonly string[], module: string, moduleResolution: string, outDir: string): Ran {
    const options = ["--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false", "--types", "node"];
    const language = ["--target", "es2022", "--lib", "es2023,esnext.disposable"];
    const how = ["--module", module, "--moduleResolution", moduleResolution, "--outDir", outDir, "--rootDir", "."];
    return this.run(join(root, "node_modules/typescript/bin/tsc"), ...options, ...language, ...how, ...files);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}
