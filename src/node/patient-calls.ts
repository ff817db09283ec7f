import type { PagerThread } from "../mapping/pager-thread.js";
import { checkPatience, type Patience, within } from "./patience.js";

let numberLast = 0;

/** For pins and tickets: unique in this thread's volumes. */
export function nextNumber(): number {
  return ++numberLast;
}

export interface PatientCall {
  /** What it is, for who gives up on it. */
  readonly what: string;
  readonly method: string;
  readonly args: object;
  /** Makes of the answer what the call resolves with, before any event that the pager emits after it. Not once given up. */
  readonly onAnswer?: (answer: unknown) => unknown;
  /** Takes back what was asked for. */
  readonly onGiveUp?: () => void;
  /** The answer was on its way already when the caller gave up: takes back what it brings. */
  readonly onLateAnswer?: (answer: unknown) => void;
}

/** Calls the pager. Who has given up is not kept from ending by what he no longer waits for. */
export async function callPatiently(thread: PagerThread, call: PatientCall, patience: Patience): Promise<unknown> {
  checkPatience(patience);
  const { what, method, args, onAnswer = (value) => value, onGiveUp, onLateAnswer } = call;
  const answer = thread.call(method, args);
  let isGivenUp = false;
  const taken = answer.then((value) => (isGivenUp ? onLateAnswer?.(value) : onAnswer(value)));
  return await within(what, patience, taken, () => {
    isGivenUp = true;
    thread.abandon(answer);
    onGiveUp?.();
  });
}

/** The same, of what the home is asked: when it is away, it is never asked; when it has the request, it may do it. */
export async function askPatiently(thread: PagerThread, call: PatientCall, patience: Patience): Promise<unknown> {
  if (patience.signal === undefined && patience.timeout === undefined)
    return await callPatiently(thread, call, patience);
  const ticket = nextNumber();
  const args = { ...call.args, ticket };
  const onGiveUp = () => {
    call.onGiveUp?.();
    thread.post("cancel", { ticket });
  };
  return await callPatiently(thread, { ...call, args, onGiveUp }, patience);
}
