import { say } from "../kernel/standard-error.js";

const afterMillis = 3000;
const clearLine = "\r\u001b[K";
let isNoted = false;

/**
 * The answer; but when it does not come for a while, standard error says so, once a command: else nothing tells a command that waits
 * for another node, which may hold a page for as long as it likes, from one that hangs.
 */
export async function noteSlow<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const timer = isNoted ? undefined : setTimeout(note, afterMillis);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

function note(): void {
  if (isNoted) return;
  isNoted = true;
  if (process.stderr.isTTY) process.stderr.write(clearLine); // There may be a bar, which will be drawn again.
  const who = "`dmmap tokens URL FILE` tells who holds what, `dmmap status URL` who is silent";
  say(`has waited for ${afterMillis / 1000} s for the home, or for another node to give way; ${who}`);
}
