import { dirname, join, normalize } from "node:path";

/**
 * Which folders of src/ each one may import besides itself. Imports point only downward: the pure core and the system
 * calls at the bottom, the command line at the top.
 */
const mayImport = {
  core: [],
  kernel: [],
  mapping: ["kernel"],
  observe: ["core"],
  store: ["core", "kernel"],
  home: ["core", "kernel", "observe", "store"],
  node: ["core", "kernel", "mapping", "observe"],
  fuse: ["core", "kernel", "mapping", "node", "observe"],
  dashboard: ["core", "observe"],
  cli: ["", "core", "kernel", "mapping", "observe", "store", "home", "node", "fuse", "dashboard"],
  // src/index.ts, the library as its users import it.
  "": ["core", "mapping", "node", "observe"],
};

/** Where a layer may use only some files of another: the page cache is mapping's alone. */
const mayImportOnly = {
  node: {
    kernel: [
      "clock",
      "cpu-latency",
      "errno",
      "event-fd",
      "libc",
      "memory-file",
      "native-buffer",
      "page-size",
      "polling-epoll",
      "socket",
      "epoll",
      "standard-error",
    ],
  },
  // A mount's page cache is its node's: only the thread that serves it is mapping's.
  fuse: { mapping: ["pager", "pager-commands", "pager-thread"] },
};

/** What makes a machine impure: the same inputs must give the same outputs, in a simulator as on a wire. */
const impure =
  /\b(Date|performance|setTimeout|setInterval|setImmediate|queueMicrotask|Promise|async|await|process|globalThis|crypto|console)\b|\bMath\s*\.\s*random\b/;

export function checkLayers({ sources }) {
  const problems = [];
  let importCount = 0;
  for (const source of sources) {
    const imports = importsOf(source);
    importCount += imports.length;
    for (const found of imports) {
      const reason = objection(source.path, found.specifier);
      if (reason !== undefined) problems.push(`${source.path}:${found.line} ${reason}`);
    }
    if (layerOf(source.path) === "core") problems.push(...impurities(source));
  }
  return {
    counts: [
      { what: "source files", count: sources.length },
      { what: "imports", count: importCount },
    ],
    problems,
  };
}

/** Found in the code, so that an import in a comment is none; read from the text, where the specifier still stands. */
function importsOf({ text, code }) {
  const found = [];
  for (const match of code.matchAll(/\b(?:from\s*|import\s*\(\s*|import\s*|new URL\(\s*)(["'])/g)) {
    const start = match.index + match[0].length;
    const specifier = text.slice(start, text.indexOf(match[1], start));
    if (match[0].startsWith("new URL") && !specifier.startsWith(".")) continue;
    found.push({ specifier, line: lineAt(text, start) });
  }
  return found;
}

function objection(path, specifier) {
  const layer = layerOf(path);
  if (!specifier.startsWith(".")) return objectionToPackage(path, layer, specifier);

  const target = normalize(join(dirname(path), specifier));
  if (!target.startsWith("src/")) {
    return target === "package.json" ? undefined : `reaches out of src: ${specifier}`;
  }
  const targetLayer = layerOf(target);
  if (targetLayer === layer) return undefined;
  if (mayImport[layer] === undefined) return `is in a folder that has no place in the layers: ${layer}`;
  if (!mayImport[layer].includes(targetLayer))
    return `${layer || "src/index.ts"} may not import ${targetLayer || target}`;
  const only = mayImportOnly[layer]?.[targetLayer];
  const name = target.split("/").at(-1).replace(/\.js$/, "");
  if (only !== undefined && !only.includes(name))
    return `of ${targetLayer}, ${layer} may import only ${only.join(", ")}`;
  return undefined;
}

function objectionToPackage(path, layer, specifier) {
  if (layer === "core") return `core imports nothing: ${specifier}`;
  if (specifier === "koffi" && path !== "src/kernel/libc.ts") return "only src/kernel/libc.ts calls out of JavaScript";
  return undefined;
}

function impurities({ path, code }) {
  return code.split("\n").flatMap((line, index) => {
    const match = line.match(impure);
    return match === null ? [] : [`${path}:${index + 1} core is pure: no ${match[0]}`];
  });
}

/** The folder under src/, or "" for a file right in it. */
function layerOf(path) {
  const parts = path.split("/");
  return parts.length > 2 ? parts[1] : "";
}

function lineAt(text, index) {
  return text.slice(0, index).split("\n").length;
}
