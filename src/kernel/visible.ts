/** Controls of a terminal, old and new (C0, DEL, C1), and what turns or hides text: line separators, marks of direction. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * The text with what cannot be seen spelled out, such as `\u{1b}`. Names of files and nodes come from other machines: one must
 * not clear the screen of whoever looks at it, or break a table's line.
 */
export function visible(text: string): string {
  return text.replace(unseen, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
