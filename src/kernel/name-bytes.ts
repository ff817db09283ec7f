/**
 * Names are bytes to the system and strings to JSON. A byte that is no UTF-8 becomes a lone surrogate, U+DC00 + byte
 * (JSON escapes it, and UTF-8 can never hold it): so every name survives the way there and back.
 */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const escapeBase = 0xdc00;

export function decodeName(bytes: Uint8Array): string {
  return decodeStrictly(bytes) ?? decodeByParts(bytes);
}

/** @returns undefined for a string that stands for no bytes: then there can be no such name. */
export function encodeName(name: string): Uint8Array | undefined {
  if (name.isWellFormed()) return encoder.encode(name);
  const bytes: number[] = [];
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (code > escapeBase + 0x7f && code <= escapeBase + 0xff) bytes.push(code - escapeBase);
    else if (character.isWellFormed()) bytes.push(...encoder.encode(character));
    else return undefined;
  }
  const encoded = Uint8Array.from(bytes);
  return decodeName(encoded) === name ? encoded : undefined; // Else two strings would stand for the same bytes.
}

function decodeByParts(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]);
    const part = at + length <= bytes.length ? decodeStrictly(bytes.subarray(at, at + length)) : undefined;
    text += part ?? String.fromCharCode(escapeBase + bytes[at]);
    at += part === undefined ? 1 : length;
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
