import type { Action } from "./action.js";
import type { Script, Step } from "./script.js";
import { wordsPerPage } from "./sim-file.js";

/** Runs a script. @returns what promise it breaks, if it does. */
export type RunScript = (script: Script) => string | undefined;

/**
 * The least of a failing script that still breaks the same promise: without the steps, nodes, pages and oddities that it does
 * not need. `isOver` ends the search early, with what has been found.
 */
export function shrink(script: Script, run: RunScript, isOver: () => boolean = () => false): Script {
  const failure = kindOf(run(script));
  if (failure === undefined) return script;
  const stillFails = (candidate: Script) => !isOver() && kindOf(run(candidate)) === failure;
  for (let best = script; ; ) {
    const smaller = simplify(withFewerSteps(best, stillFails), stillFails);
    if (sizeOf(smaller) >= sizeOf(best)) return smaller;
    best = smaller;
  }
}

/** The same promise, whoever breaks it and at which word: nodes and numbers do not count. */
function kindOf(failure: string | undefined): string | undefined {
  return failure
    ?.split("\n")[0]
    .replace(/\b[a-d]('s)?\b/g, "node")
    .replace(/\b[a-d]?\d+\b/g, "0");
}

function sizeOf({ steps, setting }: Script): number {
  return JSON.stringify(steps).length + JSON.stringify(setting).length;
}

type Predicate = (candidate: Script) => boolean;

/** Leaves out ever smaller pieces, from the end, since what comes after the failure is needed least. */
function withFewerSteps(script: Script, stillFails: Predicate): Script {
  let { steps } = script;
  for (let length = steps.length; length >= 1; length = Math.floor(length / 2)) {
    for (let end = steps.length; end > 0; end -= length) {
      const fewer = [...steps.slice(0, Math.max(0, end - length)), ...steps.slice(end)];
      if (stillFails({ ...script, steps: fewer })) steps = fewer;
    }
  }
  return { ...script, steps };
}

/** Each of these by itself, as long as the failure stays. */
function simplify(script: Script, stillFails: Predicate): Script {
  let best = script;
  const attempts: ((now: Script) => Script)[] = [
    ({ setting, steps }) => ({ setting: { ...setting, rates: setting.rates.map(() => 1) }, steps }),
    ({ setting, steps }) => ({ setting: { ...setting, room: Number.POSITIVE_INFINITY }, steps }),
    ({ setting, steps }) => ({ setting: { ...setting, chunkPages: setting.pagesMax }, steps }),
    ({ setting, steps }) => ({ setting, steps: steps.map(({ action }) => ({ action, answers: [] })) }),
    ({ setting, steps }) => ({ setting, steps: withoutWaits(steps) }),
  ];
  for (let node = script.setting.nodes - 1; node >= 0; node--) attempts.push((now) => withoutNode(now, node));
  for (let thread = script.setting.threads - 1; thread > 0; thread--) attempts.push((now) => withThreads(now, thread));
  for (let pages = script.setting.pagesMax - 1; pages > 0; pages--) attempts.push((now) => withPages(now, pages));
  for (const attempt of attempts) {
    const candidate = attempt(best);
    if (stillFails(candidate)) best = candidate;
  }
  return best;
}

/** All the time that passes between two things at once. */
function withoutWaits(steps: readonly Step[]): Step[] {
  const kept: Step[] = [];
  for (const step of steps) {
    const last = kept.at(-1)?.action;
    if (step.action.kind !== "pass" || last?.kind !== "pass") kept.push(step);
    else kept[kept.length - 1] = { ...step, action: { kind: "pass", micros: last.micros + step.action.micros } };
  }
  return kept;
}

function withoutNode({ setting, steps }: Script, gone: number): Script {
  if (setting.nodes <= gone || setting.nodes === 1) return { setting, steps };
  const moved = (node: number) => (node > gone ? node - 1 : node);
  const kept = steps.filter(({ action }) => nodeOf(action) !== gone).map((step) => withNode(step, moved));
  const rates = setting.rates.filter((_, index) => index !== gone + 1);
  return { setting: { ...setting, nodes: setting.nodes - 1, rates }, steps: kept };
}

function nodeOf(action: Action): number | undefined {
  if (action.kind === "event") return action.event.kind === "disk" ? undefined : action.event.node;
  return "node" in action && action.node !== "home" ? action.node : undefined;
}

function withNode(step: Step, moved: (node: number) => number): Step {
  const { action } = step;
  const node = nodeOf(action);
  if (node === undefined) return step;
  if (action.kind === "event") {
    return { ...step, action: { ...action, event: { ...action.event, node: moved(node) } } };
  }
  return { ...step, action: { ...action, node: moved(node) } as Action };
}

/** The first threads of each node do what all of them did, as far as they come to it. */
function withThreads({ setting, steps }: Script, threads: number): Script {
  const moved = (thread: number) => Math.min(thread, threads - 1);
  const onFewer = steps.map((step): Step => {
    const { action } = step;
    if (action.kind === "event") {
      const { event } = action;
      if (event.kind !== "run") return step;
      return { ...step, action: { ...action, event: { ...event, thread: moved(event.thread) } } };
    }
    return "thread" in action ? { ...step, action: { ...action, thread: moved(action.thread) } } : step;
  });
  return { setting: { ...setting, threads: Math.min(threads, setting.threads) }, steps: onFewer };
}

function withPages({ setting, steps }: Script, pages: number): Script {
  const kept = steps.filter(({ action }) => action.kind !== "start" || pagesOf(action) <= pages);
  return {
    setting: { ...setting, pagesMax: Math.min(pages, setting.pagesMax), pages: Math.min(pages, setting.pages) },
    steps: kept,
  };
}

/** How far into the file it goes. */
function pagesOf({ operation }: Action & { kind: "start" }): number {
  switch (operation.kind) {
    case "load":
    case "store":
      return Math.floor(operation.word / wordsPerPage) + 1;
    case "truncate":
      return Math.ceil(operation.sizeBytes / 4096);
    case "flush":
    case "sync":
      return 0;
    default:
      return operation.end;
  }
}
