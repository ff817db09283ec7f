import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

const types = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
} as const;

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
}

/** What a browser loads, by its path. All of it is read once, before anything is served: no path of a request reaches the disk. */
export class Assets {
  readonly #files: ReadonlyMap<string, Asset>;
  /** For the Content-Security-Policy: the page's import map is the only script within it. */
  readonly importMapHash: string;

  static async load(): Promise<Assets> {
    const files = await Promise.all(
      Object.entries(places()).map(async ([path, file]) => {
        const type = types[file.split(".").at(-1) as keyof typeof types];
        return [path, { type, bytes: await readFile(file) }] as const;
      }),
    );
    return new Assets(new Map(files));
  }

  private constructor(files: ReadonlyMap<string, Asset>) {
    this.#files = files;
    const [, importMap = ""] = /<script type="importmap">([^<]*)<\/script>/.exec(String(files.get("/")?.bytes)) ?? [];
    this.importMapHash = `sha256-${createHash("sha256").update(importMap).digest("base64")}`;
  }

  find(path: string): Asset | undefined {
    return this.#files.get(path);
  }
}

/** Modules are where their imports of each other lead: below `/dashboard/page/` and `/observe/`, as in the build. */
function places(): Record<string, string> {
  const page = (name: string) => join(here, "page", name);
  const modules = ["main", "charts", "view", "token-map"];
  return {
    "/": page("index.html"),
    "/dashboard/page/style.css": page("style.css"),
    ...Object.fromEntries(modules.map((name) => [`/dashboard/page/${name}.js`, page(`${name}.js`)])),
    ...Object.fromEntries(
      ["rates", "quantities", "busiest", "counter-meanings"].map((name) => [
        `/observe/${name}.js`,
        join(here, "../observe", `${name}.js`),
      ]),
    ),
    // Node's resolution leads to what renders on servers: the browser's is beside its types.
    "/vendor/lit-html.js": join(dirname(dirname(require.resolve("lit-html"))), "lit-html.js"),
    "/vendor/uplot.js": require.resolve("uplot/dist/uPlot.esm.js"),
    "/vendor/uplot.css": require.resolve("uplot/dist/uPlot.min.css"),
  };
}
