import { DmmapError } from "../core/error.js";

const componentBytesMax = 255;
const nameBytesMax = 4000;
/** The home's own folder in a served folder: its lock. Never listed, never served. */
export const ownFolder = ".dmmap";

/** Throws DMMAP_BAD_NAME unless this is a relative POSIX path that stays in the folder by its words alone. */
export function checkName(name: string): void {
  const reason = badName(name);
  if (reason !== undefined) throw new DmmapError("DMMAP_BAD_NAME", `bad file name ${JSON.stringify(name)}: ${reason}`);
}

function badName(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.startsWith("/")) return "it is absolute; names are relative to the served folder";
  if (name.includes("\0")) return "it holds a NUL";
  if (!name.isWellFormed()) return "it is not well-formed Unicode";
  if (Buffer.byteLength(name) > nameBytesMax) return `it is longer than ${nameBytesMax} bytes`;
  const components = name.split("/");
  if (components[0] === ownFolder) return `${ownFolder} belongs to the home`;
  return components.map(badComponent).find((reason) => reason !== undefined);
}

function badComponent(component: string): string | undefined {
  if (component === "") return "it has an empty part";
  if (component === "." || component === "..") return `it has a part ${JSON.stringify(component)}`;
  if (Buffer.byteLength(component) > componentBytesMax) return `a part is longer than ${componentBytesMax} bytes`;
  return undefined;
}

/** The folders above a name, outermost first: for "a/b/c" they are "a" and "a/b". */
export function foldersAbove(name: string): string[] {
  const components = name.split("/");
  return components.slice(1).map((_, index) => components.slice(0, index + 1).join("/"));
}

/** The folder that holds this name; "" for the served folder itself. */
export function folderOf(name: string): string {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}
