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
    if (code < 0x80) bytes.push(code);
    else if (code > escapeBase + 0x7f && code <= escapeBase + 0xff) bytes.push(code - escapeBase);
    else if (character.isWellFormed()) bytes.push(...encoder.encode(character));
    else return undefined;
  }
  const encoded = Uint8Array.from(bytes);
  return decodeName(encoded) === name ? encoded : undefined; // Else two strings would stand for the same bytes.
}

function decodeByParts(bytes: Uint8Array): string {
  const parts: string[] = [];
  let sound = 0; // What lies between this and `at` is UTF-8.
  for (let at = 0; at < bytes.length; ) {
    const length = characterBytes(bytes, at);
    at += Math.max(1, length);
    if (length > 0) continue;
    if (sound < at - 1) parts.push(strict.decode(bytes.subarray(sound, at - 1)));
    parts.push(String.fromCharCode(escapeBase + bytes[at - 1]));
    sound = at;
  }
  return parts.join("") + strict.decode(bytes.subarray(sound));
}

/** As RFC 3629 has it. @returns the length of the character that begins there, or 0 for none. */
function characterBytes(bytes: Uint8Array, at: number): number {
  const [lead, second] = [bytes[at], bytes[at + 1]];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let next = at + 1; next < at + length; next++) if ((bytes[next] & 0xc0) !== 0x80) return 0;
  const isTooLong = (lead === 0xe0 && second < 0xa0) || (lead === 0xf0 && second < 0x90);
  const isNone = (lead === 0xed && second > 0x9f) || (lead === 0xf4 && second > 0x8f);
  return isTooLong || isNone ? 0 : length;
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
