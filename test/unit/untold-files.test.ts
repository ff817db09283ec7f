import assert from "node:assert/strict";
import { test } from "node:test";
import { Frame, FrameType } from "../../src/core/wire/frame.js";
import type { HomeConnection } from "../../src/node/home-connection.js";
import type { NodeFile } from "../../src/node/node-file.js";
import { OpenFiles } from "../../src/node/open-files.js";
import { UntoldFiles } from "../../src/node/untold-files.js";

/** One file, number 7, and what its home hears of it. */
function start() {
  const heard: string[] = [];
  const outgoing = new Frame();
  const send = ({ type, file, epoch }: Frame) => heard.push(`${type} of ${file} @${epoch}`);
  const files = new OpenFiles();
  const untold = new UntoldFiles({ outgoing, send } as unknown as HomeConnection, files);
  const waiting: (() => void)[] = [];
  const file = {
    frames: {
      number: 7,
      tellGrowth: () => heard.push("size"),
      recallGrowth: () => heard.push("last size"),
    },
    upperCache: {
      tellChanges: (done: () => void) => {
        heard.push("changes");
        waiting.push(done);
      },
    },
  } as unknown as NodeFile;
  files.byNumber = (number) => (number === 7 ? ({ file } as ReturnType<OpenFiles["byNumber"]>) : undefined);
  const recall = (number: number) => {
    const frame = new Frame().reset(FrameType.recallGrowth);
    [frame.file, frame.epoch] = [number, 3];
    untold.onRecall(frame);
  };
  return { untold, file, heard, waiting, recall };
}

const ended = `${FrameType.growthEnded} of 7 @3`;

test("sizes are told before changes, once", () => {
  const { untold, file, heard } = start();
  untold.add(file);
  untold.add(file);
  untold.tell();
  untold.tell();
  assert.deepEqual(heard, ["size", "size", "changes", "changes"]);
});

test("a recall is answered when the home has confirmed the changes", () => {
  const { heard, waiting, recall } = start();
  recall(7);
  assert.deepEqual(heard, ["last size", "changes"]);
  waiting[0]();
  assert.deepEqual(heard.at(-1), ended);
});

test("a recall of a connection that is lost is not answered over the next: the number may be another file's there", () => {
  const { untold, heard, waiting, recall } = start();
  recall(7);
  untold.onDown();
  waiting[0]();
  assert.ok(!heard.includes(ended));
});

test("one of a file that is not known any more is answered at once", () => {
  const { heard, recall } = start();
  recall(8);
  assert.deepEqual(heard, [`${FrameType.growthEnded} of 8 @3`]);
});
